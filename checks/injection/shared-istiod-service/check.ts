import {
  type ClusterName,
  defineCheck,
  distinct,
  groupBy,
  hosts,
  injection,
  type Injector,
  installAgain,
  list,
  listOf,
  type Pod,
  remedy,
  type Revision,
  shellWord,
  valueOf,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'shared-istiod-service',
  title: 'Each revision that a remote uses has an istiod Service of its own there',
  severity: 'warning',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['injectors'],
  uses: ['pods'],
  catalogue: ['INJ-04'],
  explains: [{ code: 'failing-injection', match: 'cluster' }],
  docs: {
    why: 'A remote reaches istiod through a Service without selector, whose name the gateway of the primary turns into one istiod. When the webhooks or the proxies of two revisions use one Service, both get to the same istiod: pods of the canary are injected and configured by the old revision, or all change at once when the Service is moved.',
    confirm:
      "kubectl get mutatingwebhookconfigurations -L istio.io/rev -o custom-columns='NAME:.metadata.name,REV:.metadata.labels.istio\\.io/rev,SERVICE:.webhooks[0].clientConfig.service.name'; kubectl -n istio-system get services | grep istiod",
    fix: 'Install the remote profile once for each revision: each brings its own Service, slice and webhook.',
    notWhen: 'Tags call the Service of the revision that they stand for, as they should.',
    see: ['https://github.com/istio/istio/issues/34867', 'https://github.com/istio/istio/issues/35682'],
  },
  messages: {
    injectors: (a: {
      injectors: readonly Injector[];
      revisions: readonly Revision[];
      service: string;
      cluster: ClusterName;
      stray: Revision | undefined;
    }) => ({
      text: `Webhooks ${list(a.injectors.map(({ name }) => name))} of ${a.cluster} are of revisions ${list(a.revisions)}, and call one Service ${a.service}: one istiod injects for all of them.`,
      expected: 'a Service for each revision',
      found: a.service,
      effect: `pods that ask for ${a.stray ?? 'the other revision'} get the sidecar of another`,
      remedy: installs(a.cluster, a.stray),
    }),
    proxies: (a: {
      pods: readonly Pod[];
      revisions: readonly Revision[];
      host: string;
      cluster: ClusterName;
      stray: Revision | undefined;
    }) => ({
      text: `Proxies of ${a.cluster} are of revisions ${list(a.revisions)} and connect to one istiod, ${a.host}.`,
      expected: 'an address for each revision',
      found: a.host,
      effect: `proxies of ${a.stray ?? 'one revision'} are configured by the istiod of another`,
      remedy: installs(a.cluster, a.stray),
    }),
  },
  *run({ cluster, mesh, finding }) {
    if (valueOf(cluster.member.role) !== 'remote') return;
    const runs = new Set(mesh.controlPlanes.map(({ revision }) => revision));
    const active = cluster.injectors.filter((injector) => injection.isActive(injector) && injector.target.service !== undefined);
    let isTold = false;
    for (const [service, injectors] of groupBy(active, ({ target }) => `${target.service?.namespace}/${target.service?.name}`)) {
      const revisions = distinct(injectors.map(({ revision }) => revision)).filter((revision) => runs.has(revision));
      if (revisions.length < 2) continue;
      isTold = true;
      const own = hosts.revisionOfIstiodService(service.slice(service.indexOf('/') + 1));
      const stray = revisions.find((revision) => revision !== own);
      const concerned = injectors.filter(({ revision }) => runs.has(revision));
      const [at] = concerned.filter(({ revision }) => revision === stray);
      if (at === undefined) continue;
      yield finding(
        'injectors',
        { injectors: concerned, revisions, service, cluster: cluster.name, stray },
        {
          at: at.ref,
          field: '.webhooks[*].clientConfig.service.name',
          related: concerned.filter((other) => other !== at).map(({ ref }) => ref),
          evidence: concerned.map(({ ref, revision }) => ({
            ref,
            field: '.webhooks[*].clientConfig.service.name',
            observed: `revision ${revision} calls ${service}`,
            expected: `Service ${hosts.istiodServiceName(revision)}`,
          })),
          subject: service,
        },
      );
    }
    if (isTold) return;
    const running = listOf(cluster.pods).filter(
      ({ proxy, phase }) => proxy?.revision !== undefined && runs.has(proxy.revision) && phase !== 'Succeeded' && phase !== 'Failed',
    );
    for (const [host, pods] of groupBy(running, ({ proxy }) => proxy?.discoveryHost ?? '')) {
      const service = hosts.discoveryService(host);
      const revisions = distinct(pods.flatMap(({ proxy }) => proxy?.revision ?? []));
      if (service === undefined || revisions.length < 2) continue;
      const own = hosts.revisionOfIstiodService(service.name);
      const stray = revisions.find((revision) => revision !== own);
      const examples = revisions.flatMap((revision) => pods.find(({ proxy }) => proxy?.revision === revision) ?? []);
      yield finding(
        'proxies',
        { pods, revisions, host, cluster: cluster.name, stray },
        {
          at: cluster.ref,
          related: examples.map(({ ref }) => ref),
          evidence: examples.map(({ ref, proxy }) => ({ ref, observed: `injected by revision ${proxy?.revision}, istiod at ${host}` })),
          subject: host,
        },
      );
    }
  },
});

function installs(cluster: ClusterName, revision: Revision | undefined) {
  return revision === undefined
    ? []
    : [
        remedy.installer(
          cluster,
          [`istioctl install --context ${shellWord(cluster)} -f REMOTE.yaml --set revision=${shellWord(revision)}`],
          `then restart its workloads; ${installAgain}`,
        ),
      ];
}

import {
  type ClusterName,
  type ControlPlane,
  defineCheck,
  effectsOfCutOff,
  hosts,
  type Injector,
  installAgain,
  list,
  type Mesh,
  type Namespace,
  remedy,
  type Service,
} from 'meshdoctor/api';
import { namespacesOf, refusal } from '../_area.ts';
import { heldBy, mends, pairs, unselected } from './istiods.ts';

export default defineCheck({
  id: 'dangling-injector-service',
  title: 'The Service that every injector calls exists and leads somewhere',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['injectors', 'services', 'namespaces'],
  uses: ['endpointSlices', 'controlPlanes'],
  path: { hops: ['caller'], onlyExplains: true },
  catalogue: ['INJ-02'],
  explains: [
    { code: 'unreachable-injector', match: 'cluster' },
    { code: 'failing-injection', match: 'cluster' },
    { code: 'mismatched-exposed-revision', match: 'same-cluster' }, // its route leads to the Service that is missing
    { code: 'stale-pilot-address', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    // Where istiod runs, what is exposed leads to that Service as well.
    { code: 'mismatched-exposed-revision', match: 'cluster', keys: ['dangling'] },
    ...effectsOfCutOff,
    { code: 'missing-discovery-service', match: 'cluster', keys: ['dangling'] },
    { code: 'rejected-istiod-call', match: 'same-cluster' },
  ],
  docs: {
    why: 'The API server calls the injector through a Service of its own cluster. When it does not exist every pod creation in the namespaces of that webhook is refused (failurePolicy Fail). It happens when a remote was installed without the revision, when its Service was cleaned up, or when the istiod behind it is gone.',
    confirm:
      'kubectl get mutatingwebhookconfigurations -o jsonpath="{range .items[*].webhooks[*]}{.clientConfig.service.namespace}/{.clientConfig.service.name}{\'\\n\'}{end}" | sort -u; kubectl get services -A | grep istiod',
    fix: 'Install the remote profile again with the same revision as its primary; where istiod runs, bring its pods back, or remove the webhooks of a revision that is no longer there.',
    notWhen: 'Webhooks that call a url use no Service.',
  },
  messages: {
    dangling: (a: {
      injector: Injector;
      service: string;
      present: readonly string[];
      namespaces: readonly Namespace[];
      isHome: boolean;
    }) => ({
      text: `Webhook ${a.injector.name} of ${a.injector.ref.cluster} calls Service ${a.service}, which does not exist there${a.namespaces.length === 0 ? '' : ', so pods cannot be created'}.`,
      expected: `Service ${a.service}`,
      found: list(a.present, 'no Service for istiod'),
      ...refusal(a.namespaces),
      remedy: [
        remedy.installer(
          a.injector.ref.cluster,
          [
            `istioctl install --context ${a.injector.ref.cluster} -f ${a.isHome ? 'PRIMARY' : 'REMOTE'}.yaml --set revision=${a.injector.revision}`,
          ],
          installAgain,
        ),
      ],
    }),
    unbacked: (a: {
      injector: Injector;
      service: Service;
      istiod: ControlPlane | undefined;
      namespaces: readonly Namespace[];
      hasRemotes: boolean;
    }) => ({
      text: `Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster}, which webhook ${a.injector.name} calls, ${a.istiod === undefined ? 'has no istiod behind it: none of that revision is there' : `does not select the pods of Deployment ${a.istiod.name}`}.`,
      expected: a.istiod === undefined ? `istiod of revision ${a.injector.revision}` : `a selector that fits ${pairs(heldBy(a.istiod))}`,
      found: pairs(a.service.selector),
      ...(a.hasRemotes && a.namespaces.length === 0
        ? { effect: 'no pod can be injected in the clusters it serves' }
        : refusal(a.namespaces)),
      remedy: mends(a),
    }),
  },
  *run({ cluster, mesh, finding }) {
    const istiods = cluster.services
      .filter((service) => hosts.revisionOfIstiodService(service.name) !== undefined)
      .map((service) => `${service.namespace}/${service.name}`);
    const told = new Set<string>();
    for (const injector of [...cluster.injectors].sort((a, b) => Number(a.tag !== undefined) - Number(b.tag !== undefined))) {
      const target = injector.target.service;
      if (target === undefined) continue;
      const service = `${target.namespace}/${target.name}`;
      // A tag calls the Service of its revision: one finding for one Service.
      if (told.has(service)) continue;
      told.add(service);
      const same = cluster.injectors.filter(
        (other) => other.target.service?.name === target.name && other.target.service.namespace === target.namespace,
      );
      const namespaces = same.flatMap((other) => namespacesOf(other, cluster.namespaces, cluster.injectors));
      const related = same.filter((other) => other !== injector).map((other) => other.ref);
      const found = cluster.services.find(({ namespace, name }) => namespace === target.namespace && name === target.name);
      const remotes = remotesOf(cluster.name, injector, mesh);
      if (found !== undefined) {
        const strangers = unselected(found, injector, cluster.endpointSlices, cluster.controlPlanes);
        if (strangers === undefined) continue;
        yield finding(
          'unbacked',
          { injector, service: found, istiod: strangers[0], namespaces, hasRemotes: remotes.length > 0 },
          {
            at: found.ref,
            related: [injector.ref, ...related, ...strangers.map(({ ref }) => ref)],
            field: '.spec.selector',
            evidence: [
              { ref: found.ref, field: '.spec.selector', observed: `${pairs(found.selector)}, no endpoint`, expected: 'pods of istiod' },
            ],
            lacks: (['endpointSlices', 'controlPlanes'] as const).map((fact) => ({ cluster: cluster.name, fact })),
            concerns: [cluster.name, ...remotes],
          },
        );
        continue;
      }
      yield finding(
        'dangling',
        { injector, service, present: istiods, namespaces, isHome: mesh.controlPlanes.some((own) => own.cluster === cluster.name) },
        {
          at: injector.ref,
          field: '.webhooks[*].clientConfig.service.name',
          related,
          evidence: [
            { ref: injector.ref, field: '.webhooks[*].clientConfig.service', observed: service, expected: 'a Service that exists' },
          ],
          lacks: [{ cluster: cluster.name, fact: 'services' }],
          concerns: [cluster.name, ...remotesOf(cluster.name, injector, mesh)],
          subject: service,
        },
      );
    }
  },
});

/** Clusters that this istiod serves as well. */
function remotesOf(cluster: ClusterName, { revision }: Injector, { couples }: Mesh): ClusterName[] {
  return couples
    .filter(({ kind, controlPlane }) => kind === 'remote' && controlPlane.cluster === cluster && controlPlane.revision === revision)
    .map(({ member }) => member);
}

import { count, defineCheck, groupBy, kubectl, list, type Pod, remedy, shellWord, type Workload } from 'meshdoctor/api';

const key = 'k8s.v1.cni.cncf.io/networks';

export default defineCheck({
  id: 'overwritten-pod-networks',
  title: 'Injected pods keep the additional networks that their workload asks for',
  severity: 'warning',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['workloads', 'pods'],
  path: { hops: ['network'] },
  catalogue: ['INJ-16'],
  docs: {
    why: 'Multus attaches the networks that an annotation of the pod lists. Where Istio CNI is not chained (OpenShift above all) the injector has to add its own network to that list; some releases replace the list by it, so that the pod comes up without the networks it needs. When both name it twice or not at all, traffic is not redirected either.',
    confirm:
      "kubectl get pods -A -o custom-columns='NS:.metadata.namespace,NAME:.metadata.name,NETWORKS:.metadata.annotations.k8s\\.v1\\.cni\\.cncf\\.io/networks'",
    fix: 'Name istio-cni among the networks in the pod template as well, or update istiod to a release that adds to the list, then restart the workload.',
    notWhen: 'Another webhook may rewrite the annotation on purpose, for example to add namespaces to the names.',
    see: ['https://github.com/istio/istio/issues/45034', 'https://github.com/istio/istio/issues/43632'],
  },
  messages: {
    overwritten: (a: { workload: Workload; pods: readonly Pod[]; lost: readonly string[]; held: string }) => ({
      text: `${a.workload.kind} ${a.workload.namespace}/${a.workload.name} in ${a.workload.ref.cluster} asks for pod network ${list(a.lost)}, which ${count(a.pods.length, 'injected pod')} of it did not get.`,
      expected: a.workload.podAnnotations[key] ?? '',
      found: a.held,
      effect: 'these pods have no interface in that network',
      remedy: [
        remedy.command(
          a.workload.ref.cluster,
          [
            `${kubectl(a.workload.ref)} patch ${a.workload.kind.toLowerCase()} ${shellWord(a.workload.name)} --type=merge -p ${shellWord(merged(a))}`,
          ],
          {
            ref: a.workload.ref,
            note: 'restarts the workload; some releases overwrite it again, then istiod has to be updated',
            disruptive: true,
          },
        ),
      ],
    }),
  },
  *run({ cluster, finding }) {
    const asking = cluster.workloads.filter(({ podAnnotations }) => namesIn(podAnnotations[key]).length > 0);
    if (asking.length === 0) return;
    const owned = groupBy(
      cluster.pods.filter(({ proxy, owner }) => proxy?.kind === 'sidecar' && owner !== undefined),
      ({ namespace, owner }) => `${owner?.kind} ${namespace}/${owner?.name}`,
    );
    for (const workload of asking) {
      const wanted = namesIn(workload.podAnnotations[key]);
      // Whatever Istio's network is called, it stands where others were: a pod without the annotation was made before it.
      const pods = (owned.get(`${workload.kind} ${workload.namespace}/${workload.name}`) ?? []).filter(({ annotations }) => {
        const held = namesIn(annotations[key]);
        return held.some(isIstios) && wanted.some((name) => !held.some((one) => isSame(one, name)));
      });
      const [first] = pods;
      if (first === undefined) continue;
      const held = first.annotations[key] ?? '';
      const lost = wanted.filter((name) => !namesIn(held).some((one) => isSame(one, name)));
      yield finding(
        'overwritten',
        { workload, pods, lost, held },
        {
          at: workload.ref,
          field: `.spec.template.metadata.annotations["${key}"]`,
          related: pods.slice(0, 3).map(({ ref }) => ref),
          evidence: pods
            .slice(0, 3)
            .map(({ ref }) => ({ ref, field: `.metadata.annotations["${key}"]`, observed: held, expected: list(wanted) })),
        },
      );
    }
  },
});

/** A patch of the template with all networks, those that pods hold included. */
function merged({ workload, held }: { readonly workload: Workload; readonly held: string }): string {
  const wanted = namesIn(workload.podAnnotations[key]);
  const added = namesIn(held).filter((name) => !wanted.some((one) => isSame(one, name)));
  return JSON.stringify({ spec: { template: { metadata: { annotations: { [key]: [...wanted, ...added].join(',') } } } } });
}

/** Names in the short form of the annotation; the long form, JSON, is left alone. */
function namesIn(value: string | undefined): string[] {
  if (value === undefined || value.trim().startsWith('[')) return [];
  return value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** `istio-cni`, `default/istio-cni`, `v2-5-istio-cni` of OpenShift. */
function isIstios(name: string): boolean {
  return /(^|[/-])istio-cni(@|$)/.test(name);
}

/** A namespace in front and an interface behind may have been added. */
function isSame(one: string, other: string): boolean {
  const bare = (name: string): string => name.replace(/^.*\//, '').replace(/@.*$/, '');
  return bare(one) === bare(other);
}

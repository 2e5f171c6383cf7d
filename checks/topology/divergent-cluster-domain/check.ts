import {
  compareText,
  type ControlPlane,
  defineCheck,
  distinct,
  installAgain,
  list,
  type ObjectRef,
  refKey,
  remedy,
  shellWord,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'divergent-cluster-domain',
  title: 'Every istiod of a mesh spells services with the same domain',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  partial: true,
  needs: ['controlPlanes'],
  applies: { networks: 'multi', dataPlane: 'sidecar' },
  path: { hops: ['name'] },
  catalogue: ['ID-13'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'unexposed-services', match: 'cluster' },
  ],
  docs: {
    why: 'A sidecar asks a gateway of another network for a service by its full name, with the domain of its own istiod. The gateway there knows the names that its istiod makes, with its domain: where the two differ it knows none that it is asked for, and resets every call (filter_chain_not_found in its log).',
    confirm: 'kubectl --context CLUSTER -n istio-system get deployment istiod -o jsonpath="{.spec.template.spec.containers[0].args}"',
    fix: 'Install every control plane with the same global.proxy.clusterDomain, the domain of the kubelets; clusters whose kubelets differ cannot share services between networks.',
    notWhen: 'Within one network calls go to pods, and no gateway compares names.',
    see: ['https://github.com/istio/istio/issues/26626', 'https://github.com/istio/istio/issues/40624'],
  },
  messages: {
    differs: (a: { controlPlane: ControlPlane; common: string; others: readonly ControlPlane[] }) => ({
      text: `Deployment ${path(a.controlPlane)} in ${a.controlPlane.ref.cluster} spells services in ${a.controlPlane.clusterDomain}, those in ${list(
        a.others.map(({ ref }) => ref.cluster),
      )} do so in ${a.common}: gateways reset calls between their networks.`,
      expected: `--domain ${a.common}`,
      found: `--domain ${a.controlPlane.clusterDomain}`,
      effect: `no call between ${a.controlPlane.ref.cluster} and ${list(a.others.map(({ ref }) => ref.cluster))} passes a gateway`,
      remedy: [
        remedy.installer(
          a.controlPlane.ref.cluster,
          [
            `istioctl install --context ${shellWord(a.controlPlane.ref.cluster)} -f PRIMARY.yaml --set ${shellWord(`values.global.proxy.clusterDomain=${a.common}`)}`,
          ],
          `only where its kubelets have that domain, too; then restart all workloads; ${installAgain}`,
        ),
      ],
    }),
  },
  *run({ clusters, mesh, finding }) {
    const own = new Set(mesh.controlPlanes.map(({ ref }) => refKey(ref)));
    const all = clusters.flatMap(({ controlPlanes }) => controlPlanes.filter(({ ref }) => own.has(refKey(ref))));
    const domains = distinct(all.map(({ clusterDomain }) => clusterDomain));
    if (domains.length < 2) return;
    const common = domains.includes('cluster.local') ? 'cluster.local' : (domains.toSorted(compareText)[0] ?? '');
    const others = all.filter(({ clusterDomain }) => clusterDomain === common);
    for (const controlPlane of all) {
      if (controlPlane.clusterDomain === common) continue;
      yield finding(
        'differs',
        { controlPlane, common, others },
        {
          at: controlPlane.ref,
          field: '.spec.template.spec.containers[*].args',
          related: others.map(({ ref }): ObjectRef => ref),
          evidence: [controlPlane, ...others].map(({ ref, clusterDomain }) => ({ ref, observed: `--domain ${clusterDomain}` })),
        },
      );
    }
  },
});

function path({ namespace, name }: ControlPlane): string {
  return `${namespace}/${name}`;
}

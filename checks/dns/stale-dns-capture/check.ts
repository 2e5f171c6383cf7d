import {
  annotations,
  type ClusterName,
  count,
  defineCheck,
  distinct,
  list,
  listOf,
  type MeshConfig,
  type Pod,
  remedy,
  valueOf,
} from 'meshdoctor/api';

const setting = 'ISTIO_META_DNS_CAPTURE';

export default defineCheck({
  id: 'stale-dns-capture',
  title: 'Sidecars answer DNS as the mesh configuration says',
  severity: 'warning',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'meshConfigs'], member: ['pods'] },
  uses: { primary: ['istioResources'], member: ['istioResources'] },
  path: { hops: ['name'] },
  catalogue: ['DNS-02'],
  explains: [{ code: 'unresolvable-service', match: 'cluster' }],
  docs: {
    why: 'DNS capture is written into a pod when it is injected. Pods older than the setting go on asking the DNS of their cluster, which does not know services of other clusters.',
    confirm: 'kubectl get pods -A -o yaml | grep -c ISTIO_META_DNS_CAPTURE',
    fix: 'Restart the workloads.',
    notWhen:
      'A pod that turns it off in its own annotation proxy.istio.io/config, or that a ProxyConfig may turn it off for, is left alone.',
  },
  messages: {
    stale: (a: { config: MeshConfig; pods: readonly Pod[]; member: ClusterName; owners: readonly string[] }) => ({
      text: `Cluster ${a.member} has ${count(a.pods.length, 'pod')} injected before DNS capture was turned on in ConfigMap ${a.config.namespace}/${a.config.ref.name}: ${list(a.owners, 'none', 3)}.`,
      expected: `${setting}=true in istio-proxy`,
      found: 'not set',
      effect: 'names of other clusters do not resolve in these pods',
      remedy: remedy.restartPods(a.pods),
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    if (couple.kind === 'peer' || (couple.kind === 'remote' && valueOf(couple.serves) !== true)) return;
    const config = primary.meshConfigs.find(
      (candidate) => candidate.namespace === controlPlane.namespace && candidate.revision === controlPlane.revision,
    );
    if (config === undefined || config.unreadable || config.proxyMetadata[setting] !== 'true') return;
    const settled = [...listOf(primary.istioResources), ...listOf(member.istioResources)].filter(
      (object) => object.kind === 'ProxyConfig' && JSON.stringify(object.spec).includes(setting),
    );
    const pods = member.pods.filter((pod) => {
      if (pod.proxy?.kind !== 'sidecar' || pod.proxy.dnsCapture || pod.proxy.revision !== controlPlane.revision) return false;
      if (pod.phase === 'Succeeded' || pod.phase === 'Failed') return false;
      if (settled.some(({ namespace }) => namespace === pod.namespace || namespace === (config.rootNamespace ?? config.namespace)))
        return false;
      return !(pod.annotations[annotations.proxyConfig] ?? '').includes(setting);
    });
    const [first] = pods;
    if (first === undefined) return;
    const unread = [primary, member].filter(({ istioResources: { status } }) => status !== 'collected' && status !== 'absent');
    if (unread.length > 0) {
      const missing = unread.map(({ name }) => ({ cluster: name, fact: 'istioResources' as const }));
      yield undecided('it is not known whether a ProxyConfig turns DNS capture off', { missing });
      return;
    }
    const owners = distinct(pods.map((pod) => `${pod.namespace}/${pod.owner?.name ?? pod.name}`));
    yield finding(
      'stale',
      { config, pods, member: member.name, owners },
      {
        at: member.ref,
        related: [config.ref, ...pods.slice(0, 20).map((pod) => pod.ref)],
        evidence: [
          { ref: config.ref, field: '.data.mesh', observed: `${setting}=true` },
          { ref: first.ref, field: '.spec.containers[*].env', observed: 'not set', expected: 'true' },
        ],
        lacks: [primary, member].map(({ name }) => ({ cluster: name, fact: 'istioResources' })),
        subject: `${member.name} ${controlPlane.revision}`,
      },
    );
  },
});

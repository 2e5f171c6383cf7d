import { type ClusterName, type ControlPlane, defineCheck, list, measured, type MeshConfig, remedy, valueOf } from 'meshdoctor/api';
import { bundleOf, handsOutElsewhere, isAuthority, meets, rootMapOf } from '../_area.ts';

export default defineCheck({
  id: 'ineffective-extra-roots',
  title: 'Roots of other primaries in the mesh configuration reach the proxies',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  partial: true,
  needs: ['controlPlanes', 'rootConfigMaps', 'meshConfigs'],
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['mtls'] },
  catalogue: ['TRU-04'],
  explains: [
    { code: 'foreign-gateway-certificate/untrusted', match: 'cluster' },
    { code: 'failing-pod-call/untrusted', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
  ],
  docs: {
    why: 'Roots under caCertificates of the mesh configuration only become part of what proxies trust when istiod runs with ISTIO_MULTIROOT_MESH=true and proxies ask for them, which PROXY_CONFIG_XDS_AGENT=true makes them do. With one of the two missing the configuration looks complete, and callers still refuse the certificates of the other primary.',
    confirm:
      'kubectl --context CLUSTER -n istio-system get deploy -l app=istiod -o yaml | grep -A1 ISTIO_MULTIROOT_MESH; kubectl --context CLUSTER -n istio-system get configmap istio -o jsonpath="{.data.mesh}" | grep -e PROXY_CONFIG_XDS_AGENT -e caCertificates',
    fix: 'Set ISTIO_MULTIROOT_MESH=true on every istiod and PROXY_CONFIG_XDS_AGENT=true under defaultConfig.proxyMetadata, in all primaries, and restart the workloads.',
    notWhen:
      'Primaries with a root in common need none of this. Workloads may set PROXY_CONFIG_XDS_AGENT for themselves in annotation proxy.istio.io/config.',
    see: ['https://github.com/istio/istio/issues/37096', 'https://github.com/istio/istio/issues/55005'],
  },
  messages: {
    istiod: (a: { istiods: readonly ControlPlane[]; cluster: ClusterName; others: readonly ClusterName[]; isAgentSet: boolean }) => ({
      text: `Primary ${a.cluster} runs istiod without ISTIO_MULTIROOT_MESH, so the root of ${list(a.others)} under caCertificates reaches no proxy of ${a.cluster}.`,
      expected: `ISTIO_MULTIROOT_MESH=true${a.isAgentSet ? '' : ', and PROXY_CONFIG_XDS_AGENT=true in defaultConfig.proxyMetadata'}`,
      found: `not set${a.isAgentSet ? '' : ', neither of the two'}`,
      effect: `no mutual TLS between ${a.cluster} and ${list(a.others)}`,
      remedy: a.istiods
        .slice(0, 3)
        .map(({ ref }) =>
          remedy.installer(
            ref.cluster,
            [
              `istioctl install --context ${ref.cluster} -f PRIMARY.yaml --set values.pilot.env.ISTIO_MULTIROOT_MESH=true${a.isAgentSet ? '' : ' --set meshConfig.defaultConfig.proxyMetadata.PROXY_CONFIG_XDS_AGENT=true'}`,
            ],
            'with the values it was installed with; then restart the workloads',
          ),
        ),
    }),
    proxies: (a: { istiods: readonly ControlPlane[]; cluster: ClusterName; others: readonly ClusterName[] }) => ({
      text: `Proxies of ${a.cluster} are not told to ask for roots (PROXY_CONFIG_XDS_AGENT), so the root of ${list(a.others)} under caCertificates does not reach them.`,
      expected: 'PROXY_CONFIG_XDS_AGENT=true in defaultConfig.proxyMetadata',
      found: 'not set',
      effect: `no mutual TLS between ${a.cluster} and ${list(a.others)}`,
      // A workload may say so for itself.
      certainty: 'likely',
      remedy: a.istiods
        .slice(0, 1)
        .map(({ ref }) =>
          remedy.installer(
            ref.cluster,
            [
              `istioctl install --context ${ref.cluster} -f PRIMARY.yaml --set meshConfig.defaultConfig.proxyMetadata.PROXY_CONFIG_XDS_AGENT=true`,
            ],
            'with the values it was installed with; then restart the workloads',
          ),
        ),
    }),
  },
  *run({ clusters, finding }) {
    const sides = clusters.flatMap(({ name, member, controlPlanes, rootConfigMaps, meshConfigs }) => {
      const istiods = controlPlanes.filter(({ namespace }) => namespace === member.systemNamespace);
      const map = rootMapOf(rootConfigMaps, member.systemNamespace);
      const [istiod] = istiods;
      if (valueOf(member.role) !== 'primary' || istiod === undefined || map === undefined) return [];
      if (istiods.some((one) => handsOutElsewhere(one) || !isAuthority(one.env))) return [];
      const configs = istiods.flatMap((one) => measured.meshConfigOf(one, meshConfigs) ?? []);
      // Roots that a url gives are known to nobody here.
      if (configs.length < istiods.length || configs.some(({ unreadable, takesRootsFromUrl }) => unreadable || takesRootsFromUrl === true))
        return [];
      const own = bundleOf(map.certificates);
      return [
        { name, istiods, configs, own, trusted: bundleOf([...map.certificates, ...configs.flatMap((config) => config.caCertificates)]) },
      ];
    });
    for (const side of sides) {
      // Both trust each other on paper; where one does not even that, it is another fault.
      const others = sides.filter(
        (other) => other !== side && !meets(other.own, side.own) && meets(other.own, side.trusted) && meets(side.own, other.trusted),
      );
      if (others.length === 0) continue;
      const deaf = side.istiods.filter(({ env }) => env['ISTIO_MULTIROOT_MESH'] !== 'true');
      const unset = side.configs.filter(({ proxyMetadata }) => proxyMetadata['PROXY_CONFIG_XDS_AGENT'] !== 'true');
      const at: ControlPlane | MeshConfig | undefined = deaf[0] ?? unset[0];
      if (at === undefined) continue;
      const names = others.map(({ name }) => name).sort();
      const args = { cluster: side.name, others: names, isAgentSet: unset.length === 0 };
      const where = {
        at: at.ref,
        related: [...side.istiods, ...side.configs].map(({ ref }) => ref),
        evidence: [
          ...deaf.map(({ ref, env }) => ({
            ref,
            field: '.spec.template.spec.containers[*].env',
            observed: `ISTIO_MULTIROOT_MESH=${env['ISTIO_MULTIROOT_MESH'] ?? ''}`,
          })),
          ...unset.map(({ ref }) => ({ ref, field: '.data.mesh', observed: 'no PROXY_CONFIG_XDS_AGENT in defaultConfig.proxyMetadata' })),
        ],
        concerns: [side.name, ...names],
      };
      if (deaf.length > 0) yield finding('istiod', { ...args, istiods: deaf }, where);
      else yield finding('proxies', { ...args, istiods: side.istiods }, where);
    }
  },
});

import {
  annotations,
  defineCheck,
  type IstioResource,
  type Json,
  listOf,
  loadBalancers,
  type Pod,
  remedy,
  selectors,
  type Service,
} from 'meshdoctor/api';
import { balancedGateways } from '../_area.ts';

export default defineCheck({
  id: 'unread-proxy-header',
  title: 'Load balancers put no PROXY header in front of connections to a gateway that does not read it',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  needs: ['services'],
  uses: ['pods', 'meshConfigs', 'istioResources'],
  path: { hops: ['sni'] },
  catalogue: ['CLD-06', 'EW-15'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'unreachable-gateway', match: 'object' },
    { code: 'failing-pod-call/unreachable', match: 'object' },
    { code: 'terminated-cross-network-tls', match: 'object' },
    { code: 'rejected-istiod-call', match: 'object' },
  ],
  docs: {
    why: 'With PROXY protocol the load balancer sends a line about the client before the first byte of the connection. An east-west gateway expects the beginning of TLS there, finds none, and ends the connection: every call from another network fails in its handshake.',
    confirm:
      'kubectl --context CLUSTER -n istio-system get service istio-eastwestgateway -o yaml | grep -i proxy; openssl s_client -connect ADDRESS:15443 -alpn istio -servername outbound_.80_._.NAME.NAMESPACE.svc.cluster.local',
    fix: 'Take the annotation away. An east-west gateway has no use for the address of a client. Or have the gateway read the header: gatewayTopology.proxyProtocol in its proxy.istio.io/config, for every listener of it.',
    notWhen: 'An EnvoyFilter that changes listeners of the gateway is taken to read the header.',
    see: ['https://istio.io/latest/docs/ops/configuration/traffic-management/network-topologies/#proxy-protocol'],
  },
  messages: {
    unread: (a: { service: Service; setting: loadBalancers.Setting }) => ({
      text: `Gateway ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has its load balancer send PROXY headers (${shortened(a.setting.key)}), which its pods do not read.`,
      expected: 'no PROXY protocol, or a gateway that reads it',
      found: `${a.setting.key}: ${a.setting.value}`,
      effect: `every connection through it fails in its TLS handshake: calls from other networks to ${a.service.ref.cluster}, and remotes that reach istiod there`,
      remedy: a.setting.value.includes(',')
        ? []
        : [
            remedy.annotate(
              a.service.ref,
              { [a.setting.key]: null },
              'where the controller of the load balancer does not follow, make the Service again',
            ),
          ],
    }),
  },
  *run({ clusters, finding, undecided }) {
    const configs = clusters.flatMap(({ meshConfigs }) => listOf(meshConfigs));
    const filters = clusters.flatMap(({ istioResources }) => listOf(istioResources)).filter(({ kind }) => kind === 'EnvoyFilter');
    for (const cluster of clusters) {
      for (const service of balancedGateways(cluster.services)) {
        const setting = loadBalancers.proxyHeader(service);
        if (setting === undefined) continue;
        const backing = listOf(cluster.pods).filter(
          (pod) => pod.namespace === service.namespace && selectors.selectsPods(service.selector, pod.labels),
        );
        if (configs.some((config) => config.readsProxyProtocol === true) || backing.some(readsHeader)) continue;
        if (filters.some((filter) => mayRead(filter, service, backing))) continue;
        const missing = clusters.flatMap(({ name, pods, meshConfigs, istioResources }) => [
          ...(pods.status === 'collected' || name !== cluster.name ? [] : [{ cluster: name, fact: 'pods' as const }]),
          ...(meshConfigs.status === 'collected' ? [] : [{ cluster: name, fact: 'meshConfigs' as const }]),
          ...(istioResources.status === 'collected' ? [] : [{ cluster: name, fact: 'istioResources' as const }]),
        ]);
        if (missing.length > 0 || configs.some((config) => config.readsProxyProtocol === undefined)) {
          yield undecided('whether the gateway reads PROXY headers is not known', { missing, clusters: [cluster.name] });
          continue;
        }
        yield finding(
          'unread',
          { service, setting },
          {
            at: service.ref,
            field: `.metadata.annotations["${setting.key}"]`,
            evidence: [{ ref: service.ref, field: `.metadata.annotations["${setting.key}"]`, observed: setting.value }],
            related: backing.slice(0, 3).map(({ ref }) => ref),
            lacks: clusters.map(({ name }) => ({ cluster: name, fact: 'istioResources' as const })),
            concerns: [cluster.name],
          },
        );
      }
    }
  },
});

function readsHeader(pod: Pod): boolean {
  return (pod.annotations[annotations.proxyConfig] ?? '').includes('proxyProtocol');
}

/** An EnvoyFilter that changes listeners of these pods; what it writes is not read. */
function mayRead({ spec }: IstioResource, service: Service, backing: readonly Pod[]): boolean {
  const patches = JSON.stringify(fieldOf(spec, 'configPatches') ?? []);
  if (!/"applyTo":"(LISTENER|LISTENER_FILTER)"/.test(patches)) return false;
  const wanted = entriesOf(fieldOf(fieldOf(spec, 'workloadSelector'), 'labels'));
  return [service.selector, ...backing.map(({ labels: held }) => held)].some((held) => wanted.every(([key, value]) => held[key] === value));
}

function entriesOf(value: Json | undefined): [string, Json][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

function fieldOf(value: Json | undefined, key: string): Json | undefined {
  return entriesOf(value).find(([name]) => name === key)?.[1];
}

function shortened(key: string): string {
  return key.replace(/^service\.beta\.kubernetes\.io\//, '');
}

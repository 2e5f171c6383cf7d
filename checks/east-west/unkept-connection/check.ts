import { defineCheck, type IstioResource, type Json, labels, listOf, loadBalancers, type Service } from 'meshdoctor/api';

/** Of Envoy, for connections to other services, where nothing else is set. */
const envoyIdle = 3600;

export default defineCheck({
  id: 'unkept-connection',
  title: 'Connections between networks are kept alive longer than load balancers forget them',
  severity: 'info',
  certainty: 'possible',
  advice: true,
  scope: 'mesh',
  needs: ['services', 'meshConfigs', 'istioResources'],
  uses: ['nodes'],
  applies: { networks: 'multi' },
  catalogue: ['EW-14'],
  docs: {
    why: 'Proxies keep connections to the gateway of another network for an hour without use. Load balancers of some clouds forget a connection much earlier, some without telling: the next request on it hangs or is reset.',
    confirm:
      'kubectl --context PRIMARY -n istio-system get configmap istio -o yaml | grep -A3 tcpKeepalive; kubectl --context PRIMARY get destinationrules -A -o yaml | grep -A4 -e tcpKeepalive -e idleTimeout',
    fix: 'Set tcpKeepalive in the mesh config (time: below the idle time of the load balancer), or connectionPool.tcp.tcpKeepalive or idleTimeout in DestinationRules of the services that are called; or raise the idle time of the load balancer.',
    notWhen: 'Where requests come more often than the load balancer forgets, nobody sees it.',
    see: ['https://github.com/istio/istio/issues/44177'],
  },
  messages: {
    unkept: (a: { service: Service; seconds: number; because: string }) => ({
      text: `Gateway ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} is behind ${a.because}, which forgets a connection after ${a.seconds} s, and nothing keeps connections alive.`,
      expected: `tcpKeepalive with a time below ${a.seconds} s`,
      found: 'no tcpKeepalive in the mesh config, no tcpKeepalive or idleTimeout in a DestinationRule',
      effect: 'now and then a request on a connection that was idle hangs or is reset',
    }),
  },
  *run({ clusters, finding }) {
    const configs = clusters.flatMap(({ meshConfigs }) => meshConfigs);
    // Not every source says.
    if (configs.length === 0 || configs.some(({ keepsAlive }) => keepsAlive !== false)) return;
    const isTuned = clusters.some(({ istioResources }) => istioResources.some(tunes));
    if (isTuned) return;
    for (const { services, nodes } of clusters) {
      const provider = listOf(nodes).find((node) => node.provider !== undefined)?.provider;
      for (const service of services) {
        if ((service.labels[labels.network] ?? '') === '') continue;
        const timeout = loadBalancers.idleTimeoutOf(service, provider);
        if (timeout === undefined || !(timeout.seconds < envoyIdle)) continue;
        yield finding(
          'unkept',
          { service, ...timeout },
          {
            at: service.ref,
            evidence: [{ ref: service.ref, observed: `${timeout.because}: idle after ${timeout.seconds} s` }],
            lacks: clusters.map(({ name }) => ({ cluster: name, fact: 'istioResources' as const })),
            concerns: [service.ref.cluster],
          },
        );
      }
    }
  },
});

/** A DestinationRule with a keepalive or an idle time of its own shows that somebody has thought of it. */
function tunes({ kind, spec }: IstioResource): boolean {
  return kind === 'DestinationRule' && holds(spec, new Set(['tcpKeepalive', 'idleTimeout']));
}

function holds(value: Json, keys: ReadonlySet<string>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, item]) => keys.has(key) || holds(item, keys));
}

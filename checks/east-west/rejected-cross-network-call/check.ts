import { count, defineCheck, distinct, type GatewayHandshake, gatewayWays, list, type ObjectRef } from 'meshdoctor/api';

/** A gateway gives up on its own pods after ten seconds (connectTimeout); anything much shorter was decided by the gateway itself. */
const upstreamTimeout = 9_000;

export default defineCheck({
  id: 'rejected-cross-network-call',
  title: 'Network gateways pass calls on to services behind them',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['gatewayHandshakes'],
  applies: { networks: 'multi', probed: ['gatewayHandshakes'] },
  // A call of ambient asks for no name: what takes its tunnel is the gateway.
  path: { hops: ['sni', 'gateway'] },
  catalogue: ['EW-16'],
  docs: {
    why: 'A gateway of ambient ends TLS itself, with mutual authentication, whichever service is called. One for sidecars passes a connection on by the server name that it asks for. One that is ended before the other side says anything of TLS was asked for a service that the gateway does not know, or of which it has no endpoint that takes mTLS. One that is held without a word waits for pods that the gateway does not get through to.',
    confirm:
      'kubectl -n istio-system logs deploy/istio-eastwestgateway --tail=20; istioctl proxy-config endpoints deploy/istio-eastwestgateway.istio-system --context CLUSTER',
    fix: 'The access log of the gateway tells which it is: NR filter_chain_not_found (no Gateway opens the port for this name, or it is hidden from the gateway), UH (no healthy endpoint with mTLS in the network of the gateway), or UF (the pods cannot be reached from the gateway: a NetworkPolicy, a firewall between nodes).',
    notWhen: 'Load balancers of some clouds accept connections and end them when no gateway stands behind them.',
  },
  messages: {
    reset: (a: Rejected) => ({
      text: `${gatewayOf(a)} ends connections for ${services(a)} at once, though ready endpoints with mTLS are behind it.`,
      expected: 'a certificate of the service',
      found: `connection ended after ${list(a.milliseconds)} ms`,
      effect: effect(a),
      certainty: 'likely',
    }),
    late: (a: Rejected) => ({
      text: `${gatewayOf(a)} holds connections for ${services(a)} for ${list(a.milliseconds)} ms without an answer: it does not get through to the pods.`,
      expected: 'a certificate of the service',
      found: `nothing within ${list(a.milliseconds)} ms`,
      effect: effect(a),
      certainty: 'likely',
    }),
    refused: (a: Rejected) => ({
      text: `${gatewayOf(a)} refuses TLS for ${services(a)}: ${list(a.reasons)}.`,
      expected: 'a certificate of the service',
      found: list(a.reasons),
      effect: effect(a),
      certainty: 'likely',
    }),
    noHbone: (a: Rejected) => ({
      text: `${gatewayOf(a)} takes no calls of ambient: ${list(a.reasons, 'it ends connections before it says anything')}.`,
      expected: 'the certificate of the gateway, and a question for that of the caller',
      found: list(a.reasons, 'a connection that is ended'),
      effect: `ambient callers of other networks do not reach ${a.gateway.gateway.cluster}`,
      certainty: 'likely',
    }),
    closed: (a: Rejected) => ({
      text: `${gatewayOf(a)} listens on no such port: its pod ${podOf(a)} refuses the connection.`,
      expected: `a listener for port ${a.gateway.port}`,
      found: list(a.reasons),
      effect: effect(a),
    }),
  },
  *run({ cluster, finding }) {
    for (const { address, calls } of gatewayWays.seenAddresses(cluster.gatewayHandshakes)) {
      const hasEndedControl = calls.some(({ call }) => call.purpose === 'control' && call.outcome.stage === 'reset');
      const targets = calls.filter(({ call }) => call.purpose !== 'control');
      const judged = (targets.length > 0 ? targets : calls).map((one) => ({
        ...one,
        deciding: one.inside ?? one.call,
        key: rejection(one, hasEndedControl),
      }));
      for (const key of ['closed', 'noHbone', 'reset', 'late', 'refused'] as const) {
        const such = judged.filter((one) => one.key === key);
        const [first] = such;
        if (first === undefined) continue;
        yield finding(
          key,
          {
            gateway: first.call,
            pod: first.inside?.pod,
            services: distinct(such.map(({ call }) => serviceOf(call))),
            tried: distinct(judged.map(({ call }) => serviceOf(call))).length,
            milliseconds: distinct(
              such.flatMap(({ deciding: { outcome } }) => ('milliseconds' in outcome ? [String(Math.round(outcome.milliseconds))] : [])),
            ),
            reasons: distinct(such.flatMap(({ deciding: { outcome } }) => ('reason' in outcome ? [outcome.reason] : []))),
          },
          {
            at: first.call.gateway,
            evidence: such.flatMap(({ call, inside }) =>
              [call, ...(inside === undefined ? [] : [inside])].map(({ sni, outcome, pod }) => ({
                ref: call.gateway,
                observed: `${pod === undefined ? '' : `pod ${pod.name}, port-forward: `}${sni === '' ? 'HBONE' : sni}: ${'milliseconds' in outcome ? `${outcome.stage} after ${Math.round(outcome.milliseconds)} ms` : 'reason' in outcome ? outcome.reason : outcome.stage}`,
                expected: 'a certificate',
              })),
            ),
            subject: address,
          },
        );
      }
    }
  },
});

interface Rejected {
  readonly gateway: GatewayHandshake;
  /** Asked by port-forward. */
  readonly pod: ObjectRef | undefined;
  readonly services: readonly string[];
  readonly tried: number;
  readonly milliseconds: readonly string[];
  readonly reasons: readonly string[];
}

/** How the gateway itself rejects a call: as its pod says where that was asked, else as it looks from here. */
function rejection(
  seen: gatewayWays.SeenCall<GatewayHandshake>,
  hasEndedControl: boolean,
): 'reset' | 'late' | 'refused' | 'closed' | 'noHbone' | undefined {
  const side = gatewayWays.sideOf(seen);
  if (side === 'none' || side === 'way') return undefined;
  const { call, inside } = seen;
  const { outcome } = inside ?? call;
  if (outcome.stage === 'tcp') return inside === undefined ? undefined : 'closed';
  // A name that nobody knows is to be ended.
  if (call.purpose === 'control') return undefined;
  if (call.purpose === 'hbone') {
    const layer = gatewayWays.layerOf(outcome);
    // Who is silent at an address is told of as unreachable, who has another certificate as somebody who ends TLS.
    return layer === 'ended' || layer === 'broken' || (layer === 'mute' && inside !== undefined) ? 'noHbone' : undefined;
  }
  if (outcome.stage === 'tls') return 'refused';
  // Who is silent towards everybody has nobody behind it.
  if (outcome.stage === 'silence') return inside !== undefined || hasEndedControl ? 'late' : undefined;
  if (outcome.stage !== 'reset') return undefined;
  return outcome.milliseconds < upstreamTimeout ? 'reset' : 'late';
}

function serviceOf({ service, sni, purpose }: GatewayHandshake): string {
  if (purpose === 'hbone') return 'ambient callers';
  return service === undefined ? sni : `${service.namespace}/${service.name}:${service.port}`;
}

function podOf({ pod }: Rejected): string {
  return `${pod?.namespace ?? ''}/${pod?.name ?? ''}`;
}

function gatewayOf({ gateway }: Rejected): string {
  return `Gateway ${gateway.gateway.namespace ?? ''}/${gateway.gateway.name} of ${gateway.gateway.cluster} (${gatewayWays.addressOf(gateway)})`;
}

function services(a: Rejected): string {
  return list(a.services, 'none', 3);
}

function effect(a: Rejected): string {
  const { cluster } = a.gateway.gateway;
  if (a.gateway.purpose === 'control') return `other networks do not reach ${cluster}`;
  if (a.services.length === a.tried)
    return `other networks do not reach ${a.services.length === 1 ? list(a.services) : count(a.services.length, 'service')} in ${cluster}`;
  return `other networks do not reach ${a.services.length} of ${count(a.tried, 'service')} in ${cluster}`;
}

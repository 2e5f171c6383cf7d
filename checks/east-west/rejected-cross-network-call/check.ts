import { count, defineCheck, distinct, type GatewayHandshake, list } from 'meshdoctor/api';
import { addressOf, byAddress } from '../_area.ts';

/** A gateway gives up on its own pods after ten seconds (connectTimeout); anything much shorter was decided by the gateway itself. */
const upstreamTimeout = 9_000;

export default defineCheck({
  id: 'rejected-cross-network-call',
  title: 'Network gateways pass calls on to services behind them',
  severity: 'error',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['gatewayHandshakes'],
  applies: { networks: 'multi', probed: ['gatewayHandshakes'] },
  path: { hops: ['sni'] },
  catalogue: ['EW-16'],
  docs: {
    why: 'A gateway passes a connection on by the server name that it asks for. One that is ended before the other side says anything of TLS was asked for a service that the gateway does not know, or of which it has no endpoint that takes mTLS.',
    confirm:
      'kubectl -n istio-system logs deploy/istio-eastwestgateway --tail=20; istioctl proxy-config endpoints deploy/istio-eastwestgateway.istio-system --context CLUSTER',
    fix: 'The access log of the gateway tells which it is: NR filter_chain_not_found (no Gateway opens the port for this name, or it is hidden from the gateway), or UH (no healthy endpoint with mTLS in the network of the gateway).',
    notWhen: 'Load balancers of some clouds accept connections and end them when no gateway stands behind them.',
  },
  messages: {
    reset: (a: Rejected) => ({
      text: `${gatewayOf(a)} ends connections for ${services(a)} at once, though ready endpoints with mTLS are behind it.`,
      expected: 'a certificate of the service',
      found: `connection ended after ${list(a.milliseconds)} ms`,
      effect: effect(a),
    }),
    late: (a: Rejected) => ({
      text: `${gatewayOf(a)} ends connections for ${services(a)} after ${list(a.milliseconds)} ms: it does not get through to the pods.`,
      expected: 'a certificate of the service',
      found: `connection ended after ${list(a.milliseconds)} ms`,
      effect: effect(a),
    }),
    refused: (a: Rejected) => ({
      text: `${gatewayOf(a)} refuses TLS for ${services(a)}: ${list(a.reasons)}.`,
      expected: 'a certificate of the service',
      found: list(a.reasons),
      effect: effect(a),
    }),
  },
  *run({ cluster, finding }) {
    for (const [address, handshakes] of byAddress(cluster.gatewayHandshakes)) {
      const targets = handshakes.filter(({ purpose }) => purpose === 'target');
      for (const key of ['reset', 'late', 'refused'] as const) {
        const such = targets.filter((one) => rejection(one) === key);
        const [first] = such;
        if (first === undefined) continue;
        yield finding(
          key,
          {
            gateway: first,
            services: distinct(such.map(serviceOf)),
            tried: distinct(targets.map(serviceOf)).length,
            milliseconds: distinct(
              such.flatMap(({ outcome }) => (outcome.stage === 'reset' ? [String(Math.round(outcome.milliseconds))] : [])),
            ),
            reasons: distinct(such.flatMap(({ outcome }) => (outcome.stage === 'tls' ? [outcome.reason] : []))),
          },
          {
            at: first.gateway,
            evidence: such.map(({ sni, outcome }) => ({
              ref: first.gateway,
              observed: `${sni}: ${outcome.stage === 'reset' ? `ended after ${Math.round(outcome.milliseconds)} ms` : outcome.stage}`,
              expected: 'a certificate',
            })),
            subject: address,
          },
        );
      }
    }
  },
});

interface Rejected {
  readonly gateway: GatewayHandshake;
  readonly services: readonly string[];
  readonly tried: number;
  readonly milliseconds: readonly string[];
  readonly reasons: readonly string[];
}

function rejection({ outcome }: GatewayHandshake): 'reset' | 'late' | 'refused' | undefined {
  if (outcome.stage === 'tls') return 'refused';
  if (outcome.stage !== 'reset') return undefined;
  return outcome.milliseconds < upstreamTimeout ? 'reset' : 'late';
}

function serviceOf({ service, sni }: GatewayHandshake): string {
  return service === undefined ? sni : `${service.namespace}/${service.name}:${service.port}`;
}

function gatewayOf({ gateway }: Rejected): string {
  return `Gateway ${gateway.gateway.namespace ?? ''}/${gateway.gateway.name} of ${gateway.gateway.cluster} (${addressOf(gateway)})`;
}

function services(a: Rejected): string {
  return list(a.services, 'none', 3);
}

function effect(a: Rejected): string {
  const { cluster } = a.gateway.gateway;
  if (a.services.length === a.tried)
    return `other networks do not reach ${a.services.length === 1 ? list(a.services) : count(a.services.length, 'service')} in ${cluster}`;
  return `other networks do not reach ${a.services.length} of ${count(a.tried, 'service')} in ${cluster}`;
}

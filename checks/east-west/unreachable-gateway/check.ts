import {
  defineCheck,
  distinct,
  type FailureCode,
  type GatewayHandshake,
  gatewayWays,
  list,
  listOf,
  loadBalancers,
  type ObjectRef,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unreachable-gateway',
  title: 'Addresses of network gateways accept connections',
  severity: 'error',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['gatewayHandshakes'],
  uses: ['services'],
  applies: { networks: 'multi', probed: ['gatewayHandshakes'] },
  path: { hops: ['gateway'] },
  catalogue: ['EW-12', 'EW-13'],
  explains: [
    // One address that is blocked on several ports is one cause.
    { code: 'rejected-istiod-call/unreachable', match: 'object', keys: ['unreachable', 'blocked', 'mute'] },
    { code: 'rejected-istiod-call/blocked', match: 'object', keys: ['unreachable', 'blocked', 'mute'] },
    { code: 'rejected-istiod-call/severed', match: 'object', keys: ['severed'] },
  ],
  docs: {
    why: 'Proxies of other networks open connections to these addresses. Where nobody answers they wait for ten seconds: a firewall, a load balancer that takes its gateway for dead, or a gateway that listens on no such port. Where the gateway pod itself answers by port-forward, the gateway is well and the way to it is not.',
    confirm: 'kubectl -n istio-system get services -l topology.istio.io/network -o wide',
    fix: "Try the address from a node or pod of a caller's network. Then look at firewalls and source ranges, at the health checks of the load balancer and whether it speaks the PROXY protocol, and at what the gateway pods listen on.",
    notWhen:
      'It was tried from where meshdoctor runs and from nowhere else. Gateways are often closed to everybody but the other networks, by source ranges that are named then: this means nothing where the others are in them.',
  },
  messages: {
    unreachable: (a: Unreached) => ({
      text: `Nobody answers at ${gatewayOf(a)}, as seen from here: ${list(distinct(a.failures.map(({ reason }) => reason)))}.${ranged(a)}`,
      expected: 'a TCP connection',
      found: list(distinct(a.failures.map(({ code }) => code))),
      effect: `where it is the same for the other networks, they do not reach ${a.gateway.gateway.cluster}`,
      certainty: 'possible',
    }),
    blocked: (a: Unreached & { pod: ObjectRef }) => ({
      text: `The way to ${gatewayOf(a)} is blocked, as seen from here: ${list(distinct(a.failures.map(({ reason }) => reason)))}. The gateway is well: its pod ${a.pod.namespace ?? ''}/${a.pod.name} passes the same calls on.${ranged(a)}`,
      expected: 'a TCP connection',
      found: list(distinct(a.failures.map(({ code }) => code))),
      effect: `where it is the same for the other networks, they do not reach ${a.gateway.gateway.cluster}`,
      certainty: 'possible',
    }),
    severed: (a: { gateway: GatewayHandshake; pod: ObjectRef; how: string }) => ({
      text: `What stands before ${gatewayOf(a)} accepts connections and ${a.how}, while its pod ${a.pod.namespace ?? ''}/${a.pod.name} passes the same calls on.`,
      expected: a.gateway.purpose === 'hbone' ? 'the certificate of the gateway' : 'a certificate of the service',
      found: a.how,
      effect: `other networks do not reach ${a.gateway.gateway.cluster}: a load balancer without healthy targets, one that speaks the PROXY protocol, or a filter on the way`,
    }),
    mute: (a: { gateway: GatewayHandshake }) => ({
      text: `Gateway address ${gatewayOf(a)} accepts connections and then says nothing, whichever name is asked for, as seen from here.`,
      expected: 'an answer or an end',
      found: 'silence',
      effect: `where it is the same for the other networks, they do not reach ${a.gateway.gateway.cluster}`,
      certainty: 'possible',
    }),
  },
  *run({ cluster, finding }) {
    for (const { address, calls } of gatewayWays.seenAddresses(cluster.gatewayHandshakes)) {
      const [first] = calls;
      if (first === undefined) continue;
      const failures = calls.flatMap(({ call: { outcome } }) => (outcome.stage === 'tcp' ? [outcome] : []));
      const isUnreached = failures.length === calls.length;
      const isMute = calls.every(({ call: { outcome } }) => outcome.stage === 'silence');
      const sides = calls.map((one) => ({ ...one, side: gatewayWays.sideOf(one), layer: gatewayWays.layerOf(one.call.outcome) }));
      // A name that nobody knows has no workload: that the pod ends it shows that it listens.
      const passed = sides.find((one) => one.side === 'way' || (one.call.purpose === 'control' && one.inside?.outcome.stage === 'reset'));
      const targets = sides.filter(({ call }) => call.purpose !== 'control');
      const isOfGateway = targets.length > 0 ? targets.every(({ side }) => side === 'gateway') : sides.some(isClosed);
      const evidence = distinct([
        ...failures.map(({ reason }) => `TCP to ${address}: ${reason}`),
        ...sides.flatMap(({ inside }) => (inside?.pod === undefined ? [] : [`pod ${inside.pod.name}, port-forward: ${told(inside)}`])),
      ]).map((observed) => ({ ref: first.call.gateway, observed }));
      const gateway = first.call;
      const ranges = loadBalancers.rangesAt(gateway.gateway, listOf(cluster.services));
      const admitting = ranges === undefined ? [] : [{ ref: gateway.gateway, field: ranges.field, observed: ranges.value }];
      const where = { at: gateway.gateway, evidence: [...evidence, ...admitting], subject: address };
      const seen = failures.map(({ code, reason }) => ({ code, reason }));
      // Who is wrong itself is told of elsewhere.
      if (isOfGateway) continue;
      const pod = passed?.inside?.pod;
      if (isUnreached) {
        yield pod === undefined
          ? finding('unreachable', { gateway, failures: seen, ranges }, where)
          : finding('blocked', { gateway, failures: seen, ranges, pod }, where);
        continue;
      }
      const severed = targets.find(({ side, layer }) => side === 'way' && (layer === 'ended' || layer === 'mute' || layer === 'broken'));
      if (severed?.inside?.pod !== undefined)
        yield finding('severed', { gateway, pod: severed.inside.pod, how: howOf(severed.call) }, where);
      else if (isMute) yield finding('mute', { gateway }, where);
    }
  },
});

interface Failure {
  readonly code: FailureCode;
  readonly reason: string;
}

interface Unreached {
  readonly gateway: GatewayHandshake;
  readonly failures: readonly Failure[];
  /** Whom its load balancer admits, where that is not everybody. */
  readonly ranges: loadBalancers.SourceRanges | undefined;
}

/** What may keep away who looks from here, and says nothing of others. */
function ranged({ ranges }: Unreached): string {
  return ranges === undefined ? '' : ` Its load balancer admits ${loadBalancers.admitted(ranges)}.`;
}

function gatewayOf({ gateway }: { readonly gateway: GatewayHandshake }): string {
  return `${gatewayWays.addressOf(gateway)}, gateway ${gateway.gateway.namespace ?? ''}/${gateway.gateway.name} of ${gateway.gateway.cluster}`;
}

function isClosed({ inside }: gatewayWays.SeenCall<GatewayHandshake>): boolean {
  return inside?.outcome.stage === 'tcp';
}

function howOf({ outcome }: GatewayHandshake): string {
  if (outcome.stage === 'silence') return 'says nothing';
  return outcome.stage === 'tls' ? `breaks TLS (${outcome.reason})` : 'ends them at once';
}

function told({ outcome }: GatewayHandshake): string {
  switch (outcome.stage) {
    case 'tcp':
      return outcome.reason;
    case 'silence':
      return 'silence';
    case 'reset':
      return 'connection ended';
    case 'tls':
      return outcome.reason;
    case 'certificate':
      return `certificate of ${list([...outcome.uris, ...outcome.dnsNames], outcome.subject, 2)}`;
    default:
      return outcome satisfies never;
  }
}

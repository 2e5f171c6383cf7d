import { defineCheck, distinct, type GatewayHandshake, type FailureCode, list } from 'meshdoctor/api';
import { addressOf, byAddress } from '../_area.ts';

export default defineCheck({
  id: 'unreachable-gateway',
  title: 'Addresses of network gateways accept connections',
  severity: 'error',
  certainty: 'possible',
  scope: 'cluster',
  needs: ['gatewayHandshakes'],
  applies: { networks: 'multi', probed: ['gatewayHandshakes'] },
  path: { hops: ['gateway'] },
  catalogue: ['EW-12', 'EW-13'],
  docs: {
    why: 'Proxies of other networks open connections to these addresses. Where nobody answers they wait for ten seconds: a firewall, a load balancer that takes its gateway for dead, or a gateway that listens on no such port.',
    confirm: 'kubectl -n istio-system get services -l topology.istio.io/network -o wide',
    fix: "Try the address from a node or pod of a caller's network. Then look at firewalls and source ranges, at the health checks of the load balancer, and at what the gateway pods listen on.",
    notWhen:
      'It was tried from where meshdoctor runs and from nowhere else. Gateways are often closed to everybody but the other networks: then this means nothing.',
  },
  messages: {
    unreachable: (a: { gateway: GatewayHandshake; failures: readonly Failure[] }) => ({
      text: `Nobody answers at ${addressOf(a.gateway)}, gateway ${a.gateway.gateway.namespace ?? ''}/${a.gateway.gateway.name} of ${a.gateway.gateway.cluster}, as seen from here: ${list(distinct(a.failures.map(({ reason }) => reason)))}.`,
      expected: 'a TCP connection',
      found: list(distinct(a.failures.map(({ code }) => code))),
      effect: `where it is the same for the other networks, they do not reach ${a.gateway.gateway.cluster}`,
    }),
  },
  *run({ cluster, finding }) {
    for (const [address, handshakes] of byAddress(cluster.gatewayHandshakes)) {
      const failures = handshakes.flatMap(({ outcome }) => (outcome.stage === 'tcp' ? [outcome] : []));
      const [gateway] = handshakes;
      // One that got through shows that the way is open.
      if (gateway === undefined || failures.length < handshakes.length) continue;
      yield finding(
        'unreachable',
        { gateway, failures: failures.map(({ code, reason }) => ({ code, reason })) },
        {
          at: gateway.gateway,
          evidence: distinct(failures.map(({ reason }) => reason)).map((observed) => ({
            ref: gateway.gateway,
            observed: `TCP to ${address}: ${observed}`,
          })),
          subject: address,
        },
      );
    }
  },
});

interface Failure {
  readonly code: FailureCode;
  readonly reason: string;
}

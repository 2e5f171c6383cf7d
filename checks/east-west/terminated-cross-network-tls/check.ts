import { defineCheck, type GatewayHandshake, gatewayWays, list } from 'meshdoctor/api';

export default defineCheck({
  id: 'terminated-cross-network-tls',
  title: 'Nothing ends the TLS of calls between networks before their destination',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['gatewayHandshakes'],
  applies: { networks: 'multi', probed: ['gatewayHandshakes'] },
  path: { hops: ['sni'] },
  catalogue: ['EW-11', 'EW-15'],
  explains: [
    { code: 'foreign-istiod-certificate', match: 'object', keys: ['inFront'] },
    { code: 'rejected-istiod-call/severed', match: 'object', keys: ['inFront'] },
  ],
  docs: {
    why: 'On the cross-network port the sidecar of the destination itself presents a certificate of the mesh, on the HBONE port of ambient the gateway does. A certificate of somebody else, or any certificate for a name that no service has, shows that a load balancer or a Gateway of another mode ends TLS in between, where calls of the mesh cannot go on.',
    confirm: 'openssl s_client -connect ADDRESS:15443 -servername outbound_.80_._.NAME.NAMESPACE.svc.cluster.local -alpn istio -showcerts',
    fix: 'Pass TCP through in the load balancer (no HTTPS listener, no certificate of its own), and have no other Gateway than one of mode AUTO_PASSTHROUGH on the cross-network port.',
    notWhen: 'It does not matter who asks: no client certificate is needed to see this.',
  },
  messages: {
    terminated: (a: { handshake: GatewayHandshake; presented: Presented }) => ({
      text: `${gatewayOf(a.handshake)} answers for ${serviceOf(a.handshake)} with a certificate that is none of a workload: ${whose(a.presented)}.`,
      expected: expected(a.handshake),
      found: whose(a.presented),
      effect: `calls from other networks to ${a.handshake.gateway.cluster} fail: they do not trust this certificate`,
    }),
    inFront: (a: { handshake: GatewayHandshake; presented: Presented; pod: string }) => ({
      text: `Something in front of ${gatewayOf(a.handshake)} ends TLS, with a certificate of ${whose(a.presented)}: the gateway itself passes calls on, as its pod ${a.pod} shows.`,
      expected: expected(a.handshake),
      found: whose(a.presented),
      effect: `calls from other networks to ${a.handshake.gateway.cluster} fail: they do not trust this certificate`,
    }),
    unselective: (a: { handshake: GatewayHandshake; presented: Presented }) => ({
      text: `${gatewayOf(a.handshake)} answers for a name that no service has, with ${whose(a.presented)}: it is no AUTO_PASSTHROUGH listener.`,
      expected: 'a connection that is ended',
      found: `a certificate of ${whose(a.presented)}`,
      effect: `calls from other networks to ${a.handshake.gateway.cluster} are answered by somebody else than their destination`,
    }),
  },
  *run({ cluster, finding }) {
    for (const { address, calls } of gatewayWays.seenAddresses(cluster.gatewayHandshakes)) {
      const presented = calls.flatMap((one) =>
        one.call.outcome.stage === 'certificate' ? [{ ...one, handshake: one.call, outcome: one.call.outcome }] : [],
      );
      const foreign = presented.find(
        ({ handshake }) => handshake.purpose !== 'control' && gatewayWays.layerOf(handshake.outcome) === 'foreign',
      );
      const control = presented.find(({ handshake }) => handshake.purpose === 'control');
      // Whoever ends TLS does so for every name: that is told once.
      const [key, seen] = foreign === undefined ? (['unselective', control] as const) : (['terminated', foreign] as const);
      if (seen === undefined) continue;
      const { uris, dnsNames, subject, issuer } = seen.outcome;
      const args = { uris, dnsNames, subject, issuer };
      const where = {
        at: seen.handshake.gateway,
        evidence: [
          {
            ref: seen.handshake.gateway,
            observed: `${seen.handshake.sni}: certificate of ${whose(args)}, issued by ${issuer || 'nobody named'}`,
          },
        ],
        subject: address,
      };
      const pod = seen.inside?.pod;
      if (pod !== undefined && gatewayWays.sideOf(seen) === 'way')
        yield finding('inFront', { handshake: seen.handshake, presented: args, pod: `${pod.namespace ?? ''}/${pod.name}` }, where);
      else yield finding(key, { handshake: seen.handshake, presented: args }, where);
    }
  },
});

interface Presented {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly subject: string;
  readonly issuer: string;
}

function whose({ uris, dnsNames, subject }: Presented): string {
  if (uris.length > 0) return list(uris, 'none', 2);
  if (dnsNames.length > 0) return list(dnsNames, 'none', 3);
  return subject === '' ? 'nobody named' : subject;
}

function serviceOf({ service, sni, purpose }: GatewayHandshake): string {
  if (purpose === 'hbone') return 'ambient callers';
  return service === undefined ? sni : `${service.namespace}/${service.name}`;
}

function expected({ purpose }: GatewayHandshake): string {
  return `a certificate with the SPIFFE identity of the ${purpose === 'hbone' ? 'gateway' : 'service'}`;
}

function gatewayOf(handshake: GatewayHandshake): string {
  const { gateway } = handshake;
  return `Gateway ${gateway.namespace ?? ''}/${gateway.name} of ${gateway.cluster} (${gatewayWays.addressOf(handshake)})`;
}

import { type ControlPlane, defineCheck, type Fact, type GatewayHandshake, gatewayWays, list } from 'meshdoctor/api';

export default defineCheck({
  id: 'terminated-cross-network-tls',
  title: 'Nothing ends the TLS of calls between networks before their destination',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['gatewayHandshakes'],
  uses: ['controlPlanes'],
  applies: { networks: 'multi', probed: ['gatewayHandshakes'] },
  // A call of ambient asks for no name: what takes its tunnel is the gateway.
  path: { hops: ['sni', 'gateway'] },
  catalogue: ['EW-11', 'EW-15'],
  explains: [
    { code: 'foreign-istiod-certificate', match: 'object', keys: ['inFront'] },
    { code: 'rejected-istiod-call/severed', match: 'object', keys: ['inFront'] },
    // Whose certificate it is matters no more where somebody else shows it.
    { code: 'foreign-gateway-certificate', match: 'object', keys: ['inFront', 'unguarded'] },
  ],
  docs: {
    why: 'On the cross-network port the sidecar of the destination itself presents a certificate of the mesh, on the HBONE port of ambient the gateway does, in TLS 1.3, and asks for that of the caller. A certificate of somebody else, or any certificate for a name that no service has, shows that a load balancer or a Gateway of another mode ends TLS in between, where calls of the mesh cannot go on.',
    confirm: 'openssl s_client -connect ADDRESS:15443 -servername outbound_.80_._.NAME.NAMESPACE.svc.cluster.local -alpn istio -showcerts',
    fix: 'Pass TCP through in the load balancer (no HTTPS listener, no certificate of its own), and have no other Gateway than one of mode AUTO_PASSTHROUGH on the cross-network port.',
    notWhen:
      'It does not matter who asks: no client certificate is needed to see this. Where COMPLIANCE_POLICY of istiod is fips-140-2 gateways of ambient speak TLS 1.2, which is not held against them.',
  },
  messages: {
    terminated: (a: { handshake: GatewayHandshake; presented: Presented }) => ({
      text: `${gatewayOf(a.handshake)} answers for ${serviceOf(a.handshake)} with a certificate that is none of a workload: ${whose(a.presented)}.`,
      expected: expected(a.handshake),
      found: whose(a.presented),
      effect: `calls from other networks to ${a.handshake.gateway.cluster} fail: they do not trust this certificate`,
    }),
    inFront: (a: { handshake: GatewayHandshake; presented: Presented; pod: string; lacks?: readonly gatewayWays.HboneLack[] }) => ({
      text: `Something in front of ${gatewayOf(a.handshake)} ends TLS, with a certificate of ${whose(a.presented)}${a.lacks === undefined ? '' : `, and ${lacking(a.lacks)}`}: the gateway itself ${a.lacks === undefined ? 'passes calls on' : 'does as it should'}, as its pod ${a.pod} shows.`,
      expected: expected(a.handshake),
      found: a.lacks === undefined ? whose(a.presented) : lacking(a.lacks),
      effect:
        a.lacks === undefined
          ? `calls from other networks to ${a.handshake.gateway.cluster} fail: they do not trust this certificate`
          : `calls of ambient to ${a.handshake.gateway.cluster} end there, and the gateway learns nothing of who calls`,
    }),
    unguarded: (a: { handshake: GatewayHandshake; presented: Presented; lacks: readonly gatewayWays.HboneLack[] }) => ({
      text: `${gatewayOf(a.handshake)} answers ambient callers as ${whose(a.presented)}, but ${lacking(a.lacks)}: that is no HBONE listener of Istio.`,
      expected: 'TLS 1.3, and a question for the certificate of the caller',
      found: lacking(a.lacks),
      effect: a.lacks.includes('older-tls')
        ? `ztunnels of other networks, which speak nothing older than TLS 1.3, do not reach ${a.handshake.gateway.cluster}`
        : `who calls is not known behind it: calls of ambient to ${a.handshake.gateway.cluster} fail, or pass for calls of nobody`,
      certainty: 'likely',
    }),
    unselective: (a: { handshake: GatewayHandshake; presented: Presented }) => ({
      text: `${gatewayOf(a.handshake)} answers for a name that no service has, with ${whose(a.presented)}: it is no AUTO_PASSTHROUGH listener.`,
      expected: 'a connection that is ended',
      found: `a certificate of ${whose(a.presented)}`,
      effect: `calls from other networks to ${a.handshake.gateway.cluster} are answered by somebody else than their destination`,
    }),
  },
  *run({ cluster, finding }) {
    const isOlderMeant = !speaksTls13(cluster.controlPlanes);
    for (const { address, calls } of gatewayWays.seenAddresses(cluster.gatewayHandshakes)) {
      const presented = calls.flatMap((one) =>
        one.call.outcome.stage === 'certificate' ? [{ ...one, handshake: one.call, outcome: one.call.outcome }] : [],
      );
      const foreign = presented.find(
        ({ handshake }) => handshake.purpose !== 'control' && gatewayWays.layerOf(handshake.outcome) === 'foreign',
      );
      const control = presented.find(({ handshake }) => handshake.purpose === 'control');
      const unguarded = presented.find(
        ({ handshake, outcome }) => handshake.purpose === 'hbone' && gatewayWays.hboneLacks(outcome, isOlderMeant).length > 0,
      );
      // Whoever ends TLS does so for every name: that is told once.
      const seen = foreign ?? unguarded ?? control;
      if (seen === undefined) continue;
      const { uris, dnsNames, subject, issuer } = seen.outcome;
      const args = { uris, dnsNames, subject, issuer };
      const where = {
        at: seen.handshake.gateway,
        evidence: [
          {
            ref: seen.handshake.gateway,
            observed: `${seen.handshake.purpose === 'hbone' ? 'HBONE' : seen.handshake.sni}: certificate of ${whose(args)}, issued by ${issuer || 'nobody named'}`,
          },
        ],
        subject: address,
      };
      const { handshake, inside } = seen;
      const pod = `${inside?.pod?.namespace ?? ''}/${inside?.pod?.name ?? ''}`;
      if (seen === unguarded) {
        const lacks = gatewayWays.hboneLacks(seen.outcome, isOlderMeant);
        const isPodWell =
          inside !== undefined &&
          gatewayWays.layerOf(inside.outcome) === 'workload' &&
          gatewayWays.hboneLacks(inside.outcome, isOlderMeant).length === 0;
        if (isPodWell) yield finding('inFront', { handshake, presented: args, pod, lacks }, where);
        else yield finding('unguarded', { handshake, presented: args, lacks }, where);
      } else if (inside !== undefined && gatewayWays.sideOf(seen) === 'way')
        yield finding('inFront', { handshake, presented: args, pod }, where);
      else yield finding(seen === foreign ? 'terminated' : 'unselective', { handshake, presented: args }, where);
    }
  },
});

interface Presented {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly subject: string;
  readonly issuer: string;
}

/** Whether the gateways of these istiods speak TLS 1.3 on the port of ambient, as they do unless they are kept to FIPS 140-2. */
function speaksTls13(controlPlanes: Fact<readonly ControlPlane[]>): boolean {
  if (controlPlanes.status !== 'collected' || controlPlanes.partial === true || controlPlanes.value.length === 0) return false;
  return controlPlanes.value.every(({ env }) => env['COMPLIANCE_POLICY'] !== 'fips-140-2');
}

function lacking(lacks: readonly gatewayWays.HboneLack[]): string {
  return list(lacks.map((lack) => (lack === 'older-tls' ? 'speaks TLS 1.2 at most' : 'asks for no certificate')));
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

import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit, withIstiodEnv } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] });
const at = '@ west:Service/istio-system/istio-eastwestgateway (error certain)';

const ambient = mesh().ambient('east', 'west');

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const presenting = (
  of: 'target' | 'control' | 'hbone' | 'both' | 'outside',
  uris: readonly string[],
  dnsNames: readonly string[],
  subject = '',
): ObservedEdit =>
  observedEdits.handshakes('west', (handshake) =>
    of === 'both' || handshake.purpose === of || (of === 'outside' && handshake.pod === undefined)
      ? {
          ...handshake,
          outcome: {
            stage: 'certificate',
            uris,
            dnsNames,
            subject,
            issuer: 'CN=Example CA',
            chain: ['leaf'],
            verifiedBy: [],
            rootsTried: [],
            afterwards: 'open',
          },
        }
      : handshake,
  );

/** The same certificate, and of the rest of the handshake with ambient's port this alone. */
const hbone = (terms: { readonly version?: string; readonly asksForCertificate?: boolean }, isOutside = false): ObservedEdit =>
  observedEdits.handshakes('west', (handshake) => {
    const { outcome } = handshake;
    if (handshake.purpose !== 'hbone' || outcome.stage !== 'certificate' || (isOutside && handshake.pod !== undefined)) return handshake;
    const { version: _version, asksForCertificate: _asks, ...rest } = outcome;
    return { ...handshake, outcome: { ...rest, ...terms } };
  });

checkTester(check, {
  healthy: {
    'the destination itself answers': { mesh: remote, options: seen() },
    'a gateway of ambient ends TLS, as it has to': { mesh: ambient, options: seen() },
    'a gateway of ambient whose istiod keeps it to TLS 1.2': {
      mesh: ambient.edit(withIstiodEnv('west', { COMPLIANCE_POLICY: 'fips-140-2' })),
      options: seen(hbone({ asksForCertificate: true, version: 'TLSv1.2' })),
    },
    'a recording that does not say whether a certificate was asked for': { mesh: ambient, options: seen(hbone({})) },
    'probes are off': remote,
    'no call gets through': {
      mesh: remote,
      options: seen(observedEdits.handshakes('west', (handshake) => ({ ...handshake, outcome: { stage: 'reset', milliseconds: 3 } }))),
    },
  },
  broken: {
    'a load balancer with a certificate of its own before a gateway of ambient': {
      mesh: ambient,
      options: seen(presenting('hbone', [], ['lb.example.com'])),
      findings: ['terminated-cross-network-tls/terminated @ west:Gateway/istio-system/istio-eastwestgateway (error certain)'],
    },
    'a gateway of ambient that asks nobody for a certificate': {
      mesh: ambient,
      options: seen(hbone({ asksForCertificate: false, version: 'TLSv1.3' })),
      findings: ['terminated-cross-network-tls/unguarded @ west:Gateway/istio-system/istio-eastwestgateway (error likely)'],
    },
    'a gateway of ambient that speaks TLS 1.2 at most': {
      mesh: ambient,
      options: seen(hbone({ asksForCertificate: true, version: 'TLSv1.2' })),
      findings: ['terminated-cross-network-tls/unguarded @ west:Gateway/istio-system/istio-eastwestgateway (error likely)'],
    },
    'who has the certificate of the gateway before a gateway of ambient that asks for that of callers': {
      mesh: ambient,
      options: seen(
        observedEdits.gatewayPods('west', ({ outcome }) => outcome),
        hbone({ asksForCertificate: false, version: 'TLSv1.3' }, true),
      ),
      findings: ['terminated-cross-network-tls/inFront @ west:Gateway/istio-system/istio-eastwestgateway (error certain)'],
    },
    'a load balancer with a certificate of its own': {
      mesh: remote,
      options: seen(presenting('both', [], ['lb.example.com'])),
      findings: [`terminated-cross-network-tls/terminated ${at}`],
    },
    'a load balancer with a certificate of its own, before a gateway that is well': {
      mesh: remote,
      options: seen(
        observedEdits.gatewayPods('west', ({ purpose, outcome }) => (purpose === 'target' ? outcome : undefined)),
        presenting('outside', [], ['lb.example.com']),
      ),
      findings: [`terminated-cross-network-tls/inFront ${at}`],
    },
    'a certificate without any name but its subject': {
      mesh: remote,
      options: seen(presenting('target', [], [], 'CN=appliance')),
      findings: [`terminated-cross-network-tls/terminated ${at}`],
    },
    'a Gateway that answers for every name': {
      mesh: remote,
      options: seen(presenting('control', ['spiffe://cluster.local/ns/istio-system/sa/istio-eastwestgateway'], [])),
      findings: [`terminated-cross-network-tls/unselective ${at}`],
    },
  },
});

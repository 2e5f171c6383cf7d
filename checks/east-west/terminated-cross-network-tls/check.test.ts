import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
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

checkTester(check, {
  healthy: {
    'the destination itself answers': { mesh: remote, options: seen() },
    'a gateway of ambient ends TLS, as it has to': { mesh: ambient, options: seen() },
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

import { certificates, checkTester, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
import check from './check.ts';

const shop = (built: ReturnType<typeof mesh>) => built.namespace('shop', { injected: true }).service('abc.shop', { in: ['west'] });
const remote = shop(mesh().primaryRemote('east', 'west', { revision: '1-31-0' }));
const peers = shop(mesh().multiPrimary('east', 'west'));
const strangers = shop(mesh().multiPrimary('east', 'west', { authorities: { west: certificates.secondCa } }));
const ambient = mesh().ambient('east', 'west');
const atAmbient = '@ west:Gateway/istio-system/istio-eastwestgateway';
const at = '@ west:Service/istio-system/istio-eastwestgateway';

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
type Certificate = Extract<Parameters<Parameters<typeof observedEdits.handshakes>[1]>[0]['outcome'], { stage: 'certificate' }>;
const presenting = (change: Partial<Certificate>): ObservedEdit =>
  observedEdits.handshakes('west', (handshake) =>
    handshake.outcome.stage === 'certificate' ? { ...handshake, outcome: { ...handshake.outcome, ...change } } : handshake,
  );

checkTester(check, {
  healthy: {
    'one root for all': { mesh: remote, options: seen() },
    'two primaries': { mesh: peers, options: seen() },
    'gateways of ambient': { mesh: ambient, options: seen() },
    'probes are off': remote,
    'somebody ends TLS, which is another question': { mesh: remote, options: seen(presenting({ uris: [], dnsNames: ['lb.example.com'] })) },
    'the root of the caller was not tried': {
      mesh: remote,
      options: seen(presenting({ rootsTried: [], verifiedBy: [] })),
      inconclusive: ['it was not tried against every root of east @ east west'],
    },
  },
  broken: {
    'a gateway of ambient under a root that nobody hands out': {
      mesh: ambient,
      options: seen(presenting({ verifiedBy: [] })),
      findings: [`foreign-gateway-certificate/untrusted ${atAmbient} (error certain)`],
    },
    'somebody else answers where ztunnels call': {
      mesh: ambient,
      options: seen(presenting({ uris: ['spiffe://cluster.local/ns/store/sa/till'] })),
      findings: [`foreign-gateway-certificate/otherIdentity ${atAmbient} (warning likely)`],
    },
    'its cluster has another root': {
      mesh: strangers,
      options: seen(),
      findings: [`foreign-gateway-certificate/untrusted ${at} (error certain)`],
    },
    'no cluster hands out the root that signed it': {
      mesh: peers,
      options: seen(presenting({ verifiedBy: [] })),
      findings: [`foreign-gateway-certificate/untrusted ${at} (error certain)`],
    },
    'the root was replaced and the pods were not restarted': {
      mesh: remote,
      options: seen(presenting({ verifiedBy: [] })),
      findings: [`foreign-gateway-certificate/untrusted ${at} (error certain)`],
    },
    'another trust domain': {
      mesh: remote,
      options: seen(presenting({ uris: ['spiffe://other.example/ns/shop/sa/default'] })),
      findings: [`foreign-gateway-certificate/otherTrustDomain ${at} (error likely)`],
    },
    'another application': {
      mesh: remote,
      options: seen(presenting({ uris: ['spiffe://cluster.local/ns/store/sa/till'] })),
      findings: [`foreign-gateway-certificate/otherIdentity ${at} (warning likely)`],
    },
  },
});

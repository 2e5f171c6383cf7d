import {
  checkTester,
  gatewayHostnameUnresolved,
  mesh,
  observedEdits,
  observedIn,
  type ObservedEdit,
  remoteSecretDeleted,
} from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' });
const peers = mesh().multiPrimary('east', 'west');
const named = peers.edit(gatewayHostnameUnresolved({ cluster: 'west', hostname: 'gateway.west.example', readers: ['west'] }));
const at = '@ west:Service/istio-system/istio-eastwestgateway';

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
type Gateways = Extract<Parameters<Parameters<typeof observedEdits.replicas>[1]>[0]['gateways'], { answer: unknown }>['answer'];
const gateways = (change: (listed: Gateways) => Gateways): ObservedEdit =>
  observedEdits.replicas('east', (replica) => ({
    ...replica,
    gateways: 'failed' in replica.gateways ? replica.gateways : { answer: change(replica.gateways.answer) },
  }));
const without = gateways((listed) => listed.filter(({ cluster }) => cluster !== 'west'));
const resolved = gateways((listed) => {
  const own = listed.find(({ cluster }) => cluster === 'east');
  if (own === undefined) return listed;
  return [...listed, { ...own, cluster: 'west' as never, network: 'network2' as never, address: '203.0.113.9' }];
});

checkTester(check, {
  healthy: {
    'every gateway is listed': { mesh: remote, options: seen() },
    'two primaries list both gateways': { mesh: peers, options: seen() },
    'an ambient mesh': { mesh: mesh().ambient('east', 'west'), options: seen() },
    'probes are off': remote,
    'istiod does not read the cluster at all': { mesh: peers.edit(remoteSecretDeleted({ cluster: 'east', of: 'west' })), options: seen() },
    'what a host name resolves to is listed': { mesh: named, options: seen(resolved) },
    'a replica does not say': {
      mesh: peers,
      options: seen(
        observedEdits.replicas('east', (replica) => ({ ...replica, gateways: { failed: 'timeout', reason: 'no answer within 5 s' } })),
      ),
      inconclusive: ['not every replica of istiod lists its gateways @ east'],
    },
    'no replica could be asked': {
      mesh: remote,
      options: { observed: (objects) => observedIn(objects).map((own) => ({ ...own, istiods: { status: 'observed', value: [] } })) },
      inconclusive: ['no pod of this istiod could be asked @ east'],
    },
  },
  broken: {
    'istiod lists no gateway of the remote': {
      mesh: remote,
      options: seen(without),
      findings: [`unlisted-gateway/unlisted ${at} (error certain)`],
    },
    'the address belongs to another network': {
      mesh: remote,
      options: seen(gateways((listed) => listed.map((one) => (one.cluster === 'west' ? { ...one, network: 'network1' as never } : one)))),
      findings: [
        `unlisted-gateway/unlisted ${at}`,
        'unlisted-gateway/unexpected @ east:Deployment/istio-system/istiod-1-31-0 (warning likely)',
      ],
    },
    'an address that no object has': {
      mesh: peers,
      options: seen(
        gateways((listed) => listed.flatMap((one) => (one.cluster === 'west' ? [one, { ...one, address: '203.0.113.77' }] : [one]))),
      ),
      findings: ['unlisted-gateway/unexpected @ east:Deployment/istio-system/istiod (warning likely)'],
    },
    'the host name of a gateway resolves to nothing': {
      mesh: named,
      options: seen(),
      findings: [`unlisted-gateway/unresolved ${at}`],
    },
  },
});

import { checkTester, mesh, observedEdits, type ObservedEdit, observedIn } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const tables = (answer: 'elsewhere' | 'none' | 'failed', of = 'west'): ObservedEdit =>
  observedEdits.replicas('east', (replica) => ({
    ...replica,
    nameTables: replica.nameTables.map((one) =>
      one.proxy.cluster === of
        ? { ...one, table: answer === 'failed' ? { failed: 'timeout' as const, reason: 'no answer' } : { answer } }
        : one,
    ),
  }));
const gateways = (answer: 'elsewhere' | 'failed', of = 'west'): ObservedEdit =>
  observedEdits.replicas('east', (replica) => ({
    ...replica,
    gatewayProxies: (replica.gatewayProxies ?? []).map((one) =>
      one.proxy.cluster === of
        ? { ...one, at: answer === 'failed' ? { failed: 'timeout' as const, reason: 'no answer' } : { answer } }
        : one,
    ),
  }));
const at = '@ east:Deployment/istio-system/istiod-1-31-0';

checkTester(check, {
  healthy: {
    'its table is there': { mesh: remote, options: seen() },
    'it watches no names, but is connected': { mesh: remote, options: seen(tables('none')) },
    'two primaries, of which each has its own proxies': {
      mesh: mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('cart.shop'),
      options: seen(tables('elsewhere'), gateways('elsewhere')),
    },
    'the replica does not say whether gateways are connected': { mesh: remote, options: seen(gateways('failed')) },
    'a recording from before gateways were asked about': {
      mesh: remote,
      options: seen(observedEdits.replicas('east', ({ gatewayProxies: _gateways, ...replica }) => replica)),
    },
    'istiod was just started, and who lost the one before it is on the way': {
      mesh: remote.break((m) => {
        const startTime = new Date(Date.parse(remote.takenAt) - 20_000).toISOString();
        const istiods = (remote.objects().get('east') ?? []).filter(
          ({ kind, metadata }) => kind === 'Pod' && metadata.labels?.['app'] === 'istiod',
        );
        return istiods.reduce(
          (east, { metadata }) => east.patch('Pod', 'istio-system', metadata.name, { status: { startTime } }),
          m.cluster('east'),
        );
      }),
      options: seen(tables('elsewhere')),
      inconclusive: ['istiod was just started, and proxies take up to half a minute to connect again @ east'],
    },
    'the replica did not say': {
      mesh: remote,
      options: seen(tables('failed')),
      inconclusive: ['not every replica of istiod says which proxies are connected to it @ east'],
    },
  },
  broken: {
    'no replica is connected to the proxy of the remote': {
      mesh: remote,
      options: seen(tables('elsewhere')),
      findings: [`unconnected-proxy/unconnected ${at} (error likely)`],
    },
    'nor to one of the primary itself': {
      mesh: remote,
      options: seen(tables('elsewhere', 'east')),
      findings: [`unconnected-proxy/unconnected ${at} (error likely)`],
    },
    'its gateway alone is connected to nobody': {
      mesh: remote,
      options: seen(gateways('elsewhere')),
      findings: [`unconnected-proxy/gateway ${at} (error likely)`],
    },
    'sidecar and gateway are one finding': {
      mesh: remote,
      options: seen(tables('elsewhere'), gateways('elsewhere')),
      findings: [`unconnected-proxy/unconnected ${at} (error likely)`],
    },
  },
});

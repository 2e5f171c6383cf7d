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
const at = '@ east:Deployment/istio-system/istiod-1-31-0';

checkTester(check, {
  healthy: {
    'its table is there': { mesh: remote, options: seen() },
    'it watches no names, but is connected': { mesh: remote, options: seen(tables('none')) },
    'a proxy of the primary itself is another question': { mesh: remote, options: seen(tables('elsewhere', 'east')) },
    'two primaries': {
      mesh: mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('cart.shop'),
      options: seen(tables('elsewhere')),
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
      findings: [`unconnected-proxy ${at} (error likely)`],
    },
  },
});

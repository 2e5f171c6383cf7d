import { checkTester, mesh, observedEdits, type ObservedEdit, observedIn } from 'meshdoctor/testkit';
import check from './check.ts';

const primaries = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('cart.shop');
const remote = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true }).service('cart.shop');
const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const connected = (cluster: string, of: string): ObservedEdit =>
  observedEdits.replicas(cluster, (replica) => ({
    ...replica,
    nameTables: replica.nameTables.map((one) => (one.proxy.cluster === of ? { ...one, table: { answer: 'none' as const } } : one)),
  }));

checkTester(check, {
  healthy: {
    'each to its own': { mesh: primaries, options: seen() },
    'a remote to its primary': { mesh: remote, options: seen(connected('east', 'west')) },
    'an upgrade in flight': {
      mesh: mesh()
        .canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' })
        .namespace('shop', { injected: true })
        .service('cart.shop'),
      options: seen(),
    },
  },
  broken: {
    'a proxy of one primary at the other’s istiod': {
      mesh: primaries,
      options: seen(connected('east', 'west')),
      findings: ['misdirected-proxy @ west:Pod/shop/cart-6c8c99cf77-x9nqd (warning likely)'],
    },
  },
});

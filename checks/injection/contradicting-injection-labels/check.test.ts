import { checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const west = 'west';
const plain = mesh().primaryRemote('east', west).namespace('shop', { injected: true }).service('cart.shop');
const old = mesh().primaryRemote('east', west, { revision: '1-24-6', release: '1.24.6' }).namespace('shop', { injected: true });
const canary = mesh()
  .canary('east', west, { from: '1-30-3', to: '1-31-0', stage: 'remote' })
  .namespace('shop', { injected: true })
  .service('cart.shop');
const relabelled = (base: typeof plain, labels: Readonly<Record<string, string>>) =>
  base.break((m) => m.cluster(west).relabel('shop', labels));
const at = '@ west:Namespace/shop';

checkTester(check, {
  healthy: {
    'one label each': plain,
    'the old release': old,
    'an upgrade in flight': canary,
    'two primaries': mesh().multiPrimary('east', west).namespace('shop', { injected: true }),
    'an external control plane': mesh().externalControlPlane('outside', west),
    'an ambient namespace with labels of before': mesh()
      .ambient('east', west)
      .namespace('shop', { injected: true, labels: { 'istio-injection': 'enabled', 'istio.io/rev': '1-31-0' } }),
    'a namespace that nobody injects': plain.break((m) =>
      m.cluster(west).relabel('kube-system', { 'istio-injection': 'disabled', 'istio.io/rev': '1-20-0' }),
    ),
  },
  broken: {
    'the canary’s revision is asked for, and the default one injects': {
      mesh: relabelled(canary, { 'istio-injection': 'enabled', 'istio.io/rev': '1-31-0' }),
      findings: [`contradicting-injection-labels/ignored ${at} (warning certain)`],
    },
    'a revision that nobody serves': {
      mesh: relabelled(plain, { 'istio-injection': 'enabled', 'istio.io/rev': '1-20-0' }),
      findings: [`contradicting-injection-labels/ignored ${at} (warning certain)`],
    },
    'there is no default revision': {
      mesh: relabelled(old, { 'istio-injection': 'enabled', 'istio.io/rev': '1-24-6' }),
      findings: [`contradicting-injection-labels/unserved ${at} (error certain)`],
    },
    'switched off while its pods have sidecars': {
      mesh: relabelled(plain, { 'istio-injection': 'disabled', 'istio.io/rev': 'default' }),
      findings: [`contradicting-injection-labels/disabled ${at} (warning likely)`],
    },
    'switched off, and no pod has one': {
      mesh: plain
        .namespace('quiet', { labels: { 'istio-injection': 'disabled', 'istio.io/rev': 'default' }, clusters: [west] })
        .service('cart.quiet', { in: [west] }),
      findings: ['contradicting-injection-labels/disabled @ west:Namespace/quiet (info likely)'],
    },
    'both mean the same': {
      mesh: relabelled(plain, { 'istio-injection': 'enabled', 'istio.io/rev': 'default' }),
      findings: [`contradicting-injection-labels/agreeing ${at} (info certain)`],
    },
  },
});

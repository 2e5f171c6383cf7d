import { clusterId, type Rejection } from 'meshdoctor/api';
import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] });

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const refusing = (...rejections: readonly Rejection[]): ObservedEdit =>
  observedEdits.states('east', (state) => ({ ...state, rejections: { answer: rejections } }));
const one = (proxy: string, error: string): Rejection => ({ proxy, cluster: clusterId('west'), types: ['Listener'], error });
const at = '@ east:Deployment/istio-system/istiod-1-31-0 (error certain)';

checkTester(check, {
  healthy: {
    'nothing was ever refused': { mesh: remote, options: seen() },
    'what was refused once was taken later': { mesh: remote, options: seen(refusing()) },
    'probes are off': remote,
    'istiod does not say': {
      mesh: remote,
      options: seen(observedEdits.states('east', (state) => ({ ...state, rejections: { failed: 'timeout', reason: 'no answer' } }))),
      inconclusive: ['a replica of istiod does not say which proxies refuse what it sends @ east'],
    },
  },
  broken: {
    'two proxies refuse a listener for the same reason': {
      mesh: remote,
      options: seen(refusing(one('a.shop', 'listener 10.1.2.3_80: unknown filter'), one('b.shop', 'listener 10.1.2.4_80: unknown filter'))),
      findings: [`rejected-push ${at}`],
    },
    'two reasons': {
      mesh: remote,
      options: seen(refusing(one('a.shop', 'unknown filter'), one('b.shop', 'duplicate address'))),
      findings: [`rejected-push ${at}`, `rejected-push ${at}`],
    },
  },
});

import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] });

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const without = (kind: string): ObservedEdit =>
  observedEdits.states('east', (state) => ({
    ...state,
    ...(state.config === undefined || 'failed' in state.config
      ? {}
      : { config: { answer: state.config.answer.filter((key) => !key.startsWith(`${kind}/`)) } }),
  }));
/** One that only another revision applies. */
const other = remote.break((m) =>
  m.cluster('east').add({
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'canary', namespace: 'shop', labels: { 'istio.io/rev': 'other' }, creationTimestamp: '2026-11-01T00:00:00Z' },
    spec: { host: 'abc' },
  }),
);

checkTester(check, {
  healthy: {
    'it lists all of them': { mesh: remote, options: seen() },
    'one is for another revision': { mesh: other, options: seen() },
    'an external istiod reads another cluster': {
      mesh: mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }),
      options: seen(without('Gateway')),
    },
    'it was not asked, or did not answer': {
      mesh: remote,
      options: seen(observedEdits.states('east', (state) => ({ ...state, config: { failed: 'timeout', reason: 'no answer' } }))),
    },
    'probes are off': remote,
  },
  broken: {
    'it does not list Gateways': {
      mesh: remote,
      options: seen(without('Gateway')),
      findings: ['unread-configuration @ east:Gateway/istio-system/cross-network-gateway (warning likely)'],
    },
  },
});

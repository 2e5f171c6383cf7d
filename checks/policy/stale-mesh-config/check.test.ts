import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] });

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const works = (settings: Readonly<Record<string, unknown>>): ObservedEdit =>
  observedEdits.states('east', (state) => ({
    ...state,
    mesh: 'failed' in state.mesh ? state.mesh : { answer: { ...state.mesh.answer, ...settings } },
  }));
const at = '@ east:ConfigMap/istio-system/istio-1-31-0';

checkTester(check, {
  healthy: {
    'as its ConfigMap says': { mesh: remote, options: seen() },
    'two primaries': { mesh: mesh().multiPrimary('east', 'west'), options: seen() },
    'an external istiod, whose settings are merged': {
      mesh: mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }),
      options: seen(),
    },
    'it does not say': {
      mesh: remote,
      options: seen(observedEdits.states('east', (state) => ({ ...state, mesh: { failed: 'not-found', reason: 'HTTP 404' } }))),
    },
    'it leaves out what is not set': { mesh: remote, options: seen(works({ meshId: '', rootNamespace: '', discoveryAddress: '' })) },
    'probes are off': remote,
  },
  broken: {
    'DNS capture that was switched on is not in effect': {
      mesh: remote,
      options: seen(works({ dnsCapture: 'false' })),
      findings: [`stale-mesh-config ${at} (warning likely)`],
    },
    'selectors that were taken out are still in effect': {
      mesh: remote,
      options: seen(works({ discoverySelectors: ['mesh=on'] })),
      findings: [`stale-mesh-config ${at} (warning likely)`],
    },
    'another trust domain': {
      mesh: remote,
      options: seen(works({ trustDomain: 'old.example', trustDomainAliases: ['older.example'] })),
      findings: [`stale-mesh-config ${at} (warning likely)`],
    },
  },
});

import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] });
const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const asked = (status: number): ObservedEdit => observedEdits.gatewayPods('west', () => ({ stage: 'reset', milliseconds: 3 }), status);

checkTester(check, {
  healthy: {
    'nobody had to be asked': { mesh: remote, options: seen() },
    'probes are off': remote,
    'the pod is ready': { mesh: remote, options: seen(asked(200)) },
    'something else listens there': { mesh: remote, options: seen(asked(404)) },
  },
  broken: {
    'the pod says 503': {
      mesh: remote,
      options: seen(asked(503)),
      findings: ['unconfigured-gateway @ west:Service/istio-system/istio-eastwestgateway (error likely)'],
    },
  },
});

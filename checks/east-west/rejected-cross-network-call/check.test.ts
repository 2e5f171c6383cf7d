import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
import check from './check.ts';

const services = [
  { namespace: 'shop', name: 'abc', port: 80 },
  { namespace: 'shop', name: 'xyz', port: 80 },
];
const remote = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] })
  .service('xyz.shop', { in: ['west'] });
const at = '@ west:Service/istio-system/istio-eastwestgateway (error likely)';

const ambient = mesh().ambient('east', 'west');

const seen = (...edits: readonly ObservedEdit[]) => ({
  services,
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects, services)),
});
type Outcome = Parameters<Parameters<typeof observedEdits.handshakes>[1]>[0]['outcome'];
const ending = (outcome: Outcome, of: (service: string | undefined) => boolean = () => true): ObservedEdit =>
  observedEdits.handshakes('west', (handshake) =>
    handshake.purpose === 'target' && of(handshake.service?.name) ? { ...handshake, outcome } : handshake,
  );

const refused = { stage: 'tcp', code: 'refused', reason: 'connection refused' } as const;

checkTester(check, {
  healthy: {
    'every call is answered by its service': { mesh: remote, options: seen() },
    'a gateway of ambient shows its certificate': { mesh: ambient, options: seen() },
    'a gateway of ambient is silent as seen from here, which is another question': {
      mesh: ambient,
      options: seen(observedEdits.handshakes('west', (handshake) => ({ ...handshake, outcome: { stage: 'silence', milliseconds: 5000 } }))),
    },
    'probes are off': remote,
    'the pod of the gateway passes on what the balancer before it ends, which is another question': {
      mesh: remote,
      options: seen(
        observedEdits.gatewayPods('west', ({ purpose, outcome }) => (purpose === 'target' ? outcome : undefined)),
        observedEdits.handshakes('west', (handshake) =>
          handshake.pod === undefined ? { ...handshake, outcome: { stage: 'reset', milliseconds: 3 } } : handshake,
        ),
      ),
    },
    'nobody answers at all, which is another question': {
      mesh: remote,
      options: seen(ending({ stage: 'tcp', code: 'timeout', reason: 'no answer within 5 s' })),
    },
  },
  broken: {
    'a gateway of ambient ends what ztunnels begin': {
      mesh: ambient,
      options: seen(observedEdits.handshakes('west', (handshake) => ({ ...handshake, outcome: { stage: 'reset', milliseconds: 3 } }))),
      findings: ['rejected-cross-network-call/noHbone @ west:Gateway/istio-system/istio-eastwestgateway (error likely)'],
    },
    'a gateway of ambient listens on no such port': {
      mesh: ambient,
      options: seen(
        observedEdits.gatewayPods('west', () => ({ ...refused, reason: 'the pod does not listen on port 15008' })),
        observedEdits.handshakes('west', (handshake) => (handshake.pod === undefined ? { ...handshake, outcome: refused } : handshake)),
      ),
      findings: ['rejected-cross-network-call/closed @ west:Gateway/istio-system/istio-eastwestgateway (error certain)'],
    },
    'the gateway knows none of the services': {
      mesh: remote,
      options: seen(ending({ stage: 'reset', milliseconds: 6 })),
      findings: [`rejected-cross-network-call/reset ${at}`],
    },
    'the gateway knows all services but one': {
      mesh: remote,
      options: seen(ending({ stage: 'reset', milliseconds: 6.4 }, (name) => name === 'abc')),
      findings: [`rejected-cross-network-call/reset ${at}`],
    },
    'the gateway does not get through to the pods': {
      mesh: remote,
      options: seen(ending({ stage: 'reset', milliseconds: 10_012 })),
      findings: [`rejected-cross-network-call/late ${at}`],
    },
    'the gateway holds connections for its services, and ends those for nobody': {
      mesh: remote,
      options: seen(ending({ stage: 'silence', milliseconds: 5000 })),
      findings: [`rejected-cross-network-call/late ${at}`],
    },
    'the pod of the gateway listens on no such port': {
      mesh: remote,
      options: seen(
        observedEdits.handshakes('west', (handshake) => ({ ...handshake, outcome: refused })),
        observedEdits.gatewayPods('west', ({ purpose }) =>
          purpose === 'target' ? { ...refused, reason: 'the pod does not listen on port 15443' } : undefined,
        ),
      ),
      findings: [`rejected-cross-network-call/closed ${at.replace('likely', 'certain')}`],
    },
    'an alert instead of a certificate': {
      mesh: remote,
      options: seen(ending({ stage: 'tls', reason: 'alert handshake failure' })),
      findings: [`rejected-cross-network-call/refused ${at}`],
    },
  },
});

import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] });
const at = '@ west:Service/istio-system/istio-eastwestgateway (error possible)';

const ambient = mesh().ambient('east', 'west');
const atAmbient = '@ west:Gateway/istio-system/istio-eastwestgateway';

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const failing = (
  code: 'refused' | 'timeout' | 'dns',
  reason: string,
  of: (purpose: string) => boolean = () => true,
  onlyOutside = false,
): ObservedEdit =>
  observedEdits.handshakes('west', (handshake) =>
    of(handshake.purpose) && !(onlyOutside && handshake.pod !== undefined)
      ? { ...handshake, outcome: { stage: 'tcp', code, reason } }
      : handshake,
  );

checkTester(check, {
  healthy: {
    'every gateway answers': { mesh: remote, options: seen() },
    'a gateway of ambient answers': { mesh: ambient, options: seen() },
    'probes are off': remote,
    'one network': { mesh: mesh().primaryRemote('east', 'west', { networks: 1 }), options: seen() },
    'the gateway itself is closed, which is another question': {
      mesh: remote,
      options: seen(
        failing('refused', 'connection refused'),
        observedEdits.gatewayPods('west', () => ({ stage: 'tcp', code: 'refused', reason: 'the pod does not listen on port 15443' })),
      ),
    },
    'one of two connections failed': {
      mesh: remote,
      options: seen(failing('timeout', 'no answer within 5 s', (purpose) => purpose === 'control')),
    },
  },
  broken: {
    'nobody listens where ztunnels call': {
      mesh: ambient,
      options: seen(failing('refused', 'connection refused')),
      findings: [`unreachable-gateway/unreachable ${atAmbient} (error possible)`],
    },
    'a load balancer without healthy targets before a gateway of ambient': {
      mesh: ambient,
      options: seen(
        observedEdits.gatewayPods('west', ({ outcome }) => outcome),
        observedEdits.handshakes('west', (handshake) =>
          handshake.pod === undefined ? { ...handshake, outcome: { stage: 'reset', milliseconds: 3 } } : handshake,
        ),
      ),
      findings: [`unreachable-gateway/severed ${atAmbient} (error likely)`],
    },
    'nobody listens': {
      mesh: remote,
      options: seen(failing('refused', 'connection refused')),
      findings: [`unreachable-gateway/unreachable ${at}`],
    },
    'packets are dropped': {
      mesh: remote,
      options: seen(failing('timeout', 'no answer within 5 s')),
      findings: [`unreachable-gateway/unreachable ${at}`],
    },
    'packets are dropped on the way to a gateway that is well': {
      mesh: remote,
      options: seen(
        observedEdits.gatewayPods('west', ({ purpose, outcome }) => (purpose === 'target' ? outcome : undefined)),
        failing('timeout', 'no answer within 5 s', undefined, true),
      ),
      findings: [`unreachable-gateway/blocked ${at}`],
    },
    'a load balancer admits whom its ranges name, which is said': {
      mesh: remote.break((m) =>
        m.cluster('west').patch('Service', 'istio-system', 'istio-eastwestgateway', {
          spec: { loadBalancerSourceRanges: ['10.1.0.0/16', '10.9.0.4/32'] },
        }),
      ),
      options: seen(failing('timeout', 'no answer within 5 s')),
      findings: [`unreachable-gateway/unreachable ${at}`],
    },
    'a load balancer ends what its gateway would pass on': {
      mesh: remote,
      options: seen(
        observedEdits.gatewayPods('west', ({ purpose, outcome }) => (purpose === 'target' ? outcome : undefined)),
        observedEdits.handshakes('west', (handshake) =>
          handshake.pod === undefined ? { ...handshake, outcome: { stage: 'reset', milliseconds: 3 } } : handshake,
        ),
      ),
      findings: [`unreachable-gateway/severed ${at.replace('possible', 'likely')}`],
    },
    'a load balancer takes connections and has nobody to give them to': {
      mesh: remote,
      options: seen(observedEdits.handshakes('west', (handshake) => ({ ...handshake, outcome: { stage: 'silence', milliseconds: 5000 } }))),
      findings: [`unreachable-gateway/mute ${at}`],
    },
    'its name does not resolve here': {
      mesh: remote,
      options: seen(
        failing('dns', 'gateway.west.example is unknown'),
        observedEdits.handshakes('west', (handshake) => ({ ...handshake, host: 'gateway.west.example' })),
      ),
      findings: [`unreachable-gateway/unreachable ${at}`],
    },
  },
});

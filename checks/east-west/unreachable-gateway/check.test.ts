import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] });
const at = '@ west:Service/istio-system/istio-eastwestgateway (error possible)';

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const failing = (code: 'refused' | 'timeout' | 'dns', reason: string, of: (purpose: string) => boolean = () => true): ObservedEdit =>
  observedEdits.handshakes('west', (handshake) =>
    of(handshake.purpose) ? { ...handshake, outcome: { stage: 'tcp', code, reason } } : handshake,
  );

checkTester(check, {
  healthy: {
    'every gateway answers': { mesh: remote, options: seen() },
    'probes are off': remote,
    'one network': { mesh: mesh().primaryRemote('east', 'west', { networks: 1 }), options: seen() },
    'one of two connections failed': {
      mesh: remote,
      options: seen(failing('timeout', 'no answer within 5 s', (purpose) => purpose === 'control')),
    },
  },
  broken: {
    'nobody listens': { mesh: remote, options: seen(failing('refused', 'connection refused')), findings: [`unreachable-gateway ${at}`] },
    'packets are dropped': {
      mesh: remote,
      options: seen(failing('timeout', 'no answer within 5 s')),
      findings: [`unreachable-gateway ${at}`],
    },
    'its name does not resolve here': {
      mesh: remote,
      options: seen(
        failing('dns', 'gateway.west.example is unknown'),
        observedEdits.handshakes('west', (handshake) => ({ ...handshake, host: 'gateway.west.example' })),
      ),
      findings: [`unreachable-gateway ${at}`],
    },
  },
});

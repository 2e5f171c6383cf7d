import { checkTester, mesh, observedIn } from 'meshdoctor/testkit';
import type { HandshakeOutcome, PodAnswer, ProbePod } from 'meshdoctor/api';
import { clusterName, networkId } from 'meshdoctor/api';
import check from './check.ts';

const shop = mesh()
  .multiPrimary('east', 'west', { networks: 2 })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'] });
const pod = { namespace: 'default', name: 'meshdoctor-probe-0a', image: 'istio/proxyv2:1.31.0', isInjected: true };
const seen = (answers: ProbePod['answers'], more: Partial<ProbePod> = {}) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) =>
    observedIn(objects).map((own) =>
      own.cluster === 'east' ? { ...own, probePods: { status: 'observed' as const, value: [{ ...pod, ...more, answers }] } } : own,
    ),
});
const gateway = { cluster: clusterName('west'), kind: 'Service', namespace: 'istio-system', name: 'istio-eastwestgateway' };
const handshake = (outcome: HandshakeOutcome, purpose: 'target' | 'control' = 'target'): PodAnswer => ({
  is: 'handshake',
  gateway,
  network: networkId('network2'),
  host: '10.200.2.1',
  port: 15443,
  purpose,
  sni: 'outbound_.80_._.abc.shop.svc.cluster.local',
  outcome,
});
const certificate = (verifiedBy: readonly string[]): HandshakeOutcome => ({
  stage: 'certificate',
  uris: ['spiffe://cluster.local/ns/shop/sa/abc'],
  dnsNames: [],
  subject: '',
  issuer: 'O=west',
  chain: ['leaf'],
  verifiedBy,
  rootsTried: ['root'],
  afterwards: 'open',
});
const service = { namespace: 'shop', name: 'abc' };
const name = (addresses: readonly string[]): PodAnswer => ({ is: 'name', service, asked: 'abc.shop.svc.cluster.local', addresses });
const call = (status: number, reason = ''): PodAnswer => ({ is: 'call', service: { ...service, port: 80 }, status, reason });
const at = '@ west:Service/istio-system/istio-eastwestgateway';

checkTester(check, {
  healthy: {
    'everything is answered': {
      mesh: shop,
      options: seen({
        answer: [
          handshake(certificate(['root'])),
          handshake({ stage: 'reset', milliseconds: 0 }, 'control'),
          name(['10.96.0.9']),
          call(200),
          call(404),
        ],
      }),
    },
    'a call without sidecar proves nothing about the mesh': {
      mesh: shop,
      options: seen({ answer: [call(0, 'Recv failure: Connection reset by peer')] }, { isInjected: false }),
    },
    'nobody asked for a pod': { mesh: shop, options: { observed: observedIn } },
    'probes are off': shop,
    'the image could not be pulled': {
      mesh: shop,
      options: seen({ failed: 'server-error', reason: 'ImagePullBackOff: Back-off pulling image' }),
      inconclusive: ['no pod could ask from namespace default (ImagePullBackOff: Back-off pulling image) @ east'],
    },
  },
  broken: {
    'a firewall between the clusters': {
      mesh: shop,
      options: seen({
        answer: [handshake({ stage: 'tcp', code: 'timeout', reason: 'nothing came back within 5s' })].flatMap((one) => [one, { ...one }]),
      }),
      findings: [`failing-pod-call/unreachable ${at} (error certain)`],
    },
    'the gateway does not know the service': {
      mesh: shop,
      options: seen({ answer: [handshake({ stage: 'reset', milliseconds: 0 })] }),
      findings: [`failing-pod-call/rejected ${at} (error likely)`],
    },
    'another root over there': {
      mesh: shop,
      options: seen({ answer: [handshake(certificate([]))] }),
      findings: [`failing-pod-call/untrusted ${at} (error certain)`],
    },
    'the resolver does not know a Service of its own cluster': {
      mesh: shop,
      options: seen({ answer: [name([])] }, { isInjected: false }),
      findings: ['failing-pod-call/unresolved @ east:Service/shop/abc (error certain)'],
    },
    'calls get 503': {
      mesh: shop,
      options: seen({ answer: [call(503)] }),
      findings: ['failing-pod-call/unanswered @ east:Cluster/east (error likely)'],
    },
  },
});

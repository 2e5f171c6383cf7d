import {
  checkTester,
  gatewayAddressed,
  gatewayAnnotated,
  mesh,
  nodesAddressed,
  observedEdits,
  observedIn,
  type ObservedEdit,
} from 'meshdoctor/testkit';
import check from './check.ts';

const gateway = 'istio-eastwestgateway';
const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true }).service('abc.shop');
const primaries = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('abc.shop');
const flat = mesh().primaryRemote('east', 'west', { networks: 1 }).namespace('shop', { injected: true }).service('abc.shop');
const at = (cluster: string): string => `@ ${cluster}:Service/istio-system/${gateway}`;
const ranges =
  (cluster: string, ...admitted: readonly string[]) =>
  (m: Parameters<Parameters<typeof remote.break>[0]>[0]) =>
    m.cluster(cluster).patch('Service', 'istio-system', gateway, { spec: { loadBalancerSourceRanges: admitted } });

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});

/** A pod of a cluster asked the gateways of the others; nobody answered it at those of `barred`. */
const podAsks =
  (from: string, barred: string | undefined): ObservedEdit =>
  (all) => {
    const answers = all.flatMap(({ cluster, gatewayHandshakes }) =>
      cluster === from || gatewayHandshakes?.status !== 'observed'
        ? []
        : gatewayHandshakes.value.map((call) => ({
            is: 'handshake' as const,
            ...call,
            ...(cluster === barred ? { outcome: { stage: 'tcp' as const, code: 'timeout' as const, reason: 'no answer within 5 s' } } : {}),
          })),
    );
    const pod = { namespace: 'default', name: 'asks', image: 'proxyv2', isInjected: false, answers: { answer: answers } };
    return all.map((own) => (own.cluster === from ? { ...own, probePods: { status: 'observed' as const, value: [pod] } } : own));
  };

/** No replica of istiod in `cluster` has a connection of a proxy of `of`. */
const cutOff = (cluster: string, of: string): ObservedEdit =>
  observedEdits.replicas(cluster, (replica) => ({
    ...replica,
    nameTables: replica.nameTables.map((one) => (one.proxy.cluster === of ? { ...one, table: { answer: 'elsewhere' as const } } : one)),
  }));

const dead = { stage: 'tcp', code: 'refused', reason: 'connection refused' } as const;
const annotated = (key: string, value: string) => gatewayAnnotated({ cluster: 'west', annotations: { [key]: value } });
const internet = gatewayAddressed({ cluster: 'west', ingress: [{ ip: '52.1.2.3' }] });

checkTester(check, {
  healthy: {
    'everybody is admitted': { mesh: remote, options: seen(podAsks('west', undefined)) },
    'everybody is admitted in words': remote.break(ranges('east', '10.77.0.0/16', '0.0.0.0/0')),
    'the nodes of the callers are in the ranges': {
      mesh: remote.break(ranges('east', '10.2.0.0/16')),
      options: seen(podAsks('west', 'east'), cutOff('east', 'west')),
    },
    'an address of the nodes that others see is in the ranges': {
      mesh: remote.edit(nodesAddressed({ cluster: 'west', address: '52.9.9.9' })).break(ranges('east', '52.9.9.0/24')),
      options: seen(podAsks('west', 'east')),
    },
    'a NAT gateway of the callers may be in the ranges, and nothing was measured': primaries
      .edit(internet)
      .break(ranges('west', '52.9.9.9/32')),
    'a call from there arrives, under another address': {
      mesh: remote.break(ranges('east', '10.77.0.0/16')),
      options: seen(podAsks('west', undefined)),
    },
    'proxies from there are connected through the same gateway': {
      mesh: remote.break(ranges('east', '10.77.0.0/16')),
      options: seen(podAsks('west', 'east')),
    },
    'the gateway answers nobody, which is another question': {
      mesh: primaries.edit(internet).break(ranges('west', '52.9.9.9/32')),
      options: seen(
        podAsks('east', 'west'),
        observedEdits.handshakes('west', (handshake) => ({ ...handshake, outcome: dead })),
        observedEdits.gatewayPods('west', () => dead),
      ),
    },
    'a group of the cloud admits who is in no range': {
      mesh: primaries
        .break(ranges('west', '10.77.0.0/16'))
        .edit(annotated('service.beta.kubernetes.io/aws-load-balancer-security-groups', 'sg-0f')),
      options: seen(podAsks('east', 'west')),
    },
    'nothing was measured from where the callers are': {
      mesh: primaries.break(ranges('west', '10.77.0.0/16')),
      options: seen(observedEdits.handshakes('west', (handshake) => ({ ...handshake, outcome: dead }))),
    },
    'nobody calls through a gateway of the network that all are on': flat.break((m) =>
      m.cluster('west').add({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace: 'istio-system', name: 'spare', labels: { 'topology.istio.io/network': 'network1' } },
        spec: {
          type: 'LoadBalancer',
          selector: { istio: 'eastwestgateway' },
          loadBalancerSourceRanges: ['10.77.0.0/16'],
          ports: [{ name: 'tls', port: 15443 }],
        },
        status: { loadBalancer: { ingress: [{ ip: '10.200.2.9' }] } },
      }),
    ),
  },
  broken: {
    'the same in the annotation of before': {
      mesh: primaries.edit(annotated('service.beta.kubernetes.io/load-balancer-source-ranges', '10.77.0.0/16, 10.78.0.1')),
      options: seen(podAsks('east', 'west')),
      findings: [`narrow-source-ranges/barring ${at('west')} (error likely)`],
    },
    'the same in an annotation of Azure': {
      mesh: primaries.edit(annotated('service.beta.kubernetes.io/azure-allowed-ip-ranges', '10.77.0.0/16')),
      options: seen(podAsks('east', 'west')),
      findings: [`narrow-source-ranges/barring ${at('west')} (error likely)`],
    },
    'a pod of the callers does not get to a gateway that answers others': {
      mesh: primaries.edit(internet).break(ranges('west', '52.9.9.9/32')),
      options: seen(podAsks('east', 'west')),
      findings: [`narrow-source-ranges/barring ${at('west')} (error likely)`],
    },
    'a pod of the callers does not get to a gateway that answers by port-forward only': {
      mesh: primaries.break(ranges('west', '10.77.0.0/16')),
      options: seen(
        podAsks('east', 'west'),
        observedEdits.gatewayPods('west', ({ outcome }) => outcome),
        observedEdits.handshakes('west', (one) => (one.pod === undefined ? { ...one, outcome: { ...dead, code: 'timeout' } } : one)),
      ),
      findings: [`narrow-source-ranges/barring ${at('west')} (error likely)`],
    },
    'proxies of a remote are cut off from an istiod that answers others': {
      mesh: flat.break(ranges('east', '10.77.0.0/16')),
      options: seen(cutOff('east', 'west')),
      findings: [`narrow-source-ranges/cutOff ${at('east')} (error likely)`],
    },
  },
});

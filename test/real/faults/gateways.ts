import type { Lab } from '../lab/lab.ts';
import { until } from '../lab/processes.ts';
import * as parts from '../topologies/parts.ts';
import type { Fault } from './fault.ts';
import { gone, networking } from './objects.ts';
import { kept } from './kept.ts';

/*
 * What takes from east-west gateways what arrives for them: other Gateways, NetworkPolicies, nodes and names.
 */

const topology = 'multi-primary';
const system = 'istio-system';
const gateway = 'istio-eastwestgateway';
const objects = { service: kept('cluster2', 'service', gateway, system) };

export const gatewayFaults: readonly Fault[] = [
  {
    id: 'gateways-overlap',
    about: 'A second cross-network Gateway was applied for hosts that the first has already, written in another way.',
    topology,
    stage: async (lab) =>
      await lab.apply('cluster2', [
        networking(
          'Gateway',
          'services',
          {
            selector: { istio: 'eastwestgateway' },
            servers: [
              { port: { number: 15_443, name: 'tls', protocol: 'TLS' }, tls: { mode: 'AUTO_PASSTHROUGH' }, hosts: ['*.svc.cluster.local'] },
            ],
          },
          system,
        ),
      ]),
    undo: async (lab) => await gone(lab, ['cluster2'], 'gateways.networking.istio.io', 'services', system),
    expected: { cause: 'colliding-gateways', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'gateway-for-pods-of-its-cluster',
    about: 'A NetworkPolicy admits to the east-west gateway the pods of its own cluster only, and something enforces it.',
    topology,
    stage: async (lab) => {
      await lab.apply('cluster2', [
        enforcer,
        {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { name: 'own-pods', namespace: system },
          spec: {
            podSelector: { matchLabels: { istio: 'eastwestgateway' } },
            policyTypes: ['Ingress'],
            ingress: [{ from: [{ namespaceSelector: {} }] }],
          },
        },
      ]);
      await lab.kubectl('cluster2', ['rollout', 'status', '-n', 'kube-system', 'daemonset/calico-node', '--timeout=60s']);
      // What the policy says, done by the router of the lab: nobody else enforces policies here.
      const to = await parts.gatewayAddress(lab, 'cluster2');
      await lab.services.bar([{ to }]);
    },
    undo: async (lab) => {
      await lab.services.bar([]);
      await gone(lab, ['cluster2'], 'networkpolicy', 'own-pods', system);
      await gone(lab, ['cluster2'], 'daemonset', 'calico-node', 'kube-system');
    },
    expected: { cause: 'denied-network-path', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: 'what enforces policies here does not read them' },
  },
  {
    id: 'node-without-gateway-announced',
    about: 'The gateway passes on what its own nodes get only, and an address of a node without it was announced beside the load balancer.',
    topology,
    stage: async (lab) => {
      await objects.service.keep(lab);
      await lab.apply('cluster2', [{ apiVersion: 'v1', kind: 'Node', metadata: { name: secondNode }, spec: { unschedulable: true } }]);
      const status = {
        addresses: [{ type: 'InternalIP', address: '198.51.100.21' }],
        conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: new Date().toISOString() }],
      };
      await lab.kubectl('cluster2', [
        'patch',
        'node',
        secondNode,
        '--subresource=status',
        '--type=merge',
        '-p',
        JSON.stringify({ status }),
      ]);
      const spec = { externalIPs: ['198.51.100.21'], externalTrafficPolicy: 'Local' };
      await lab.kubectl('cluster2', ['patch', 'service', gateway, '-n', system, '--type=merge', '-p', JSON.stringify({ spec })]);
    },
    undo: async (lab) => {
      await objects.service.putBack(lab);
      await lab.kubectl('cluster2', ['delete', 'node', secondNode, '--ignore-not-found']);
    },
    expected: { cause: 'unbacked-gateway-node', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: 'no node of the lab passes on what arrives at its own address' },
  },
  {
    id: 'gateway-name-not-resolved',
    about: 'The load balancer of a gateway has a name only, and the istiod of its callers was told not to resolve names.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster1', ['set', 'env', '-n', system, 'deployment/istiod', 'RESOLVE_HOSTNAME_GATEWAYS=false']);
      lab.services.holdLoadBalancers('cluster2', true);
      await loadBalancerOf(lab, [{ hostname: 'gateway.cluster2.example' }]);
      await lab.kubectl('cluster1', ['rollout', 'status', '-n', system, 'deployment/istiod', '--timeout=110s']);
    },
    undo: async (lab) => {
      lab.services.holdLoadBalancers('cluster2', false);
      await loadBalancerOf(lab, null);
      await lab.kubectl('cluster1', ['set', 'env', '-n', system, 'deployment/istiod', 'RESOLVE_HOSTNAME_GATEWAYS-']);
      await lab.kubectl('cluster1', ['rollout', 'status', '-n', system, 'deployment/istiod', '--timeout=110s']);
      await until('address of the gateway', async () => ((await parts.gatewayAddress(lab, 'cluster2')) === '' ? undefined : true));
    },
    expected: { cause: 'unresolved-gateway-hostname', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: 'nobody answers for the name in the lab' },
  },
];

const secondNode = 'cluster2-second';

/** What enforces policies on the nodes of many clusters, by the name under which it is installed. */
const enforcer = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'calico-node', namespace: 'kube-system' },
  spec: {
    selector: { matchLabels: { 'k8s-app': 'calico-node' } },
    template: {
      metadata: { labels: { 'k8s-app': 'calico-node' } },
      spec: { containers: [{ name: 'calico-node', image: 'registry.example/calico/node:1' }] },
    },
  },
};

async function loadBalancerOf(lab: Lab, ingress: unknown): Promise<void> {
  const patch = JSON.stringify({ status: { loadBalancer: { ingress } } });
  await lab.kubectl('cluster2', ['patch', 'service', gateway, '-n', system, '--subresource=status', '--type=merge', '-p', patch]);
}

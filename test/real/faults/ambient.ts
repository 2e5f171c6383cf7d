import type { Lab } from '../lab/lab.ts';
import { until } from '../lab/processes.ts';
import { eastWestGateway, networkOf, programmed } from '../topologies/ambient.ts';
import { remoteSecret } from '../topologies/parts.ts';
import type { Fault } from './fault.ts';
import { atHand } from './guide.ts';

const topology = 'ambient';
const service = ['service', 'istio-eastwestgateway', '-n', 'istio-system'];
const gateway = ['gateway', 'istio-eastwestgateway', '-n', 'istio-system'];

async function gatewayAgain(lab: Lab, context: string): Promise<void> {
  await lab.apply(context, [eastWestGateway(networkOf(context))]);
  await programmed(lab, context);
}

/** A load balancer is given five minutes before it counts as pending; this one is as old as the mesh. */
async function olderThanGrace(lab: Lab): Promise<void> {
  const created = Date.parse(await lab.kubectl('cluster2', ['get', ...service, '-o', 'jsonpath={.metadata.creationTimestamp}']));
  await until('age of the load balancer', async () => await Promise.resolve(Date.now() - created > 301_000 || undefined), 310_000);
}

export const ambientFaults: readonly Fault[] = [
  {
    id: 'ambient-network-label-removed',
    about: 'The network label was removed from istio-system of one ambient primary.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster2', ['label', 'namespace', 'istio-system', 'topology.istio.io/network-']);
    },
    undo: async (lab) => {
      await lab.kubectl('cluster2', ['label', '--overwrite', 'namespace', 'istio-system', 'topology.istio.io/network=network2']);
    },
    expected: { cause: 'missing-network-label', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'ambient-load-balancer-pending',
    about: 'The ambient gateway got no address from the platform: its Gateway gives the address inside the cluster instead.',
    topology,
    stage: async (lab) => {
      lab.services.holdLoadBalancers('cluster2', true);
      const none = JSON.stringify({ status: { loadBalancer: { ingress: null } } });
      await lab.kubectl('cluster2', ['patch', ...service, '--subresource=status', '--type=merge', '-p', none]);
      await olderThanGrace(lab);
    },
    undo: async (lab) => {
      lab.services.holdLoadBalancers('cluster2', false);
      await programmed(lab, 'cluster2');
    },
    expected: { cause: 'unaddressed-gateway/pending', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: 'an address comes from the platform' },
  },
  {
    id: 'ambient-gateway-missing',
    about: 'The ambient east-west gateway of one cluster was left out.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster2', ['delete', ...gateway]);
    },
    undo: async (lab) => await gatewayAgain(lab, 'cluster2'),
    expected: { cause: 'missing-east-west-gateway/missing', clusters: ['cluster2'] },
    remedy: { kind: 'printed', values: atHand },
  },
  {
    id: 'ambient-peer-secret-missing',
    about: 'One ambient primary has no remote secret for the other.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster1', ['delete', 'secret', 'istio-remote-secret-cluster2', '-n', 'istio-system']);
    },
    undo: async (lab) => await remoteSecret(lab, 'cluster1', 'cluster2'),
    expected: { cause: 'missing-remote-secret', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'ambient-gateway-unlabelled',
    about: 'The network label was removed from the Gateway of one cluster; the Service that istiod made of it keeps its own.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster2', ['label', ...gateway, 'topology.istio.io/network-']);
    },
    undo: async (lab) => await gatewayAgain(lab, 'cluster2'),
    expected: { cause: 'missing-east-west-gateway/unmarked', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
];

import type { Conduct } from '../lab/balancers.ts';
import type { Lab } from '../lab/lab.ts';
import { until } from '../lab/processes.ts';
import { eastWestGateway, networkOf, programmed } from '../topologies/ambient.ts';
import * as parts from '../topologies/parts.ts';
import type { Fault } from './fault.ts';
import { atHand } from './guide.ts';
import { kept } from './kept.ts';
import { restarted } from './restarts.ts';

/*
 * What keeps tunnels of ambient from a gateway: on the way to port 15008, in the gateway, and in what istiod makes of its Gateway.
 */

const topology = 'ambient';
const system = 'istio-system';
const name = 'istio-eastwestgateway';
const gateway = ['gateways.gateway.networking.k8s.io', name, '-n', system] as const;
const deployment = ['deployment', name, '-n', system] as const;
const ports = { status: 15_021, hbone: 15_008, discovery: 15_012 } as const;
const noObject = 'a firewall is in no object';
const noBalancer = 'what a load balancer does is in no object here';

const cacerts = kept('cluster2', 'secret', 'cacerts', system);

/** A firewall before one port of the load balancer of a cluster. */
const barred = async (lab: Lab, cluster: string): Promise<void> =>
  await lab.services.bar([{ to: await parts.gatewayAddress(lab, cluster), port: ports.hbone }]);
const opened = async (lab: Lab): Promise<void> => await lab.services.bar([]);

/** The load balancer before the gateway of a cluster; without `hbone` it has no such port. */
const balanced = async (lab: Lab, cluster: string, hbone: Conduct | undefined, status: Conduct = 'passes'): Promise<void> => {
  const address = await parts.gatewayAddress(lab, cluster);
  await lab.services.balance([{ address, ports: { [ports.status]: status, ...(hbone === undefined ? {} : { [ports.hbone]: hbone }) } }]);
};
const passing = async (lab: Lab): Promise<void> => await lab.services.balance([]);

/** The Gateway as the guide makes it, whatever it was made into, and its pods ready. */
async function asGuided(lab: Lab, cluster: string): Promise<void> {
  const [listener] = spec(cluster).listeners;
  const annotations = { 'networking.istio.io/service-type': null };
  const patch = {
    metadata: { annotations, labels: { 'topology.istio.io/network': networkOf(cluster) } },
    spec: { ...spec(cluster), listeners: [listener] },
  };
  await lab.kubectl(cluster, ['patch', ...gateway, '--type=merge', '-p', JSON.stringify(patch)]);
  await programmed(lab, cluster);
  await lab.kubectl(cluster, ['rollout', 'status', ...deployment, '--timeout=120s']);
}

function spec(cluster: string): { readonly listeners: readonly Readonly<Record<string, unknown>>[] } {
  // Written by the topology.
  return eastWestGateway(networkOf(cluster))['spec'] as { readonly listeners: readonly Readonly<Record<string, unknown>>[] };
}

async function patched(lab: Lab, cluster: string, patch: Readonly<Record<string, unknown>>): Promise<void> {
  await lab.kubectl(cluster, ['patch', ...gateway, '--type=merge', '-p', JSON.stringify(patch)]);
}

async function listenerBecomes(lab: Lab, cluster: string, more: Readonly<Record<string, unknown>>): Promise<void> {
  await patched(lab, cluster, { spec: { listeners: spec(cluster).listeners.map((listener) => ({ ...listener, ...more })) } });
}

export const ambientGatewayFaults: readonly Fault[] = [
  {
    id: 'ambient-gateway-behind-firewall',
    about: 'A firewall drops everything to port 15008 of the load balancer of one ambient cluster.',
    topology,
    stage: async (lab) => await barred(lab, 'cluster2'),
    undo: opened,
    expected: { cause: 'unreachable-gateway/blocked', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'ambient-load-balancer-without-port',
    about: 'The load balancer of one ambient cluster has no listener for port 15008.',
    topology,
    stage: async (lab) => await balanced(lab, 'cluster2', undefined),
    undo: passing,
    expected: { cause: 'unreachable-gateway/blocked', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: noBalancer },
  },
  {
    id: 'ambient-load-balancer-ends-tls',
    about: 'The load balancer of one ambient cluster was given a listener for TLS with a certificate of its own at port 15008.',
    topology,
    stage: async (lab) => await balanced(lab, 'cluster2', 'ends-tls'),
    undo: passing,
    expected: { cause: 'terminated-cross-network-tls/inFront', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: noBalancer },
  },
  {
    id: 'ambient-load-balancer-sends-proxy-headers',
    about: 'The load balancer of one ambient cluster says who calls by the PROXY protocol, which its gateway does not read.',
    topology,
    stage: async (lab) => await balanced(lab, 'cluster2', 'sends-proxy-header', 'sends-proxy-header'),
    undo: passing,
    expected: { cause: 'unreachable-gateway/severed', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: noBalancer },
  },
  {
    id: 'ambient-gateway-scaled-to-zero',
    about: 'The deployment that istiod made for the gateway of one ambient cluster was scaled to 0.',
    topology,
    stage: async (lab) => void (await lab.kubectl('cluster2', ['scale', ...deployment, '--replicas=0'])),
    undo: async (lab) => {
      await lab.kubectl('cluster2', ['scale', ...deployment, '--replicas=1']);
      await lab.kubectl('cluster2', ['rollout', 'status', ...deployment, '--timeout=120s']);
    },
    expected: { cause: 'unready-east-west-gateway/scaledToZero', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'ambient-gateway-cut-off-from-istiod',
    about: 'A firewall drops what the gateway of one ambient cluster sends to its istiod; its pod was started anew since.',
    topology,
    stage: async (lab) => {
      const pods = lab.cluster('cluster2').cluster.addresses.pod(0).split('.').slice(0, 2).join('.');
      const istiod = await lab.kubectl('cluster2', ['get', 'service', 'istiod', '-n', system, '-o', 'jsonpath={.spec.clusterIP}']);
      await lab.services.bar([{ from: `${pods}.0.0/16`, to: istiod, port: ports.discovery }]);
      await lab.kubectl('cluster2', ['delete', 'pod', '-n', system, '-l', `gateway.networking.k8s.io/gateway-name=${name}`, '--wait']);
    },
    undo: async (lab) => {
      await opened(lab);
      await restarted(lab, 'cluster2', system, [name]);
    },
    expected: { cause: 'unready-east-west-gateway/notReady', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: noObject },
  },
  {
    id: 'ambient-gateway-of-another-authority',
    about: 'One ambient cluster was given certificates of another root, and all of it was restarted.',
    topology,
    stage: async (lab) => {
      await cacerts.keep(lab);
      await parts.plugInCertificates(lab, 'cluster2', await parts.newAuthority('Root CA of another team'));
      await restarted(lab, 'cluster2', system, ['istiod']);
      await restarted(lab, 'cluster2', system, [name]);
    },
    undo: async (lab) => {
      await cacerts.putBack(lab);
      await restarted(lab, 'cluster2', system, ['istiod']);
      await restarted(lab, 'cluster2', system, [name]);
    },
    expected: { cause: 'divergent-roots', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: 'only its owner has the key of the common root' },
  },
  {
    id: 'ambient-gateway-of-class-istio',
    about: 'The east-west Gateway of one ambient cluster was made of class istio, as for an ingress.',
    topology,
    stage: async (lab) => await patched(lab, 'cluster2', { spec: { gatewayClassName: 'istio' } }),
    undo: async (lab) => {
      await asGuided(lab, 'cluster2');
      // What istiod made for the class before is nobody's.
      const former = ['deployment', 'service', 'serviceaccount'].map((kind) => `${kind}/${name}-istio`);
      await lab.kubectl('cluster2', ['delete', '-n', system, '--ignore-not-found', ...former]);
    },
    expected: { cause: 'rejected-ambient-gateway/wrongClass', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'ambient-gateway-on-another-port',
    about: 'The HBONE listener of the Gateway of one ambient cluster was put on port 15443.',
    topology,
    stage: async (lab) => await listenerBecomes(lab, 'cluster2', { port: 15_443 }),
    undo: async (lab) => await asGuided(lab, 'cluster2'),
    expected: { cause: 'rejected-ambient-gateway/noListener', clusters: ['cluster2'] },
    remedy: { kind: 'printed', values: atHand },
  },
  {
    id: 'ambient-gateway-in-the-cluster-only',
    about: 'The Service of the ambient gateway of one cluster was made of type ClusterIP, by the annotation of its Gateway.',
    topology,
    stage: async (lab) => {
      await patched(lab, 'cluster2', { metadata: { annotations: { 'networking.istio.io/service-type': 'ClusterIP' } } });
      await until(
        'Service of type ClusterIP',
        async () =>
          (await lab.kubectl('cluster2', ['get', 'service', name, '-n', system, '-o', 'jsonpath={.spec.type}'])) === 'ClusterIP' ||
          undefined,
        60_000,
      );
    },
    undo: async (lab) => await asGuided(lab, 'cluster2'),
    expected: { cause: 'unaddressed-gateway', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'ambient-gateway-of-another-network',
    about: 'The Gateway of one ambient cluster was copied with the network of the other.',
    topology,
    stage: async (lab) => await patched(lab, 'cluster2', { metadata: { labels: { 'topology.istio.io/network': 'network1' } } }),
    undo: async (lab) => await asGuided(lab, 'cluster2'),
    expected: { cause: 'mismatched-gateway-network', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
];

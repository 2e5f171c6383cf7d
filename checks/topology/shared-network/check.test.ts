import type { KubeObject } from 'meshdoctor/api';
import {
  checkTester,
  gatewayServiceOnNetwork,
  gatewayUnlabelled,
  installedOnNetwork,
  mesh,
  networkLabelled,
  nodesOf,
  podIpShared,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const north = 'north';
const found = 'shared-network @ west:Namespace/istio-system';
const label = 'topology.istio.io/network';
const healthy = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const peers = mesh().multiPrimary(east, west).namespace('shop', { injected: true }).service('cart.shop');
const flat = mesh().multiPrimary(east, west, { networks: 0 }).namespace('shop', { injected: true }).service('cart.shop');
const three = mesh()
  .primaryRemote(east, [west, north], { networkNames: { north: 'network2' } })
  .namespace('shop', { injected: true })
  .service('cart.shop');
const azure = 'azure:///subscriptions/0f/x';
const overlays = flat
  .edit(nodesOf({ cluster: east, providerId: azure, podCidr: '10.1.0.0/16' }))
  .edit(nodesOf({ cluster: west, providerId: azure, podCidr: '10.2.0.0/16' }));
const together = healthy.edit(installedOnNetwork({ cluster: west, network: 'network1' }));

checkTester(check, {
  healthy: {
    'a network for each cluster': healthy,
    'two primaries on two networks': peers,
    'one network without names (FP-1, FP-2)': flat,
    'one network for primary and remote, with the gateway of the guide': mesh().primaryRemote(east, west, { networks: 1 }),
    'one network, named in every cluster, without gateways between them': flat.break((m) =>
      m
        .cluster(east)
        .relabel('istio-system', { [label]: 'flat' })
        .cluster(west)
        .relabel('istio-system', { [label]: 'flat' }),
    ),
    'two of three clusters share a network, and nothing speaks against it': three,
    'two of three clusters share a network, and a range that no pod has an address of': three.edit(
      (objects) => new Map([...objects].map(([name, own]) => [name, own.map(withRange('10.244.0.0/24'))])),
    ),
    'machines outside Kubernetes are on a network of their own, for which both clusters have gateways': together.break((m) =>
      m.cluster(east).add({
        apiVersion: 'networking.istio.io/v1',
        kind: 'WorkloadEntry',
        metadata: { name: 'machine', namespace: 'shop' },
        spec: { address: '192.0.2.7', network: 'machines' },
      }),
    ),
    'two clusters of AKS with Azure CNI, whose nodes have a range that no pod has an address of': flat
      .edit(nodesOf({ cluster: east, providerId: azure, podCidr: '10.244.0.0/24' }))
      .edit(nodesOf({ cluster: west, providerId: azure, podCidr: '10.244.1.0/24' })),
    'two clusters of AKS that Cilium connects': overlays.break((m) =>
      m.cluster(east).add({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'clustermesh-apiserver', namespace: 'kube-system' },
        spec: { selector: { 'k8s-app': 'clustermesh-apiserver' }, ports: [{ port: 2379 }] },
      }),
    ),
    'pods with addresses of the range of their node, elsewhere': flat
      .edit(nodesOf({ cluster: east, providerId: azure, podCidr: '10.1.0.0/16' }))
      .edit(nodesOf({ cluster: west, providerId: 'aws:///eu-west-1a/i-0f', podCidr: '10.2.0.0/16' })),
    ambient: mesh().ambient(east, west),
    'an external control plane': mesh().externalControlPlane('outside', west, { remotes: [north] }),
  },
  broken: {
    'two clusters of AKS with kubenet, in networks that are peered': {
      mesh: overlays,
      findings: ['shared-network @ east:Namespace/istio-system (error likely)'],
    },
    'a pod address is live in both clusters': {
      mesh: healthy.edit(installedOnNetwork({ cluster: west, network: 'network1', samePodIp: { with: east } })),
      findings: [`${found} (error certain)`],
    },
    'a pod address was in each of them, perhaps one after the other': {
      mesh: healthy
        .edit(installedOnNetwork({ cluster: west, network: 'network1', samePodIp: { with: east } }))
        .edit((objects) => new Map(objects).set(west, (objects.get(west) ?? []).map(startedLater))),
      findings: [`${found} (error likely)`],
    },
    'a pod address is live in both clusters of a mesh that names no network': {
      mesh: flat.edit(podIpShared({ cluster: west, with: east })),
      findings: ['shared-network @ east:Namespace/istio-system (error certain)'],
    },
    'one name, and a gateway of that name in each cluster': { mesh: together, findings: [`${found} (error likely)`] },
    'the label was copied, everything else in the cluster says another network': {
      mesh: healthy.edit(networkLabelled({ cluster: west, network: 'network1' })),
      findings: [`${found} (error likely)`],
    },
    'one name, and one gateway of another': {
      mesh: together.edit(gatewayServiceOnNetwork({ cluster: west, network: 'network2' })),
      findings: [`${found} (error likely)`],
    },
    'one name, and only one of two gateways is labelled': {
      mesh: together.edit(gatewayUnlabelled({ cluster: west })),
      findings: [`${found} (error possible)`],
    },
    'nodes of two of three clusters give pods addresses of one range': {
      mesh: three.edit((objects) => new Map([...objects].map(([name, own]) => [name, own.map(withRange('10.0.0.0/8'))]))),
      findings: ['shared-network @ west:Namespace/istio-system (error likely)'],
    },
    'two of three clusters share a network': { mesh: three, findings: ['shared-network @ west:Namespace/istio-system (info possible)'] },
  },
});

/** Pods that started long after the other cluster was looked at. */
function startedLater(object: KubeObject): KubeObject {
  return object.kind === 'Pod' ? { ...object, status: { ...statusOf(object), startTime: '2027-01-01T00:00:00Z' } } : object;
}

function statusOf({ status }: KubeObject): object {
  return typeof status === 'object' && status !== null ? status : {};
}

/** Nodes as the controller manager leaves them: with a range, whether the network plug-in uses it or not. */
function withRange(range: string) {
  return (object: KubeObject): KubeObject => (object.kind === 'Node' ? { ...object, spec: { podCIDR: range, podCIDRs: [range] } } : object);
}

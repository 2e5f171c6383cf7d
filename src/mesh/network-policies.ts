import { ipBytes, isInCidr } from '../istio/addresses.ts';
import type { LabelSelector, NetworkPolicy, NetworkPolicyRule, Pod, Workload } from '../model/facts.ts';
import type { StringMap } from '../model/kube.ts';
import { selects } from './selectors.ts';

/*
 * What NetworkPolicies let through (k8s.io/api/networking/v1). A pod that no policy of a direction selects is open in that direction;
 * one that is selected is open to what a rule of any of them allows, and to nothing else.
 */

export type Direction = 'ingress' | 'egress';

/** A pod as policies see it. */
export type PolicyPod = Pick<Pod, 'namespace' | 'labels' | 'ips' | 'hostNetwork'>;

/** The other end of a connection: the source of what comes in, the destination of what goes out. */
export type PolicyPeer =
  | { readonly is: 'pod'; readonly pod: PolicyPod; readonly namespaceLabels: StringMap }
  /** An IP address that no pod of the cluster has. */
  | { readonly is: 'address'; readonly address: string }
  /** Somebody outside the pods of the cluster, whose address is not known: what a load balancer or node makes of it. */
  | { readonly is: 'outside' };

export interface PolicyPort {
  /** Of the container, not of the Service; nothing where it is not known. */
  readonly number: number | undefined;
  readonly protocol: 'TCP' | 'UDP';
  /** Name of the container port, where it is known. */
  readonly name?: string;
}

export interface Verdict {
  /** open: no policy is about it. unknown: a rule may allow it, which objects do not tell. */
  readonly is: 'open' | 'allowed' | 'denied' | 'unknown';
  /** Policies that select the pod for this direction. */
  readonly policies: readonly NetworkPolicy[];
}

type Ternary = 'yes' | 'no' | 'unknown';

/** Policies that a pod is held to in a direction. Those of its own namespace can, and none for a pod on the network of its node. */
export function policiesFor(policies: readonly NetworkPolicy[], pod: PolicyPod, direction: Direction): NetworkPolicy[] {
  if (pod.hostNetwork) return [];
  return policies.filter(
    (policy) => policy[direction] !== undefined && policy.namespace === pod.namespace && selects(policy.podSelector, pod.labels),
  );
}

/** Whether a pod may be called by, or call, a peer at a port of the pod that is called. */
export function verdictOf(
  policies: readonly NetworkPolicy[],
  pod: PolicyPod,
  direction: Direction,
  port: PolicyPort,
  peer: PolicyPeer,
): Verdict {
  const own = policiesFor(policies, pod, direction);
  if (own.length === 0) return { is: 'open', policies: own };
  const said = own.map((policy) => any((policy[direction] ?? []).map((rule) => allows(rule, policy.namespace, port, peer))));
  const is = any(said);
  return { is: is === 'yes' ? 'allowed' : is === 'no' ? 'denied' : 'unknown', policies: own };
}

function allows({ ports, peers }: NetworkPolicyRule, namespace: string, port: PolicyPort, peer: PolicyPeer): Ternary {
  const isPort = ports.length === 0 ? 'yes' : any(ports.map((one) => fitsPort(one, port)));
  const isPeer = peers.length === 0 ? 'yes' : any(peers.map((one) => fitsPeer(one, namespace, peer)));
  return all([isPort, isPeer]);
}

function fitsPort(wanted: NetworkPolicyRule['ports'][number], { number, protocol, name }: PolicyPort): Ternary {
  if (wanted.protocol !== protocol) return 'no';
  if (wanted.port === undefined) return 'yes';
  // Another name may be a second one of the same port.
  if (typeof wanted.port === 'string') return wanted.port === name ? 'yes' : 'unknown';
  if (number === undefined) return 'unknown';
  return (wanted.endPort === undefined ? number === wanted.port : number >= wanted.port && number <= wanted.endPort) ? 'yes' : 'no';
}

function fitsPeer(wanted: NetworkPolicyRule['peers'][number], namespace: string, peer: PolicyPeer): Ternary {
  if (wanted.ipBlock !== undefined) return fitsBlock(wanted.ipBlock, peer);
  // Pods are told by their labels; on the network of a node they have its address and none of their own.
  if (peer.is !== 'pod' || peer.pod.hostNetwork) return 'no';
  const isThere =
    wanted.namespaceSelector === undefined ? peer.pod.namespace === namespace : fits(wanted.namespaceSelector, peer.namespaceLabels);
  return isThere && (wanted.podSelector === undefined || fits(wanted.podSelector, peer.pod.labels)) ? 'yes' : 'no';
}

function fits(selector: LabelSelector, labels: StringMap): boolean {
  return selects(selector, labels);
}

function fitsBlock(block: { readonly cidr: string; readonly except: readonly string[] }, peer: PolicyPeer): Ternary {
  if (peer.is === 'address') {
    if (ipBytes(peer.address) === undefined) return 'unknown';
    return isInCidr(peer.address, block.cidr) && !block.except.some((cidr) => isInCidr(peer.address, cidr)) ? 'yes' : 'no';
  }
  if (peer.is === 'outside') return isEverything(block) ? 'yes' : 'unknown';
  // Whether blocks are held against addresses of pods is left to the network of the cluster.
  return peer.pod.hostNetwork || peer.pod.ips.some((ip) => isInCidr(ip, block.cidr)) ? 'unknown' : 'no';
}

function isEverything({ cidr, except }: { readonly cidr: string; readonly except: readonly string[] }): boolean {
  return cidr.endsWith('/0') && except.length === 0;
}

function any(said: readonly Ternary[]): Ternary {
  return said.includes('yes') ? 'yes' : said.includes('unknown') ? 'unknown' : 'no';
}

function all(said: readonly Ternary[]): Ternary {
  return said.includes('no') ? 'no' : said.includes('unknown') ? 'unknown' : 'yes';
}

/** Names of what enforces NetworkPolicies on nodes, as their installers call it. */
const enforcers =
  /^(?:calico-node|canal|cilium|cilium-agent|anetd|antrea-agent|weave-net|kube-router|ovnkube-node|ovnkube-node-.*|kube-ovn-cni|azure-npm|romana-agent)$/;

/** The DaemonSet that shows that a cluster enforces NetworkPolicies; nothing where none is known to do so, which does not show that nobody does. */
export function enforcerOf(workloads: readonly Workload[]): Workload | undefined {
  return workloads.find(({ kind, name, readyReplicas }) => kind === 'DaemonSet' && readyReplicas > 0 && enforcers.test(name));
}

/** Whether the network of a cluster may be one with that of others, so that it knows their pods by labels, too: Cilium does with ClusterMesh. */
export function spansClusters(workloads: readonly Workload[]): boolean {
  return workloads.some(({ kind, name }) => kind === 'DaemonSet' && (name === 'cilium' || name === 'cilium-agent'));
}

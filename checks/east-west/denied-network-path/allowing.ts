import {
  type ClusterName,
  ipAddresses,
  type KubeObject,
  type LabelSelector,
  type NetworkPolicy,
  type Remedy,
  remedy,
  type Service,
} from 'meshdoctor/api';

/** Policies that allow what others refuse: they add up, so that nothing has to be changed in those that are there. */

interface Added {
  readonly cluster: ClusterName;
  readonly namespace: string;
  readonly name: string;
  readonly pods: LabelSelector;
}

type Peers = readonly Readonly<Record<string, unknown>>[];

/** Lets the pods be called on these ports, by everybody unless somebody is named. */
export function allowingIn(added: Added, ports: readonly number[], from: Peers = []): Remedy {
  const rule = { ports: ports.map(tcp), ...(from.length === 0 ? {} : { from }) };
  return policy(added, { policyTypes: ['Ingress'], ingress: [rule] });
}

/** Lets the pods call these ports, of everybody unless somebody is named. */
export function allowingOut(added: Added, ports: readonly number[], to: Peers = []): Remedy {
  const rule = { ...(ports.length === 0 ? {} : { ports: ports.map(tcp) }), ...(to.length === 0 ? {} : { to }) };
  return policy(added, { policyTypes: ['Egress'], egress: [rule] });
}

/** Lets the pods ask DNS, wherever it is. */
export function allowingDns(added: Added): Remedy {
  return policy(added, { policyTypes: ['Egress'], egress: [{ ports: ['UDP', 'TCP'].map((protocol) => ({ protocol, port: 53 })) }] });
}

function policy({ cluster, namespace, name, pods }: Added, spec: Readonly<Record<string, unknown>>): Remedy {
  const object: KubeObject = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: name.slice(0, 63), namespace },
    spec: { podSelector: written(pods), ...spec },
  };
  return remedy.apply(cluster, object, 'policies add up: what is allowed already stays so');
}

function tcp(port: number): { readonly protocol: string; readonly port: number } {
  return { protocol: 'TCP', port };
}

/** Pods of a Service as policies select them. */
export function selectedBy({ selector }: Pick<Service, 'selector'>): LabelSelector {
  return { matchLabels: selector, matchExpressions: [] };
}

/** The pods of a Service for a policy of any namespace. */
export function podsOf({ namespace, selector }: Pick<Service, 'namespace' | 'selector'>): Peers[number] {
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    podSelector: { matchLabels: selector },
  };
}

/** The addresses that are no names as blocks of one address each. */
export function blocksOf(addresses: readonly string[]): Peers {
  return addresses.flatMap((address) => {
    const family = ipAddresses.ipFamily(address);
    return family === undefined ? [] : [{ ipBlock: { cidr: `${address}/${family === 4 ? 32 : 128}` } }];
  });
}

/** Beside a policy, for the pods that it is about. */
export function beside(cluster: ClusterName, { namespace, name, podSelector }: NetworkPolicy, suffix: string): Added {
  return { cluster, namespace, name: `${name.slice(0, 40)}-${suffix}`, pods: podSelector };
}

function written({ matchLabels, matchExpressions }: LabelSelector): Readonly<Record<string, unknown>> {
  return {
    ...(Object.keys(matchLabels).length === 0 ? {} : { matchLabels }),
    ...(matchExpressions.length === 0 ? {} : { matchExpressions }),
  };
}

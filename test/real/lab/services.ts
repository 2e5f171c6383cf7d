import { type Balancer, startBalancer } from './balancers.ts';
import type { Cluster } from './cluster.ts';
import { type Obj, at, listAt, textAt } from './kube.ts';
import { type Barrier, type PodNetwork, addOwnAddress, blockAddress, giveAddress, setBarriers, takeAddress } from './network.ts';
import type { Node } from './node.ts';

/** A cluster with what runs in it. */
export interface Place {
  readonly cluster: Cluster;
  readonly node: Node;
}

export interface ServiceAddresses {
  /** Load balancers without an address get none until this is undone: what a cloud without quota does. */
  holdLoadBalancers(cluster: string, isHeld: boolean): void;
  /** Addresses that go nowhere though somebody is ready behind them: a firewall. Undone with an empty list. */
  block(addresses: readonly string[]): Promise<void>;
  /** Drops packets between addresses, or to one port: a firewall that knows more than addresses. Undone with an empty list. */
  bar(barriers: readonly Barrier[]): Promise<void>;
  /** Load balancers at these addresses that do more than to pass packets on to the pod behind them. Undone with an empty list. */
  balance(balancers: readonly Balancer[]): Promise<void>;
}

/** Who has an address: a pod, nobody that is ready, a firewall, or a load balancer of its own before the pod. */
type Owner = PodNetwork | 'refused' | 'blocked' | 'balanced';

/**
 * Keeps the addresses of Services and load balancers where kube-proxy and a cloud would: on the first ready pod behind them, in whatever
 * cluster it is; refused when nobody is ready.
 */
export async function startServices(places: readonly Place[]): Promise<ServiceAddresses> {
  const services = new Map<string, Map<string, Obj>>();
  const slices = new Map<string, Map<string, Obj>>();
  const owners = new Map<string, Owner>();
  const allocated = new Map<string, string>();
  const held = new Set<string>();
  let blocked: ReadonlySet<string> = new Set();
  /** What stops them. */
  let balancers: readonly (() => Promise<void>)[] = [];
  const balanced = new Set<string>();
  /** Addresses of pods by those that load balancers have before them. */
  const behind = new Map<string, string>();
  let running: Promise<void> | undefined;
  let again = false;

  const reconcile = async (): Promise<void> => {
    const pods = new Map<string, PodNetwork>();
    const ready = new Set<string>();
    for (const { node } of places) {
      for (const pod of node.pods().values()) {
        pods.set(pod.network.address, pod.network);
        if (pod.ready) ready.add(pod.network.address);
      }
    }
    const wanted = new Map<string, Owner>();
    /** Load balancers first: Services of other clusters may point at them. */
    const passes = ['loadBalancers', 'clusterAddresses'] as const;
    for (const pass of passes) {
      for (const { cluster } of places) {
        for (const service of services.get(cluster.name)?.values() ?? []) {
          const addresses = pass === 'loadBalancers' ? await loadBalancersOf(cluster, service) : clusterAddressesOf(service);
          if (addresses.length === 0) continue;
          const owner = ownerOf(
            slicesOf(cluster, service),
            (address) => (ready.has(address) ? pods.get(address) : undefined) ?? known(wanted.get(address)),
          );
          for (const address of addresses) wanted.set(address, owner ?? 'refused');
        }
      }
    }
    behind.clear();
    for (const address of balanced) {
      const pod = known(wanted.get(address));
      if (pod !== undefined) behind.set(address, pod.address);
      wanted.set(address, 'balanced');
    }
    for (const address of blocked) wanted.set(address, 'blocked');
    for (const [address, owner] of wanted) {
      if (owners.get(address) === owner) continue;
      const before = owners.get(address);
      if (typeof before === 'object') await takeAddress(before, address).catch(() => undefined);
      owners.set(address, owner);
      await place(address, owner).catch(() => owners.delete(address));
    }
  };

  const slicesOf = (cluster: Cluster, service: Obj): readonly Obj[] =>
    [...(slices.get(cluster.name)?.values() ?? [])].filter(
      (slice) =>
        slice.metadata.namespace === service.metadata.namespace &&
        slice.metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name,
    );

  const loadBalancersOf = async (cluster: Cluster, service: Obj): Promise<readonly string[]> => {
    if (textAt(service, 'spec', 'type') !== 'LoadBalancer') return [];
    const given = listAt(service, 'status', 'loadBalancer', 'ingress').flatMap((ingress) => textAt(ingress, 'ip') ?? []);
    if (given.length > 0) return given;
    if (held.has(cluster.name)) return [];
    const key = `${cluster.name}/${service.metadata.namespace ?? ''}/${service.metadata.name}`;
    const count = [...allocated.keys()].filter((other) => other.startsWith(`${cluster.name}/`)).length;
    const address = allocated.get(key) ?? cluster.addresses.loadBalancer(count);
    allocated.set(key, address);
    await cluster.kube
      .call(
        'PATCH',
        `/api/v1/namespaces/${service.metadata.namespace ?? ''}/services/${service.metadata.name}/status`,
        { status: { loadBalancer: { ingress: [{ ip: address }] } } },
        'application/merge-patch+json',
      )
      .catch(() => undefined);
    return [address];
  };

  /** One round at a time; whatever changes meanwhile asks for another. */
  const changed = (): void => {
    if (running !== undefined) {
      again = true;
      return;
    }
    running = reconcile()
      .catch(() => undefined)
      .finally(() => {
        running = undefined;
        if (!again) return;
        again = false;
        changed();
      });
  };

  for (const { cluster, node } of places) {
    const ofCluster = { services: new Map<string, Obj>(), slices: new Map<string, Obj>() };
    services.set(cluster.name, ofCluster.services);
    slices.set(cluster.name, ofCluster.slices);
    node.onChange(changed);
    const into = (map: Map<string, Obj>) => (key: string, object: Obj | undefined) => {
      if (object === undefined) map.delete(key);
      else map.set(key, object);
      changed();
    };
    // Nothing runs behind thousands of simulated ones.
    const real = `labelSelector=${encodeURIComponent('simulated!=true')}`;
    await cluster.kube.follow(`/api/v1/services?${real}`, into(ofCluster.services));
    await cluster.kube.follow(`/apis/discovery.k8s.io/v1/endpointslices?${real}`, into(ofCluster.slices));
  }

  return {
    holdLoadBalancers: (cluster, isHeld) => {
      if (isHeld) held.add(cluster);
      else held.delete(cluster);
      changed();
    },
    bar: setBarriers,
    balance: async (wanted) => {
      await Promise.all(balancers.map(async (stop) => await stop()));
      balancers = [];
      balanced.clear();
      for (const { address } of wanted) balanced.add(address);
      changed();
      // An address has to be there before anybody can listen at it: a round that runs already does not know it.
      await running;
      await running;
      balancers = await Promise.all(wanted.map(async (one) => await startBalancer(one, () => behind.get(one.address))));
    },
    block: async (addresses) => {
      blocked = new Set(addresses);
      for (const [address, owner] of owners) if (owner === 'blocked' && !blocked.has(address)) owners.delete(address);
      changed();
      await running;
    },
  };
}

function known(owner: Owner | undefined): PodNetwork | undefined {
  return typeof owner === 'object' ? owner : undefined;
}

function clusterAddressesOf(service: Obj): readonly string[] {
  return listAt(service, 'spec', 'clusterIPs').filter((address): address is string => typeof address === 'string' && address !== 'None');
}

function ownerOf(slices: readonly Obj[], networkOf: (address: string) => PodNetwork | undefined): PodNetwork | undefined {
  for (const slice of slices) {
    for (const endpoint of listAt(slice, 'endpoints')) {
      if (at(endpoint, 'conditions', 'ready') === false) continue;
      for (const address of listAt(endpoint, 'addresses')) {
        const network = networkOf(String(address));
        if (network !== undefined) return network;
      }
    }
  }
  return undefined;
}

async function place(address: string, owner: Owner): Promise<void> {
  if (owner === 'refused' || owner === 'balanced') await addOwnAddress(address);
  else if (owner === 'blocked') await blockAddress(address);
  else await giveAddress(owner, address);
}

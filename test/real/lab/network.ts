import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './processes.ts';

/*
 * The lab's own network namespace is a router without a way out: a point-to-point link to each pod's namespace and a route per address.
 * There is no kube-proxy: the address of a Service or a load balancer is an address of the first ready pod behind it, and moves by
 * changing one route. An address behind which nobody is ready refuses, one that nothing has is never answered.
 */

/** The router: what pods have as gateway. */
const router = '10.90.0.1';

/** The routing table by which packets are lost. */
const dropped = 77;

export interface PodNetwork {
  /** Name of the namespace: CLUSTER.NAMESPACE.POD. */
  readonly name: string;
  readonly address: string;
  /** Folder with this pod's own hosts and resolv.conf. */
  readonly folder: string;
  /** The router's end of the link. */
  readonly link: string;
}

let links = 0;

/** Makes the router. The mount namespace is ours: what is mounted here is nowhere else. No name is looked up outside: nobody listens on the resolver's port. */
export async function makeRouter(): Promise<void> {
  await shell(`
    mount -t tmpfs tmpfs /run
    mkdir -p /run/netns
    echo 'nameserver 127.0.0.1' > /run/resolv.conf
    [ -e /etc/resolv.conf ] || { target=$(readlink -m /etc/resolv.conf); mkdir -p "$(dirname "$target")"; touch "$target"; }
    mount --bind /run/resolv.conf /etc/resolv.conf
    echo 1 > /proc/sys/net/ipv4/ip_forward
    ip link set lo up
    ip link add nowhere type veth peer name beyond
    ip link set nowhere arp off up
    ip link set beyond arp off up
    ip route add 10.0.0.0/8 dev nowhere
    ip route add default dev nowhere table ${dropped}
    ip addr add ${router}/32 dev lo`);
}

/** An address of the lab's own namespace, for an API server or for a Service without endpoints. */
export async function addOwnAddress(address: string): Promise<void> {
  await shell(`ip route del ${address}/32 2>/dev/null || true; ip addr replace ${address}/32 dev lo`);
}

export async function makePodNetwork(name: string, address: string, folder: string): Promise<PodNetwork> {
  links += 1;
  const [link, inside] = [`v${links}`, `e${links}`];
  await shell(`
    ip netns add '${name}'
    ip link add ${link} type veth peer name ${inside}
    ip link set ${inside} netns '${name}'
    ip addr add ${router}/32 dev ${link}
    ip link set ${link} up
    ip -n '${name}' link set lo up
    ip -n '${name}' link set ${inside} name eth0
    ip -n '${name}' addr add ${address}/32 dev eth0
    ip -n '${name}' link set eth0 up
    ip -n '${name}' route add ${router} dev eth0
    ip -n '${name}' route add default via ${router}
    ip route replace ${address}/32 dev ${link}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'hosts'), '127.0.0.1 localhost\n');
  writeFileSync(join(folder, 'resolv.conf'), '');
  return { name, address, folder, link };
}

/** From now on this pod answers at this address too. */
export async function giveAddress(network: PodNetwork, address: string): Promise<void> {
  await shell(`
    ip -n '${network.name}' addr replace ${address}/32 dev eth0
    ip addr del ${address}/32 dev lo 2>/dev/null || true
    ip route replace ${address}/32 dev ${network.link}`);
}

/** From now on who connects to the loopback of this pod from inside does so from this address: as runtimes have it that forward ports from elsewhere. */
export async function callLoopbackFrom({ name }: PodNetwork, address: string): Promise<void> {
  await shell(
    ['127.0.0.0/8', '127.0.0.1']
      .map((to) => `ip -n '${name}' route change local ${to} dev lo proto kernel scope host src ${address} table local`)
      .join('\n'),
  );
}

/** Packets to this address are lost. */
export async function blockAddress(address: string): Promise<void> {
  await shell(`ip addr del ${address}/32 dev lo 2>/dev/null || true; ip route replace ${address}/32 dev nowhere`);
}

/** What a firewall drops: packets from anybody, or of a range of addresses, to another; of one TCP port where it names one. */
export interface Barrier {
  readonly from?: string;
  readonly to: string;
  readonly port?: number;
}

/** From now on these are all that is dropped; connections that are open are not spared. */
export async function setBarriers(barriers: readonly Barrier[]): Promise<void> {
  const rules = barriers.map(
    ({ from = 'all', to, port }) =>
      `ip rule add from ${from} to ${to} ${port === undefined ? '' : `ipproto tcp dport ${port} `}lookup ${dropped}`,
  );
  await shell([`while ip rule del lookup ${dropped} 2>/dev/null; do :; done`, ...rules].join('\n'));
}

export async function takeAddress(network: PodNetwork, address: string): Promise<void> {
  await shell(`ip -n '${network.name}' addr del ${address}/32 dev eth0 2>/dev/null || true`);
}

/**
 * Ends what runs in it and removes it. The node's streams stay: the thread by which they dialled into this pod may be their first one, by which
 * `ip netns pids` knows a process.
 */
export async function removePodNetwork(network: PodNetwork): Promise<void> {
  await shell(`
    for pid in $(ip netns pids '${network.name}'); do
      [ "$(cat /proc/$pid/comm 2>/dev/null)" = kubelet-streams ] || kill -9 $pid 2>/dev/null || true
    done
    ip netns del '${network.name}'`);
}

/** A command as the pod would run it: in its network, with its own hosts and resolv.conf. */
export function insidePod(network: PodNetwork, command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  const mounts = `mount --bind '${network.folder}/hosts' /etc/hosts && mount --bind '${network.folder}/resolv.conf' /etc/resolv.conf && exec "$@"`;
  return ['nsenter', `--net=/run/netns/${network.name}`, 'unshare', '--mount', 'sh', '-c', mounts, 'sh', ...command];
}

async function shell(script: string): Promise<void> {
  const ran = await runProgram('sh', ['-e', '-c', script]);
  if (ran.code !== 0) throw new Error(`Network of the lab: ${ran.stderr.trim()}`);
}

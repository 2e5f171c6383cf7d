import { connect as startTls } from 'node:tls';
import type { X509Certificate } from 'node:crypto';
import { itemsAt, textAt } from '../../builder/edits/json.ts';
import { ipFamily, isSameAddress } from '../../istio/addresses.ts';
import { serviceOfFqdn } from '../../istio/hosts.ts';
import { clientOf, endpointsSentTo } from '../../mesh/endpoints.ts';
import type { Pod } from '../../model/facts.ts';
import type { KubeObject } from '../../model/kube.ts';
import type { Mishaps } from '../mishaps.ts';
import type { PodLogs } from '../sandbox.ts';
import { doorAt } from './front-doors.ts';
import type { Listeners } from './listeners.ts';
import { clusterNames, sidecarNames } from './names.ts';
import type { ClusterState, WorldState } from './state.ts';
import { factOfPod, type World } from './world.ts';

/** Container that asks on behalf of callers; others say nothing. */
const asking = 'probe';

/** What containers have said: of a pod that asks for meshdoctor what its script would have found out here. */
export function podLogs(world: World, resolve: Listeners['resolve'], mishaps: Mishaps): PodLogs {
  return async (clusterName, object, container) => {
    const { state } = world.now();
    const cluster = state.clusters.get(clusterName);
    const pod = cluster === undefined ? undefined : factOfPod(cluster, object.metadata.namespace, object.metadata.name);
    if (cluster === undefined || pod === undefined || container !== asking || pod.phase !== 'Running') return '';
    const words = wordsOf(object);
    const lines: string[] = [];
    for (let at = 0, n = 0; at < words.length; n++) {
      const [kind, first = '', second = ''] = words.slice(at, at + 3);
      const { said, status } =
        kind === 'handshake'
          ? (onTheWay(first, cluster, state, mishaps) ?? (await handshake(first, second, resolve)))
          : kind === 'name'
            ? lookup(first, pod, cluster, world)
            : call(first, pod, cluster, world);
      lines.push(`=begin ${n}`, ...said, `=end ${n} ${status}`);
      at += kind === 'handshake' ? 3 : 2;
    }
    return `${[...lines, '=done'].join('\n')}\n`;
  };
}

/** Arguments behind `/bin/sh -c SCRIPT meshdoctor`. */
function wordsOf(object: KubeObject): string[] {
  const container = itemsAt(object, 'spec', 'containers').find((one) => textAt(one, 'name') === asking);
  const words = itemsAt(container, 'command').flatMap((word) => (typeof word === 'string' ? [word] : []));
  return words[3] === 'meshdoctor' ? words.slice(4) : [];
}

interface Said {
  readonly said: readonly string[];
  readonly status: number;
}

function addressesOf(name: string, pod: Pod, cluster: ClusterState, world: World): readonly string[] {
  const isCaptured = pod.proxy?.kind === 'sidecar' && pod.proxy.dnsCapture;
  const resolver = isCaptured
    ? sidecarNames(pod, cluster, world.now(), world.connection(pod, cluster), world.predict)
    : clusterNames(cluster);
  const found = resolver(name);
  return typeof found === 'string' ? [] : found.addresses;
}

/** As `getent ahosts` writes it. */
function lookup(name: string, pod: Pod, cluster: ClusterState, world: World): Said {
  const addresses = addressesOf(name, pod, cluster, world);
  const said = addresses.flatMap((address, at) => [
    `${address.padEnd(15)} STREAM${at === 0 ? ` ${name}` : ''}`,
    `${address.padEnd(15)} DGRAM`,
  ]);
  return { said, status: addresses.length === 0 ? 2 : 0 };
}

/** As `curl -w` writes it. */
function call(url: string, pod: Pod, cluster: ClusterState, world: World): Said {
  const { hostname, port } = new URL(url);
  if (addressesOf(hostname, pod, cluster, world).length === 0)
    return { said: [`curl: (6) Could not resolve host: ${hostname}`, '=status 000'], status: 6 };
  const client = clientOf(pod);
  const process = world.servedBy(pod, cluster);
  if (client === undefined || process === undefined) {
    const own = serviceOfFqdn(hostname);
    return { said: [own === undefined ? 'curl: (28) Connection timed out' : '', '=status 200'], status: 0 };
  }
  const sent = endpointsSentTo(client, hostname, Number(port === '' ? 80 : port), world.predict(process));
  return { said: [`=status ${(sent?.endpoints.length ?? 0) > 0 ? 200 : 503}`], status: 0 };
}

/** Milliseconds that the script gives a handshake. */
const patience = 5000;

/** What keeps a pod from an address to which others get; nothing where nothing does. */
function onTheWay(address: string, { name }: ClusterState, state: WorldState, mishaps: Mishaps): Said | undefined {
  const { host, port } = dialled(address);
  const door = doorAt(state, host, port);
  switch (door === undefined ? undefined : mishaps.between('node', name, door.cluster.name)?.does) {
    case 'refuse':
      return refused;
    case 'drop':
      // The script has `timeout` end it.
      return { said: [], status: 124 };
    default:
      return undefined;
  }
}

const refused: Said = { said: ['connect:errno=111'], status: 1 };

function dialled(address: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(address) ?? [];
  return { host, port: Number(port) };
}

/** As `openssl s_client -showcerts` writes it, as far as anybody reads that. */
async function handshake(address: string, sni: string, resolve: Listeners['resolve']): Promise<Said> {
  const { host, port } = dialled(address);
  const target = resolve.find(
    ({ from }) => from.port === port && (from.host === host || (ipFamily(host) !== undefined && isSameAddress(from.host, host))),
  );
  if (target === undefined) return { said: [], status: 124 };
  return await new Promise((done) => {
    const socket = startTls({
      host: target.to.host,
      port: target.to.port,
      servername: sni,
      ALPNProtocols: ['istio'],
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    const finish = (said: Said): void => {
      clearTimeout(timer);
      socket.destroy();
      done(said);
    };
    // The script has `timeout` end it.
    const timer = setTimeout(() => finish({ said: ['CONNECTED(00000003)'], status: 124 }), patience);
    socket.once('secureConnect', () => {
      const chain: string[] = [];
      for (
        let at: X509Certificate | undefined = socket.getPeerX509Certificate();
        at !== undefined && chain.length < 5;
        at = at.issuerCertificate
      )
        chain.push(at.toString());
      finish({ said: ['CONNECTED(00000003)', ...chain.join('\n').split('\n')], status: 0 });
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      finish(
        error.code === 'ECONNREFUSED'
          ? refused
          : { said: ['CONNECTED(00000003)', 'write:errno=104', 'no peer certificate available'], status: 1 },
      ),
    );
  });
}

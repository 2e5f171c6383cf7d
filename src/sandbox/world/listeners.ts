import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { discoveryService } from '../../istio/hosts.ts';
import { labels, ports } from '../../istio/labels.ts';
import { textAt } from '../../builder/edits/json.ts';
import type { Mishaps } from '../mishaps.ts';
import type { Authorities } from './authorities.ts';
import { pemBlocks } from './authorities.ts';
import { type FrontDoor, frontDoors, readyPods } from './front-doors.ts';
import type { Identities, Presented } from './identities.ts';
import { passThrough } from './pass-through.ts';
import { dnsNamesOf, reachThrough } from './reach.ts';
import { hboneEnd, helloOf, istiodEnd, ofBalancer, openEnd, policyOf, readiness, reset, sidecarEnd } from './tls-ends.ts';
import type { World } from './world.ts';

/** Where the listener of a documented address is. */
export interface Resolution {
  readonly from: { readonly host: string; readonly port: number };
  readonly to: { readonly host: string; readonly port: number };
}

/** Listeners on loopback that stand for the addresses of gateways. */
export interface Listeners {
  /** Live: addresses that come later are added, those that go are taken out. */
  readonly resolve: readonly Resolution[];
  /** Opens and closes what the objects ask for now. */
  update(): Promise<void>;
  /** Serves one port of a gateway on a stream that is there already. */
  serve(door: FrontDoor, stream: Duplex): void;
  /** Connections that are open. */
  count(): number;
  close(): Promise<void>;
}

interface Listener {
  door: FrontDoor;
  server: Server | undefined;
  /** Kept when the server is closed and opened again. */
  port: number;
}

/** How long Envoy tries to connect to a pod. */
const connectTimeout = 10_000;

/** `knownTo` is the world as proxies of a cluster know it. */
export function openListeners(
  world: World,
  knownTo: (cluster: string) => World,
  identities: Identities,
  authorities: Authorities,
  mishaps: Mishaps,
): Listeners {
  const listeners = new Map<string, Listener>();
  const sockets = new Set<Socket>();
  const resolve: Resolution[] = [];
  let isClosed = false;

  const serving: Serving = { world, knownTo, identities, authorities, mishaps };
  const serve = (door: FrontDoor, stream: Duplex): void => {
    void handle(door, stream, serving).catch(() => reset(stream));
  };
  const open = async (listener: Listener): Promise<void> => {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      if (!befallen(listener.door, socket, serving)) serve(listener.door, socket);
    });
    listener.port = await listen(server, listener.port);
    listener.server = server;
  };
  const shut = async (listener: Listener): Promise<void> => {
    const { server } = listener;
    listener.server = undefined;
    if (server !== undefined) await new Promise<void>((done) => server.close(() => done()));
  };
  const update = async (): Promise<void> => {
    if (isClosed) return;
    const wanted = new Map(frontDoors(world.now().state).map((door) => [`${door.host} ${door.port}`, door]));
    for (const [key, listener] of listeners) {
      if (wanted.has(key)) continue;
      listeners.delete(key);
      void shut(listener);
    }
    for (const [key, door] of wanted) {
      const listener = listeners.get(key) ?? { door, server: undefined, port: 0 };
      listeners.set(key, listener);
      listener.door = door;
      // Nobody answers for a Service without a ready pod: connections are refused.
      const isAnswering = readyPods(door.cluster, door.service).length > 0 && !isShut(door, mishaps);
      if (listener.port === 0 || (isAnswering && listener.server === undefined)) await open(listener);
      if (!isAnswering) void shut(listener);
    }
    const now = [...listeners.values()].map(({ door, port }) => ({
      from: { host: door.host, port: door.port },
      to: { host: '127.0.0.1', port },
    }));
    resolve.splice(0, resolve.length, ...now, ...publicNames(world, now));
  };
  return {
    resolve,
    update,
    serve,
    count: () => sockets.size,
    close: async () => {
      isClosed = true;
      for (const socket of sockets) socket.destroy();
      await Promise.all([...listeners.values()].map(shut));
      listeners.clear();
      resolve.length = 0;
    },
  };
}

/** Port it listens on: the one it had, where that is still free. */
async function listen(server: Server, port: number): Promise<number> {
  const attempt = (wanted: number): Promise<number> =>
    new Promise((done, failed) => {
      server.once('error', failed);
      server.listen(wanted, '127.0.0.1', () => {
        server.removeListener('error', failed);
        const address = server.address();
        done(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  server.unref();
  return await attempt(port).catch(() => attempt(0));
}

/** Public names of istiods lead to the gateways of their clusters. */
function publicNames(world: World, known: readonly Resolution[]): Resolution[] {
  const knowledge = world.now();
  const doors = frontDoors(knowledge.state).filter(({ targetPort }) => targetPort === ports.discovery || targetPort === ports.webhook);
  return [...knowledge.istiods.values()].flatMap((process) =>
    dnsNamesOf(process, knowledge)
      .filter((host) => discoveryService(host) === undefined)
      .flatMap((host) =>
        doors.flatMap(({ cluster, ...door }) => {
          const to = known.find(({ from }) => from.host === door.host && from.port === door.port)?.to;
          return to === undefined || cluster.name !== process.cluster ? [] : [{ from: { host, port: door.port }, to }];
        }),
      ),
  );
}

/** Whether a port of a gateway takes no connection: what stands before its pods does not, or has none to give it to. */
export function isShut({ cluster, port, targetPort }: FrontDoor, mishaps: Mishaps): boolean {
  const gateway = mishaps.find('gateway', cluster.name, targetPort)?.does;
  return mishaps.find('address', cluster.name, port)?.does === 'refuse' || gateway === 'close' || gateway === 'wait';
}

/** What stands before the pods of a gateway does not pass this connection on. */
function befallen(door: FrontDoor, socket: Socket, serving: Serving): boolean {
  const mishap = serving.mishaps.find('address', door.cluster.name, door.port);
  const does = mishap?.does;
  const isStrict = does === 'other-protocol';
  if (does === 'end') socket.on('error', () => socket.destroy()).once('data', () => reset(socket));
  else if (does === 'hold') socket.on('error', () => socket.destroy()).resume();
  else if (does === 'terminate' || isStrict) void terminated(door, socket, serving, isStrict).catch(() => reset(socket));
  else return false;
  return true;
}

/** TLS ends before the pods: with a certificate of what stands there, or with theirs. */
async function terminated(door: FrontDoor, socket: Socket, serving: Serving, isStrict: boolean): Promise<void> {
  const mishap = serving.mishaps.find('address', door.cluster.name, door.port);
  const presented = await (mishap?.as === 'gateway' ? ofGateway(door, serving) : ofBalancer(serving.authorities));
  if (presented === undefined) reset(socket);
  else openEnd(socket, presented, mishap?.most, isStrict ? 'http/1.1' : undefined);
}

interface Serving {
  readonly world: World;
  readonly knownTo: (cluster: string) => World;
  readonly identities: Identities;
  readonly authorities: Authorities;
  readonly mishaps: Mishaps;
}

async function handle(door: FrontDoor, stream: Duplex, { world, knownTo, identities, authorities, mishaps }: Serving): Promise<void> {
  stream.on('error', () => stream.destroy());
  const current = frontDoors(world.now().state).find((one) => one.host === door.host && one.port === door.port) ?? door;
  const pods = readyPods(current.cluster, current.service);
  if (pods.length === 0) return reset(stream);
  if (current.targetPort === ports.status) return readiness('/healthz/ready').serve(stream);
  const hello = await helloOf(stream);
  const { targetPort } = current;
  // What is no TLS breaks the handshake of who ends it; where a connection is looked at first, nobody is there to take it.
  if (hello === undefined) return targetPort === ports.hbone ? void stream.end() : reset(stream);
  const knowledge = world.now();
  const does = mishaps.find('gateway', current.cluster.name, targetPort)?.does;
  if (does === 'end') return reset(stream);
  if (does === 'plain') return void stream.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  if (targetPort === ports.discovery || targetPort === ports.webhook) {
    const reached = reachThrough(current, hello.serverName ?? '', knowledge);
    if (!('process' in reached)) return reset(stream);
    const presented =
      reached.presents === 'istiod'
        ? await identities.ofIstiod(reached.process, knowledge)
        : await credentialOf(current, reached.presents.credential, authorities);
    const of = mishaps.find('istiod', reached.process.cluster)?.does;
    const says = {
      ready: of === 'wait' ? 503 : 200,
      hasProtocols: of !== 'no-protocol',
      policy: policyOf(reached.process.controlPlane.env),
    };
    return presented === undefined ? reset(stream) : istiodEnd(stream, presented, targetPort, says);
  }
  const [gateway] = pods;
  const isAmbient = targetPort === ports.hbone && gateway?.labels[labels.gatewayManaged] !== undefined;
  const passed = isAmbient ? { pod: gateway, cluster: current.cluster.name } : passThrough(current, hello, knowledge, world.predict);
  if (!('pod' in passed)) return reset(stream);
  // Envoy waits for ten seconds before it gives up on a pod.
  if (does === 'stall') return void setTimeout(() => reset(stream), connectTimeout).unref();
  const own = knownTo(passed.cluster);
  const cluster = own.now().state.clusters.get(passed.cluster);
  const process = cluster === undefined ? undefined : own.servedBy(passed.pod, cluster);
  const presented = process === undefined ? undefined : await identities.ofPod(passed.pod, process, own.now());
  const most = mishaps.find('workload', passed.pod.ref.cluster)?.most;
  if (presented === undefined) return reset(stream);
  if (does === 'unguarded') return openEnd(stream, presented, most);
  const policy = process === undefined ? {} : policyOf(process.controlPlane.env);
  return isAmbient ? hboneEnd(stream, presented, hello, policy, most) : sidecarEnd(stream, presented, hello, policy, most);
}

/** The certificate of the pods of a gateway. */
async function ofGateway({ cluster, service }: FrontDoor, { world, identities }: Serving): Promise<Presented | undefined> {
  const [pod] = readyPods(cluster, service);
  const process = pod === undefined ? undefined : world.servedBy(pod, cluster);
  return pod === undefined || process === undefined ? undefined : await identities.ofPod(pod, process, world.now());
}

/** The certificate of a gateway that ends TLS itself: a Secret beside its pods. */
async function credentialOf(door: FrontDoor, name: string, authorities: Authorities): Promise<Presented | undefined> {
  const secret = door.cluster.objects.get('Secret', door.service.namespace, name);
  const pem = Buffer.from(textAt(secret, 'data', 'tls.crt') ?? textAt(secret, 'data', 'cert') ?? '', 'base64').toString('latin1');
  const [leaf, ...chain] = pemBlocks(pem);
  if (leaf === undefined) return undefined;
  const authority = await authorities.of(leaf);
  return { chain: [authority.cert, ...chain.map((block) => `${block}\n`)], key: authority.key, roots: [] };
}

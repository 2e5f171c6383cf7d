import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { KubeObject } from '../../model/kube.ts';
import type { Context } from './context.ts';
import { textAt } from './json-path.ts';
import { framed, PortStream } from './port-stream.ts';
import { ApiError, badRequest } from './status.ts';

/** Channel protocols of port-forward that a kubelet speaks, both with binary frames. */
const protocols = ['v4.channel.k8s.io', 'channel.k8s.io'] as const;

/** What to forward; 400 for a request that asks for nothing or in another way. */
export interface Forwarding {
  readonly pod: KubeObject;
  readonly ports: readonly number[];
}

export function forwardingOf(pod: KubeObject, query: URLSearchParams, message: IncomingMessage): Forwarding {
  if ((message.headers.upgrade ?? '').toLowerCase() !== 'websocket')
    throw badRequest(`unable to upgrade: only websockets are served, not "${message.headers.upgrade ?? ''}"`);
  const offered = (message.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
  if (!protocols.some((protocol) => offered.includes(protocol))) throw new ApiError(403, { text: '' }, 'no protocol in common');
  if (textAt(pod, 'spec', 'nodeName') === '') throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  const ports = query.getAll('ports').flatMap((value) => value.split(','));
  if (ports.length === 0) throw new ApiError(400, { text: 'query parameter "port" is required' }, 'no port');
  for (const port of ports)
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
      throw badRequest(`cannot convert to []int32: strconv.ParseUint: parsing "${port}": invalid syntax`);
  return { pod, ports: ports.map(Number) };
}

export interface PortForwarder {
  /** Answers the upgrade and connects the ports. */
  accept(forwarding: Forwarding, message: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Those that are open. */
  count(): number;
  close(): void;
}

export function openPortForwarder(context: Context): PortForwarder {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
  });
  return {
    accept: (forwarding, message, socket, head) => {
      server.handleUpgrade(message, socket, head, (client) => forward(context, forwarding, client));
    },
    count: () => server.clients.size,
    close: () => {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
}

/** Two channels for each port, data and errors; each begins with the port, in two bytes. The connection ends when all ports are done. */
function forward({ cluster, ports: podPorts }: Context, { pod, ports }: Forwarding, client: WebSocket): void {
  const streams = new Map<number, PortStream>();
  let open = ports.length;
  const done = (): void => {
    open -= 1;
    if (open === 0) client.close(1000);
  };
  client.on('message', (data) => {
    const frame = Buffer.isBuffer(data) ? data : undefined;
    const [channel] = frame ?? [];
    if (frame !== undefined && channel !== undefined) streams.get(channel)?.receive(frame.subarray(1));
  });
  client.on('error', () => client.terminate());
  client.on('close', () => {
    for (const stream of streams.values()) stream.push(null);
    // Whoever still writes has nobody to write to.
    for (const stream of streams.values()) stream.destroy();
  });
  for (const [index, port] of ports.entries()) {
    const [data, error] = [2 * index, 2 * index + 1];
    for (const channel of [data, error]) client.send(framed(channel, portBytes(port)));
    const serve = podPorts(cluster, pod, port);
    if (serve === undefined) {
      client.send(framed(error, Buffer.from(refused(pod, port))), done);
      continue;
    }
    const stream = new PortStream(client, data);
    streams.set(data, stream);
    stream.on('error', () => client.terminate());
    // Ended by the port, or cut off by it.
    let isOver = false;
    const over = (): void => {
      if (!isOver) done();
      isOver = true;
    };
    stream.on('finish', over);
    stream.on('close', over);
    serve(stream);
  }
}

function portBytes(port: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(port);
  return bytes;
}

/** In the words of a kubelet whose container runtime is containerd. */
function refused({ metadata: { uid = '' } }: KubeObject, port: number): string {
  const sandbox = uid.replaceAll('-', '').padEnd(64, '0');
  const where = `failed to connect to localhost:${port} inside namespace "${sandbox}", IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused IPv6 dial tcp6 [::1]:${port}: connect: connection refused `;
  const how = `failed to execute portforward in network namespace "/var/run/netns/cni-${uid}": ${where}`;
  return `error forwarding port ${port} to pod ${sandbox}, uid : ${how}`;
}

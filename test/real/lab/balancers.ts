import { type Server, type Socket, connect, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { type TlsOptions, createServer as createTlsServer } from 'node:tls';
import { mintCertificate } from '../../../src/sandbox/certificates.ts';

/*
 * Load balancers that do more than to pass packets on. Each listens in the router, at the address of a Service, and has connections of its own with the pod behind it.
 */

/**
 * What a load balancer does with connections to one port: passes on what is said; says first, in the PROXY protocol, who calls; keeps them, for it has nobody
 * to pass them to; ends TLS with a certificate of its own, by whatever version, by none that is newer than 1.2, or for browsers only.
 */
export type Conduct = 'passes' | 'sends-proxy-header' | 'holds' | 'ends-tls' | 'ends-old-tls' | 'ends-tls-for-browsers';

export interface Balancer {
  readonly address: string;
  readonly ports: Readonly<Record<number, Conduct>>;
}

/** Listens at an address that the router has already. `behind` is the address of the pod, as it is by then. */
export async function startBalancer({ address, ports }: Balancer, behind: () => string | undefined): Promise<() => Promise<void>> {
  const certificate = await mintCertificate({
    subject: [['CN', 'lb.example.com']],
    dnsNames: ['lb.example.com'],
    usages: ['server'],
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 86_400_000),
  });
  const open = new Set<Socket>();
  const tracked = (socket: Socket): Socket => {
    open.add(socket);
    return socket.once('close', () => open.delete(socket));
  };
  const servers = await Promise.all(
    Object.entries(ports).map(async ([port, conduct]) => {
      const pass = (caller: Duplex, said: string): void => {
        const host = behind();
        if (host === undefined) return void caller.destroy();
        const pod = tracked(connect({ host, port: Number(port) }));
        if (said !== '') pod.write(said);
        join(caller, pod);
      };
      const ending = createTlsServer({ cert: certificate.cert, key: certificate.key, ...limits[conduct] }, (stream) => pass(stream, ''));
      ending.on('tlsClientError', (_error, stream) => stream.destroy());
      const server = createServer((socket) => {
        tracked(socket).on('error', () => socket.destroy());
        if (conduct === 'holds') socket.resume();
        else if (conduct === 'passes') pass(socket, '');
        else if (conduct === 'sends-proxy-header') pass(socket, headerOf(socket));
        else ending.emit('connection', socket);
      });
      return await listening(server, Number(port), address);
    }),
  );
  return async () => {
    for (const socket of open) socket.destroy();
    await Promise.all(servers.map(async (server) => await new Promise<void>((done) => void server.close(() => done()))));
  };
}

/** What it takes of TLS; anything where nothing is said. */
const limits: Readonly<Partial<Record<Conduct, TlsOptions>>> = {
  'ends-old-tls': { maxVersion: 'TLSv1.2' },
  'ends-tls-for-browsers': { ALPNProtocols: ['http/1.1'] },
};

/** Version 1 of the PROXY protocol: a line before everything else. */
function headerOf({ remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 }: Socket): string {
  return `PROXY TCP4 ${remoteAddress} ${localAddress} ${remotePort} ${localPort}\r\n`;
}

/** What one end says the other hears, until one of them goes. */
function join(one: Duplex, other: Duplex): void {
  one.pipe(other).pipe(one);
  for (const [end, peer] of [
    [one, other],
    [other, one],
  ] as const)
    end.on('error', () => peer.destroy()).once('close', () => peer.destroy());
}

async function listening(server: Server, port: number, host: string): Promise<Server> {
  return await new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, host, () => done(server));
  });
}

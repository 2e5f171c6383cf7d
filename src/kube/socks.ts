import { isIP, type Socket } from 'node:net';
import { Fault, hostPort } from './classify.ts';
import type { ProxyAddress } from './proxy.ts';

/** Replies of a SOCKS5 server (RFC 1928) in words. */
const replies: Readonly<Record<number, string>> = {
  1: 'general failure',
  2: 'not allowed',
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'connection refused',
  6: 'TTL expired',
  7: 'command not supported',
  8: 'address type not supported',
};

/**
 * Asks a SOCKS5 proxy for the way to `host:port`; the proxy resolves the name, as Go has it. Written here because undici's own client warns
 * on stderr that it is experimental and cannot serve upgrades.
 */
export async function socksTunnel(socket: Socket, proxy: ProxyAddress, host: string, port: number): Promise<void> {
  const where = `proxy ${hostPort(proxy.host, proxy.port)} (${proxy.from})`;
  const hasUser = proxy.username !== undefined;
  socket.write(Buffer.from(hasUser ? [5, 2, 0, 2] : [5, 1, 0]));
  const [version, method] = await exactly(socket, 2);
  if (version !== 5) throw new Fault('proxy', `${where} does not speak SOCKS5`);
  if (method === 2 && hasUser) {
    const user = Buffer.from(proxy.username ?? '').subarray(0, 255);
    const password = Buffer.from(proxy.password ?? '').subarray(0, 255);
    socket.write(Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([password.length]), password]));
    const [, refused] = await exactly(socket, 2);
    if (refused !== 0) throw new Fault('proxy', `${where} did not accept user and password`);
  } else if (method !== 0) throw new Fault('proxy', `${where} wants another way to log in`);

  socket.write(Buffer.concat([Buffer.from([5, 1, 0]), addressBytes(host), Buffer.from([port >> 8, port & 0xff])]));
  const [, reply = 1, , type] = await exactly(socket, 4);
  if (reply !== 0) throw new Fault('proxy', `${where} has no way to ${hostPort(host, port)}: ${replies[reply] ?? `reply ${reply}`}`);
  const length = type === 1 ? 4 : type === 4 ? 16 : ((await exactly(socket, 1))[0] ?? 0);
  await exactly(socket, length + 2);
}

function addressBytes(host: string): Buffer {
  switch (isIP(host)) {
    case 4:
      return Buffer.from([1, ...host.split('.').map(Number)]);
    case 6:
      return Buffer.concat([Buffer.from([4]), ipv6Bytes(host)]);
    default: {
      const name = Buffer.from(host).subarray(0, 255);
      return Buffer.concat([Buffer.from([3, name.length]), name]);
    }
  }
}

function ipv6Bytes(host: string): Buffer {
  // URL writes every IPv6 address without a dotted end.
  const [head = '', tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const all = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The next `length` bytes; more than that stays in the socket. */
function exactly(socket: Socket, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const attempt = (): void => {
      const found: unknown = length === 0 ? Buffer.alloc(0) : socket.read(length);
      if (!Buffer.isBuffer(found)) return;
      settle();
      resolve(found);
    };
    const fail = (error?: Error): void => {
      settle();
      reject(error ?? Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    };
    const ended = (): void => fail();
    const settle = (): void => {
      socket.off('readable', attempt).off('error', fail).off('end', ended).off('close', ended);
    };
    socket.on('readable', attempt).once('error', fail).once('end', ended).once('close', ended);
    attempt();
  });
}

import { connect, type Socket } from 'node:net';

/** An address as objects and `--resolve` write it; `host` without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * TCP from this machine to an address, or to where a mapping says that it is. Rejects with the socket's own error; when the signal
 * says stop, with its reason. With `onlyMapped` an address without a mapping is refused and not dialled. The socket is the caller's to end.
 */
export async function dial(
  address: Address,
  mappings: readonly { readonly from: Address; readonly to: Address }[],
  signal: AbortSignal,
  onlyMapped = false,
): Promise<{ readonly socket: Socket; readonly connectedTo: string }> {
  signal.throwIfAborted();
  const mapped = mappings.find(({ from }) => from.host === address.host && from.port === address.port)?.to;
  if (mapped === undefined && onlyMapped)
    throw Object.assign(new Error(`connect ECONNREFUSED ${address.host}:${address.port}`), { code: 'ECONNREFUSED' });
  const { host, port } = mapped ?? address;
  const socket = connect({ host, port, autoSelectFamily: true });
  return await new Promise((resolve, reject) => {
    const stop = (): void => {
      socket.destroy();
      reject(signal.reason instanceof Error ? signal.reason : new Error('stopped'));
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(error);
    });
    socket.once('connect', () => {
      signal.removeEventListener('abort', stop);
      resolve({ socket, connectedTo: socket.remoteAddress ?? host });
    });
  });
}

/** Milliseconds of a clock that never goes back. */
export function monotonic(): number {
  return performance.now();
}

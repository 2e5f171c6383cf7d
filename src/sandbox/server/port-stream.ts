import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/**
 * The data of one forwarded port: what the port writes goes out as messages of its channel, what comes in on the channel is given to it.
 * Writing waits for the socket; when nobody reads, the socket is paused.
 */
export class PortStream extends Duplex {
  readonly #socket: WebSocket;
  readonly #channel: number;

  constructor(socket: WebSocket, channel: number) {
    super();
    this.#socket = socket;
    this.#channel = channel;
  }

  /** A message of the channel, without its channel byte. */
  receive(data: Buffer): void {
    if (!this.push(data)) this.#socket.pause();
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.send(framed(this.#channel, chunk), { binary: true }, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    done();
  }
}

/** A message as the channel protocols have it: the channel in front. */
export function framed(channel: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([channel]), data]);
}

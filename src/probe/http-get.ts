import { Agent, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { UselessAnswer } from './failure.ts';
import { type Sieve, sifting } from './json-sieve.ts';

/** One GET: a path with query, how many bytes the answer may have, and what of it is kept. */
export interface Get {
  readonly path: string;
  readonly most: number;
  readonly sieve?: Sieve;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * GET over a stream that leads to an HTTP server. `most`: bytes of the body; rejects when it is longer or cut short. `sieve`: what of a
 * good answer is kept, as it comes. The stream is ended or destroyed afterwards, or fit for the next request.
 */
export function httpGet(stream: Duplex, path: string, most: number, sieve?: Sieve): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request({ path, host: 'localhost', agent: agentOf(stream) }, (response) => {
      const status = response.statusCode ?? 0;
      const chunks: Buffer[] = [];
      const sift = sieve === undefined || status !== 200 ? undefined : sifting(sieve);
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > most) {
          reject(new UselessAnswer('server-error', `the answer to ${path} is longer than ${Math.floor(most / mebibyte)} MiB`));
          stream.destroy();
        } else if (sift === undefined) chunks.push(chunk);
        else sift.push(chunk);
      });
      response.on('end', () => resolve({ status, body: sift === undefined ? Buffer.concat(chunks, size).toString('utf8') : sift.end() }));
      response.on('error', reject);
    });
    asked.on('error', (error) => reject(isParseError(error) ? new UselessAnswer('server-error', 'the answer is not HTTP') : error));
    asked.end();
  });
}

/** Keeps one stream, which has no keep-alive of TCP to switch on and keeps no process running. */
class StreamAgent extends Agent {
  readonly #stream: Duplex;
  constructor(stream: Duplex) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#stream = stream;
    // An agent listens once more with every request, and takes that back from sockets only.
    stream.setMaxListeners(0);
  }
  override createConnection(): Duplex {
    return this.#stream;
  }
  override keepSocketAlive(): boolean {
    return true;
  }
  override reuseSocket(): void {}
}

const agents = new WeakMap<Duplex, Agent>();

function agentOf(stream: Duplex): Agent {
  let agent = agents.get(stream);
  if (agent === undefined) agents.set(stream, (agent = new StreamAgent(stream)));
  return agent;
}

export const mebibyte = 1024 * 1024;

function isParseError(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && error.code.startsWith('HPE_') && error.code !== 'HPE_INVALID_EOF_STATE';
}

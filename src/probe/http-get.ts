import { Agent, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { UselessAnswer } from './failure.ts';
import { type Sieve, sifted, type Sifting, sifting } from './json-sieve.ts';

/** One GET: a path with query, how many bytes the answer may have, and what of it is kept. */
export interface Get {
  readonly path: string;
  readonly most: number;
  readonly sieve?: Sieve;
  /** It takes its time: nothing waits for it that could be asked meanwhile. */
  readonly isLong?: true;
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
      const kept = status === 200 ? sieve : undefined;
      let sift: Sifting | undefined;
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > most) {
          reject(new UselessAnswer('server-error', `the answer to ${path} is longer than ${Math.floor(most / mebibyte)} MiB`));
          stream.destroy();
        } else if (sift !== undefined) sift.push(chunk);
        else {
          chunks.push(chunk);
          if (kept === undefined || size <= mostWhole) return;
          sift = sifting(kept);
          for (const early of chunks.splice(0)) sift.push(early);
        }
      });
      response.on('end', () => {
        if (sift !== undefined) return resolve({ status, body: sift.end() });
        const text = Buffer.concat(chunks, size).toString('utf8');
        resolve({ status, body: kept === undefined ? text : sifted(text, kept) });
      });
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
/** Bytes up to which an answer is parsed as a whole although little of it is kept: that takes half the time. Above it memory counts for more. */
const mostWhole = 16 * mebibyte;

function isParseError(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && error.code.startsWith('HPE_') && error.code !== 'HPE_INVALID_EOF_STATE';
}

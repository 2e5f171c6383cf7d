import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { gzip } from 'node:zlib';
import { stringify } from 'yaml';
import { type Answer, textAnswer } from './context.ts';
import { takesGzip } from './negotiate.ts';
import { ApiError, failure } from './status.ts';

/** Smaller bodies are never compressed. */
const leastCompressed = 128 * 1024;

function compressed(body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gzip(body, { level: 1 }, (error, result) => (error === null ? resolve(result) : reject(error)));
  });
}

/** What went wrong as an answer. What nobody foresaw is a 500 that says so. */
export function errorAnswer(error: unknown): Answer {
  if (!(error instanceof ApiError)) {
    const message = `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`;
    return { code: 500, contentType: 'application/json', body: JSON.stringify(failure(500, 'InternalError', message)) };
  }
  const { body, code, headers } = error;
  if ('text' in body) return { ...textAnswer(body.text, code), headers };
  return { code, contentType: 'application/json', body: JSON.stringify(body.status), headers };
}

function bytesOf({ body }: Answer): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : body;
}

export function yamlAnswer(answer: Answer): Answer {
  const value: unknown = JSON.parse(answer.body.toString());
  return { ...answer, contentType: 'application/yaml', body: stringify(value) };
}

/** Sets the headers of an answer and gives its body, compressed where the client takes that and it is worth it. */
export async function prepare(answer: Answer, message: IncomingMessage, response: ServerResponse, now: string): Promise<Buffer> {
  const body = bytesOf(answer);
  const isCompressed = answer.code === 200 && body.length > leastCompressed && takesGzip(message.headers['accept-encoding']?.toString());
  const sent = isCompressed ? await compressed(body) : body;
  setHeaders(response, now, answer.contentType);
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (isCompressed) {
    response.setHeader('Content-Encoding', 'gzip');
    response.setHeader('Vary', 'Accept-Encoding');
  }
  response.setHeader('Content-Length', sent.length);
  response.statusCode = answer.code;
  return sent;
}

export function setHeaders(response: ServerResponse, now: string, contentType: string): void {
  response.sendDate = false;
  response.setHeader('Date', new Date(now).toUTCString());
  response.setHeader('Audit-Id', randomUUID());
  response.setHeader('Cache-Control', 'no-cache, private');
  response.setHeader('Content-Type', contentType);
  if (isPlain(contentType)) response.setHeader('X-Content-Type-Options', 'nosniff');
}

const isPlain = (contentType: string): boolean => contentType.startsWith('text/plain');

/** Refuses an upgrade: an ordinary answer on a connection that ends with it. */
export function refuseUpgrade(socket: Duplex, answer: Answer, now: string): void {
  const body = bytesOf(answer);
  const head = [
    `HTTP/1.1 ${answer.code} ${STATUS_CODES[answer.code] ?? ''}`,
    `Audit-Id: ${randomUUID()}`,
    `Date: ${new Date(now).toUTCString()}`,
    ...(body.length === 0 ? [] : [`Content-Type: ${answer.contentType}`]),
    `Content-Length: ${body.length}`,
    ...Object.entries(answer.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    'Connection: close',
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
}

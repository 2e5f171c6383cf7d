import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HttpAnswer } from '../sandbox.ts';

/** Answers GET requests on any number of streams. */
export interface HttpPort {
  serve(stream: Duplex): void;
  close(): void;
}

/** An HTTP server without a socket of its own. `answer` is given path and query; what it rejects with is a 500. */
export function openHttp(answer: (path: string, query: URLSearchParams) => Promise<HttpAnswer> | HttpAnswer): HttpPort {
  const server: Server = createServer((request, response) => {
    const { pathname, searchParams } = addressOf(request);
    const reply = ({ status, ...body }: HttpAnswer): void => {
      const isJson = 'json' in body;
      const text = isJson ? JSON.stringify(body.json, null, searchParams.has('pretty') ? 2 : undefined) : body.text;
      response.writeHead(status, {
        'content-type': isJson ? 'application/json' : 'text/plain; charset=utf-8',
        'content-length': Buffer.byteLength(text),
      });
      response.end(text);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return reply({ status: 405, text: 'method not allowed\n' });
    Promise.resolve()
      .then(() => answer(pathname, searchParams))
      .then(reply, (error: unknown) => reply({ status: 500, text: `${error instanceof Error ? error.message : String(error)}\n` }));
  });
  return {
    serve: (stream) => {
      stream.on('error', () => stream.destroy());
      server.emit('connection', stream);
    },
    close: () => {
      server.closeAllConnections();
    },
  };
}

function addressOf(request: IncomingMessage): { readonly pathname: string; readonly searchParams: URLSearchParams } {
  const [pathname = '/', query = ''] = (request.url ?? '/').split('?', 2);
  return { pathname, searchParams: new URLSearchParams(query) };
}

import { abortFault, Fault } from './classify.ts';
import { exchange } from './exchange.ts';
import { openTransport } from './transport.ts';

/** What became of a document that was sent. `reason` names the server by host and port, never the rest of its URL. */
export type Posted =
  | { readonly status: 'sent' }
  /** `again`: asking once more may help; `after`: not before so many milliseconds, as the server said. */
  | { readonly status: 'failed'; readonly reason: string; readonly again: boolean; readonly after?: number };

export interface PostOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For the whole request, in milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** Sends JSON to an address that is no cluster, by the same proxies, authorities and limits as everything else. Redirects are not followed. */
export async function postJson(url: URL, body: string, { env, timeout, signal }: PostOptions): Promise<Posted> {
  const target = {
    name: url.host,
    server: url.origin,
    insecureSkipTlsVerify: false,
    credential: { kind: 'none' },
    disableCompression: true,
  } as const;
  const transport = openTransport(target, { env, connectTimeout: timeout, signal });
  try {
    if (signal.aborted) throw abortFault(signal);
    const way = await transport.way({});
    const headers = { 'Content-Type': 'application/json', 'User-Agent': 'meshdoctor', ...authorization(url) };
    const answer = await exchange(way, { method: 'POST', path: `${url.pathname}${url.search}`, headers, body }, timeout, signal);
    if (answer.status >= 200 && answer.status < 300) return { status: 'sent' };
    const after = secondsOf(answer.retryAfter);
    return {
      status: 'failed',
      reason: `${way.peer} answered ${answer.status}`,
      again: answer.status === 429 || answer.status >= 500,
      ...(after === undefined ? {} : { after }),
    };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { status: 'failed', reason: error.message, again: error.code !== 'interrupted' };
  } finally {
    await transport.close();
  }
}

function authorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** Seconds of Retry-After as milliseconds; a date in it is left aside. */
function secondsOf(retryAfter: string | undefined): number | undefined {
  return retryAfter !== undefined && /^\d{1,4}$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined;
}

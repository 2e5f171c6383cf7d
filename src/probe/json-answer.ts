import type { Answer } from '../model/observations.ts';
import { type Failure, oneLine } from './failure.ts';
import type { HttpAnswer } from './http-get.ts';

/** Statuses that say something other than that the question failed. */
export type Exceptions<T> = (answer: HttpAnswer) => Answer<T> | undefined;
export const noExceptions = () => undefined;

/** What a GET of `path` that should give JSON gave. `decode` gives nothing for a value of a form that it does not know. */
export function decoded<T>(
  path: string,
  reply: Answer<HttpAnswer>,
  decode: (value: unknown) => T | undefined,
  exceptions: Exceptions<T> = noExceptions,
): Answer<T> {
  if ('failed' in reply) return reply;
  const exception = exceptions(reply.answer);
  if (exception !== undefined) return exception;
  const { status, body } = reply.answer;
  if (status !== 200) return statusFailure(status, body);
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { failed: 'server-error', reason: `the answer to ${withoutQuery(path)} is not JSON, or not all of it` };
  }
  const answer = decode(value);
  return answer === undefined
    ? { failed: 'server-error', reason: `the answer to ${withoutQuery(path)} is of an unknown form` }
    : { answer };
}

/** What a status other than 200 says. */
export function statusFailure(status: number, body: string): Failure {
  const said = oneLine(body);
  const reason = said === '' ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
  switch (status) {
    case 401:
      return { failed: 'unauthorized', reason };
    case 403:
      return { failed: 'forbidden', reason };
    case 404:
      return { failed: 'not-found', reason };
    case 429:
      return { failed: 'throttled', reason };
    default:
      return { failed: 'server-error', reason };
  }
}

function withoutQuery(path: string): string {
  return path.replace(/\?.*/, '');
}

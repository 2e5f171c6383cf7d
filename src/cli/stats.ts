import { groupBy } from '../base/sort.ts';
import { count } from '../base/text.ts';
import type { RequestRecord } from '../kube/connection.ts';

/** What was asked of each cluster: a line per cluster, and with `verbose` one per request, in the order of their ends. */
export function statsText(requests: readonly RequestRecord[], verbose: boolean): string {
  const lines = [...groupBy(requests, ({ cluster }) => cluster)].flatMap(([cluster, own]) => {
    const sum = (of: (request: RequestRecord) => number): number => own.reduce((total, request) => total + of(request), 0);
    const failed = own.filter(({ status }) => status === 0 || status >= 400).length;
    const forwards = own.filter(({ status }) => status === 101).length;
    return [
      `${cluster}: ${count(own.length, 'request')}, ${sum(({ bytes }) => bytes)} bytes, ${count(forwards, 'port-forward')}, ${failed} failed`,
      ...(verbose
        ? own.map(
            ({ method, path, status, bytes, milliseconds, attempt }) =>
              `  ${method} ${path} ${status === 0 ? 'no answer' : status} ${bytes} bytes ${Math.round(milliseconds)} ms${attempt > 1 ? ` (try ${attempt})` : ''}`,
          )
        : []),
    ];
  });
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

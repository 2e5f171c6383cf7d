import type { RequestRecord } from '../kube/connection.ts';
import type { LiveIo } from '../run/live.ts';
import { liveIo } from './commands/common.ts';
import type { Host } from './host.ts';
import { progressOf } from './progress.ts';

/** Runs what may ask clusters, and shows meanwhile how far it is. The requests are those that were sent. */
export async function asking<T>(
  host: Host,
  { isLive, verbosity }: { readonly isLive: boolean; readonly verbosity: number },
  run: (live: LiveIo) => Promise<T>,
): Promise<{ readonly result: T; readonly requests: readonly RequestRecord[] }> {
  const requests: RequestRecord[] = [];
  const progress = isLive ? await progressOf(host, verbosity) : undefined;
  try {
    const result = await run(
      liveIo(host, {
        onRequest: (request) => requests.push(request),
        ...(progress === undefined ? {} : { onProgress: progress.onProgress }),
      }),
    );
    return { result, requests };
  } finally {
    await progress?.end();
  }
}

import { liveSource } from '../../config/live.ts';
import { count } from '../../base/text.ts';
import { asking } from '../asking.ts';
import { flag } from '../flags.ts';
import type { Host } from '../host.ts';
import type { Given } from '../parser.ts';
import { configOf, runFlags } from './common.ts';

/** Removes what runs of --probe=pod had to leave behind: a process that was killed, a cluster that was gone. */
export async function cleanupCommand(given: Given, host: Host): Promise<number> {
  const isDry = flag.on(given, 'dry-run') === true;
  const live = liveSource(runFlags(given), await configOf(given, host), host.cwd);
  const { result } = await asking(host, { isLive: false, verbosity: 0 }, async (io) => {
    const { cleanUp } = await import('../../run/cleanup.ts');
    return await cleanUp(live, io, isDry, host.signal);
  });
  const pods = result.filter((one) => 'pod' in one);
  for (const one of result) {
    if ('unread' in one) host.stderr.write(`${one.cluster}: not looked into: ${one.unread}.\n`);
    else if (one.failed !== undefined) host.stderr.write(`${one.cluster}: pod ${one.pod} is still there: ${one.failed}.\n`);
    else host.stdout.write(`${one.cluster}: pod ${one.pod} ${isDry ? 'would be removed' : 'removed'}\n`);
  }
  if (pods.length === 0 && result.length === 0) host.stdout.write('Nothing of meshdoctor is left in any cluster given.\n');
  else if (isDry) host.stderr.write(`${count(pods.length, 'pod')}; nothing was removed.\n`);
  return result.some((one) => 'unread' in one || one.failed !== undefined) ? 3 : 0;
}

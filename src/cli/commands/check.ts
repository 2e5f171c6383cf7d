import { UsageError } from '../../base/errors.ts';
import { nearest } from '../../base/text.ts';
import { runOptions } from '../../config/options.ts';
import { reporters } from '../../report/formats.ts';
import type { Report } from '../../report/schema.ts';
import type { Show } from '../../report/show.ts';
import { judgeClusters, prepare } from '../../run/check.ts';
import { asking } from '../asking.ts';
import { keepBaseline } from '../baseline.ts';
import type { Host } from '../host.ts';
import { farthest, outputsOf, refuseUnwritable, writeOutputs } from '../outputs.ts';
import type { Given } from '../parser.ts';
import { styleOf } from '../style.ts';
import { statsText } from '../stats.ts';
import { keepingOf } from '../keeping.ts';
import { notifyingOf } from '../notifying.ts';
import { goingOf, waitUntilGreen, watch, watchOutputs } from '../watching.ts';
import { configOf, runFlags, runIo, styleFlags } from './common.ts';
import { flag } from '../flags.ts';

/** Judges the clusters given; its exit code is the report's. */
export async function checkCommand(given: Given, host: Host): Promise<number> {
  const config = await configOf(given, host);
  const options = runOptions(runFlags(given), config, { cwd: host.cwd, now: host.now() });
  const flags = { ...styleFlags(given), show: showOf(flag.text(given, 'show')) };
  styleOf(flags, host);
  const io = runIo(host);
  const prepared = await prepare(options, io);
  const going = goingOf(given, options);
  const specs = flag.list(given, 'output') ?? config?.values.outputs ?? [];
  const watched = going !== undefined && 'watch' in going ? watchOutputs(specs) : undefined;
  const known = [...reporters, ...prepared.reporters];
  const outputs = watched !== undefined && watched.files.length === 0 ? [] : await outputsOf(watched?.files ?? specs, known, host.cwd);
  if (options.baseline?.write !== undefined) await refuseUnwritable(options.baseline.shown, host.cwd);
  const notifying = await notifyingOf(given, host, config);
  const keeping = await keepingOf(given, host, config, options, { prepared, io });
  const forecast = farthest(outputs, keeping.asked.forecast);
  const asked = forecast === undefined ? options : { ...options, forecast };
  let isTold = true;
  const write = async (whole: Report, since: number, at: string): Promise<boolean> => {
    const run = { endedAt: host.now(), seconds: host.seconds() - since };
    const { report, history } = await keeping.kept(whole, at);
    await writeOutputs(report, outputs, flags, host, { ...run, forecast: options.forecast });
    await keepBaseline(report, options, prepared, host);
    // The report is there by now, whatever becomes of telling it.
    if (notifying !== undefined && history !== undefined) isTold = await notifying.tell(report, history);
    return isTold;
  };
  const begun = host.seconds();
  const { result, requests } = await asking(
    host,
    // What is redrawn would stand between the lines of a watch.
    { isLive: options.live !== undefined && going === undefined, verbosity: flags.verbose ?? 0 },
    async (live) => {
      const session = { host, prepared, io: { ...io, live }, keeping, asked, write, flags };
      if (going !== undefined && 'watch' in going) return await watch(session, going.watch, watched?.telling ?? 'text');
      if (going !== undefined) return await waitUntilGreen(session, going.wait);
      return await judgeClusters(asked, prepared, session.io);
    },
  );
  if (typeof result !== 'number') await write(result, begun, options.now);
  if (flag.on(given, 'stats') === true) host.stderr.write(statsText(requests, (flags.verbose ?? 0) > 0));
  const code = typeof result === 'number' ? result : result.exit.code;
  return isTold || notifying?.isRequired !== true || code !== 0 ? code : 3;
}

const levels = ['error', 'warning', 'info', 'all'] as const satisfies readonly Show[];

function showOf(text: string | undefined): Show {
  if (text === undefined) return 'info';
  const found = levels.find((level) => level === text);
  if (found !== undefined) return found;
  const meant = nearest(text, levels);
  throw new UsageError('ERR_BAD_VALUE', `--show takes ${levels.join(', ')}; not ${JSON.stringify(text)}.`, {
    hint: meant === undefined ? undefined : `Did you mean ${meant}?`,
  });
}

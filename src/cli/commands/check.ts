import { UsageError } from '../../base/errors.ts';
import { nearest } from '../../base/text.ts';
import { runOptions } from '../../config/options.ts';
import { reporters } from '../../report/formats.ts';
import type { Show } from '../../report/show.ts';
import { judgeClusters, prepare } from '../../run/check.ts';
import { asking } from '../asking.ts';
import type { Host } from '../host.ts';
import { farthest, outputsOf, writeOutputs } from '../outputs.ts';
import type { Given } from '../parser.ts';
import { styleOf } from '../style.ts';
import { statsText } from '../stats.ts';
import { keepingOf } from '../keeping.ts';
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
  const outputs = await outputsOf(
    flag.list(given, 'output') ?? config?.values.outputs ?? [],
    [...reporters, ...prepared.reporters],
    host.cwd,
  );
  const keeping = await keepingOf(given, host, options, prepared, io);
  const forecast = farthest(outputs, keeping.asked.forecast);
  const begun = host.seconds();
  const { result, requests } = await asking(
    host,
    { isLive: options.live !== undefined, verbosity: flags.verbose ?? 0 },
    async (live) => await judgeClusters(forecast === undefined ? options : { ...options, forecast }, prepared, { ...io, live }),
  );
  const run = { endedAt: host.now(), seconds: host.seconds() - begun };
  const report = await keeping.kept(result);
  await writeOutputs(report, outputs, flags, host, { ...run, forecast: options.forecast });
  if (flag.on(given, 'stats') === true) host.stderr.write(statsText(requests, (flags.verbose ?? 0) > 0));
  return report.exit.code;
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

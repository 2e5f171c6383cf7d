import { runOptions } from '../../config/options.ts';
import { pathReporters } from '../../report/path/formats.ts';
import { prepare } from '../../run/check.ts';
import { followCall } from '../../run/path.ts';
import { asking } from '../asking.ts';
import { flag } from '../flags.ts';
import type { Host } from '../host.ts';
import { outputsOf, writeDocuments } from '../outputs.ts';
import type { Given } from '../parser.ts';
import { statsText } from '../stats.ts';
import { styleOf } from '../style.ts';
import { configOf, runFlags, runIo, styleFlags } from './common.ts';

/** Follows one call through the mesh; its exit code says whether it gets there. */
export async function pathCommand(given: Given, host: Host): Promise<number> {
  const [from = '', to = ''] = given.words;
  const flags = styleFlags(given);
  styleOf(flags, host);
  const options = { ...runOptions(runFlags(given), await configOf(given, host), { cwd: host.cwd, now: host.now() }), only: [], skip: [] };
  const io = runIo(host);
  const prepared = await prepare(options, io);
  const outputs = await outputsOf(flag.list(given, 'output') ?? [], pathReporters, host.cwd);
  const { result: report, requests } = await asking(
    host,
    { isLive: options.live !== undefined, verbosity: flags.verbose ?? 0 },
    async (live) => await followCall({ from, to }, options, prepared, { ...io, live }),
  );
  await writeDocuments(
    outputs.map(({ reporter, file }) => {
      const style = styleOf(flags, host, file === undefined ? 'stdout' : 'file');
      return {
        format: reporter.format,
        document: reporter.render(report, style),
        verbosity: style.verbosity,
        ...(file === undefined ? {} : { file }),
      };
    }),
    host,
  );
  if (flag.on(given, 'stats') === true) host.stderr.write(statsText(requests, (flags.verbose ?? 0) > 0));
  return report.exit.code;
}

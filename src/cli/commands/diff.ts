import { compare, type Comparison, type Side } from '../../compare/compare.ts';
import { UsageError } from '../../base/errors.ts';
import { list } from '../../base/text.ts';
import { oneOf } from '../../config/values.ts';
import { type RunOptions, runOptions } from '../../config/options.ts';
import { judgeSnapshot, type Prepared, prepare, readClusters, readRecordings, registry, type RunIo } from '../../run/check.ts';
import { kindsRead } from '../../run/plan.ts';
import { asking } from '../asking.ts';
import { diffText } from '../diff-text.ts';
import { flag } from '../flags.ts';
import type { Host } from '../host.ts';
import type { Given } from '../parser.ts';
import { styleOf } from '../style.ts';
import { version } from '../version.ts';
import { configOf, runFlags, runIo, styleFlags } from './common.ts';

/** Compares two looks at a mesh: recordings, or a recording and the clusters themselves. Findings that appeared make exit code 1. */
export async function diffCommand(given: Given, host: Host): Promise<number> {
  const [first = '', second] = given.words;
  const format = oneOf('-o', flag.text(given, 'output'), ['text', 'json'] as const) ?? 'text';
  const style = styleOf(styleFlags(given), host);
  const config = await configOf(given, host);
  const flags = runFlags(given);
  const where = { cwd: host.cwd, now: host.now() };
  const {
    as,
    asGroup,
    asUid,
    context,
    allContexts,
    inCluster,
    kubeconfig,
    istioNamespace,
    probe,
    requestTimeout,
    resolve,
    timeout,
    ...judging
  } = flags;
  const live = { as, asGroup, asUid, context, allContexts, inCluster, kubeconfig, istioNamespace, probe, requestTimeout, resolve, timeout };
  const stray = second === undefined ? undefined : Object.entries(live).find(([, value]) => value !== undefined)?.[0];
  if (stray !== undefined) {
    const spelled = `--${stray.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new UsageError('ERR_BAD_VALUE', `${spelled} is about live clusters, and diff was given two recordings.`, {
      hint: 'Leave out one of them.',
    });
  }
  const asked = second === undefined ? { ...judging, ...live } : { ...flags, from: [second] };
  const sides = [runOptions({ ...judging, from: [first] }, config, where), runOptions(asked, config, where)] as const;
  if (second === undefined && sides[1].live === undefined)
    throw new UsageError(
      'ERR_BAD_VALUE',
      'diff compares recordings, or a recording and live clusters; the configuration names directories.',
      {
        hint: 'Record them: meshdoctor record -o now.tgz',
      },
    );
  const io = runIo(host);
  const prepared = await prepare(sides[1], io);
  const { result } = await asking(
    host,
    { isLive: second === undefined, verbosity: style.verbosity },
    async (ask) =>
      [await sideOf(sides[0], prepared, { ...io, live: ask }), await sideOf(sides[1], prepared, { ...io, live: ask })] as const,
  );
  const [before, after] = result;
  refuseStrangers(before, after, first, second ?? 'the live mesh');
  const comparison = compare(before, after, kindsRead(registry(io.builtIn, prepared.plugins)));
  const exit = exitOf(comparison, sides[1]);
  host.stdout.write(
    format === 'json'
      ? `${JSON.stringify({ schema: 1, tool: { name: 'meshdoctor', version }, before: ends(before), after: ends(after), ...comparison, exit }, null, 2)}\n`
      : diffText(comparison, { before, after, exit }, style),
  );
  return exit.code;
}

async function sideOf(options: RunOptions, prepared: Prepared, io: RunIo): Promise<Side> {
  const read =
    options.from === undefined
      ? await readClusters(options, prepared.checks, io)
      : await readRecordings(options.from, options, prepared.checks, io);
  const own = 'options' in read ? read.options : options;
  const report = await judgeSnapshot(read.snapshot, own, prepared, io, 'options' in read ? {} : read);
  return { snapshot: read.snapshot, report, at: own.now };
}

function refuseStrangers(before: Side, after: Side, first: string, second: string): void {
  const names = after.snapshot.clusters.map(({ name }) => name);
  const others = before.snapshot.clusters.map(({ name }) => name);
  if (names.some((name) => others.includes(name))) return;
  throw new UsageError('ERR_BAD_VALUE', `${first} holds ${list(others)}, ${second} ${list(names)}: no cluster is in both.`, {
    hint: 'Clusters are compared by name: record them under the same contexts.',
  });
}

function ends({ report, at }: Side) {
  return { at, exit: report.exit.code, verdict: report.verdict.text, clusters: report.clusters.map(({ name }) => name) };
}

/** As check decides it: what appeared and fails a run is 1; what one side could not look at, 3. */
function exitOf({ introduced, incomparable }: Comparison, { exitZero }: RunOptions): { readonly code: number; readonly reason: string } {
  const failing = introduced.filter(({ fails }) => fails).length;
  const hidden = incomparable.filter(({ finding }) => finding.fails).length;
  const exit =
    failing > 0
      ? { code: 1, reason: `${failing} introduced at or above --fail-on` }
      : hidden > 0
        ? { code: 3, reason: `${hidden} could only be looked at on one side` }
        : { code: 0, reason: 'nothing introduced at or above --fail-on' };
  return exitZero && exit.code !== 0 ? { code: 0, reason: `--exit-zero instead of ${exit.code}: ${exit.reason}` } : exit;
}

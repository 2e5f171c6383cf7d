import { resolve } from 'node:path';
import { UsageError } from '../../base/errors.ts';
import { count, list, shellWord } from '../../base/text.ts';
import { runOptions } from '../../config/options.ts';
import type { ClusterSnapshot, Snapshot } from '../../model/snapshot.ts';
import { prepare, readClusters } from '../../run/check.ts';
import { recordingOf } from '../../run/replay.ts';
import { isRecordingName, writeRecording } from '../../source/recording.ts';
import { asking } from '../asking.ts';
import { flag } from '../flags.ts';
import type { Host } from '../host.ts';
import { refuseUnwritable } from '../outputs.ts';
import type { Given } from '../parser.ts';
import { statsText } from '../stats.ts';
import { version } from '../version.ts';
import { configOf, runFlags, runIo } from './common.ts';

/** Writes what `check` would judge into one file. It judges nothing: the exit code says whether all could be read. */
export async function recordCommand(given: Given, host: Host): Promise<number> {
  const file = await fileOf(given, host);
  const verbosity = flag.count(given, 'verbose');
  // All checks, so that whoever gets the file can select among them.
  const options = {
    ...runOptions(runFlags(given), await configOf(given, host), { cwd: host.cwd, now: host.now() }),
    only: [],
    skip: [],
    advice: true,
  };
  const io = runIo(host);
  const { checks } = await prepare(options, io);
  const { result, requests } = await asking(
    host,
    { isLive: options.live !== undefined, verbosity },
    async (live) => await readClusters(options, checks, { ...io, live }),
  );
  const { snapshot } = result;
  const whole = recordingOf(snapshot, options, version);
  const isAnonymous = flag.on(given, 'anonymize') === true;
  const recording = isAnonymous ? (await import('../../source/anonymize.ts')).anonymized(whole, globalThis.crypto.randomUUID()) : whole;
  await writeRecording(resolve(host.cwd, file), recording).catch((error: unknown) => {
    throw new UsageError('ERR_OUTPUT_UNWRITABLE', `${file} cannot be written.`, { cause: error });
  });
  const gaps = snapshot.clusters.flatMap(gapsOf);
  const interrupted = host.interrupted();
  host.stderr.write(
    [
      `Recorded ${list(snapshot.clusters.map(({ name }) => name))} (${count(objectsIn(snapshot), 'object')}) in ${file}.`,
      ...(isAnonymous ? [`There they are called ${list(recording.snapshot.clusters.map(({ name }) => name))}.`] : []),
      ...gaps,
      ...(interrupted === undefined ? [] : [`Interrupted by ${interrupted}: what was not read by then is missing.`]),
      `${host.program} check --from ${shellWord(file)} judges it.`,
      '',
    ].join('\n'),
  );
  if (flag.on(given, 'stats') === true) host.stderr.write(statsText(requests, verbosity > 0));
  if (interrupted !== undefined) return interrupted === 'SIGINT' ? 130 : 143;
  return gaps.length === 0 ? 0 : 3;
}

async function fileOf(given: Given, host: Host): Promise<string> {
  const file = flag.text(given, 'output');
  const hint = 'For example: meshdoctor record -o mesh.tgz --context east --context west';
  if (file === undefined || file === '') throw new UsageError('ERR_BAD_VALUE', 'record needs -o FILE.', { hint });
  if (!isRecordingName(file)) {
    throw new UsageError('ERR_BAD_VALUE', `-o needs a name that ends in .tgz or .json.gz, or in .json for no compression; not ${file}.`, {
      hint,
    });
  }
  await refuseUnwritable(file, host.cwd);
  return file;
}

function objectsIn({ clusters }: Snapshot): number {
  return clusters
    .flatMap(({ kinds }) => Object.values(kinds))
    .reduce((sum, read) => sum + (read.status === 'read' ? read.objects.length : 0), 0);
}

/** What the recording will not tell of a cluster, a sentence each. */
function gapsOf({ name, unreached, kinds, unread }: ClusterSnapshot): string[] {
  if (unreached !== undefined) return [`${name} was not reached: ${unreached.reason}.`];
  const withheld = (status: 'forbidden' | 'failed'): string[] =>
    Object.entries(kinds).flatMap(([id, read]) => (read.status === status ? [id] : []));
  return [
    ...unread.map(({ what, reason }) => `${what} of ${name} could not be read: ${reason}.`),
    ...sentence(`Forbidden in ${name}`, withheld('forbidden')),
    ...sentence(`Not read in ${name}`, withheld('failed')),
  ];
}

function sentence(what: string, kinds: readonly string[]): string[] {
  return kinds.length === 0 ? [] : [`${what}: ${list(kinds)}.`];
}

import { parse } from 'yaml';
import { z } from 'zod';
import { builtin } from '../../checks/index.ts';
import { runOptions } from '../../src/config/options.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import type { Report, ReportFinding } from '../../src/report/schema.ts';
import { judgeSnapshot } from '../../src/run/check.ts';
import { replayed } from '../../src/run/replay.ts';
import type { Recording } from '../../src/source/recording.ts';

/*
 * What is known of a recorded mesh from how it was made, and whether a report says so. The file beside a recording holds it.
 */

const about = z.string().regex(/^\S.*\.$/, 'a sentence');
const checks = z.array(z.string()).min(1);
const codes = z.array(z.string()).min(1);

const expectationSchema = z.union([
  z.strictObject({
    about,
    healthy: z.literal(true),
    /** Checks that cannot be done on it: no traffic, no probe, a right that is missing. */
    unproven: checks.optional(),
  }),
  z.strictObject({
    about,
    /** The fault, as the code of its finding or the check alone. */
    cause: z.string(),
    /** Where it lies, and whose working it touches. */
    clusters: z.array(z.string()).min(1),
    /** What may stand beside it as a cause of its own. */
    also: codes.optional(),
  }),
  z.strictObject({
    about,
    /** Clusters that do not answer: what is wrong there cannot be told, and nothing may be made up. */
    unreached: z.array(z.string()).min(1),
    also: codes.optional(),
  }),
]);

export type Expectation = z.infer<typeof expectationSchema>;

export function readExpectation(text: string): Expectation {
  return expectationSchema.parse(parse(text));
}

/** The report of all built-in checks about a recording, on a machine whose clock is wherever it is. */
export async function judgedRecording(recording: Recording): Promise<Report> {
  const given = runOptions({ from: ['recorded'] }, undefined, { cwd: '/', now: '2099-01-01T00:00:00Z' });
  const { snapshot, options } = replayed(recording, given, builtin);
  return await judgeSnapshot(
    snapshot,
    options,
    { checks: builtin, plugins: [], reporters: [] },
    { version: '0.0.0', nodeVersion: process.versions.node, builtIn: builtin },
  );
}

/** Everything in which a report is not what was expected; empty when it is. */
export function unmet(expected: Expectation, report: Report): string[] {
  const crashed = report.notChecked.filter(({ why }) => why === 'crashed').map(({ checks: own, reason }) => `${own.join(', ')} ${reason}`);
  const loud = loudCauses(report);
  const strangers = (known: readonly string[]): string[] =>
    loud
      .filter((finding) => !known.some((word) => isNamed(word, finding)))
      .map((finding) => `nobody expected ${finding.code} as a cause: ${finding.message}`);
  if ('healthy' in expected) {
    const open = unprovenOf(report);
    const known = expected.unproven ?? [];
    return [
      ...crashed,
      ...strangers([]),
      ...open.filter((check) => !known.includes(check)).map((check) => `${check} could not tell: ${whyOpen(report, check)}`),
      ...known.filter((check) => !open.includes(check)).map((check) => `${check} is listed as unproven, and was proven`),
    ];
  }
  const also = expected.also ?? [];
  if ('unreached' in expected) {
    const silent = unreachedOf(report);
    return [
      ...crashed,
      ...(same(silent, expected.unreached)
        ? []
        : [`not reached were ${silent.join(', ') || 'none'}, not ${expected.unreached.join(', ')}`]),
      ...strangers(also),
    ];
  }
  const [first] = loud;
  if (first === undefined) return [...crashed, `${expected.cause} was not found`];
  const clusters = clustersOf(first);
  return [
    ...crashed,
    ...(isNamed(expected.cause, first) ? [] : [`the first cause is ${first.code}, not ${expected.cause}: ${first.message}`]),
    ...(same(clusters, expected.clusters) ? [] : [`it is about ${clusters.join(', ')}, not ${expected.clusters.join(', ')}`]),
    ...strangers([expected.cause, ...also]),
  ];
}

/** What to expect of a recording that was just made and judged as it should be: a draft, to be read before it is kept. */
export function expectationOf(report: Report, sentence: string): Expectation {
  const [first, ...others] = loudCauses(report);
  const also = distinct(others.map(({ code }) => code).filter((code) => code !== first?.code));
  const silent = unreachedOf(report);
  const open = unprovenOf(report);
  if (silent.length > 0) {
    const beside = distinct(loudCauses(report).map(({ code }) => code));
    return expectationSchema.parse({ about: sentence, unreached: silent, ...(beside.length === 0 ? {} : { also: beside }) });
  }
  if (first === undefined)
    return expectationSchema.parse({ about: sentence, healthy: true, ...(open.length === 0 ? {} : { unproven: open }) });
  return expectationSchema.parse({
    about: sentence,
    cause: first.code,
    clusters: clustersOf(first),
    ...(also.length === 0 ? {} : { also }),
  });
}

/** A recording without what differs from one making of the same mesh to the next and no check reads: which version of an object was read. */
export function reduceForFixture(recording: Recording): Recording {
  const { snapshot } = recording;
  return {
    ...recording,
    snapshot: {
      ...snapshot,
      clusters: snapshot.clusters.map((cluster) => ({
        ...cluster,
        kinds: Object.fromEntries(Object.entries(cluster.kinds).map(([id, read]) => [id, withoutVersions(read)])),
      })),
      // Its types are closed: `origin` is nothing else in it.
      observations: JSON.parse(
        JSON.stringify(snapshot.observations, (key, value: unknown) => (key === 'origin' ? undefined : value)),
      ) as Snapshot['observations'],
    },
  };
}

type KindRead = Snapshot['clusters'][number]['kinds'][string];

function withoutVersions(read: KindRead): KindRead {
  if (read.status !== 'read') return read;
  const objects = read.objects.map(({ origin: _origin, ...object }) => {
    const { resourceVersion: _version, ...metadata } = object.metadata;
    return { ...object, apiVersion: object.apiVersion, kind: object.kind, metadata };
  });
  return { ...read, objects };
}

/** Findings that nothing else explains, at warning or above. */
function loudCauses({ causes, findings }: Report): ReportFinding[] {
  return causes
    .filter(({ severity }) => severity !== 'info')
    .flatMap(({ fingerprint }) => findings.filter((finding) => finding.fingerprint === fingerprint));
}

function isNamed(word: string, { code, check }: ReportFinding): boolean {
  return word === code || word === check;
}

function clustersOf({ at, concerns }: ReportFinding): string[] {
  return distinct([at.cluster, ...concerns]);
}

function unreachedOf({ clusters }: Report): string[] {
  return clusters.filter(({ unreached }) => unreached !== undefined).map(({ name }) => name);
}

/** Checks that could not tell for some cluster. */
function unprovenOf({ checks: all }: Report): string[] {
  return distinct(all.filter(({ results }) => results.some(({ result }) => result === 'unknown')).map(({ id }) => id));
}

function whyOpen({ notChecked }: Report, check: string): string {
  return distinct(notChecked.filter((gap) => gap.checks.includes(check)).map(({ reason }) => reason)).join('; ');
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return distinct(a).join() === distinct(b).join();
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}

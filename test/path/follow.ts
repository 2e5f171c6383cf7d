import { builtin } from '../../checks/index.ts';
import { type Flags, runOptions } from '../../src/config/options.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import type { PathHop, PathReport } from '../../src/report/path/schema.ts';
import { followIn } from '../../src/run/path.ts';
import { replayed } from '../../src/run/replay.ts';
import type { Recording } from '../../src/source/recording.ts';

/** A call through a recording, as `path --from FILE` follows it. */
export async function followRecorded(recording: Recording, from: string, to: string): Promise<PathReport> {
  const asked = runOptions({ from: ['mesh.json.gz'] }, undefined, { cwd: '/', now: recording.at });
  const { snapshot, options } = replayed(recording, asked, builtin);
  return await followIn({ from, to }, snapshot, options, prepared, io);
}

/** A call through a snapshot of directories. */
export async function follow(snapshot: Snapshot, from: string, to: string, flags: Flags = {}): Promise<PathReport> {
  const options = runOptions({ manifests: [], ...flags }, undefined, { cwd: '/', now: '2026-11-23T08:00:00Z' });
  return await followIn({ from, to }, snapshot, options, prepared, io);
}

const prepared = { checks: builtin, plugins: [], reporters: [] };
const io = { version: '0.0.0', nodeVersion: process.versions.node, builtIn: builtin };

/** The hop that the report names first; nothing where the way works. */
export function firstHop({ first, hops, ways }: PathReport): PathHop | undefined {
  if (first === undefined) return undefined;
  return (first.way === undefined ? hops : (ways[first.way]?.hops ?? [])).find(({ hop }) => hop === first.hop);
}

/** `broken at sni`, `unknown at gateway`, `works`. */
export function outcomeOf(report: PathReport): string {
  return report.first === undefined ? report.verdict.state : `${report.first.verdict} at ${report.first.hop}`;
}

/** Codes of what was found at the first hop that does not work, and of what explains it. */
export function codesAtFirst(report: PathReport): string[] {
  const findings = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  return (firstHop(report)?.findings ?? []).flatMap((fingerprint) => {
    const finding = findings.get(fingerprint);
    if (finding === undefined) return [];
    return [finding.code, ...(finding.cause === undefined ? [] : [findings.get(finding.cause)?.code ?? ''])];
  });
}

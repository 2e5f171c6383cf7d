import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtin } from '../../checks/index.ts';
import { type Flags, runOptions } from '../../src/config/options.ts';
import type { Report } from '../../src/report/schema.ts';
import { check } from '../../src/run/check.ts';
import { recordingOf } from '../../src/run/replay.ts';
import { writeRecording } from '../../src/source/recording.ts';
import type { MeshName } from '../breakage/meshes.ts';
import { serve } from '../breakage/served.ts';
import type { Servable } from '../breakage/served-faults.ts';
import { checkAndKeep, type KeptRun } from './live-check.ts';

/** What one run over HTTP, and its recording, say of a mesh. */
export interface OverApi {
  /** `meshdoctor check`. */
  readonly live: Report;
  /** `meshdoctor check --from` what that run read. */
  readonly later: Report;
  /** The same `--only` one check each: it has then seen nothing that others ask for. */
  readonly alone: ReadonlyMap<string, Report>;
}

/** A mesh with a fault is served, asked as `check` asks, recorded, and judged again from the file on another day. */
export async function overApi(fault: Servable, mesh: MeshName, checks: readonly string[], given: Flags = {}): Promise<OverApi> {
  const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-served-'));
  try {
    const { sandbox, flags } = await serve(fault, mesh);
    let run: KeptRun;
    try {
      run = await checkAndKeep(sandbox, { ...flags, ...given });
    } finally {
      await sandbox.close();
    }
    const { report: live, snapshot, options } = run;
    const file = 'mesh.json.gz';
    await writeRecording(join(folder, file), recordingOf(snapshot, options, '0.0.0'));
    const judged = async (more: Flags): Promise<Report> =>
      await check(runOptions({ from: [file], ...given, ...more }, undefined, { cwd: folder, now: '2046-01-01T00:00:00Z' }), {
        version: '0.0.0',
        nodeVersion: process.versions.node,
        builtIn: builtin,
      });
    const alone = new Map<string, Report>();
    for (const one of checks) alone.set(one, await judged({ only: [one] }));
    return { live, later: await judged({}), alone };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a check says in a report. */
export function saidBy(check: string, report: Report | undefined): string[] {
  return (report?.findings ?? []).flatMap((finding) => (finding.check === check ? [finding.fingerprint] : [])).sort();
}

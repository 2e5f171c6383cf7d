import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir, userInfo } from 'node:os';

/** A mesh that somebody has put up with `npm run real -- up`. */
export interface Run {
  readonly topology: string;
  /** First process of its namespaces, as seen from outside. */
  readonly pid: number;
  readonly folder: string;
  readonly isReady: boolean;
  /** What went wrong while it was built. */
  readonly failure?: string;
}

/** Folder of all runs of this user, or the one that MESHDOCTOR_REAL_RUNS names; each has one of its own in it. */
export function runsFolder(): string {
  return process.env['MESHDOCTOR_REAL_RUNS'] ?? join(tmpdir(), `meshdoctor-real-${userInfo().uid}`);
}

export function folderOfRun(topology: string): string {
  return join(runsFolder(), topology);
}

export function readRuns(): readonly Run[] {
  if (!existsSync(runsFolder())) return [];
  return readdirSync(runsFolder())
    .toSorted()
    .flatMap((topology) => readRun(topology) ?? []);
}

export function readRun(topology: string): Run | undefined {
  const folder = folderOfRun(topology);
  const pid = Number(readText(join(folder, 'pid')));
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined;
  const failure = readText(join(folder, 'failure'));
  return { topology, pid, folder, isReady: existsSync(join(folder, 'ready')), ...(failure === undefined ? {} : { failure }) };
}

/** A new folder for a run; what a run before it left is removed. */
export function newRunFolder(topology: string): string {
  const folder = folderOfRun(topology);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

export function writePid(folder: string, pid: number): void {
  writeFileSync(join(folder, 'pid'), String(pid));
}

function readText(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cases } from './cases/all.ts';
import { enterNew } from './enter.ts';
import { faults } from './faults/all.ts';
import type { LaneFinished, LaneLine, LaneRequest } from './lane-line.ts';
import { missingTool } from './prerequisites.ts';
import { missingParts } from './programs.ts';
import { triesAllFixes } from './faults/fixed.ts';
import { writeFixed, writeResults } from './results.ts';
import { topologies } from './topologies/all.ts';

/*
 * npm run test:real: every topology healthy, every fault staged, found and mended, every case, on real components. Lanes run side by side, each in
 * namespaces of its own. `--record` writes docs/real.md and fixtures/recorded from what was seen; words that follow name faults, cases or topologies to
 * run alone. Exit 0: all passed; 1: something did not; 2: this machine cannot, which is said and counted as skipped.
 */

/** Faults that one lane takes: a lane that breaks loses no more, and lanes end at about the same time. */
const mostPerLane = 14;

async function main(args: readonly string[]): Promise<number> {
  const missing =
    (await missingTool()) ??
    (missingParts().length > 0 ? `Not built yet: ${missingParts().join(', ')}. Run npm run real:build first.` : undefined);
  if (missing !== undefined) {
    console.error(`real tier: skipped. ${missing}`);
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-real-test-'));
  const start = Date.now();
  let lines: readonly LaneLine[] = [];
  try {
    const recordings: Pick<LaneRequest, 'recordings'> = args.includes('--record') ? { recordings: join(folder, 'recordings') } : {};
    const lanes = lanesOf(
      args.filter((arg) => !arg.startsWith('--')),
      folder,
      recordings,
    );
    const wanted = [...new Set(lanes.flatMap(({ topology, faults: own, cases: ownCases }) => [topology, ...own, ...ownCases]))];
    const first = byName(await runLanes(lanes));
    // Real components on a busy machine: what was not as expected is tried once more, on a mesh of its own, and said to have been.
    const again = wanted.filter((name) => first.get(name)?.wrong.length !== 0);
    if (again.length > 0) console.log(`\nonce more: ${again.join(', ')}`);
    const second = byName(again.length > 0 ? await runLanes(lanesOf(again, join(folder, 'again'), recordings)) : []);
    lines = wanted.map((name) => second.get(name) ?? first.get(name) ?? neverRun(name));
    if (recordings.recordings !== undefined) await writeResults(lines, recordings.recordings);
    else if (triesAllFixes) writeFixed(lines.filter((line) => line.line === 'fault'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const failed = lines.filter(({ wrong }) => wrong.length > 0);
  console.log(`\nreal tier: ${Math.round((Date.now() - start) / 1000)} s`);
  console.log(`${lines.length - failed.length} passed, ${failed.length} failed`);
  return failed.length === 0 ? 0 : 1;
}

/** Runs lanes side by side, one more than there are cores, for a lane mostly waits; says what becomes of each thing. */
async function runLanes(lanes: readonly LaneRequest[]): Promise<readonly LaneLine[]> {
  const lines: LaneLine[] = [];
  const waiting = [...lanes];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const left = await runLane(next, (line) => {
        lines.push(line);
        console.log(spoken(line));
      });
      if (left.length > 0 && left.length < next.faults.length)
        waiting.push({ ...next, folder: `${next.folder}-again`, faults: left, cases: [] });
    }
  };
  await Promise.all(Array.from({ length: Math.min(3, availableParallelism() + 1) }, worker));
  return lines;
}

/** By the name under which each can be run alone. A mesh that was built several times is as healthy as the worst of them. */
function byName(lines: readonly LaneLine[]): ReadonlyMap<string, LaneLine> {
  const found = new Map<string, LaneLine>();
  for (const line of lines) {
    const name = line.line === 'fault' ? line.fault : line.line === 'case' ? line.name : line.topology;
    if ((found.get(name)?.wrong.length ?? 0) === 0) found.set(name, line);
  }
  return found;
}

function neverRun(name: string): LaneLine {
  return { line: 'case', name, topology: name, wrong: ['its lane ended before it'], seconds: 0 };
}

/** One lane per topology, more for those with many faults. */
function lanesOf(named: readonly string[], folder: string, recordings: Pick<LaneRequest, 'recordings'>): LaneRequest[] {
  const isWanted = (...names: readonly string[]): boolean => named.length === 0 || names.some((name) => named.includes(name));
  const lanes: LaneRequest[] = [];
  for (const { name: topology } of topologies) {
    const own = faults.filter((fault) => fault.topology === topology && isWanted(fault.id, topology)).map(({ id }) => id);
    const ownCases = cases
      .filter((candidate) => candidate.topology === topology && isWanted(candidate.name, topology))
      .map(({ name }) => name);
    const parts = Math.max(1, Math.ceil(own.length / mostPerLane));
    if (own.length === 0 && ownCases.length === 0 && !isWanted(topology)) continue;
    for (let part = 0; part < parts; part++) {
      lanes.push({
        topology,
        folder: join(folder, `${topology}-${part}`),
        faults: own.filter((_, position) => position % parts === part),
        cases: part === 0 ? ownCases : [],
        ...recordings,
      });
    }
  }
  // The longest first, so that none is alone at the end.
  return lanes.toSorted((a, b) => b.faults.length + b.cases.length - a.faults.length - a.cases.length);
}

/** Gives the faults that were not tried. A lane that ends before it says so has failed. */
async function runLane(request: LaneRequest, take: (line: LaneLine) => void): Promise<readonly string[]> {
  mkdirSync(request.folder, { recursive: true });
  const child = enterNew('test/real/lane.ts', [JSON.stringify(request)], { stdio: 'pipe' });
  let rest = '';
  let errors = '';
  let finished: LaneFinished | undefined;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      // Our own lines, written by lane.ts.
      const said = JSON.parse(line) as LaneLine | LaneFinished;
      if (said.line === 'finished') finished = said;
      else take(said);
    }
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (finished !== undefined) return finished.left;
  take({
    line: 'case',
    name: `lane ${request.topology}`,
    topology: request.topology,
    wrong: [`it ended with code ${String(code)}: ${errors.trim().slice(-3000)}`],
    seconds: 0,
  });
  return [];
}

function spoken(line: LaneLine): string {
  const mark = line.wrong.length === 0 ? '✓' : '✗';
  const why = line.wrong.map((text) => `\n    ${text.replaceAll('\n', '\n    ')}`).join('');
  switch (line.line) {
    case 'healthy':
      return `${mark} ${line.topology} is healthy and silent (built in ${line.built} s)${why}`;
    case 'fault':
      return `${mark} ${line.topology} · ${line.fault}: ${line.causes.join(', ') || 'a gap'}${line.fixed === undefined ? '' : `; fix: ${line.fixed.cured}; undo: ${line.fixed.undone}`} (${line.seconds} s)${why}`;
    case 'case':
      return `${mark} ${line.topology} · ${line.name} (${line.seconds} s)${why}`;
    default:
      return line satisfies never;
  }
}

process.exitCode = await main(process.argv.slice(2));

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { readRecording, writeRecording } from '../../src/source/recording.ts';
import { reduceForFixture } from '../recorded/expectation.ts';
import { type Raced, raceTable } from './bench-table.ts';
import { faults } from './faults/all.ts';
import type { Fault } from './faults/fault.ts';
import type { FaultLine, Fixed, HealthyLine, LaneLine } from './lane-line.ts';
import { root } from './programs.ts';
import { type Rival, type Verdict, rivals } from './rivals.ts';
import { topologies } from './topologies/all.ts';
import { versions } from './versions.ts';

/** What was seen last of every mesh and fault; kept, so that a part can be seen anew. */
interface Seen {
  readonly healthy: readonly SeenHealthy[];
  readonly faults: readonly SeenFault[];
}

type SeenHealthy = Pick<HealthyLine, 'topology' | 'wrong' | 'alarms' | 'unproven'>;

interface SeenFault extends Pick<FaultLine, 'fault' | 'wrong' | 'said' | 'fixed'> {
  /** Code of the first cause. */
  readonly cause: string;
  /** How it was mended, in words. */
  readonly mended: string;
}

const seenFile = resolve(root, 'test/real/seen.json');

/** Writes docs/real.md, and fixtures/recorded from the recordings of what passed. What was not run, or did not pass, keeps its recording. */
export async function writeResults(lines: readonly LaneLine[], recordings: string): Promise<void> {
  const seen = merged(readSeen(), lines);
  writeFileSync(seenFile, `${JSON.stringify(seen, null, 2)}\n`);
  writeFileSync(resolve(root, 'docs/real.md'), page(seen));
  const fixtures = resolve(root, 'fixtures/recorded');
  const passed = new Set(
    lines.flatMap((line) => (line.wrong.length > 0 || line.line === 'case' ? [] : [line.line === 'fault' ? line.fault : line.topology])),
  );
  const known = new Set([...faults.map(({ id }) => id), ...topologies.map(({ name }) => name)]);
  mkdirSync(fixtures, { recursive: true });
  for (const file of readdirSync(fixtures)) {
    const name = /^(.+?)\.(?:json\.gz|yaml)$/u.exec(file)?.[1];
    if (name !== undefined && !known.has(name)) rmSync(join(fixtures, file));
  }
  for (const name of passed) {
    const source = join(recordings, `${name}.json.gz`);
    if (!existsSync(source)) continue;
    await writeRecording(join(fixtures, `${name}.json.gz`), reduceForFixture(await readRecording(source)));
    const fault = faults.find(({ id }) => id === name);
    const healthy = lines.find((line): line is HealthyLine => line.line === 'healthy' && line.topology === name);
    writeFileSync(
      join(fixtures, `${name}.yaml`),
      stringify(fault === undefined ? expectationOfHealthy(name, healthy) : expectationOfFault(fault)),
    );
  }
}

/** Writes into docs/real.md what `meshdoctor fix` made of faults; everything else there stays as it was seen last. */
export function writeFixed(tried: readonly Pick<FaultLine, 'fault' | 'fixed'>[]): void {
  const before = readSeen();
  const fixed = new Map(tried.flatMap((line) => (line.fixed === undefined ? [] : [[line.fault, line.fixed]])));
  const seen = {
    ...before,
    faults: before.faults.map((line) => {
      const now = fixed.get(line.fault);
      return now === undefined ? line : { ...line, fixed: now };
    }),
  };
  writeFileSync(seenFile, `${JSON.stringify(seen, null, 2)}\n`);
  writeFileSync(resolve(root, 'docs/real.md'), page(seen));
}

/** The page as it follows from what is kept. */
export function realPage(): string {
  return page(readSeen());
}

function readSeen(): Seen {
  // Written by this file.
  return existsSync(seenFile) ? (JSON.parse(readFileSync(seenFile, 'utf8')) as Seen) : { healthy: [], faults: [] };
}

function merged(before: Seen, lines: readonly LaneLine[]): Seen {
  const healthy = new Map(before.healthy.map((line) => [line.topology, line]));
  const found = new Map(before.faults.map((line) => [line.fault, line]));
  for (const line of lines) {
    if (line.line === 'healthy') {
      const { topology, wrong, alarms, unproven } = line;
      healthy.set(topology, { topology, wrong, alarms, unproven: [...new Set(unproven)] });
    }
    if (line.line === 'fault') {
      const { fault, wrong, said, fixed = found.get(fault)?.fixed } = line;
      const seen = { fault, wrong, cause: line.causes[0] ?? '', mended: mendedBy(line), said };
      found.set(fault, fixed === undefined ? seen : { ...seen, fixed });
    }
  }
  return {
    healthy: topologies.flatMap(({ name }) => healthy.get(name) ?? []),
    faults: faults.flatMap(({ id }) => found.get(id) ?? []),
  };
}

function expectationOfHealthy(name: string, healthy: HealthyLine | undefined): Record<string, unknown> {
  const topology = topologies.find((candidate) => candidate.name === name);
  const unproven = healthy?.unprovenChecks ?? [];
  return { about: `Healthy: ${topology?.about ?? name}.`, healthy: true, ...(unproven.length === 0 ? {} : { unproven }) };
}

function expectationOfFault({ about, expected }: Fault): Record<string, unknown> {
  const also = Object.keys(expected.also ?? {});
  const more = also.length === 0 ? {} : { also };
  return 'cause' in expected
    ? { about, cause: expected.cause, clusters: expected.clusters, ...more }
    : { about, unreached: expected.unreached, ...more };
}

/** The page, from what was seen; nothing in it depends on how long anything took but the table of times. */
function page({ healthy, faults: tried }: Seen): string {
  const found = tried.filter(({ wrong }) => wrong.length === 0);
  return `# On real components

Written by \`npm run real:record\` from a run of \`npm run test:real\`: Kubernetes ${versions.kubernetes}, Istio ${versions.istio} (istiod, pilot-agent, istioctl),
Envoy ${versions.envoy}, CoreDNS ${versions.coredns}, etcd ${versions.etcd}. How it works, and what is not as in production: [test/real](../test/real/README.md).

## Healthy meshes

\`meshdoctor check\` is silent and ends with exit 0 on each. The last column counts the warnings and errors of \`istioctl analyze -A\` about the same mesh.

| mesh | what it is | check | istioctl analyze |
|---|---|---|---|
${healthy.map(healthyRow).join('\n')}

## Faults

${found.length} of ${tried.length} faults were found: the expected cause came first and nothing unrelated was reported. *mended by* says what made the check green again:
the commands that the report printed, run as they were printed, or undoing the fault where no command can mend it. *by fix*: whether \`meshdoctor fix --apply\`
alone made it green, ${fixTally(tried)}; *brought back*: whether the file that it wrote broke the mesh again the same way (\`MESHDOCTOR_REAL_FIX=all\`).
*not all* and *no* say what no file brings back.

${tally(tried)}

| fault | first cause | mended by | by fix | brought back | analyze | remote-clusters | proxy-status |
|---|---|---|---|---|---|---|---|
${tried.map(faultRow).join('\n')}

\`istioctl\` commands: **named** says something new about the object in which the fault lies; *hinted* says something else than it says of the healthy mesh;
false alarm says only what it says of the healthy mesh too; silent; no answer within 60 seconds.
${raceSection()}`;
}

function healthyRow(line: SeenHealthy): string {
  const about = topologies.find(({ name }) => name === line.topology)?.about ?? '';
  const unproven = line.unproven.length === 0 ? '' : `; not proven: ${[...new Set(line.unproven)].join('; ')}`;
  return `| ${line.topology} | ${about} | ${line.wrong.length === 0 ? 'silent, exit 0' : 'NOT silent'}${unproven} | ${line.alarms === 0 ? 'silent' : `${line.alarms} false alarms`} |`;
}

function faultRow(line: SeenFault): string {
  const fault = faults.find(({ id }) => id === line.fault);
  const cause =
    fault !== undefined && 'unreached' in fault.expected
      ? `gap: ${fault.expected.unreached.join(', ')} not reached`
      : `\`${line.cause === '' ? 'none' : line.cause}\``;
  const first = line.wrong.length === 0 ? cause : `NOT as expected: ${cause}`;
  const about = `${fault?.about ?? line.fault} (${fault?.topology ?? ''})`;
  const { cured, undone } = fixedOf(line);
  return `| ${[about, first, line.mended, cured, undone, ...rivals.map((rival) => styled(line.said[rival]))].map(cell).join(' | ')} |`;
}

function mendedBy({ fault: id, ran }: FaultLine): string {
  const fault = faults.find((candidate) => candidate.id === id);
  if (fault?.remedy.kind === 'undone') return `undoing it: ${fault.remedy.because}`;
  const programs = [...new Set(ran.map((command) => (command.includes('istioctl') ? 'istioctl' : 'kubectl')))];
  return `${ran.length} printed ${ran.length === 1 ? 'command' : 'commands'} (${programs.join(', ')})`;
}

/** A fault of which nothing is printed is none for fix. */
function fixedOf({ fault: id, fixed }: SeenFault): Fixed {
  const isPrinted = faults.find((fault) => fault.id === id)?.remedy.kind === 'printed';
  return isPrinted ? (fixed ?? { cured: 'not tried', undone: '' }) : { cured: 'no remedy', undone: '' };
}

function fixTally(tried: readonly SeenFault[]): string {
  const outcomes = tried.map(fixedOf).filter(({ cured }) => cured !== 'no remedy');
  return `as it did with ${outcomes.filter(({ cured }) => cured.startsWith('yes')).length} of the ${outcomes.length} that have printed commands`;
}

function tally(tried: readonly SeenFault[]): string {
  const count = (rival: Rival, verdict: Verdict): number => tried.filter(({ said }) => said[rival] === verdict).length;
  const verdicts: readonly Verdict[] = ['named', 'hinted', 'false alarm', 'silent', 'no answer'];
  const rows = rivals.map((rival) => `| istioctl ${rival} | ${verdicts.map((verdict) => count(rival, verdict)).join(' | ')} |`);
  return `| of ${tried.length} faults | ${verdicts.join(' | ')} |\n|---|${verdicts.map(() => '---:').join('|')}|\n${rows.join('\n')}`;
}

function raceSection(): string {
  const file = resolve(root, 'test/real/bench.json');
  if (!existsSync(file)) return '';
  // Written by npm run real:bench.
  const raced = JSON.parse(readFileSync(file, 'utf8')) as Raced;
  return `\n## Time and memory\n\n${raceTable(raced)}\n`;
}

function styled(verdict: Verdict): string {
  return verdict === 'named' ? '**named**' : verdict === 'hinted' ? '*hinted*' : verdict;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

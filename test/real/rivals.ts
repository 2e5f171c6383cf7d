import { textAt } from './lab/kube.ts';
import type { Lab } from './lab/lab.ts';
import type { Output } from './lab/processes.ts';

/*
 * What istioctl of the same release says of the same mesh. A command is judged against what it said of the healthy mesh: only what is new, or gone,
 * can be about the fault.
 */

export const rivals = ['analyze', 'remote-clusters', 'proxy-status'] as const;
export type Rival = (typeof rivals)[number];

/**
 * named: it says something new about the object in which the fault lies. hinted: it says something else than of the healthy mesh. false alarm: what it
 * says it said of the healthy mesh too. silent: nothing. no answer: not within the time limit.
 */
export type Verdict = 'named' | 'hinted' | 'false alarm' | 'silent' | 'no answer';

/** Milliseconds that a command may take. */
const limit = 60_000;

/** What one command said, as lines that can be compared from one run to the next. */
interface Said {
  readonly lines: ReadonlySet<string>;
  /** Of those, what complains; the rest is a table of everything. */
  readonly complaints: ReadonlySet<string>;
  readonly timedOut: boolean;
}

export type Baseline = ReadonlyMap<string, Said>;

/** Asks every command about every cluster that it is meant for. */
export async function askRivals(lab: Lab): Promise<Baseline> {
  const answers = new Map<string, Said>();
  for (const { cluster } of lab.clusters()) {
    const primary = await lab.shell(`kubectl --context ${cluster.name} get pods -A -l app=istiod -o name --request-timeout=5s`);
    for (const rival of rivals) {
      if (rival !== 'analyze' && primary.stdout.trim() === '') continue;
      answers.set(
        `${rival} ${cluster.name}`,
        read(rival, await lab.shell(`istioctl --context ${cluster.name} ${commands[rival]}`, { limit })),
      );
    }
  }
  return answers;
}

const commands: Readonly<Record<Rival, string>> = {
  analyze: 'analyze -A -o json',
  'remote-clusters': 'remote-clusters',
  'proxy-status': 'proxy-status',
};

/** The best that a command said of a fault, over all clusters; `object` is the name of what the fault lies in. */
export function verdicts(healthy: Baseline, broken: Baseline, object: string | undefined): Readonly<Record<Rival, Verdict>> {
  const of = (rival: Rival): Verdict =>
    best([...broken].filter(([key]) => key.startsWith(`${rival} `)).map(([key, said]) => verdict(healthy.get(key), said, object)));
  return { analyze: of('analyze'), 'remote-clusters': of('remote-clusters'), 'proxy-status': of('proxy-status') };
}

function verdict(healthy: Said | undefined, { lines, complaints, timedOut }: Said, object: string | undefined): Verdict {
  if (timedOut) return 'no answer';
  const fresh = [...lines].filter((line) => healthy?.lines.has(line) !== true);
  const gone = [...(healthy?.lines ?? [])].filter((line) => !lines.has(line));
  if (object !== undefined && fresh.some((line) => complaints.has(line) && line.includes(object))) return 'named';
  if (fresh.length > 0 || gone.length > 0) return 'hinted';
  return complaints.size > 0 ? 'false alarm' : 'silent';
}

const rank: readonly Verdict[] = ['named', 'hinted', 'no answer', 'false alarm', 'silent'];

function best(all: readonly Verdict[]): Verdict {
  return rank.find((candidate) => all.includes(candidate)) ?? 'silent';
}

function read(rival: Rival, { stdout, stderr, code, timedOut }: Output): Said {
  const errors = code !== 0 && rival !== 'analyze' ? [`error: ${steady(stderr.trim().split('\n').at(-1) ?? '')}`] : [];
  if (rival === 'analyze') {
    const messages = analyzeMessages(stdout);
    const failed = messages === undefined && code !== 0 ? [`error: ${steady(stderr.trim().split('\n').at(-1) ?? '')}`] : [];
    const lines = new Set([...(messages ?? []), ...failed]);
    return { lines, complaints: new Set([...lines].filter((line) => !line.startsWith('Info '))), timedOut };
  }
  const rows = stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((row) => steady(row))
    .filter((row) => row !== '');
  const complaints = new Set([
    ...errors,
    ...(rival === 'remote-clusters' ? rows.filter((row) => !/ synced /u.test(row)) : rows.filter((row) => /STALE|NOT SENT/u.test(row))),
  ]);
  return { lines: new Set([...rows, ...errors]), complaints, timedOut };
}

/** Code and object of each message: which of several clusters it names changes from run to run. */
function analyzeMessages(stdout: string): readonly string[] | undefined {
  try {
    const found: unknown = JSON.parse(stdout.slice(stdout.indexOf('[')));
    return (Array.isArray(found) ? found : []).map((message) => {
      const text = ['IST0170'].includes(textAt(message, 'code') ?? '') ? '' : (textAt(message, 'message') ?? '');
      return steady(`${textAt(message, 'level') ?? ''} ${textAt(message, 'code') ?? ''} ${textAt(message, 'origin') ?? ''} ${text}`);
    });
  } catch {
    return stdout.trim() === '' ? [] : undefined;
  }
}

/** Without what differs from one run to the next: names of pods, ages, times. */
function steady(text: string): string {
  return text
    .replaceAll(/-[0-9a-f]{8,10}-[0-9a-z]{5}\b/gu, '')
    .replaceAll(/\d+(\.\d+)?(ms|s|m|h)\b/gu, '')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/gu, '')
    .replaceAll(/\s+/gu, ' ')
    .trim();
}

/** Warnings and errors that `analyze` gives a healthy mesh. */
export function falseAlarms(healthy: Baseline): number {
  return [...healthy].filter(([key]) => key.startsWith('analyze ')).reduce((sum, [, { complaints }]) => sum + complaints.size, 0);
}

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Fault } from './fault.ts';
import { scriptedFaults } from './faults.ts';
import { committedPairs, committedSeed, type Pairs, pairsOf, type Single, singlesOf } from './matrix.ts';
import { firedInRecordings, type Recorded, recordedSinglesOf } from './recorded.ts';

/** What single faults show. */
export interface SingleResults {
  readonly faults: readonly Fault[];
  readonly singles: readonly Single[];
  readonly recorded: Recorded;
  /** Check → recordings in which it fired. */
  readonly inRecordings: ReadonlyMap<string, readonly string[]>;
  /** Check → faults of the real tier whose first cause it was. */
  readonly onRealComponents: ReadonlyMap<string, readonly string[]>;
}

/** Everything that the pages and the tests say of scripted faults, from one run of them. */
export interface Results extends SingleResults {
  readonly pairs: Pairs;
}

export async function singleResults(): Promise<SingleResults> {
  const faults = await scriptedFaults();
  return {
    faults,
    singles: await singlesOf(faults),
    recorded: await recordedSinglesOf(faults),
    inRecordings: await firedInRecordings(),
    onRealComponents: seenOnRealComponents(),
  };
}

export async function resultsOfEverything(): Promise<Results> {
  const single = await singleResults();
  return { ...single, pairs: await pairsOf(single.faults, committedPairs, committedSeed) };
}

/** Checks that were seen to find something of real components, in a recording or in the last run of the real tier. */
export async function seenOnReality(): Promise<ReadonlySet<string>> {
  return new Set([...(await firedInRecordings()).keys(), ...seenOnRealComponents().keys()]);
}

const seenSchema = z.object({ faults: z.array(z.object({ fault: z.string(), cause: z.string().optional() })) });

/** What the last run of the real tier saw, as `npm run real:record` wrote it down. */
function seenOnRealComponents(): ReadonlyMap<string, readonly string[]> {
  const seen = seenSchema.parse(JSON.parse(readFileSync(resolve('test/real/seen.json'), 'utf8')));
  const checks = new Map<string, string[]>();
  for (const { fault, cause } of seen.faults) {
    const check = cause?.split('/')[0];
    if (check !== undefined) checks.set(check, [...(checks.get(check) ?? []), fault]);
  }
  return checks;
}

import { describe, expect, test } from 'vitest';
import { builtin } from '../../checks/index.ts';
import { groupBy } from '../../src/base/sort.ts';
import { scriptedFaults } from '../breakage/faults.ts';
import { seenOnReality } from '../breakage/results.ts';
import { baselineOf } from '../breakage/runs.ts';
import { alsoServed, type Servable, servedFaults, unserved } from '../breakage/served-faults.ts';
import { overApi, saidBy } from '../support/over-api.ts';

/*
 * No check is silent because what it reads is never collected. Each has a fault that is served by API servers, and found by asking these
 * as `meshdoctor check` asks: the lists of the selected checks and no others, with their selectors, metadata alone where no more is asked
 * for, and what probes measure. What was read is written down, and the check finds the same in the file; also when it is selected alone.
 *
 * The servers are doubles: that real ones answer so is what recordings of real meshes and faults on real components prove. Checks for
 * which there are such are tried with MESHDOCTOR_EXHAUSTIVE=1, all others always.
 */

const isExhaustive = process.env['MESHDOCTOR_EXHAUSTIVE'] === '1';
const timeout = 120_000;
const faults = new Map([...(await scriptedFaults()), ...alsoServed].map((fault): [string, Servable] => [fault.id, fault]));
const advice = new Set(builtin.flatMap(({ check }) => (check.advice === true ? [check.id] : [])));
const seen = isExhaustive ? new Set<string>() : await seenOnReality();

test('every check has a fault that is served, or it is said why it has none', () => {
  const ids = builtin.map(({ check }) => check.id);
  expect(ids.filter((id) => servedFaults[id] === undefined && unserved[id] === undefined)).toEqual([]);
  expect([...Object.keys(servedFaults), ...Object.keys(unserved)].filter((id) => !ids.includes(id))).toEqual([]);
  expect(Object.keys(unserved).filter((id) => servedFaults[id] !== undefined)).toEqual([]);
  expect(Object.values(servedFaults).filter(([fault, mesh]) => faults.get(fault)?.meshes.includes(mesh) !== true)).toEqual([]);
});

/** One run for all checks that the same fault in the same mesh is for; advice is asked for where a check is one. */
const tried = Object.entries(servedFaults).filter(([check]) => !seen.has(check));
const runs = [...groupBy(tried, ([check, place]) => JSON.stringify([place, advice.has(check)])).values()].map((group) => ({
  checks: group.map(([check]) => check),
  place: group[0]![1],
  isAdvice: advice.has(group[0]![0]),
}));

describe(`found over the API and in a recording (${isExhaustive ? 'every check' : 'checks that nothing real has shown yet'})`, () => {
  test.each(runs.map((run) => [run.checks.join(', '), ...run.place, run] as const))(
    '%s: %s in %s',
    { timeout },
    async (_checks, id, mesh, { checks, isAdvice }) => {
      const fault = faults.get(id)!;
      const healthy = await baselineOf(mesh, true, fault.services ?? []);
      const { live, later, alone } = await overApi(fault, mesh, checks, isAdvice ? { advice: true } : {});
      const all = ({ findings }: typeof live): string[] => findings.map(({ fingerprint }) => fingerprint);
      expect(all(later)).toEqual(all(live));
      for (const check of checks) {
        const said = saidBy(check, live);
        expect(
          said.filter((one) => !healthy.has(one)),
          `${check} says nothing`,
        ).not.toEqual([]);
        expect(saidBy(check, alone.get(check))).toEqual(said);
      }
    },
  );
});

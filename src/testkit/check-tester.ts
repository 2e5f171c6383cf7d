import { describe, expect, test } from 'vitest';
import type { AnyCheck } from '../api/check.ts';
import { severities } from '../api/finding.ts';
import { contracts } from './contracts.ts';
import { type Cases, crashes, loud, type Prepared, spelled, spelledOpen, type Suite, suiteOf } from './suite.ts';

/** Where cases go instead of to the test runner, when somebody wants to have them: `npm run gen` makes examples of them. */
export const recorder: { record?: (check: AnyCheck, cases: Cases) => void } = {};

/** Milliseconds. */
const contractTimeout = 60_000;

/**
 * Tests a check with meshes that go through the real collectors: silent on the healthy ones, exactly the listed findings on the
 * broken ones, and everything that `contracts` asks of every check.
 */
export function checkTester(check: AnyCheck, cases: Cases): void {
  if (recorder.record !== undefined) {
    recorder.record(check, cases);
    return;
  }
  describe(check.id, () => {
    // Meshes are read once for all tests of the check, and only when one of them runs.
    let reading: Promise<Suite> | undefined;
    const suite = (): Promise<Suite> => (reading ??= suiteOf(check, cases));

    for (const sentence of Object.keys(cases.healthy)) {
      test(`healthy: ${sentence}`, async () => {
        expect(expectations(await suite(), caseOf(await suite(), sentence, false))).toEqual([]);
      });
    }
    for (const sentence of Object.keys(cases.broken)) {
      test(`broken: ${sentence}`, async () => {
        expect(expectations(await suite(), caseOf(await suite(), sentence, true))).toEqual([]);
      });
    }
    for (const contract of contracts) {
      // Every case is judged many times: on a busy machine that takes longer than a test usually may.
      test(contract.sentence, { timeout: contractTimeout }, async () => {
        expect(await contract.violations(await suite())).toEqual([]);
      });
    }
  });
}

function caseOf({ cases }: Suite, sentence: string, isBroken: boolean): Prepared {
  const found = cases.find((prepared) => prepared.sentence === sentence && prepared.isBroken === isBroken);
  if (found === undefined) throw new Error(`there is no case ${sentence}`);
  return found;
}

/** What a case says against what was found: one line for each thing that is missing or too much. */
export function expectations(suite: Suite, prepared: Prepared): readonly string[] {
  const { findings, outcomes } = prepared.judgement;
  const lines = crashes(outcomes);
  const open = outcomes.flatMap((outcome) => (outcome.kind === 'inconclusive' ? [spelledOpen(outcome)] : []));
  for (const expected of prepared.inconclusive) if (!open.includes(expected)) lines.push(`is not inconclusive: ${expected}`);
  for (const found of new Set(open)) if (!prepared.inconclusive.includes(found)) lines.push(`is inconclusive: ${found}`);
  if (!prepared.isBroken) {
    for (const finding of loud(suite, findings))
      lines.push(`is found: ${spelled(finding)} (${finding.severity} ${finding.certainty}) ${finding.message}`);
    return lines;
  }
  const left = [...findings];
  for (const expected of prepared.findings) {
    const [name, grade] = expected.endsWith(')')
      ? [expected.slice(0, expected.lastIndexOf(' (')), expected.slice(expected.lastIndexOf('(') + 1, -1)]
      : [expected, undefined];
    const index = left.findIndex(
      (finding) => spelled(finding) === name && (grade === undefined || grade === `${finding.severity} ${finding.certainty}`),
    );
    if (index < 0) lines.push(`is not found: ${expected}`);
    else left.splice(index, 1);
  }
  for (const finding of left.sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity))) {
    lines.push(`is found: ${spelled(finding)} (${finding.severity} ${finding.certainty}) ${finding.message}`);
  }
  return lines;
}

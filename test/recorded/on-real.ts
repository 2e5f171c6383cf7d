import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRecording } from '../../src/source/recording.ts';
import { cases } from '../real/cases/all.ts';
import { faults } from '../real/faults/all.ts';
import { root } from '../support/run-cli.ts';
import { judgedRecording } from './expectation.ts';

/**
 * Whether real components show what a test stages in the sandbox: a fault of the real tier whose recording has the same finding, or another one that
 * comes before it, where objects or proxies say first what is wrong; a case of the real tier; or why they cannot be brought to it.
 */
export type Real = { readonly fault: string; readonly as?: string } | { readonly case: string } | { readonly never: string };

export interface StagedRow {
  readonly about: string;
  /** Codes of its findings. */
  readonly codes: readonly string[];
  readonly real: Real;
}

/** One test for each row that real components show. */
export function testsOnReal(rows: readonly StagedRow[]): void {
  const shown = rows.flatMap(({ about, codes, real }) => ('never' in real ? [] : [[about, codes, real] as const]));
  test.each(shown)('%s', { timeout: 60_000 }, async (_about, codes, real) => {
    if ('case' in real) {
      expect(cases.map(({ name }) => name)).toContain(real.case);
      return;
    }
    expect(faults.map(({ id }) => id)).toContain(real.fault);
    const { findings } = await judgedRecording(await readRecording(join(root, 'fixtures/recorded', `${real.fault}.json.gz`)));
    const found = findings.map(({ code }) => code);
    expect(found).toEqual(expect.arrayContaining([...(real.as === undefined ? codes : [real.as])]));
  });
}

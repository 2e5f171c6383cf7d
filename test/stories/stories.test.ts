import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/api/finding.ts';
import { refKey } from '../../src/model/refs.ts';
import { openManifests } from '../../src/source/manifests.ts';
import { crashes, loud, type Run, run, told } from '../corpus/corpus.ts';

const stories = resolve(import.meta.dirname, '../../fixtures/stories');

/** Lines of expect.txt. A code is the id of a check, or id/key of one of its messages. */
export type Line =
  /** It is a cause, and everything before it in the file comes first. */
  | { readonly word: 'must'; readonly code: string; readonly at: string }
  /** The first explains the second. */
  | { readonly word: 'cause'; readonly code: string; readonly of: string }
  /** Nobody says it at warning or above. */
  | { readonly word: 'never'; readonly code: string };

function linesOf(text: string): readonly Line[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line): Line => {
      const [word, code = '', joint, other = '', ...rest] = line.trim().split(/\s+/);
      if (rest.length === 0 && word === 'must' && joint === '@') return { word, code, at: other };
      if (rest.length === 0 && word === 'cause' && joint === 'of') return { word, code, of: other };
      if (word === 'never' && joint === undefined) return { word, code };
      throw new Error(`not understood: ${line}`);
    });
}

const says = (finding: Finding, code: string): boolean => finding.check === code || finding.code === code;

/** What a story expects and does not get, and what it gets and does not expect. */
export function complaints(lines: readonly Line[], { judgement, causes }: Pick<Run, 'judgement' | 'causes'>): readonly string[] {
  const found = loud(judgement.findings);
  const complained = crashes(judgement);
  const expected = new Set<Finding>();
  const musts = lines.filter((line) => line.word === 'must');
  for (const [index, { code, at }] of musts.entries()) {
    const position = causes.findIndex(({ finding }) => says(finding, code) && refKey(finding.at) === at);
    const cause = causes[position];
    if (cause === undefined) complained.push(`must ${code} @ ${at}: is no cause`);
    else if (position !== index) complained.push(`must ${code} @ ${at}: is cause ${position + 1}, not ${index + 1}`);
    if (cause !== undefined) expected.add(cause.finding);
  }
  for (const line of lines) {
    if (line.word === 'cause') {
      const effects = causes.flatMap(({ finding, explains }) =>
        says(finding, line.code) ? explains.filter((effect) => says(effect, line.of)) : [],
      );
      if (effects.length === 0) complained.push(`cause ${line.code} of ${line.of}: is not`);
      for (const effect of effects) expected.add(effect);
    }
    if (line.word === 'never')
      complained.push(...found.filter((finding) => says(finding, line.code)).map((finding) => `never ${line.code}: ${told(finding)}`));
  }
  return [...complained, ...found.filter((finding) => !expected.has(finding)).map((finding) => `not expected: ${told(finding)}`)];
}

async function runOf(folder: string): Promise<Run> {
  const clusters = readdirSync(join(stories, folder), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const snapshots = await openManifests({ clusters: clusters.map(({ name }) => ({ name, dir: join(stories, folder, name) })) });
  return await run({ schema: 1, source: { kind: 'manifests' }, clusters: snapshots, observations: [] });
}

describe('stories', () => {
  const folders = readdirSync(stories).filter((folder) => existsSync(join(stories, folder, 'expect.txt')));

  test.each(folders)('%s', async (folder) => {
    const lines = linesOf(readFileSync(join(stories, folder, 'expect.txt'), 'utf8'));
    expect(lines.some(({ word }) => word === 'must')).toBe(true);
    expect(complaints(lines, await runOf(folder))).toEqual([]);
  });

  test('an expectation that is not met is told, and so is what nobody expected', async () => {
    const told = complaints(
      linesOf('must divergent-roots @ c1:Namespace/istio-system\ncause divergent-roots of shared-network\nnever shared-network'),
      await runOf('08-half-the-requests-hang'),
    );
    expect(told.slice(0, 2)).toEqual([
      'must divergent-roots @ c1:Namespace/istio-system: is no cause',
      'cause divergent-roots of shared-network: is not',
    ]);
    expect(told[2]).toContain('never shared-network: error certain');
    expect(told[3]).toContain('not expected: error certain topology/shared-network');
  });
});

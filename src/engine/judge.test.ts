import { expect, test } from 'vitest';
import { defineCheck } from '../api/check.ts';
import { mesh } from '../builder/mesh.ts';
import { factsOf, snapshotIn } from '../testkit/suite.ts';
import { judge } from './judge.ts';

test('one fault seen through two subjects is one finding that keeps what each of them saw', async () => {
  const check = defineCheck({
    id: 'test-fault',
    title: 'nothing',
    severity: 'error',
    certainty: 'certain',
    scope: 'managed',
    needs: { primary: ['controlPlanes'], member: ['namespaces'] },
    docs: { why: '', confirm: '', fix: '' },
    messages: { wrong: (a: { what: string }) => ({ text: `${a.what} is wrong.` }) },
    *run({ controlPlane, couple, member, finding }) {
      if (couple.kind === 'remote')
        yield finding('wrong', { what: 'It' }, { at: controlPlane.ref, related: [controlPlane.ref, member.ref] });
    },
  });
  const snapshot = snapshotIn(mesh().primaryRemote('east', ['west', 'north']).objects(), {});
  const { findings } = await judge(snapshot, factsOf(snapshot), [{ check, area: 'test', origin: 'test' }], {});
  expect(findings.map(({ concerns, related }) => ({ concerns, related: related.map(({ name }) => name) }))).toEqual([
    { concerns: ['north', 'west'], related: ['istiod', 'north', 'west'] },
  ]);
});

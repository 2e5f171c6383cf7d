import { describe, expect, test } from 'vitest';
import type { MeshBuilder } from '../../src/builder/mesh.ts';
import { snapshotOf } from '../../src/collect/snapshot.ts';
import { crashes, loud, run, told } from '../corpus/corpus.ts';
import { looksWrong, topologies } from '../support/healthy-meshes.ts';

async function heard(built: MeshBuilder, options: { complete: boolean; hasTime: boolean }): Promise<readonly string[]> {
  const { complete, hasTime } = options;
  const { judgement, report } = await run(snapshotOf(built.objects(), { complete, ...(hasTime ? { takenAt: built.takenAt } : {}) }));
  // Where everything was there to be read nothing may be left open, but for a name that nobody here can look up.
  const gaps =
    complete && hasTime
      ? report.notChecked
          .filter(({ checks }) => checks.join() !== 'unresolved-gateway-hostname')
          .map(({ checks, reason }) => `not checked: ${checks.join(' ')}: ${reason}`)
      : [];
  return [
    ...crashes(judgement),
    ...loud(judgement.findings).map(told),
    ...gaps,
    ...(report.exit.code === 0 ? [] : [`exit ${report.exit.code}: ${report.exit.reason}`]),
  ];
}

describe.each([
  ['every topology', topologies],
  ['what looks wrong but is fine', looksWrong],
] as const)('silent on %s', (_what, meshes) => {
  test.each(Object.entries(meshes))('%s', async (_name, built) => {
    const ways = {
      'as a whole': { complete: true, hasTime: true },
      'without a time': { complete: true, hasTime: false },
      'as a part': { complete: false, hasTime: true },
    };
    for (const [way, options] of Object.entries(ways)) expect([way, ...(await heard(built, options))]).toEqual([way]);
  });
});

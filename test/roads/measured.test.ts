import { describe, expect, test } from 'vitest';
import { inOrder } from '../../src/builder/edits/edit.ts';
import { takenAt } from '../../src/builder/timeline.ts';
import type { MeshObjects } from '../../src/model/kube.ts';
import type { Report } from '../../src/report/schema.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { meshes } from '../breakage/meshes.ts';
import { rows } from '../broken/staged.ts';
import { looksWrong, topologies } from '../support/healthy-meshes.ts';
import { checkLive } from '../support/live-check.ts';

/*
 * What probes measure in a mesh that behaves as real ones do: nothing that is wrong where nothing is, and in a broken mesh nothing
 * beside the fault that its objects show. Some of the staged faults are drawn; MESHDOCTOR_EXHAUSTIVE=1 tries every one.
 */

const isExhaustive = process.env['MESHDOCTOR_EXHAUSTIVE'] === '1';
const seconds = 60_000;

/** Istio resolves the name of a gateway; nobody does in the sandbox. */
const unresolvable = 'the load balancer of a gateway has a host name, which istiod resolves';

async function asked(objects: MeshObjects): Promise<Report> {
  const sandbox = await startSandbox(objects, { takenAt, reconcile: false });
  try {
    return (await checkLive(sandbox)).report;
  } finally {
    await sandbox.close();
  }
}

function causes({ causes: all, findings }: Report): string[] {
  return all
    .flatMap(({ fingerprint }) => findings.filter((finding) => finding.fingerprint === fingerprint))
    .map(({ area, check }) => `${area}/${check}`)
    .sort();
}

describe('a healthy mesh is measured as its objects predict', () => {
  test.each(Object.entries({ ...topologies, ...looksWrong }).filter(([name]) => name !== unresolvable))(
    '%s',
    { timeout: seconds },
    async (_name, built) => {
      const report = await asked(built.objects());
      expect(report.findings.filter(({ severity, advice }) => severity !== 'info' && !advice).map(({ message }) => message)).toEqual([]);
      const heard = report.names.flatMap(({ service, callers }) =>
        callers.map(({ cluster, verdict }) => `${service} ${cluster} ${verdict}`),
      );
      expect(heard.filter((line) => !line.endsWith(' ok'))).toEqual([]);
    },
  );

  test('names of a mesh are asked for, and lead to the other cluster', { timeout: seconds }, async () => {
    const { names } = await asked(
      looksWrong['nobody serves callers of a name that exists in one cluster only, for DNS is captured']?.objects() ?? new Map(),
    );
    const only = names.find(({ service }) => service === 'shop/only');
    expect(only?.callers.map(({ cluster, leadsTo }) => [cluster, ...leadsTo.map((lead) => `${lead.cluster} ${lead.via}`)])).toEqual([
      ['east', 'west gateway'],
      ['west', 'west pod'],
    ]);
  });
});

describe(`a broken mesh: what is measured is folded under its cause (${isExhaustive ? 'every fault' : 'every twelfth fault'})`, () => {
  test.each(rows.filter((_, index) => isExhaustive || index % 12 === 0).map((row) => [row.mesh, row.name, row] as const))(
    '%s: %s',
    { timeout: seconds },
    async (mesh, _name, row) => {
      expect(causes(await asked(inOrder(...row.edits)(meshes[mesh].objects())))).toEqual([...row.causes].sort());
    },
  );
});

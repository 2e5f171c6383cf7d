import type { Finding } from '../api/finding.ts';
import type { RemedyAction } from '../api/remedy.ts';
import type { KubeObject, MeshObjects } from '../model/kube.ts';
import { applyRemedy } from './apply-remedy.ts';
import { ofEachCase } from './contract.ts';
import { answer, answerTo, crashes, factsOf, loud, type Prepared, snapshotIn, spelled, type Suite } from './suite.ts';

const patchLike: ReadonlySet<RemedyAction> = new Set(['label', 'annotate', 'patch', 'apply', 'delete', 'scale']);

/** The first remedy that the builder can carry out, carried out, must help. */
export const remediesHelp = ofEachCase('its first remedy that is a patch silences the finding', async (suite, prepared) => {
  const lines: string[] = [];
  for (const finding of prepared.judgement.findings) {
    const remedy = finding.remedy.find(({ action }) => patchLike.has(action));
    if (remedy === undefined) continue;
    let mended: MeshObjects;
    try {
      mended = applyRemedy(prepared.mesh, remedy);
    } catch (error) {
      lines.push(`${spelled(finding)} has a remedy that cannot be applied: ${String(error)}`);
      continue;
    }
    const after = await answerTo(suite, mended, prepared.options);
    lines.push(...crashes(after.outcomes));
    if (after.findings.some((other) => other.fingerprint === finding.fingerprint)) lines.push(`${spelled(finding)} is still there after ${remedy.command.join('; ')}`);
  }
  return lines;
});

/** A directory that does not claim to be complete: what it lacks proves nothing, whatever it lacks. */
export const partialDirectory = ofEachCase('an object missing from a directory that need not hold all adds no finding', async (suite, prepared) => {
  if (prepared.isBroken) return [];
  const options = { ...prepared.options, complete: false };
  const whole = snapshotIn(prepared.mesh, options);
  const facts = factsOf(whole);
  const baseline = loud(suite, (await answer(suite, prepared, facts)).findings);
  if (baseline.length > 0) return baseline.map((finding) => `when the directory does not claim to be complete: ${said(finding)}`);
  const lines: string[] = [];
  for (const [cluster, objects] of prepared.mesh) {
    for (const removed of objects) lines.push(...(await withoutObject(suite, prepared, cluster, objects, removed, facts, options)));
  }
  return lines;
});

async function withoutObject(
  suite: Suite,
  prepared: Prepared,
  cluster: string,
  objects: readonly KubeObject[],
  removed: KubeObject,
  facts: Prepared['facts'],
  options: Prepared['options'],
): Promise<string[]> {
  const less = snapshotIn(new Map([[cluster, objects.filter((object) => object !== removed)]]), options);
  const after = await answer(suite, prepared, new Map([...facts, ...factsOf(less)]));
  const what = `without ${removed.kind} ${removed.metadata.namespace ?? ''}/${removed.metadata.name} in ${cluster}`;
  return [...crashes(after.outcomes), ...loud(suite, after.findings).map((finding) => `${what}: ${said(finding)}`)];
}

function said(finding: Finding): string {
  return `${spelled(finding)}: ${finding.message}`;
}

import type { Finding } from '../api/finding.ts';
import type { Remedy, RemedyAction } from '../api/remedy.ts';
import { projectFacts, readsFor } from '../collect/facts.ts';
import type { MeshObjects } from '../model/kube.ts';
import type { ClusterSnapshot, KindRead, ReducedObject } from '../model/snapshot.ts';
import { isDeepEqual } from '../base/equal.ts';
import { sortedBy } from '../base/sort.ts';
import { applyMergePatch, isMeant, isRecord } from '../builder/patch.ts';
import { refKey } from '../model/refs.ts';
import { applyStrategicPatch } from '../model/strategic-patch.ts';
import { written } from '../remedy/carry-out.ts';
import { inverseOf } from '../remedy/undo.ts';
import { applyRemedy } from './apply-remedy.ts';
import { ofEachCase } from './contract.ts';
import { answer, answerTo, crashes, factsOf, loud, snapshotIn, spelled } from './suite.ts';
import { declaredFacts } from './variations.ts';

const patchLike: ReadonlySet<RemedyAction> = new Set(['label', 'annotate', 'patch', 'apply', 'delete', 'scale']);

/** The first remedy that the builder can carry out, carried out, must help. */
export const remediesHelp = ofEachCase('its first remedy that is a patch silences the finding', async (suite, prepared) => {
  const lines: string[] = [];
  for (const finding of prepared.judgement.findings) {
    const remedy = finding.remedy.find(({ action }) => patchLike.has(action));
    if (remedy === undefined || isDoneByPods(remedy, finding)) continue;
    let mended: MeshObjects;
    try {
      mended = applyRemedy(prepared.mesh, remedy);
    } catch (error) {
      lines.push(`${spelled(finding)} has a remedy that cannot be applied: ${String(error)}`);
      continue;
    }
    const after = await answerTo(suite, mended, prepared.options);
    lines.push(...crashes(after.outcomes));
    if (after.findings.some((other) => other.fingerprint === finding.fingerprint))
      lines.push(`${spelled(finding)} is still there after ${remedy.command.join('; ')}`);
  }
  return lines;
});

/** What fix does, its undo file takes back: the inverse of the same patch, applied to what it made, gives the object of before. */
export const remediesGoBack = ofEachCase('its remedies that are patches can be taken back', async (_suite, prepared) => {
  const lines: string[] = [];
  for (const finding of prepared.judgement.findings)
    for (const remedy of finding.remedy.filter(({ action, patch }) => patchLike.has(action) && patch !== undefined)) {
      const { ref, patch, cluster, isStrategic = false, action } = remedy;
      const before = ref === undefined ? undefined : (prepared.mesh.get(cluster) ?? []).find((object) => isMeant(object, ref));
      if (before === undefined || patch === undefined) continue;
      const change = { patch: action === 'apply' ? written(patch) : patch, isStrategic };
      const apply = isStrategic ? applyStrategicPatch : applyMergePatch;
      const back = apply(apply(before, change.patch), inverseOf(before, change));
      if (!isDeepEqual(inOrder(back), inOrder(before)))
        lines.push(`${spelled(finding)} cannot be taken back: ${remedy.command.join('; ')}`);
    }
  return await Promise.resolve(lines);
});

/** Members that have names in the order of these: what was taken away comes back as the last one. */
function inOrder(value: unknown): unknown {
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inOrder(one)]));
  return Array.isArray(value) ? sortedBy(value.map(inOrder), (one) => (isRecord(one) ? textOf(one['name']) : '')) : value;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

const workloads: ReadonlySet<string> = new Set(['DaemonSet', 'Deployment', 'StatefulSet']);

/** What is elsewhere than in the workload that a remedy changes, its pods make: objects as they are built have no controllers. */
function isDoneByPods({ ref }: Remedy, { at }: Finding): boolean {
  return ref !== undefined && workloads.has(ref.kind) && refKey(ref) !== refKey(at);
}

/** A check's own test stays quick; what is left out here is removed for all checks at once by the project's own tests. */
const mostRemovals = 120;

/**
 * A directory that does not claim to be complete: what it lacks proves nothing, whatever it lacks. Meshes of a suite are mostly alike:
 * an object is removed in the first of them that has it, and only one of a kind that the check asked for.
 */
export const partialDirectory = ofEachCase(
  'an object missing from a directory that need not hold all adds no finding',
  async (suite, prepared, seen) => {
    if (prepared.isBroken) return [];
    const snapshot = snapshotIn(prepared.mesh, { ...prepared.options, complete: false });
    const facts = factsOf(snapshot);
    const whole = loud(suite, (await answer(suite, prepared, facts)).findings);
    if (whole.length > 0) return whole.map((finding) => `when the directory does not claim to be complete: ${said(finding)}`);
    const lines: string[] = [];
    const kinds = new Set(readsFor(declaredFacts(suite.check)).map(({ kind }) => kind.id));
    for (const { what, removed, cluster } of snapshot.clusters.flatMap((own) => [...lackingOne(own, kinds)])) {
      const key = `${cluster.name} ${JSON.stringify(removed)}`;
      if (seen.has(key) || seen.size >= mostRemovals) continue;
      seen.add(key);
      const after = await answer(suite, prepared, new Map([...facts, [cluster.name, projectFacts(cluster)]]));
      lines.push(
        ...[...crashes(after.outcomes), ...loud(suite, after.findings).map(said)].map(
          (line) => `without ${what} in ${cluster.name}: ${line}`,
        ),
      );
    }
    return lines;
  },
);

/** The cluster once for each object (of these kinds), without that object. What Kubernetes keeps for itself is left in peace. */
export function* lackingOne(
  cluster: ClusterSnapshot,
  kinds?: ReadonlySet<string>,
): Iterable<{ readonly what: string; readonly removed: ReducedObject; readonly cluster: ClusterSnapshot }> {
  for (const [id, read] of Object.entries(cluster.kinds)) {
    if (read.status !== 'read' || kinds?.has(id) === false) continue;
    for (const removed of read.objects) {
      if (removed.metadata.namespace?.startsWith('kube-') === true) continue;
      const left: KindRead =
        read.objects.length === 1
          ? { status: 'not-asked', because: 'directory does not say' }
          : { ...read, objects: read.objects.filter((object) => object !== removed) };
      yield {
        what: `${removed.kind} ${removed.metadata.namespace ?? ''}/${removed.metadata.name}`,
        removed,
        cluster: { ...cluster, kinds: { ...cluster.kinds, [id]: left } },
      };
    }
  }
}

function said(finding: Finding): string {
  return `${spelled(finding)}: ${finding.message}`;
}

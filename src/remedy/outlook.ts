import { reduceObject } from '../collect/kind.ts';
import { tally } from '../model/decode.ts';
import type { KubeObject } from '../model/kube.ts';
import { refKey } from '../model/refs.ts';
import type { KindRead, ReducedObject, Snapshot } from '../model/snapshot.ts';
import type { Report } from '../report/schema.ts';
import { applied } from './applied.ts';
import { kindOfRemedy } from './places.ts';
import { type Action, isToFix } from './plan.ts';

/** What becomes of the findings when a plan is carried out, as far as objects say. */
export interface Outlook {
  /** Findings that are gone then, of those there are. What only probes see is not among them. */
  readonly clears: number;
  readonly of: number;
  readonly introduces: readonly { readonly code: string; readonly message: string }[];
  /** What is left; a restart, a person or time may still clear it. */
  readonly leaves: readonly { readonly code: string; readonly message: string }[];
}

/** Judges a snapshot before and after, both without what probes saw: measurements are of the objects as they were. */
export async function outlookOf(
  snapshot: Snapshot,
  actions: readonly Action[],
  found: ReadonlyMap<Action, KubeObject>,
  judge: (snapshot: Snapshot) => Promise<Report>,
): Promise<Outlook> {
  const still = { ...snapshot, observations: [] };
  const [before, after] = [await judge(still), await judge(afterwards(still, actions, found))];
  const loud = (report: Report): Report['findings'] => report.findings.filter((finding) => isToFix(finding) && !finding.advice);
  const [old, left] = [loud(before), loud(after)];
  const has = (list: Report['findings'], fingerprint: string): boolean => list.some((finding) => finding.fingerprint === fingerprint);
  const said = (list: Report['findings']): { code: string; message: string }[] => list.map(({ code, message }) => ({ code, message }));
  const leaves = old.filter(({ fingerprint }) => has(left, fingerprint));
  return {
    clears: old.length - leaves.length,
    of: old.length,
    introduces: said(left.filter((finding) => !has(old, finding.fingerprint) && !isRestarted(finding, actions))),
    leaves: said(leaves),
  };
}

/** What a restart mends that is part of the plan: objects alone cannot show it. */
function isRestarted({ remedy }: Report['findings'][number], actions: readonly Action[]): boolean {
  return remedy
    .filter(({ action }) => action === 'restart')
    .flatMap(({ ref, refs = ref === undefined ? [] : [ref] }) => refs)
    .some((ref) =>
      actions.some(
        (planned) =>
          planned.isRestart &&
          planned.ref.cluster === ref.cluster &&
          planned.ref.namespace === (ref.kind === 'Namespace' ? ref.name : ref.namespace) &&
          (ref.kind === 'Namespace' || planned.ref.name === ref.name),
      ),
    );
}

/** The snapshot after these changes, one after the other. `found`: objects as their API servers have them; others are patched as they were read. */
function afterwards(snapshot: Snapshot, actions: readonly Action[], found: ReadonlyMap<Action, KubeObject>): Snapshot {
  const whole = new Map<string, KubeObject>();
  for (const [action, object] of found) whole.set(keyOf(action), object);
  const changes = actions.filter(({ isRestart }) => !isRestart);
  return {
    ...snapshot,
    clusters: snapshot.clusters.map((cluster) => ({
      ...cluster,
      kinds: changes
        .filter((action) => action.cluster === cluster.name)
        .reduce<Readonly<Record<string, KindRead>>>((reads, action) => changed(reads, action, whole), cluster.kinds),
    })),
  };
}

function keyOf({ remedy, ref }: Action): string {
  return `${kindOfRemedy(remedy)?.id ?? ''} ${refKey(ref)}`;
}

function changed(
  reads: Readonly<Record<string, KindRead>>,
  action: Action,
  whole: Map<string, KubeObject>,
): Readonly<Record<string, KindRead>> {
  const kind = kindOfRemedy(action.remedy);
  const read = kind === undefined ? undefined : reads[kind.id];
  if (kind === undefined || read?.status !== 'read') return reads;
  const { ref, remedy } = action;
  const isMeant = ({ metadata }: ReducedObject): boolean => metadata.name === ref.name && metadata.namespace === ref.namespace;
  const known = read.objects.find(isMeant);
  if (known === undefined && remedy.action !== 'apply') return reads;
  const raw = whole.get(keyOf(action));
  const next = applied(raw ?? known, remedy);
  // What was read is reduced already; what its API server has, and what is new, is not.
  const isWhole = raw !== undefined || remedy.action === 'apply';
  if (next !== undefined && isWhole) whole.set(keyOf(action), next);
  const reduced = next !== undefined && isWhole ? reduceObject(kind, next, tally()) : next;
  const others = read.objects.filter((object) => !isMeant(object));
  return { ...reads, [kind.id]: { ...read, objects: reduced === undefined ? others : [...others, reduced] } };
}

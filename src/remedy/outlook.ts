import { isDeepEqual } from '../base/equal.ts';
import { names } from '../istio/labels.ts';
import { reduceObject } from '../collect/kind.ts';
import { tally } from '../model/decode.ts';
import type { ClusterFacts } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { KubeObject } from '../model/kube.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import type { KindRead, ReducedObject, Snapshot } from '../model/snapshot.ts';
import type { Report, ReportFinding } from '../report/schema.ts';
import { applied } from './applied.ts';
import { kindOfRemedy } from './places.ts';
import { type Action, type FixPlan, fixPlanOf, inOrder, isToFix } from './plan.ts';

/** What becomes of the findings when a plan is carried out, as far as objects say. */
export interface Outlook {
  /** Findings that are gone then, of those there are. What only probes see is not among them. */
  readonly clears: number;
  readonly of: number;
  readonly introduces: readonly { readonly code: string; readonly message: string }[];
  /** What is left; a restart, a person or time may still clear it. */
  readonly leaves: readonly { readonly code: string; readonly message: string }[];
}

/** A plan of which is known what it makes of the mesh. */
export interface Foreseen {
  readonly plan: FixPlan;
  readonly outlook: Outlook;
  /** Objects as API servers have them. */
  readonly objects: ReadonlyMap<Action, KubeObject>;
}

/** Times that a plan is looked beyond: what is hidden under what was hidden comes to light by then. */
const mostLooks = 4;

/**
 * A plan with what comes to light once it is carried out: the second of two objects that are missing, pods that were started with what is mended. So
 * nobody has to come back for it. All is judged without what probes saw: measurements are of the objects as they were.
 */
export async function foreseen(
  { snapshot, report, facts, now }: Before,
  plan: FixPlan,
  find: (action: Action) => Promise<KubeObject | undefined>,
  judge: (snapshot: Snapshot) => Promise<Report>,
): Promise<Foreseen> {
  const still = { ...snapshot, observations: [] };
  const objects = new Map<Action, KubeObject>();
  const findAll = async (actions: readonly Action[]): Promise<void> => {
    await Promise.all(
      actions.map(async (action) => {
        const object = await find(action);
        if (object !== undefined) objects.set(action, object);
      }),
    );
  };
  await findAll(plan.actions);
  const before = await judge(still);
  let whole = plan;
  for (let look = 1; ; look++) {
    const after = await judge(afterwards(still, whole.actions, objects));
    const isUncovered = uncoveredBy(plan, report, before);
    const more = look > mostLooks ? [] : beyond(whole, fixPlanOf(after, facts, isUncovered, now));
    if (more.length === 0) return { plan: whole, objects, outlook: outlookOf(before, after, whole.actions) };
    await findAll(more);
    whole = { ...whole, actions: inOrder([...whole.actions, ...more]) };
  }
}

/** What a plan is made from. */
interface Before {
  readonly snapshot: Snapshot;
  readonly report: Report;
  readonly facts: ReadonlyMap<ClusterName, ClusterFacts>;
  readonly now: string;
}

/**
 * Whether a cause of the mesh as it will be belongs to a plan: what its causes explained so far, and what is left of them. Anything else either is
 * a cause today already, or nobody has seen yet, and then it is foretold and not acted upon.
 */
function uncoveredBy({ causes }: FixPlan, report: Report, before: Report): (finding: ReportFinding) => boolean {
  const planned = new Set(causes.map(({ fingerprint }) => fingerprint));
  const codes = new Set(causes.map(({ code }) => code));
  const explained = new Set(
    [...report.causes, ...before.causes].filter(({ fingerprint }) => planned.has(fingerprint)).flatMap(({ explains }) => explains),
  );
  const known = new Set(before.findings.map(({ fingerprint }) => fingerprint));
  return ({ fingerprint, code }) => planned.has(fingerprint) || explained.has(fingerprint) || (codes.has(code) && !known.has(fingerprint));
}

/** Changes that a plan has not. A restart that is planned is for all that needs it. */
function beyond({ actions }: FixPlan, next: FixPlan): readonly Action[] {
  const known = new Set(actions.map(keyOfChange));
  return next.actions.filter((action) => !known.has(keyOfChange(action)));
}

function keyOfChange({ ref, isRestart, remedy }: Action): string {
  return `${refKey(ref)} ${isRestart ? 'restart' : JSON.stringify([remedy.action, remedy.patch])}`;
}

function outlookOf(before: Report, after: Report, actions: readonly Action[]): Outlook {
  const loud = (report: Report): Report['findings'] => report.findings.filter((finding) => isToFix(finding) && !finding.advice);
  const [old, left] = [loud(before), loud(after)];
  const has = (list: Report['findings'], fingerprint: string): boolean => list.some((finding) => finding.fingerprint === fingerprint);
  const said = (list: Report['findings']): { code: string; message: string }[] => list.map(({ code, message }) => ({ code, message }));
  const leaves = old.filter(({ fingerprint }) => has(left, fingerprint));
  return {
    clears: old.length - leaves.length,
    of: old.length,
    introduces: said(
      left.filter((finding) => !has(old, finding.fingerprint) && !isRestarted(finding, actions) && !isScaled(finding, old, actions)),
    ),
    leaves: said(leaves),
  };
}

/** A workload that was scaled has no pods yet, in what is made of objects alone: the same check says the same of it in other words. */
function isScaled({ check, at }: ReportFinding, before: readonly ReportFinding[], actions: readonly Action[]): boolean {
  const scaled = new Set(actions.filter(({ remedy }) => remedy.action === 'scale').map(({ fingerprint }) => fingerprint));
  return before.some((finding) => scaled.has(finding.fingerprint) && finding.check === check && isDeepEqual(finding.at, at));
}

/** What a restart mends that is part of the plan: objects alone cannot show it. */
function isRestarted({ remedy }: ReportFinding, actions: readonly Action[]): boolean {
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
  // Members of lists are told by their names, which what was read does not keep everywhere: what it makes of that nobody can tell.
  if (remedy.isStrategic === true && raw === undefined) return reads;
  const next = remedy.action === 'delete' ? madeAgain(ref, read.objects) : applied(raw ?? known, remedy);
  // What was read is reduced already; what its API server has, and what is new, is not.
  const isWhole = (raw !== undefined && remedy.action !== 'delete') || remedy.action === 'apply';
  if (next !== undefined && isWhole) whole.set(keyOf(action), next);
  const reduced = next !== undefined && isWhole ? reduceObject(kind, next, tally()) : next;
  const others = read.objects.filter((object) => !isMeant(object));
  return { ...reads, [kind.id]: { ...read, objects: reduced === undefined ? others : [...others, reduced] } };
}

/**
 * What stands in the place of an object after its deletion, if anything: istiod writes the ConfigMap with its roots into every namespace that has none (pilot,
 * NamespaceController), as it did with the others of the cluster.
 */
function madeAgain(ref: ObjectRef, objects: readonly ReducedObject[]): ReducedObject | undefined {
  if (ref.kind !== 'ConfigMap' || ref.name !== names.rootConfigMap) return undefined;
  const copies = objects.filter(({ metadata }) => metadata.name === ref.name && metadata.namespace !== ref.namespace);
  const copy = copies.find(({ metadata }) => metadata.namespace === names.defaultSystemNamespace) ?? copies[0];
  if (copy === undefined || ref.namespace === undefined) return undefined;
  return { ...copy, metadata: { ...copy.metadata, namespace: ref.namespace } };
}

import type { Remedy } from '../api/remedy.ts';
import { groupBy } from '../base/sort.ts';
import { listOf } from '../mesh/topology.ts';
import type { ClusterFacts } from '../model/facts.ts';
import { clusterName, type ClusterName } from '../model/ids.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { isRecord } from '../model/merge-patch.ts';
import { restartPatch } from './restart.ts';
import type { Report, ReportCause, ReportFinding } from '../report/schema.ts';
import { kindOfRemedy } from './places.ts';

/** One change of one object, by the remedies of one cause. */
export interface Action {
  readonly code: string;
  readonly fingerprint: string;
  readonly cluster: ClusterName;
  readonly ref: ObjectRef;
  /** What a person would type. */
  readonly command: readonly string[];
  readonly note: string;
  readonly remedy: Remedy;
  /** Pods are started anew; it is done after everything else in all clusters. */
  readonly isRestart: boolean;
}

/** What a person has to do, and why it is not done for them. */
export interface ByHand {
  readonly code: string;
  readonly fingerprint: string;
  readonly cluster: string;
  readonly command: readonly string[];
  readonly note: string;
  readonly because: string;
}

export interface FixPlan {
  /** Causes that it is about, worst first, as the report has them. */
  readonly causes: readonly { readonly code: string; readonly fingerprint: string; readonly message: string; readonly cluster: string }[];
  /** In the order in which they are done: causes as reported, restarts last. */
  readonly actions: readonly Action[];
  readonly byHand: readonly ByHand[];
}

/** Whether a cause is one that fails, or may soon: notes are nobody's to fix. */
export function isToFix({ severity, certainty }: Pick<ReportCause, 'severity' | 'certainty'>): boolean {
  return severity !== 'info' && certainty !== 'possible';
}

/** What there is to do about causes: of each the first remedy that can be done without a person, and the restarts that belong to it. */
export function fixPlanOf(
  report: Report,
  facts: ReadonlyMap<ClusterName, ClusterFacts>,
  isWanted: (finding: ReportFinding) => boolean,
  now: string,
): FixPlan {
  const causes = report.causes
    .filter(isToFix)
    .flatMap(({ fingerprint }) => report.findings.find((finding) => finding.fingerprint === fingerprint) ?? [])
    .filter((finding) => !finding.advice && isWanted(finding));
  const actions: Action[] = [];
  const byHand: ByHand[] = [];
  for (const cause of causes) {
    const { automatic, hands } = choose(cause);
    byHand.push(...hands);
    actions.push(...automatic.flatMap((remedy) => actionsOf(cause, remedy, facts, now)));
  }
  const distinctActions = [...groupBy(actions, ({ ref, command }) => `${refKey(ref)} ${command.join('\n')}`).values()].flatMap(
    ([first]) => first ?? [],
  );
  return {
    causes: causes.map(({ code, fingerprint, message, at }) => ({ code, fingerprint, message, cluster: at.cluster })),
    actions: [...distinctActions.filter(({ isRestart }) => !isRestart), ...distinctActions.filter(({ isRestart }) => isRestart)],
    byHand,
  };
}

type ReportRemedy = ReportFinding['remedy'][number];

function choose(cause: ReportFinding): { readonly automatic: readonly ReportRemedy[]; readonly hands: readonly ByHand[] } {
  const { code, fingerprint, at, remedy: remedies } = cause;
  const hand = (because: string, remedy: ReportRemedy | undefined): ByHand => ({
    code,
    fingerprint,
    cluster: remedy?.cluster ?? at.cluster,
    command: remedy?.command ?? [],
    note: remedy?.note ?? '',
    because,
  });
  if (remedies.length === 0) return { automatic: [], hands: [hand(`nothing that could be typed mends it: ${cause.message}`, undefined)] };
  const index = remedies.findIndex((remedy) => whyNot(remedy) === undefined);
  const chosen = remedies[index];
  if (chosen === undefined) return { automatic: [], hands: [hand(whyNot(remedies[0]) ?? '', remedies[0])] };
  const restarts = chosen.action === 'restart' ? [] : remedies.slice(index + 1).filter(({ action }) => action === 'restart');
  return { automatic: [chosen, ...restarts], hands: [] };
}

/** Why a remedy is left to a person; nothing when it can be done. */
function whyNot(remedy: ReportRemedy | undefined): string | undefined {
  if (remedy === undefined) return 'there is no remedy';
  const { action, ref, patch, note } = remedy;
  if (action === 'installer') return 'it is done by the installer';
  if (action === 'command' || ref === undefined) return 'it is no change of one object';
  // Said by src/engine/kept.ts, of every remedy whose object a repository has.
  if (/(keeps this object|installs Istio there): /.test(note)) return 'a repository has it: it would be changed back';
  if (
    ref.kind === 'Secret' &&
    (action === 'delete' || action === 'apply' || (isRecord(patch) && ['data', 'stringData'].some((field) => field in patch)))
  )
    return 'what a Secret held is never written down, so it could not be brought back';
  if (action !== 'restart' && kindOfRemedy(asRemedy(remedy)) === undefined) return `nothing here knows how ${ref.kind} is served`;
  return undefined;
}

/** A remedy of the report as one of the API: there names of clusters are texts. */
function asRemedy({ ref, patch, cluster, action, command, note, disruptive }: ReportRemedy): Remedy {
  return {
    cluster: clusterName(cluster),
    action,
    ...(ref === undefined ? {} : { ref: { ...ref, cluster: clusterName(ref.cluster) } }),
    ...(patch === undefined ? {} : { patch }),
    command,
    note,
    disruptive,
  };
}

function actionsOf(
  cause: ReportFinding,
  reported: ReportRemedy,
  facts: ReadonlyMap<ClusterName, ClusterFacts>,
  now: string,
): readonly Action[] {
  const remedy = asRemedy(reported);
  const { ref } = remedy;
  if (ref === undefined) return [];
  const common = { code: cause.code, fingerprint: cause.fingerprint, cluster: remedy.cluster, command: remedy.command, note: remedy.note };
  if (remedy.action !== 'restart') return [{ ...common, ref, remedy, isRestart: false }];
  const patch = restartPatch(now);
  return workloadsOf(ref, facts.get(remedy.cluster)).map((workload) => ({
    ...common,
    ref: workload,
    remedy: { ...remedy, action: 'patch', ref: workload, patch },
    isRestart: true,
  }));
}

/** A workload, or all Deployments of a namespace. */
function workloadsOf(ref: ObjectRef, facts: ClusterFacts | undefined): readonly ObjectRef[] {
  if (ref.kind !== 'Namespace' || facts === undefined) return ref.kind === 'Namespace' ? [] : [ref];
  return [...listOf(facts.controlPlanes), ...listOf(facts.workloads)]
    .map((workload) => workload.ref)
    .filter(({ kind, namespace }) => kind === 'Deployment' && namespace === ref.name);
}

import type { Remedy } from '../api/remedy.ts';
import { distinct, groupBy } from '../base/sort.ts';
import { listOf } from '../mesh/topology.ts';
import type { ClusterFacts } from '../model/facts.ts';
import { clusterName, type ClusterName } from '../model/ids.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { isRecord } from '../model/merge-patch.ts';
import { restartPatch } from './restart.ts';
import type { Report, ReportCause, ReportFinding } from '../report/schema.ts';
import { contextsOf, filesOf, type Pipe, pipesOf } from './command-line.ts';
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
  /** Command lines that are run as printed, once objects are changed and before anything is restarted. */
  readonly commands: readonly CommandAction[];
  readonly byHand: readonly ByHand[];
}

/** Command lines that do what no change of one object does, by the remedy of one cause. */
export interface CommandAction extends Pick<Action, 'code' | 'fingerprint' | 'cluster' | 'command' | 'note'> {
  /** Clusters that they are about, its own among them. */
  readonly clusters: readonly ClusterName[];
  readonly pipes: readonly Pipe[];
}

/** What may be run, where anything may. */
export interface Allowance {
  /** Contexts of the kubeconfig that the run is about. */
  readonly contexts: ReadonlySet<string>;
  /** Whether a file is in the current folder. */
  readonly hasFile: (file: string) => boolean;
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
  allowance?: Allowance,
): FixPlan {
  const causes = report.causes
    .filter(isToFix)
    .flatMap(({ fingerprint }) => report.findings.find((finding) => finding.fingerprint === fingerprint) ?? [])
    .filter((finding) => !finding.advice && isWanted(finding));
  const actions: Action[] = [];
  const commands: CommandAction[] = [];
  const byHand: ByHand[] = [];
  for (const cause of causes) {
    const { automatic, commands: run, hands } = choose(cause, allowance);
    byHand.push(...hands);
    commands.push(...run);
    actions.push(...automatic.flatMap((remedy) => actionsOf(cause, remedy, facts, now)));
  }
  const distinctActions = [...groupBy(actions, ({ ref, command }) => `${refKey(ref)} ${command.join('\n')}`).values()].flatMap(
    ([first]) => first ?? [],
  );
  return {
    causes: causes.map(({ code, fingerprint, message, at }) => ({ code, fingerprint, message, cluster: at.cluster })),
    actions: inOrder(distinctActions),
    commands: distinctCommands(commands),
    byHand,
  };
}

/** Restarts come last: pods then start with everything that was changed. */
export function inOrder(actions: readonly Action[]): readonly Action[] {
  return [...actions.filter(({ isRestart }) => !isRestart), ...actions.filter(({ isRestart }) => isRestart)];
}

function distinctCommands(commands: readonly CommandAction[]): CommandAction[] {
  return [...new Map(commands.toReversed().map((one) => [one.command.join('\n'), one])).values()].toReversed();
}

type ReportRemedy = ReportFinding['remedy'][number];

interface Chosen {
  readonly automatic: readonly ReportRemedy[];
  readonly commands: readonly CommandAction[];
  readonly hands: readonly ByHand[];
}

function choose(cause: ReportFinding, allowance: Allowance | undefined): Chosen {
  const { code, fingerprint, at, remedy: remedies } = cause;
  const hand = (because: string, remedy: ReportRemedy | undefined): Chosen => ({
    automatic: [],
    commands: [],
    hands: [
      { code, fingerprint, cluster: remedy?.cluster ?? at.cluster, command: remedy?.command ?? [], note: remedy?.note ?? '', because },
    ],
  });
  if (remedies.length === 0) return hand(`nothing that could be typed mends it: ${cause.message}`, undefined);
  // A restart behind an installer is for what that has changed.
  const installer = remedies.findIndex(({ action }) => action === 'installer');
  const isAfter = (index: number): boolean => installer >= 0 && index > installer;
  const restartsBehind = (index: number): readonly ReportRemedy[] => remedies.slice(index + 1).filter(({ action }) => action === 'restart');
  const index = remedies.findIndex((remedy, at) => whyNot(remedy) === undefined && !(remedy.action === 'restart' && isAfter(at)));
  const chosen = remedies[index];
  if (chosen !== undefined)
    return { automatic: [chosen, ...(chosen.action === 'restart' ? [] : restartsBehind(index))], commands: [], hands: [] };
  for (const [index, remedy] of remedies.entries()) {
    const found = allowance === undefined ? undefined : runnable(remedy, allowance);
    if (found === undefined || typeof found === 'string') continue;
    return { automatic: restartsBehind(index), commands: [{ code, fingerprint, ...found }], hands: [] };
  }
  return hand(handed(remedies[0], allowance), remedies[0]);
}

/** Why the first remedy of a cause is left to a person. */
function handed(remedy: ReportRemedy | undefined, allowance: Allowance | undefined): string {
  const because = whyNot(remedy) ?? '';
  if (remedy === undefined || isKept(remedy) || isReading(remedy)) return because;
  if (allowance === undefined)
    return remedy.command.every((line) => typeof pipesOf(line) !== 'string') ? `${because}; --allow=command runs it` : because;
  const said = runnable(remedy, allowance);
  return typeof said === 'string' ? `${because}, and ${said}` : because;
}

/** The command lines of a remedy, or why they are not run. */
function runnable(remedy: ReportRemedy, { contexts, hasFile }: Allowance): Omit<CommandAction, 'code' | 'fingerprint'> | string {
  const { cluster, command, note } = remedy;
  if (isKept(remedy)) return 'a repository has it';
  if (isReading(remedy)) return 'it only reads';
  const lines = command.map(pipesOf);
  const refused = lines.find((line) => typeof line === 'string');
  if (refused !== undefined || lines.length === 0) return typeof refused === 'string' ? refused : 'there is no command line';
  const pipes = lines.flatMap((line) => (typeof line === 'string' ? [] : line));
  const named = distinct(contextsOf(pipes));
  if (named.length === 0 || named.some((context) => !contexts.has(context))) return 'it is about contexts that this run is not about';
  const missing = filesOf(pipes).find((file) => !hasFile(file));
  if (missing !== undefined) return `${missing} is not in the current folder`;
  const open = pipes.flatMap(({ programs }) => programs.flat()).find((word) => isOpen(word, contexts));
  if (open !== undefined) return `${open} is for a person to fill in`;
  return { cluster: clusterName(cluster), command, note, clusters: named.map(clusterName), pipes };
}

/** A word that stands for what only a reader knows: `NETWORK`, `/inject/cluster/ID/net/west`. */
function isOpen(word: string, contexts: ReadonlySet<string>): boolean {
  return word
    .split(/[=/]/)
    .some((part, index, parts) => /^[A-Z]{2,}$/.test(part) && !contexts.has(part) && (index > 0 || parts.length === 1));
}

/** Why a remedy is left to a person; nothing when it can be done. */
function whyNot(remedy: ReportRemedy | undefined): string | undefined {
  if (remedy === undefined) return 'there is no remedy';
  if (isKept(remedy)) return 'a repository has it: it would be changed back';
  const { action, ref, refs, patch } = remedy;
  if (action === 'restart' && (ref ?? refs) !== undefined) return undefined;
  if (action === 'installer') return 'it is done by the installer';
  if (action === 'command' || ref === undefined) return 'it is no change of one object';
  if (
    ref.kind === 'Secret' &&
    (action === 'delete' || action === 'apply' || (isRecord(patch) && ['data', 'stringData'].some((field) => field in patch)))
  )
    return 'what a Secret held is never written down, so it could not be brought back';
  if (kindOfRemedy(asRemedy(remedy)) === undefined) return `nothing here knows how ${ref.kind} is served`;
  return undefined;
}

/** Said by src/engine/kept.ts, of every remedy whose object a repository has. */
function isKept({ note }: ReportRemedy): boolean {
  return /(keeps this object|installs Istio there): /.test(note);
}

function isReading({ note }: ReportRemedy): boolean {
  return note.includes('reads only');
}

/** A remedy of the report as one of the API: there names of clusters are texts. */
function asRemedy({ ref, refs, patch, isStrategic, cluster, action, command, note, disruptive }: ReportRemedy): Remedy {
  const known = (one: NonNullable<typeof ref>): ObjectRef => ({ ...one, cluster: clusterName(one.cluster) });
  return {
    cluster: clusterName(cluster),
    action,
    ...(ref === undefined ? {} : { ref: known(ref) }),
    ...(refs === undefined ? {} : { refs: refs.map(known) }),
    ...(patch === undefined ? {} : { patch }),
    ...(isStrategic === undefined ? {} : { isStrategic }),
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
  const { ref, refs = ref === undefined ? [] : [ref] } = remedy;
  const common = { code: cause.code, fingerprint: cause.fingerprint, cluster: remedy.cluster, note: remedy.note };
  if (remedy.action !== 'restart') return ref === undefined ? [] : [{ ...common, ref, command: remedy.command, remedy, isRestart: false }];
  const patch = restartPatch(now);
  return refs.flatMap((restarted, index) =>
    workloadsOf(restarted, facts.get(remedy.cluster)).map((workload) => ({
      ...common,
      ref: workload,
      // Of several, each has a line of its own.
      command: refs.length === 1 ? remedy.command : remedy.command.slice(index, index + 1),
      remedy: { ...remedy, action: 'patch', ref: workload, patch },
      isRestart: true,
    })),
  );
}

/** A workload, or all Deployments of a namespace. */
function workloadsOf(ref: ObjectRef, facts: ClusterFacts | undefined): readonly ObjectRef[] {
  if (ref.kind !== 'Namespace' || facts === undefined) return ref.kind === 'Namespace' ? [] : [ref];
  return [...listOf(facts.controlPlanes), ...listOf(facts.workloads)]
    .map((workload) => workload.ref)
    .filter(({ kind, namespace }) => kind === 'Deployment' && namespace === ref.name);
}

import { builtin } from '../../checks/index.ts';
import type { Finding } from '../../src/api/finding.ts';
import { inOrder } from '../../src/builder/edits/edit.ts';
import { takenAt } from '../../src/builder/timeline.ts';
import type { MeshObjects } from '../../src/model/kube.ts';
import type { ClusterObservations } from '../../src/model/observations.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { factsOf } from '../../src/run/check.ts';
import { observedIn } from '../../src/testkit/observed.ts';
import { crashes, type Run, run, snapshotAt, told } from '../corpus/corpus.ts';
import type { Fault } from './fault.ts';
import { type MeshName, meshes } from './meshes.ts';

/*
 * A broken mesh on the road of every run, and what the answer says of the faults in it. Nothing here knows which check should find what:
 * checks claim modes, faults are cases of modes.
 */

/** The time of the run's own clock, where no cluster has one. */
const now = '2026-11-23T08:00:00Z';

const advisory: ReadonlySet<string> = new Set(builtin.flatMap(({ check }) => (check.advice === true ? [check.id] : [])));

/** How an answer tells of a fault. */
export type Told =
  /** A finding that claims the mode is a cause, or stands under one that comes with the fault by nature. */
  | 'found'
  /** Only as a consequence of something else. */
  | 'folded'
  /** Not said, but a check that claims the mode says that it cannot tell because of something else that was found. */
  | 'blocked'
  | 'missed';

/** What a mesh says before anybody breaks it. */
type Baseline = ReadonlySet<string>;

export interface Answer {
  readonly run: Run;
  readonly baseline: Baseline;
}

const healthy = new Map<MeshName, MeshObjects>();

export function healthyObjects(name: MeshName): MeshObjects {
  let objects = healthy.get(name);
  if (objects === undefined) {
    objects = meshes[name].objects();
    healthy.set(name, objects);
  }
  return objects;
}

const baselines = new Map<string, Promise<Baseline>>();

/** The mesh after these faults, one after the other, all checks on it. Throws `EditError` where there is nothing to break (any more). */
export async function answerTo(name: MeshName, faults: readonly Fault[]): Promise<Answer> {
  const broken = inOrder(...faults.flatMap(({ edits }) => edits))(healthyObjects(name));
  const services = servicesOf(faults);
  const measured = faults.find(({ observed }) => observed !== undefined)?.observed;
  return {
    run: await runOf(broken, measured?.(broken), services),
    baseline: await baselineOf(name, measured !== undefined, services),
  };
}

type Services = NonNullable<Fault['services']>;

function servicesOf(faults: readonly Fault[]): Services {
  return faults.flatMap(({ services }) => services ?? []);
}

export async function baselineOf(name: MeshName, isMeasured: boolean, services: Services): Promise<Baseline> {
  const key = JSON.stringify([name, isMeasured, services]);
  const known = baselines.get(key) ?? silenceOf(name, isMeasured, services);
  baselines.set(key, known);
  return await known;
}

async function silenceOf(name: MeshName, isMeasured: boolean, services: Services): Promise<Baseline> {
  const objects = healthyObjects(name);
  const { judgement } = await runOf(objects, isMeasured ? observedIn(objects, services) : undefined, services);
  return new Set(judgement.findings.map(({ fingerprint }) => fingerprint));
}

async function runOf(mesh: MeshObjects, observations: readonly ClusterObservations[] = [], services: Services = []): Promise<Run> {
  const snapshot: Snapshot = { ...snapshotAt(mesh, takenAt), observations };
  const service = services.map(({ namespace, name, port }) => `${name}.${namespace}${port === undefined ? '' : `:${port}`}`);
  return await run(snapshot, { service }, factsOf(snapshot, now));
}

/** How the answer tells of one of the faults that are in the mesh. */
export function toldOf({ mode, also = [] }: Fault, { run: { causes, judgement }, baseline }: Answer): Told {
  const claims = (finding: Finding): boolean => finding.catalogue.includes(mode) && !baseline.has(finding.fingerprint);
  const isBeside = (finding: Finding): boolean => finding.catalogue.some((one) => also.includes(one));
  if (causes.some(({ finding }) => claims(finding))) return 'found';
  const above = causes.filter(({ explains }) => explains.some(claims));
  if (above.some(({ finding }) => isBeside(finding))) return 'found';
  if (above.length > 0) return 'folded';
  const claimants = new Set(judgement.checks.flatMap(({ check }) => (check.catalogue?.includes(mode) === true ? [check.id] : [])));
  return judgement.outcomes.some(
    (outcome) => outcome.kind === 'inconclusive' && outcome.blockedBy !== undefined && claimants.has(outcome.check),
  )
    ? 'blocked'
    : 'missed';
}

/** Checks that claim the mode of a fault and say something of it, as `area/check`; sorted. */
export function findersOf({ mode }: Fault, { run: { judgement }, baseline }: Answer): string[] {
  const finders = judgement.findings
    .filter((finding) => finding.catalogue.includes(mode) && !baseline.has(finding.fingerprint))
    .map(({ area, check }) => `${area}/${check}`);
  return [...new Set(finders)].sort();
}

/** Every check that said something that it does not say of the healthy mesh. */
export function firedIn({ run: { judgement }, baseline }: Answer): string[] {
  return [...new Set(judgement.findings.filter(({ fingerprint }) => !baseline.has(fingerprint)).map(({ check }) => check))].sort();
}

/** Causes that are loud and about none of the faults, and crashes: one line each. */
export function strangersIn(faults: readonly Fault[], { run: { causes, judgement }, baseline }: Answer): string[] {
  const known = new Set(faults.flatMap(({ mode, also = [] }) => [mode, ...also]));
  const strange = causes.filter(
    ({ finding, severity }) =>
      severity !== 'info' &&
      !advisory.has(finding.check) &&
      !baseline.has(finding.fingerprint) &&
      !finding.catalogue.some((mode) => known.has(mode)),
  );
  return [...crashes(judgement), ...strange.map(({ finding }) => told(finding))];
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtin } from '../../checks/index.ts';
import { factCollectors, projectFacts } from '../../src/collect/facts.ts';
import { snapshotOf } from '../../src/collect/snapshot.ts';
import { type Flags, type RunOptions, runOptions } from '../../src/config/options.ts';
import { correlate, withBlockers } from '../../src/correlate/correlate.ts';
import type { Cause } from '../../src/correlate/types.ts';
import { judge } from '../../src/engine/judge.ts';
import type { Judgement } from '../../src/engine/types.ts';
import type { Finding } from '../../src/api/finding.ts';
import type { ClusterFacts, FactName } from '../../src/model/facts.ts';
import type { ClusterName } from '../../src/model/ids.ts';
import type { KubeObject, MeshObjects } from '../../src/model/kube.ts';
import { refKey } from '../../src/model/refs.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { buildReport } from '../../src/report/build.ts';
import type { Report } from '../../src/report/schema.ts';

/** Where real healthy meshes lie, if anywhere. Nothing of them is part of the project; tests that want them are skipped, visibly, without. */
export const corpus = process.env['MESHDOCTOR_CORPUS'] ?? '';

/** Each mesh with the clusters it was read from, and when. */
export const realMeshes = {
  'primary-remote-1.31': { clusters: ['cluster1', 'cluster2'], takenAt: '2026-11-22T21:27:43Z' },
  'primary-remote-1.24': { clusters: ['cluster9', 'cluster10'], takenAt: '2026-11-22T22:23:28Z' },
  'multi-primary-1.31': { clusters: ['cluster3', 'cluster4'], takenAt: '2026-11-22T21:55:19Z' },
  'ambient-1.31': { clusters: ['cluster5', 'cluster6'], takenAt: '2026-11-22T22:18:46Z' },
  'external-1.31': { clusters: ['cluster7', 'cluster8'], takenAt: '2026-11-22T22:33:35Z' },
} as const satisfies Readonly<Record<string, { readonly clusters: readonly string[]; readonly takenAt: string }>>;

export type RealMesh = keyof typeof realMeshes;
export const realMeshNames = Object.keys(realMeshes) as RealMesh[];

/** A real mesh as objects, for edits. */
export function objectsOf(mesh: RealMesh): MeshObjects {
  return new Map(
    realMeshes[mesh].clusters.map((cluster) => {
      const folder = join(corpus, mesh, cluster);
      const lists = readdirSync(folder)
        .filter((file) => file.endsWith('.json') && file !== 'version.json')
        .sort()
        .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as ListOfObjects);
      return [cluster, lists.flatMap(itemsOf)];
    }),
  );
}

interface ListOfObjects {
  readonly kind: string;
  readonly apiVersion: string;
  readonly items?: readonly KubeObject[];
}

/** Items of a list carry the kind of the list where the API server leaves it out. */
function itemsOf(list: ListOfObjects): KubeObject[] {
  const kind = list.kind.replace(/List$/, '');
  return (list.items ?? []).map((item) => ({ ...item, apiVersion: item.apiVersion ?? list.apiVersion, kind: item.kind ?? kind }));
}

/** Everything that a run makes of a snapshot. */
export interface Run {
  readonly judgement: Judgement;
  readonly causes: readonly Cause[];
  readonly report: Report;
}

export type FactsByCluster = ReadonlyMap<ClusterName, ClusterFacts>;

/** The time of the run's own clock: nothing may depend on it where the mesh has a time. */
const now = '2026-11-23T08:00:00Z';

export function optionsOf(flags: Flags = {}): RunOptions {
  return runOptions({ manifests: [], ...flags }, undefined, { cwd: '/', now });
}

export function factsOf(snapshot: Snapshot): FactsByCluster {
  const observed = new Map(snapshot.observations.map((one) => [one.cluster, one]));
  return new Map(snapshot.clusters.map((cluster) => [cluster.name, projectFacts(cluster, now, observed.get(cluster.name))]));
}

/** All built-in checks on a snapshot: judged, correlated, reported, as a run does. */
export async function run(snapshot: Snapshot, flags: Flags = {}, facts: FactsByCluster = factsOf(snapshot)): Promise<Run> {
  const options = optionsOf(flags);
  const judgement = await judge(snapshot, facts, builtin, { services: options.services });
  const causes = correlate(judgement);
  return {
    judgement,
    causes,
    report: buildReport({ ...judgement, outcomes: withBlockers(judgement) }, causes, options, { version: '0.0.0' }),
  };
}

/** `--service a.b` and its like, as the command line gives them. */
export function flagsOf(words: readonly string[] = []): Flags {
  const service = words.flatMap((word, index) => (words[index - 1] === '--service' ? [word] : []));
  const known = words.every((word, index) => word === '--service' || words[index - 1] === '--service');
  if (!known) throw new Error(`only --service is understood here: ${words.join(' ')}`);
  return service.length === 0 ? {} : { service };
}

export function snapshotAt(mesh: MeshObjects, takenAt: string): Snapshot {
  return snapshotOf(mesh, { complete: true, takenAt });
}

/** Findings that break silence. */
export function loud(findings: readonly Finding[]): Finding[] {
  return findings.filter((finding) => finding.severity !== 'info');
}

/** `error certain injection/unserved-revision @ west:Namespace/shop: sentence`. */
export function told(finding: Finding): string {
  const { severity, certainty, area, code, at, message } = finding;
  return `${severity} ${certainty} ${area}/${code} @ ${refKey(at)}: ${message}`;
}

export function crashes({ outcomes }: Judgement): string[] {
  return outcomes.flatMap((outcome) =>
    outcome.kind === 'crashed' ? [`${outcome.check} crashed on ${outcome.subject}: ${outcome.error.stack}`] : [],
  );
}

export const allFacts: readonly FactName[] = [
  'clock',
  'today',
  'kubeVersion',
  ...(Object.keys(factCollectors) as (keyof typeof factCollectors)[]),
];

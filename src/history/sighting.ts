import { distinct } from '../base/sort.ts';
import { probesAreOff } from '../model/observations.ts';
import type { Report, ReportFinding } from '../report/schema.ts';

/*
 * What a history keeps of one run: what was found, and what could not be looked at, so that a finding that is no longer there is never taken for
 * cleared because nobody looked.
 */

/** A finding as far as a history tells of it. */
export interface SeenFinding {
  /** Fingerprint: code and subjects, the same in every run. */
  readonly key: string;
  readonly code: string;
  readonly check: string;
  readonly severity: ReportFinding['severity'];
  readonly certainty: ReportFinding['certainty'];
  /** Cluster of the object that it points at. */
  readonly cluster: string;
  /** All clusters whose working it touches. Sorted. */
  readonly clusters: readonly string[];
  /** Clusters that have to be read to tell that it is gone. Sorted. */
  readonly rests: readonly string[];
  readonly message: string;
  /** It reached --fail-on of that run. */
  readonly fails: boolean;
  /** Nothing else explains it. */
  readonly isCause: boolean;
}

/** Something that ends by itself. */
export type SeenExpiry = Pick<NonNullable<Report['forecast']>[number]['events'][number], 'at' | 'what' | 'name' | 'clusters' | 'stops'>;

export interface SeenCluster {
  readonly name: string;
  /** Why its API server could not be asked; absent where it could. */
  readonly unreadable?: string;
}

/** One run. */
export interface Sighting {
  /** RFC 3339: the present of the run; of a recording the time at which it was made. */
  readonly at: string;
  /** Of meshdoctor. */
  readonly version: string;
  readonly exit: number;
  readonly verdict: Report['verdict']['state'];
  readonly clusters: readonly SeenCluster[];
  readonly findings: readonly SeenFinding[];
  /** Check → clusters that were read and in which it could not judge everything. */
  readonly unjudged: Readonly<Record<string, readonly string[]>>;
  /** Cluster → kinds of object that could not be listed in full, of clusters where there are any. */
  readonly withheld: Readonly<Record<string, readonly string[]>>;
  /** Check → kinds of object that it reads, of checks with findings. */
  readonly reads: Readonly<Record<string, readonly string[]>>;
  /** Checks that there are and that were not selected. */
  readonly unselected: readonly string[];
  readonly expiries: readonly SeenExpiry[];
}

/** What a report adds to a history. `known`: all checks of this version and its plug-ins by id, with the kinds of object that each reads. */
export function sightingOf(report: Report, at: string, known: ReadonlyMap<string, readonly string[]>): Sighting {
  const selected = new Set(report.checks.map(({ id }) => id));
  const causes = new Set(report.causes.map(({ fingerprint }) => fingerprint));
  return {
    at,
    version: report.tool.version,
    exit: report.exit.code,
    verdict: report.verdict.state,
    clusters: report.clusters.map(({ name, unreached }) => (unreached === undefined ? { name } : { name, unreadable: unreached.reason })),
    findings: report.findings.map((finding) => ({
      key: finding.fingerprint,
      code: finding.code,
      check: finding.check,
      severity: finding.severity,
      certainty: finding.certainty,
      cluster: finding.at.cluster,
      clusters: distinct([finding.at.cluster, ...finding.concerns]),
      rests: restsOn(finding, report),
      message: finding.message,
      fails: finding.fails,
      isCause: causes.has(finding.fingerprint),
    })),
    unjudged: unjudgedOf(report, known),
    withheld: Object.fromEntries(
      report.clusters.flatMap(({ name, unreached, withheld }) =>
        unreached !== undefined || withheld === undefined ? [] : [[name, withheld]],
      ),
    ),
    reads: Object.fromEntries(distinct(report.findings.map(({ check }) => check)).map((check) => [check, known.get(check) ?? []])),
    unselected: distinct([...known.keys()].filter((id) => !selected.has(id))),
    expiries: (report.forecast ?? []).flatMap(({ events }) =>
      events.map(({ at: end, what, name, clusters, stops }) => ({ at: end, what, name, clusters, stops })),
    ),
  };
}

/**
 * A check that looks at services or at the mesh sees all of it; any other the clusters that its finding is about, and those whose istiod decides what
 * becomes of them.
 */
function restsOn(finding: ReportFinding, { checks, topology, clusters }: Report): string[] {
  const about = distinct([finding.at.cluster, ...finding.concerns]);
  const members = topology.meshes.map((mesh) => mesh.members).filter((all) => all.some(({ cluster }) => about.includes(cluster)));
  const scope = checks.find(({ id }) => id === finding.check)?.scope;
  if (scope === 'service' || scope === 'mesh')
    return distinct([
      ...about,
      ...(members.length === 0 ? clusters.map(({ name }) => name) : members.flat().map(({ cluster }) => cluster)),
    ]);
  const servers = members
    .flat()
    .filter(({ cluster }) => about.includes(cluster))
    .flatMap(({ servedBy }) => ('known' in servedBy ? servedBy.known.map(({ cluster }) => cluster) : []));
  return distinct([...about, ...servers]);
}

/**
 * A check judged in a cluster when it has a result there that is one, and nothing of it was left open; without any result, when the cluster has a known
 * place. That a check does not apply proves little where not all was read: what it would apply to may be what is missing.
 */
function unjudgedOf(report: Report, known: ReadonlyMap<string, readonly string[]>): Record<string, string[]> {
  const placed = new Set([
    ...report.topology.withoutIstio,
    ...report.topology.meshes.flatMap(({ members }) => members.map(({ cluster }) => cluster)),
  ]);
  const read = report.clusters.filter(({ unreached }) => unreached === undefined).map(({ name }) => name);
  const isBlind = (check: string): boolean =>
    report.clusters.some(
      ({ unreached, withheld }) => unreached !== undefined || (known.get(check) ?? []).some((kind) => withheld?.includes(kind) === true),
    );
  const open = new Map<string, Set<string>>();
  for (const { checks, clusters } of report.notChecked)
    for (const check of checks) open.set(check, new Set([...(open.get(check) ?? []), ...clusters]));
  const unjudged: Record<string, string[]> = {};
  for (const { id, results } of report.checks) {
    const cells = new Map(results.map((cell) => [cell.cluster, cell]));
    const clusters = read.filter((cluster) => {
      if (open.get(id)?.has(cluster) === true) return true;
      const cell = cells.get(cluster);
      if (cell === undefined) return !placed.has(cluster);
      if (cell.result === 'not-applicable') return cell.because === probesAreOff || isBlind(id);
      return cell.result === 'unknown' || cell.result === 'crashed';
    });
    if (clusters.length > 0) unjudged[id] = distinct(clusters);
  }
  return unjudged;
}

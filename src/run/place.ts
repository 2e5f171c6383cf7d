import type { ClusterSource } from '../config/options.ts';
import { clusterName } from '../model/ids.ts';
import { type ObjectRef, type Origin, refKey } from '../model/refs.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Report, ReportPlace } from '../report/schema.ts';
import type { FindPlace } from '../source/places.ts';

type ReportRef = Report['findings'][number]['at'];

/** The report with the place of each finding and of its evidence in the files it comes from. Only files that something points at are opened. */
export async function withPlaces(
  report: Report,
  snapshot: Snapshot,
  find: FindPlace,
  directories: readonly Pick<ClusterSource, 'name' | 'dir'>[],
): Promise<Report> {
  const origins = originsOf(snapshot);
  const placeOf = async (ref: ReportRef, field?: string, found?: string): Promise<{ readonly place?: ReportPlace }> => {
    const whole: ObjectRef = { ...ref, cluster: clusterName(ref.cluster) };
    const origin = ref.origin ?? origins(whole);
    const place = origin === undefined ? undefined : await find({ ...whole, origin }, field, found);
    return place === undefined ? {} : { place };
  };
  const findings: Report['findings'][number][] = [];
  for (const finding of report.findings) {
    const evidence: (typeof finding.evidence)[number][] = [];
    for (const item of finding.evidence) evidence.push({ ...item, ...(await placeOf(item.ref, item.field, item.observed)) });
    findings.push({ ...finding, evidence, ...(await placeOf(finding.at, finding.field, finding.found)) });
  }
  const byName = new Map(directories.map(({ name, dir }) => [name, dir === '-' ? undefined : dir]));
  return {
    ...report,
    clusters: report.clusters.map((cluster) => {
      const directory = byName.get(cluster.name);
      return directory === undefined ? cluster : { ...cluster, directory };
    }),
    findings,
  };
}

/** Where an object was read that a check named without having it from a fact. The index is only made when it is asked. */
function originsOf({ clusters }: Snapshot): (ref: ObjectRef) => Origin | undefined {
  let index: Map<string, Origin | undefined> | undefined;
  return (ref) => {
    if (index === undefined) {
      index = new Map();
      for (const { name: cluster, kinds } of clusters) {
        for (const read of Object.values(kinds)) {
          if (read.status !== 'read') continue;
          for (const { kind, metadata, origin } of read.objects) {
            const { name, namespace } = metadata;
            const key = refKey({ cluster, kind, name, ...(namespace === undefined ? {} : { namespace }) });
            // Two kinds of one name, as Gateways of Istio and of Kubernetes: nobody knows which is meant.
            index.set(key, index.has(key) ? undefined : origin);
          }
        }
      }
    }
    return index.get(refKey(ref));
  };
}

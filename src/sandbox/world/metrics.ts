import { presumedToBehave } from '../../istio/releases.ts';
import type { Asked } from './debug.ts';
import { type IstiodProcess, type Registration, syncStatus } from './istiods.ts';

/** `/metrics` of an istiod: what tells of the clusters it reads. Counters that never counted are not written, as in reality. */
export function metrics(asked: Asked): string {
  const { process, knowledge } = asked;
  const { now } = knowledge.state;
  const version = process.controlPlane.version ?? 'unknown';
  const remotes = [...process.registrations.values()];
  const late = remotes.filter((one) => syncStatus(process, one, now) === 'timeout');
  const failing = remotes.filter((one) => one.sees !== 'present' || one.hidden.length > 0);
  const hasStatus = presumedToBehave(process.controlPlane.version, 'writesSyncStatus');
  return [
    ...series('istiod_managed_clusters', 'gauge', 'Number of clusters managed by istiod', [
      ['{cluster_type="local"}', 1],
      ['{cluster_type="remote"}', remotes.length],
    ]),
    ...series('pilot_info', 'gauge', 'Pilot version and build information.', [[`{version="${version}-sandbox-Clean"}`, 1]]),
    ...series(
      'istiod_remote_cluster_sync_status',
      'gauge',
      'Current synchronization status of remote clusters managed by istiod.',
      hasStatus ? remotes.flatMap((one) => statuses(process, one, now)) : [],
    ),
    ...series(
      'remote_cluster_sync_timeouts_total',
      'counter',
      'Number of times remote clusters took too long to sync.',
      late.map((one) => [`{cluster="${one.id}"}`, 1] as const),
    ),
    ...series(
      'controller_sync_errors_total',
      'counter',
      'Total number of errorMetric syncing controllers.',
      failing.map((one) => [`{cluster="${one.id}"}`, Math.ceil((Date.parse(now) - Date.parse(one.addedAt)) / betweenErrors)] as const),
    ),
    '',
  ].join('\n');
}

/** Milliseconds: some twenty lists and watches are tried over and over, each with its own growing pause. */
const betweenErrors = 100;

/** One sample for each state a cluster may have; releases with a false timer say timeout of every cluster once the timer has run out. */
function statuses(process: IstiodProcess, one: Registration, now: string): readonly (readonly [labels: string, value: number])[] {
  const isOver = syncStatus(process, { ...one, isSynced: false }, now) === 'timeout';
  const isFalse = isOver && presumedToBehave(process.controlPlane.version, 'writesFalseTimeouts');
  const status = isFalse ? 'timeout' : syncStatus(process, one, now);
  return ['closed', 'synced', 'syncing', 'timeout'].map((state) => [
    `{cluster="${one.id}",cluster_type="remote",status="${state}"}`,
    state === status ? 1 : 0,
  ]);
}

function series(name: string, type: string, help: string, samples: readonly (readonly [labels: string, value: number])[]): string[] {
  if (samples.length === 0) return [];
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map(([labels, value]) => `${name}${labels} ${value}`)];
}

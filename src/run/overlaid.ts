import { UsageError } from '../base/errors.ts';
import { list, nearest } from '../base/text.ts';
import type { RunOptions } from '../config/options.ts';
import { objectPath } from '../model/refs.ts';
import type { ClusterSnapshot, Snapshot } from '../model/snapshot.ts';
import { readManifests } from '../source/manifests.ts';
import { laidOver } from '../source/overlay.ts';
import type { Origins } from '../source/places.ts';
import { meantBy, type Removed, withoutObjects } from '../source/removal.ts';

/**
 * Clusters as they would be with what is laid over them and without what is taken out, before anything restarts: pods keep the sidecars and certificates
 * that they have. What was measured is left out: it says how the mesh works without. Objects that an overlay does not hold stay as they are: a directory of
 * manifests says nothing about what it has not.
 */
export async function withOverlays(
  snapshot: Snapshot,
  { overlays = [], without = [], complete }: Pick<RunOptions, 'complete' | 'overlays' | 'without'>,
): Promise<{ readonly snapshot: Snapshot; readonly origins: Origins }> {
  const names = snapshot.clusters.map(({ name }) => name);
  for (const { name } of overlays) refuseStranger('--overlay', name, names);
  for (const { cluster } of without) refuseStranger('--without', cluster, names);
  const { clusters, origins, removed } = overlays.length === 0 ? nothing : await readManifests({ clusters: overlays, complete });
  const laid = snapshot.clusters.map((cluster) => {
    const whole = clusters.filter(({ name }) => name === cluster.name).reduce((under, over) => laidOver(under, over, origins), cluster);
    const named = without.filter((one) => one.cluster === cluster.name).flatMap((one) => meantIn(cluster, one));
    return withoutObjects(whole, [...(removed.get(cluster.name) ?? []), ...named]);
  });
  return { snapshot: { ...snapshot, clusters: laid, observations: [] }, origins };
}

const nothing: Awaited<ReturnType<typeof readManifests>> = {
  clusters: [],
  origins: { texts: new Map(), traces: new Map() },
  removed: new Map(),
};

function refuseStranger(flag: string, given: string, names: readonly string[]): void {
  if (names.includes(given)) return;
  const meant = nearest(given, names);
  throw new UsageError('ERR_BAD_VALUE', `${flag} names cluster ${given}; the clusters are ${list(names)}.`, {
    hint: meant === undefined ? undefined : `Did you mean ${meant}?`,
  });
}

/** An object that is not there was misspelt, or could not be read: either way nothing could be said of its absence. */
function meantIn(cluster: ClusterSnapshot, { path, shown }: NonNullable<RunOptions['without']>[number]): readonly Removed[] {
  const meant = meantBy(cluster, path);
  if (meant.length > 0) return meant;
  const paths = Object.values(cluster.kinds).flatMap((read) =>
    read.status === 'read'
      ? read.objects.map(({ kind, metadata: { name, namespace } }) =>
          objectPath({ cluster: cluster.name, kind, name, ...(namespace === undefined ? {} : { namespace }) }),
        )
      : [],
  );
  const near = nearest(path, paths);
  throw new UsageError('ERR_BAD_VALUE', `--without ${shown}: no such object was read of ${cluster.name}.`, {
    hint: near === undefined ? undefined : `Did you mean ${cluster.name}:${near}?`,
  });
}

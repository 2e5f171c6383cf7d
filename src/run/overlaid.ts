import { UsageError } from '../base/errors.ts';
import { list, nearest } from '../base/text.ts';
import type { ClusterSource, RunOptions } from '../config/options.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { readManifests } from '../source/manifests.ts';
import { laidOver } from '../source/overlay.ts';
import type { Origins } from '../source/places.ts';

/**
 * Clusters as they would be with what is laid over them. What was measured is left out: it says how the mesh works without. Objects that an overlay does
 * not hold stay as they are: a directory of manifests says nothing about what it has not.
 */
export async function withOverlays(
  snapshot: Snapshot,
  overlays: readonly ClusterSource[],
  options: Pick<RunOptions, 'complete'>,
): Promise<{ readonly snapshot: Snapshot; readonly origins: Origins }> {
  const names = snapshot.clusters.map(({ name }) => name);
  const stranger = overlays.find(({ name }) => names.every((known) => known !== name));
  if (stranger !== undefined) {
    const meant = nearest(stranger.name, names);
    throw new UsageError('ERR_BAD_VALUE', `--overlay names cluster ${stranger.name}; the clusters are ${list(names)}.`, {
      hint: meant === undefined ? undefined : `Did you mean ${meant}?`,
    });
  }
  const { clusters, origins } = await readManifests({ clusters: overlays, complete: options.complete });
  const laid = snapshot.clusters.map((cluster) =>
    clusters.filter(({ name }) => name === cluster.name).reduce((under, over) => laidOver(under, over, origins), cluster),
  );
  return { snapshot: { ...snapshot, clusters: laid, observations: [] }, origins };
}

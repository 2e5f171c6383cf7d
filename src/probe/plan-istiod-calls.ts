import { istiodWays, type IstiodWay } from '../mesh/istiod-ways.ts';
import type { ClusterName } from '../model/ids.ts';
import { controlPlanesOf, type PlanInput, type Planned, planned } from './plan.ts';
import { type Door, doorBehind } from './plan-doors.ts';
import { type RootPlace, rootPlaces } from './plan-handshakes.ts';

/** A call of istiod as a remote makes it, whose roots its certificate is held against, and who is asked when the address does not answer. */
export interface IstiodCall extends IstiodWay {
  readonly roots: readonly RootPlace[];
  readonly door: Door | undefined;
}

/** All calls of istiods that other clusters make, by the cluster of the istiod; sorted by control plane, then as `istiodWays` has them. */
export function planIstiodCalls(clusters: Iterable<ClusterName>, input: PlanInput): ReadonlyMap<ClusterName, Planned<IstiodCall>> {
  const calls = new Map<ClusterName, IstiodCall[]>();
  for (const mesh of input.topology.meshes) {
    const roots = rootPlaces(mesh);
    for (const controlPlane of controlPlanesOf(mesh, input.facts)) {
      const { cluster } = controlPlane.ref;
      const home = input.facts.get(cluster);
      const own = istiodWays(controlPlane, mesh, input.facts).map((way): IstiodCall => {
        const door = home === undefined || way.gateway === undefined ? undefined : doorBehind(way, way.gateway, home);
        return { ...way, roots, door };
      });
      calls.set(cluster, [...(calls.get(cluster) ?? []), ...own]);
    }
  }
  return new Map([...clusters].map((cluster) => [cluster, planned(calls.get(cluster) ?? [], input.facts.get(cluster), 'services')]));
}

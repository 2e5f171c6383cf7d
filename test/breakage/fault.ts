import type { Edit } from '../../src/builder/edits/edit.ts';
import type { MeshObjects } from '../../src/model/kube.ts';
import type { ClusterObservations } from '../../src/model/observations.ts';
import type { MeshName } from './meshes.ts';

/**
 * One thing that goes wrong, as it happens in reality: written from what people did and what Istio and Kubernetes make of it. It
 * imports no check and names none: that a check which claims the mode reports it is what the matrix proves.
 */
export interface Fault {
  /** Stable and unique, kebab-case: `port-name-differs`. */
  readonly id: string;
  /** Id of the failure mode that this is a case of. */
  readonly mode: string;
  /** What happened, one sentence in the past tense. */
  readonly says: string;
  /** Healthy meshes that it can happen in; all of them are tried. */
  readonly meshes: readonly MeshName[];
  readonly edits: readonly Edit[];
  /** What probes see in the mesh with this fault; absent where they are off. `observedIn` of the testkit is the honest start. */
  readonly observed?: (mesh: MeshObjects) => readonly ClusterObservations[];
  /** Names given with `--service`. */
  readonly services?: readonly { readonly namespace: string; readonly name: string; readonly port?: number }[];
  /** Modes that come with it by nature: what claims them may be reported, too. */
  readonly also?: readonly string[];
  /** Ids of faults beside which nothing is left of it, although its objects are as it made them: a setting of a balancer that the other took away. */
  readonly undoneBy?: readonly string[];
}

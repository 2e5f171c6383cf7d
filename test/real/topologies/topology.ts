import type { Lab, LabCluster } from '../lab/lab.ts';

/** A healthy mesh that the lab can build, as the guide for it says. */
export interface Topology {
  readonly name: string;
  /** What it is, for tables. */
  readonly about: string;
  readonly clusters: readonly LabCluster[];
  /** Flags of check for this mesh, where default probing cannot work in the lab; the reason is beside the topology. */
  readonly checkFlags?: readonly string[];
  build(lab: Lab): Promise<void>;
}

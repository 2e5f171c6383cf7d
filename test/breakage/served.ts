import type { Flags } from '../../src/config/options.ts';
import { type Edit, EditError, inOrder } from '../../src/builder/edits/edit.ts';
import { takenAt } from '../../src/builder/timeline.ts';
import type { MeshObjects } from '../../src/model/kube.ts';
import type { Mishap } from '../../src/sandbox/mishaps.ts';
import type { OwnAnswer, Sandbox, SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { behaviours } from './behaviours.ts';
import type { MeshName } from './meshes.ts';
import { healthyObjects } from './runs.ts';
import type { Servable } from './served-faults.ts';

/*
 * Scripted faults in meshes that are running: API servers that serve their objects, and behind them istiods, proxies and gateways that
 * behave as such a fault makes them. Nothing is handed to anybody who judges: whatever is known of the fault has to be asked for.
 */

/** How a mesh with a fault behaves where its objects do not say so, and what a user gives to see it. */
export interface Behaviour {
  /** What the objects show of it beside the edits of the fault. */
  readonly edits?: readonly Edit[];
  /** How the mesh was when its istiods and proxies took what they still go by: edits of the healthy mesh. */
  readonly past?: { readonly edits: readonly Edit[]; readonly mishaps?: readonly Mishap[] };
  /** What goes wrong beside the objects. */
  readonly mishaps?: readonly Mishap[];
  /** What istiods answer instead, by cluster. */
  readonly istiods?: Readonly<Record<string, OwnAnswer>>;
  /** Flags without which nobody looks. */
  readonly flags?: Flags;
  /** Controllers play along, since the run makes pods. */
  readonly reconcile?: boolean;
  /** Certificates are served to the letter, since the fault is in their bytes. Nobody has their keys here, so what is presented is of nobody. */
  readonly mintCertificates?: false;
}

/** A fault in a mesh that runs, and the flags of a run that is to find it. Whoever starts it closes it. */
export async function serve(fault: Servable, mesh: MeshName): Promise<{ readonly sandbox: Sandbox; readonly flags: Flags }> {
  const behaviour = behaviours[fault.id];
  if (fault.observed !== undefined && behaviour === undefined)
    throw new EditError(`Nobody behaves as ${fault.id} says: what is seen of it is written down in memory only.`);
  const { edits = [], past, mishaps, istiods = {}, flags = {}, reconcile = false, mintCertificates = true } = behaviour ?? {};
  const healthy = healthyObjects(mesh);
  const sandbox = await startSandbox(inOrder(...fault.edits, ...edits)(healthy), {
    takenAt,
    reconcile,
    mintCertificates,
    ...(past === undefined ? {} : { past: pastOf(healthy, past) }),
  });
  if (mishaps !== undefined) await sandbox.stage(mishaps);
  for (const [cluster, answer] of Object.entries(istiods)) sandbox.clusters.get(cluster)?.setAnswer(answer);
  const service = (fault.services ?? []).map(({ namespace, name, port }) => `${name}.${namespace}${port === undefined ? '' : `:${port}`}`);
  return { sandbox, flags: { ...(service.length === 0 ? {} : { service }), ...flags } };
}

function pastOf(healthy: MeshObjects, { edits, mishaps = [] }: NonNullable<Behaviour['past']>): NonNullable<SandboxOptions['past']> {
  return { mesh: inOrder(...edits)(healthy), mishaps };
}

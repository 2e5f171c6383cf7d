import { type ApiAddresses, apiAddresses } from './access.ts';
import type { Authorities } from './authorities.ts';
import { foundIstiods, isSameIstiods, type Istiods, steppedIstiods } from './istiods.ts';
import type { Change, WorldState } from './state.ts';

/** What is not in the objects: the memory of processes. */
export interface Memory {
  readonly istiods: Istiods;
  /** Where API servers were reached when the world began. */
  readonly addresses: ApiAddresses;
}

/** What controllers remember of a mesh that was running before anybody looked at it. */
export function firstMemory(state: WorldState): Memory {
  const addresses = apiAddresses(state);
  return { istiods: foundIstiods(state, addresses), addresses };
}

/** What controllers and istiods make of the objects now: what they want to be otherwise, and what they remember of it. */
export async function reconcile(
  state: WorldState,
  before: Memory,
  _authorities: Authorities,
): Promise<{ readonly changes: readonly Change[]; readonly memory: Memory }> {
  const stepped = steppedIstiods(before.istiods, state, before.addresses);
  const istiods = isSameIstiods(before.istiods, stepped) ? before.istiods : stepped;
  return { changes: [], memory: { ...before, istiods } };
}

/** Locks that are renewed now. */
export function renewals(_state: WorldState, _memory: Memory): readonly Change[] {
  return [];
}

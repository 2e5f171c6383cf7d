import { EditError, inOrder } from '../../src/builder/edits/edit.ts';
import type { MeshObjects } from '../../src/model/kube.ts';
import { randomOf } from '../../src/testkit/variations.ts';
import type { Fault } from './fault.ts';
import { footprintOf, isStillThere, servedIn } from './footprint.ts';
import type { MeshName } from './meshes.ts';
import { answerTo, findersOf, firedIn, healthyObjects, strangersIn, type Told, toldOf } from './runs.ts';

/** Another seed draws other pairs: `npm run breakage -- --seed 7`. */
export const committedSeed = 20261129;
export const committedPairs = 500;

/** What is asked of the whole: shares of faults, not of what anybody hopes for. */
export const targets = { singlesFound: 0.95, unexpected: 0.02, pairsFound: 0.9 } as const;

export interface Single {
  readonly fault: Fault;
  readonly mesh: MeshName;
  /** `unfit`: the mesh has nothing that this fault breaks, which is a mistake of its author. */
  readonly told: Told | 'unfit';
  /** Checks that claim the mode and spoke. */
  readonly finders: readonly string[];
  readonly fired: readonly string[];
  readonly strangers: readonly string[];
}

/** Every fault on every mesh that it can happen in. */
export async function singlesOf(faults: readonly Fault[]): Promise<Single[]> {
  const results: Single[] = [];
  for (const fault of faults) for (const mesh of fault.meshes) results.push(await singleOf(fault, mesh));
  return results;
}

async function singleOf(fault: Fault, mesh: MeshName): Promise<Single> {
  try {
    const answer = await answerTo(mesh, [fault]);
    return {
      fault,
      mesh,
      told: toldOf(fault, answer),
      finders: findersOf(fault, answer),
      fired: firedIn(answer),
      strangers: strangersIn([fault], answer),
    };
  } catch (error) {
    if (!(error instanceof EditError)) throw error;
    return { fault, mesh, told: 'unfit', finders: [], fired: [], strangers: [error.message] };
  }
}

export interface Pair {
  readonly mesh: MeshName;
  readonly faults: readonly [Fault, Fault];
  readonly told: readonly [Told, Told];
  readonly strangers: readonly string[];
}

export interface Pairs {
  readonly seed: number;
  readonly pairs: readonly Pair[];
  /** Drawn, and left: the first took away what the second changes, the second undid the first, or together they left nobody to call. */
  readonly impossible: number;
}

/** Faults of different modes drawn two at a time for one mesh. Of two that are both measured what probes see cannot be composed. */
export async function pairsOf(faults: readonly Fault[], wanted: number, seed: number): Promise<Pairs> {
  const places = faults.flatMap((fault) => fault.meshes.map((mesh) => ({ fault, mesh })));
  const random = randomOf(seed);
  const drawn = new Set<string>();
  const pairs: Pair[] = [];
  let impossible = 0;
  for (let turn = 0; turn < wanted * 50 && pairs.length < wanted; turn += 1) {
    const one = places[Math.floor(random() * places.length)];
    const beside = one === undefined ? [] : places.filter(({ fault, mesh }) => mesh === one.mesh && mayPair(one.fault, fault));
    const other = beside[Math.floor(random() * beside.length)];
    if (one === undefined || other === undefined) continue;
    const key = [one.mesh, ...[one.fault.id, other.fault.id].sort()].join(' ');
    if (drawn.has(key)) continue;
    drawn.add(key);
    const pair = await pairOf(one.mesh, [one.fault, other.fault]);
    if (pair === undefined) impossible += 1;
    else pairs.push(pair);
  }
  return { seed, pairs, impossible };
}

function mayPair(one: Fault, other: Fault): boolean {
  return one.mode !== other.mode && (one.observed === undefined || other.observed === undefined);
}

async function pairOf(mesh: MeshName, faults: readonly [Fault, Fault]): Promise<Pair | undefined> {
  const [one, other] = faults;
  if (one.undoneBy?.includes(other.id) === true || other.undoneBy?.includes(one.id) === true) return undefined;
  const both = brokenBy(mesh, faults);
  const alone = faults.map((fault) => brokenBy(mesh, [fault]) ?? healthyObjects(mesh));
  if (
    both === undefined ||
    alone.some((objects) => !isStillThere(footprintOf(healthyObjects(mesh), objects), footprintOf(healthyObjects(mesh), both)))
  )
    return undefined;
  // Each took the pods of a service away in one cluster: nobody is left to be called, rightly or wrongly.
  const served = servedIn(both);
  const [first = served, ...rest] = alone.map(servedIn);
  if ([...first].some((service) => rest.every((others) => others.has(service)) && !served.has(service))) return undefined;
  const answer = await answerTo(mesh, faults);
  return { mesh, faults, told: [toldOf(one, answer), toldOf(other, answer)], strangers: strangersIn(faults, answer) };
}

/** What faults make of a mesh; nothing where one of them finds nothing to break. */
function brokenBy(mesh: MeshName, faults: readonly Fault[]): MeshObjects | undefined {
  try {
    return inOrder(...faults.flatMap(({ edits }) => edits))(healthyObjects(mesh));
  } catch (error) {
    if (error instanceof EditError) return undefined;
    throw error;
  }
}

/** Both are causes, or one of them stands under the other or is said to be hidden by it. */
export function isTold({ told }: Pair): boolean {
  return !told.includes('missed');
}

export function shareOf(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}

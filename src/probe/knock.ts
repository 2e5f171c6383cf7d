import type { X509Certificate } from 'node:crypto';
import { groupBy } from '../base/sort.ts';
import type { ClusterName } from '../model/ids.ts';
import type { HandshakeOutcome } from '../model/observations.ts';
import { refKey } from '../model/refs.ts';
import { asFailure, openForward } from './forwarded.ts';
import { type Gate, interrupted, type Limits } from './pace.ts';
import type { Door } from './plan-doors.ts';
import type { RootPlace } from './plan-handshakes.ts';
import type { ProbeIo } from './probe.ts';
import { type Greeting, type Opening, shakeHands } from './tls-handshake.ts';

/** A handshake to make, at an address or at the pod behind it. */
export interface Knock {
  readonly host: string;
  readonly port: number;
  readonly greeting: Greeting;
  readonly roots: readonly RootPlace[];
  readonly door: Door | undefined;
  /** Made before the others at its address: what becomes of it says whether they are worth making. */
  readonly isFirst: boolean;
}

/** What came of it. `connectedTo` only where it is not the address itself. */
export interface Knocked {
  readonly connectedTo?: string;
  readonly outcome: HandshakeOutcome;
}

export interface KnockMeans {
  readonly io: ProbeIo;
  readonly cluster: ClusterName;
  readonly roots: (places: readonly RootPlace[]) => Promise<readonly X509Certificate[]>;
  readonly paced: Gate;
  readonly limits: Limits;
}

/** Handshakes with addresses, from this machine. An address that takes no connection, or says nothing, costs one wait however many are wanted of it. */
export async function knockAtAddresses<K extends Knock>(knocks: readonly K[], means: KnockMeans): Promise<ReadonlyMap<K, Knocked>> {
  return await knockAt(
    knocks,
    ({ host, port }) => `${host} ${port}`,
    async (knock) => {
      let reached: string | undefined;
      const outcome = await shake(knock, means, async (signal) => {
        const { socket, connectedTo } = await means.io.connect({ host: knock.host, port: knock.port }, signal);
        if (connectedTo !== knock.host) reached = connectedTo;
        return { stream: socket };
      });
      return { ...(reached === undefined ? {} : { connectedTo: reached }), outcome };
    },
  );
}

/** The same with the pods behind the addresses, each by a port-forward; those without a pod are left out. A right that is missing is what became of it. */
export async function knockAtPods<K extends Knock>(knocks: readonly K[], means: KnockMeans): Promise<ReadonlyMap<K, Knocked>> {
  return await knockAt(
    knocks.filter(({ door }) => door !== undefined),
    ({ door }) => (door === undefined ? '' : `${refKey(door.pod)} ${door.port}`),
    async (knock) => {
      const { door } = knock;
      if (door === undefined) return { outcome: { stage: 'tcp', code: interrupted.failed, reason: interrupted.reason } };
      const pod = { namespace: door.pod.namespace ?? '', name: door.pod.name };
      const outcome = await shake(knock, means, async (signal) => {
        const opened = await openForward(means.io, { cluster: means.cluster, pod, port: door.port }, signal);
        return 'forbidden' in opened ? asFailure(opened) : opened;
      });
      return { outcome };
    },
  );
}

async function shake({ greeting, roots: places }: Knock, { io, roots, paced, limits }: KnockMeans, open: Opening) {
  const offered = await roots(places);
  return await paced(async () => await shakeHands(greeting, open, offered, io.now, limits));
}

async function knockAt<K extends Knock>(
  knocks: readonly K[],
  placeOf: (knock: K) => string,
  make: (knock: K) => Promise<Knocked>,
): Promise<ReadonlyMap<K, Knocked>> {
  const places = [...groupBy(knocks, placeOf).values()];
  const made = await Promise.all(
    places.map(async (at): Promise<readonly (readonly [K, Knocked])[]> => {
      const first = at.find(({ isFirst }) => isFirst) ?? at[0];
      if (first === undefined) return [];
      const rest = at.filter((one) => one !== first);
      const became = await make(first);
      const isDead = became.outcome.stage === 'tcp' || became.outcome.stage === 'silence';
      const others = isDead ? rest.map(() => became) : await Promise.all(rest.map(make));
      return [[first, became], ...rest.map((knock, index) => [knock, others[index] ?? became] as const)];
    }),
  );
  return new Map(made.flat());
}

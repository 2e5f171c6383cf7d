import type { Duplex } from 'node:stream';
import { groupBy } from '../base/sort.ts';
import type {
  Answer,
  GatewayHandshake,
  GatewayReadiness,
  HandshakeOutcome,
  IstiodHandshake,
  ObservedFacts,
  Observed,
} from '../model/observations.ts';
import { refKey } from '../model/refs.ts';
import { hboneLacks, layerOf } from '../mesh/gateway-ways.ts';
import { ports } from '../istio/labels.ts';
import { carriedOut, carriedOutWhereAllowed } from './carry-out.ts';
import { failureOf } from './failure.ts';
import { asFailure, openForward, type Refusal, type Reply } from './forwarded.ts';
import { httpGet, mebibyte } from './http-get.ts';
import { interrupted, within } from './pace.ts';
import { type Knock, type Knocked, type KnockMeans, knockAtAddresses, knockAtPods } from './knock.ts';
import type { Planned } from './plan.ts';
import type { Door } from './plan-doors.ts';
import type { HandshakeTarget } from './plan-handshakes.ts';
import type { IstiodCall } from './plan-istiod-calls.ts';

/** What is known of the gateways of one cluster. */
export type GatewayFacts = {
  readonly [K in 'gatewayHandshakes' | 'istiodHandshakes' | 'gatewayReadiness']: Observed<ObservedFacts[K]>;
};

export interface GatewayMeans extends KnockMeans {
  /** Pods may be asked by port-forward. */
  readonly asksPods: boolean;
  readonly onDone: (questions: number) => void;
}

/**
 * Calls the gateways of a cluster at their addresses. Where one does not answer as it should its pod is asked for the same, and whether
 * it is ready: that tells a gateway that is wrong from a way that is blocked. Never rejects.
 */
export async function callGateways(
  plan: {
    readonly gatewayHandshakes: Promise<Planned<HandshakeTarget>>;
    readonly istiodHandshakes: Promise<Planned<IstiodCall>>;
    /** They turn away who cannot agree on keys in a post-quantum way. */
    readonly isPostQuantum: boolean;
  },
  means: GatewayMeans,
): Promise<GatewayFacts> {
  const unsure: Door[] = [];
  const secondLook = async <K extends Knock>(knocks: readonly K[], isWanted: (knock: K) => boolean): Promise<ReadonlyMap<K, Knocked>> => {
    const wanted = means.asksPods && !means.limits.signal.aborted ? knocks.filter(isWanted) : [];
    unsure.push(...wanted.flatMap(({ door }) => door ?? []));
    return await knockAtPods(wanted, means);
  };
  const [gatewayHandshakes, istiodHandshakes] = await Promise.all([
    carriedOut(plan.gatewayHandshakes, async (targets) => await gatewayCalls(targets, secondLook, means), isCut),
    carriedOut(plan.istiodHandshakes, async (calls) => await istiodCalls(calls, secondLook, means), isCut),
  ]);
  const spoken = <H extends { readonly outcome: HandshakeOutcome }>(handshakes: Observed<readonly H[]>) =>
    plan.isPostQuantum ? whereSpoken(handshakes) : handshakes;
  return {
    gatewayHandshakes: spoken(gatewayHandshakes),
    istiodHandshakes: spoken(istiodHandshakes),
    gatewayReadiness: await readiness(unsure, means),
  };
}

/** TLS that fails shows nothing of who wants more of it than the OpenSSL of this Node may have (X25519MLKEM768, since 3.5): nothing was measured then. */
function whereSpoken<H extends { readonly outcome: HandshakeOutcome }>(handshakes: Observed<readonly H[]>): Observed<readonly H[]> {
  if (handshakes.status !== 'observed' || !handshakes.value.some(({ outcome }) => outcome.stage === 'tls')) return handshakes;
  return { status: 'failed', code: 'tls-unspoken', reason: 'COMPLIANCE_POLICY pqc asks for TLS that this Node.js may not speak' };
}

type SecondLook = <K extends Knock>(knocks: readonly K[], isWanted: (knock: K) => boolean) => Promise<ReadonlyMap<K, Knocked>>;

function isCut({ outcome }: { readonly outcome: HandshakeOutcome }): boolean {
  return outcome.stage === 'tcp' && outcome.code === interrupted.failed;
}

async function gatewayCalls(targets: readonly HandshakeTarget[], look: SecondLook, means: GatewayMeans): Promise<GatewayHandshake[]> {
  const knocks = targets.map((target) => ({
    ...target,
    target,
    greeting: { sni: target.sni, protocols: [target.purpose === 'hbone' ? 'h2' : 'istio'] },
    isFirst: target.purpose === 'control',
  }));
  const outside = await knockAtAddresses(knocks, means);
  means.onDone(targets.length);
  const withTargets = new Set(targets.filter(({ purpose }) => purpose !== 'control').map(placeOf));
  const inside = await look(knocks, (knock) => {
    const outcome = outside.get(knock)?.outcome;
    if (outcome === undefined || isCut({ outcome })) return false;
    // Whose listener it is that ends HBONE in an odd way, the pod shows, too.
    if (knock.purpose === 'hbone' && hboneLacks(outcome, false).length > 0) return true;
    if (knock.purpose !== 'control') return layerOf(outcome) !== 'workload';
    if (outcome.stage === 'certificate') return true;
    return (outcome.stage === 'tcp' || outcome.stage === 'silence') && !withTargets.has(placeOf(knock));
  });
  const written = (knocked: ReadonlyMap<(typeof knocks)[number], Knocked>, isPods: boolean): GatewayHandshake[] =>
    knocks.flatMap((knock) => {
      const { roots: _roots, door, ...target } = knock.target;
      const one = knocked.get(knock);
      return one === undefined ? [] : [{ ...target, ...(isPods && door !== undefined ? { pod: door.pod } : {}), ...one }];
    });
  return [...written(outside, false), ...written(inside, true)];
}

function placeOf({ host, port }: Pick<GatewayHandshake, 'host' | 'port'>): string {
  return `${host} ${port}`;
}

async function istiodCalls(calls: readonly IstiodCall[], look: SecondLook, means: GatewayMeans): Promise<IstiodHandshake[]> {
  const heard = new Map<object, Answer<number>>();
  const knocksOf = () =>
    calls.map((call) => {
      const knock = { ...call, call, isFirst: false, greeting: { sni: call.sni, protocols: ['h2'] } };
      if (call.purpose === 'discovery') return knock;
      const afterwards = async (tls: Duplex): Promise<void> => {
        heard.set(call, { failed: 'timeout', reason: 'no answer to GET /ready' });
        heard.set(call, await statusOf(tls, '/ready'));
      };
      return { ...knock, greeting: { sni: call.sni, protocols: ['http/1.1'], afterwards } };
    });
  const knocks = knocksOf();
  const outside = await knockAtAddresses(knocks, means);
  means.onDone(calls.length);
  const written = (knocked: typeof outside, isPods: boolean): IstiodHandshake[] =>
    knocks.flatMap((knock) => {
      const { roots: _roots, door, ...call } = knock.call;
      const one = knocked.get(knock);
      if (one === undefined) return [];
      const ready = heard.get(knock.call);
      return [
        {
          ...call,
          ...(isPods && door !== undefined ? { pod: door.pod } : {}),
          ...one,
          ...(ready !== undefined && one.outcome.stage === 'certificate' ? { ready } : {}),
        },
      ];
    });
  const fromHere = written(outside, false);
  heard.clear();
  const inside = await look(knocks, (knock) => {
    const outcome = outside.get(knock)?.outcome;
    if (outcome === undefined || isCut({ outcome })) return false;
    return outcome.stage !== 'certificate' || (outcome.verifiedBy.length === 0 && outcome.isPublic !== true);
  });
  return [...fromHere, ...written(inside, true)];
}

async function statusOf(stream: Duplex, path: string): Promise<Answer<number>> {
  try {
    return { answer: (await httpGet(stream, path, mebibyte)).status };
  } catch (error) {
    return failureOf(error);
  }
}

/** Whether gateways say that they are ready, each pod asked once. */
async function readiness(doors: readonly Door[], means: GatewayMeans): Promise<GatewayFacts['gatewayReadiness']> {
  const pods = [...groupBy(doors, ({ pod }) => refKey(pod)).values()].flatMap(([first]) => first ?? []);
  if (pods.length === 0) return { status: 'not-asked', because: means.asksPods ? 'nothing to probe' : 'probes off' };
  const ask = async ({ pod }: Door): Promise<Reply<number>> =>
    await within<Reply<number>>(
      means.limits,
      async (signal) => {
        const at = { namespace: pod.namespace ?? '', name: pod.name };
        const opened = await openForward(means.io, { cluster: means.cluster, pod: at, port: ports.status }, signal);
        if (!('stream' in opened)) return opened;
        signal.addEventListener('abort', () => opened.stream.destroy(), { once: true });
        if (signal.aborted) opened.stream.destroy();
        return await statusOf(opened.stream, '/healthz/ready');
      },
      (failure) => failure,
    );
  const written = (door: Door, status: Answer<number>): GatewayReadiness => ({ gateway: door.service, pod: door.pod, status });
  return await carriedOutWhereAllowed<Door, GatewayReadiness>(
    { targets: pods },
    async (targets) =>
      new Map(
        await Promise.all(
          targets.map(async (door): Promise<readonly [Door, GatewayReadiness | Refusal]> => {
            const reply = await means.paced(async () => await ask(door));
            return [door, 'forbidden' in reply ? reply : written(door, reply)];
          }),
        ),
      ),
    ({ status }) => 'failed' in status && status.failed === interrupted.failed,
    (door, refusal) => written(door, asFailure(refusal)),
  );
}

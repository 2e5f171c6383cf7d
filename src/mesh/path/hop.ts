import type { ClusterFacts, FactName, MissingFact } from '../../model/facts.ts';
import type { ClusterName } from '../../model/ids.ts';
import type { ObjectRef } from '../../model/refs.ts';
import type { FactsByCluster } from '../topology-types.ts';

/** Where a call can end, in the order in which it gets there. */
export const hopNames = [
  /** The caller's pod: its sidecar or ztunnel, and the istiod that configures it. */
  'caller',
  /** The name becomes an address. */
  'name',
  /** The caller's proxy has a listener and a route for it. */
  'route',
  /** The cluster, subset and client TLS of a DestinationRule. */
  'cluster',
  /** istiod knows endpoints and sends them to the caller. */
  'endpoints',
  /** From the caller's network to that of the endpoints. */
  'network',
  /** The east-west gateway of that network: address, port, and who is behind it. */
  'gateway',
  /** What the gateway makes of the server name. */
  'sni',
  /** Mutual TLS with the proxy of the destination. */
  'mtls',
  /** AuthorizationPolicies of the destination. */
  'authorization',
] as const;

export type HopName = (typeof hopNames)[number];

export type HopVerdict = 'works' | 'broken' | 'unknown' | 'not-applicable';

/** What follows from objects. */
export interface Prediction {
  readonly verdict: HopVerdict;
  /** A few words, without full stop. */
  readonly text: string;
}

/** What a probe saw of a hop. */
export interface Measurement {
  /** Who was asked, from where: `sidecar sample/client`, `from here`. */
  readonly by: string;
  readonly verdict: 'works' | 'broken' | 'unknown';
  readonly text: string;
  /** It is the very thing that the call meets, and not the same thing seen from elsewhere. */
  readonly isDecisive: boolean;
}

export interface HopEvidence {
  readonly ref: ObjectRef;
  readonly field?: string;
  readonly observed: string;
}

/** One hop as objects and probes have it. What checks say of it comes on top. */
export interface Hop {
  readonly hop: HopName;
  /** The object that decides, where there is one. */
  readonly object?: ObjectRef;
  readonly verdict: HopVerdict;
  readonly predicted: Prediction;
  readonly measured: readonly Measurement[];
  readonly evidence: readonly HopEvidence[];
  /** Why it is not known. */
  readonly missing: readonly MissingFact[];
}

interface Parts {
  readonly object?: ObjectRef | undefined;
  readonly measured?: readonly Measurement[];
  readonly evidence?: readonly HopEvidence[];
  readonly missing?: readonly MissingFact[];
}

export function hop(name: HopName, predicted: Prediction, { object, measured = [], evidence = [], missing = [] }: Parts = {}): Hop {
  return {
    hop: name,
    ...(object === undefined ? {} : { object }),
    verdict: verdictOf(predicted, measured),
    predicted,
    measured,
    evidence,
    missing,
  };
}

export const works = (text: string): Prediction => ({ verdict: 'works', text });
export const broken = (text: string): Prediction => ({ verdict: 'broken', text });
export const unknown = (text: string): Prediction => ({ verdict: 'unknown', text });
export const notApplicable = (text: string): Prediction => ({ verdict: 'not-applicable', text });

/**
 * What was measured wins where it speaks of the very thing; what was seen from elsewhere can only raise a doubt. That nothing was
 * measured changes nothing.
 */
function verdictOf({ verdict }: Prediction, measured: readonly Measurement[]): HopVerdict {
  if (verdict === 'not-applicable') return verdict;
  const decisive = measured.filter(({ isDecisive }) => isDecisive);
  if (decisive.some((one) => one.verdict === 'broken')) return 'broken';
  if (decisive.some((one) => one.verdict === 'works')) return 'works';
  return verdict === 'works' && measured.some((one) => one.verdict === 'broken') ? 'unknown' : verdict;
}

/** Lists that are not known to be whole: what is missing from them proves nothing. */
export function gapsIn(
  facts: FactsByCluster,
  lists: readonly { readonly cluster: ClusterName; readonly fact: FactName }[],
): readonly MissingFact[] {
  return lists.flatMap(({ cluster, fact }): MissingFact[] => {
    const own: ClusterFacts | undefined = facts.get(cluster);
    const state = own?.[fact];
    if (state === undefined) return [{ cluster, fact, why: { status: 'not-asked', because: 'deselected' } }];
    if (state.status === 'absent') return [];
    if (state.status !== 'collected') return [{ cluster, fact, why: state }];
    return state.partial === true ? [{ cluster, fact, why: { status: 'partial' } }] : [];
  });
}

/** A hop that is broken because of what lists do not have: unknown where they are not whole. */
export function brokenByAbsence(name: HopName, text: string, gaps: readonly MissingFact[], parts: Omit<Parts, 'missing'> = {}): Hop {
  return gaps.length === 0
    ? hop(name, broken(text), parts)
    : hop(name, unknown(`${text}, as far as was read`), { ...parts, missing: gaps });
}

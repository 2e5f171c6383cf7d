import type {
  ClusterObservations,
  GatewayHandshake,
  IstiodHandshake,
  IstiodReplica,
  IstiodSample,
  IstiodState,
  ListedMetric,
  NameAnswer,
  Observed,
  ObservedFactName,
  ObservedFacts,
  SidecarState,
} from '../model/observations.ts';
import type { ObjectRef } from '../model/refs.ts';

/** A change of what was seen. */
export type ObservedEdit = (seen: readonly ClusterObservations[]) => readonly ClusterObservations[];

/** Every istiod replica of a cluster, or those that `of` picks by their position among them. */
export function replicas(
  cluster: string,
  change: (replica: IstiodReplica) => IstiodReplica,
  of: (index: number) => boolean = () => true,
): ObservedEdit {
  return edited('istiods', cluster, (all) => all.map((replica, index) => (of(index) ? change(replica) : replica)));
}

/** A second replica of every istiod of a cluster, as its twin says: `pod` has to exist. */
export function replicaBeside(cluster: string, pod: string): ObservedEdit {
  const twin = <T extends { readonly pod: ObjectRef }>(all: readonly T[]): T[] =>
    all.flatMap((one) => [one, { ...one, pod: { ...one.pod, name: pod } }]);
  return (seen) => edited('istiodStates', cluster, twin)(edited('istiods', cluster, twin)(seen));
}

/** What else every istiod replica of a cluster says, or those that `of` picks by their position among them. */
export function states(
  cluster: string,
  change: (state: IstiodState) => IstiodState,
  of: (index: number) => boolean = () => true,
): ObservedEdit {
  return edited('istiodStates', cluster, (all) => all.map((state, index) => (of(index) ? change(state) : state)));
}

/** Every istiod replica of a cluster was read twice: the counters given rose by so much. */
export function sampled(cluster: string, rising: readonly ListedMetric[], of: (index: number) => boolean = () => true): ObservedEdit {
  return (seen) =>
    seen.map((own) => {
      const { istiodStates } = own;
      if (own.cluster !== cluster || istiodStates?.status !== 'observed') return own;
      const value = istiodStates.value.map(({ pod, namespace, revision }, index): IstiodSample => {
        const before = rising.map((one) => ({ ...one, value: 7 }));
        const after = rising.map((one) => ({ ...one, value: of(index) ? 7 + one.value : 7 }));
        return { pod, namespace, revision, seconds: 30, before: { answer: before }, after: { answer: after } };
      });
      return { ...own, istiodSamples: { status: 'observed', value } };
    });
}

/** Answers about names, asked in a cluster. */
export function nameAnswers(cluster: string, change: (answer: NameAnswer) => NameAnswer): ObservedEdit {
  return edited('nameAnswers', cluster, (all) => all.map(change));
}

/** Sidecars that were asked in a cluster. */
export function sidecars(cluster: string, change: (sidecar: SidecarState) => SidecarState): ObservedEdit {
  return edited('sidecars', cluster, (all) => all.map(change));
}

/** Handshakes with the gateways of a cluster. */
export function handshakes(cluster: string, change: (handshake: GatewayHandshake) => GatewayHandshake): ObservedEdit {
  return edited('gatewayHandshakes', cluster, (all) => all.map(change));
}

/**
 * What the pod behind a gateway says by port-forward, of each handshake with the gateways of a cluster for which `outcome` gives
 * something; and on 15021.
 */
export function gatewayPods(
  cluster: string,
  outcome: (handshake: GatewayHandshake) => GatewayHandshake['outcome'] | undefined,
  ready = 200,
): ObservedEdit {
  const podOf = ({ gateway }: Pick<GatewayHandshake, 'gateway'>): ObjectRef => ({ ...gateway, kind: 'Pod', name: `${gateway.name}-0` });
  return (seen) =>
    seen.map((own) => {
      if (own.cluster !== cluster || own.gatewayHandshakes?.status !== 'observed') return own;
      const { value } = own.gatewayHandshakes;
      const inside = value.flatMap((handshake) => {
        const became = outcome(handshake);
        return became === undefined ? [] : [{ ...handshake, pod: podOf(handshake), outcome: became }];
      });
      const asked = inside.slice(0, 1).map(({ gateway, pod }) => ({ gateway, pod, status: { answer: ready } }));
      return {
        ...own,
        gatewayHandshakes: { status: 'observed', value: [...value, ...inside] },
        gatewayReadiness: { status: 'observed', value: asked },
      };
    });
}

/** Calls of the istiods of a cluster, as remotes make them. */
export function istiodCalls(cluster: string, change: (handshake: IstiodHandshake) => IstiodHandshake): ObservedEdit {
  return edited('istiodHandshakes', cluster, (all) => all.map(change));
}

type Item<K extends ObservedFactName> = ObservedFacts[K][number];

function edited<K extends ObservedFactName>(
  fact: K,
  cluster: string,
  change: (items: readonly Item<K>[]) => readonly Item<K>[],
): ObservedEdit {
  return (seen) =>
    seen.map((own) => {
      const state: Observed<readonly Item<K>[]> | undefined = own[fact];
      if (own.cluster !== cluster || state?.status !== 'observed') return own;
      return { ...own, [fact]: { ...state, value: change(state.value) } };
    });
}

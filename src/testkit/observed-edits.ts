import type {
  ClusterObservations,
  GatewayHandshake,
  IstiodReplica,
  NameAnswer,
  Observed,
  ObservedFactName,
  ObservedFacts,
  SidecarState,
} from '../model/observations.ts';

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
  return edited('istiods', cluster, (all) => all.flatMap((replica) => [replica, { ...replica, pod: { ...replica.pod, name: pod } }]));
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

import { labels } from '../istio/labels.ts';
import type { ClusterFacts, FactName, MissingFact } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import { isMultiNetwork } from './ambient.ts';
import { valueOf } from './derived.ts';
import { isServedFromOutside } from './pilot-address.ts';
import type { FactsByCluster, Mesh } from './topology-types.ts';
import { listOf } from './topology.ts';

/** Lists of a remote in which the addresses stand at which it calls istiod. */
const naming = ['services', 'endpointSlices', 'endpoints', 'injectors', 'meshConfigs', 'pods'] as const satisfies readonly FactName[];

/**
 * What could not be read, and would have told whether a probe that found nobody to ask in this cluster had anybody to ask: without it *nothing to probe* is
 * no answer. Nothing where the own lists show that there is nobody. Of istiods the own pods tell, and a probe says itself where those could not be read.
 */
export function untoldTargets(
  fact: FactName,
  cluster: ClusterName,
  { couples }: Pick<Mesh, 'couples'>,
  facts: FactsByCluster,
): MissingFact[] {
  const own = facts.get(cluster);
  if (own === undefined) return [];
  switch (fact) {
    case 'istiodHandshakes':
      return couples
        .filter((couple) => couple.controlPlane.cluster === cluster && isServedFromOutside(couple) && valueOf(couple.serves) !== false)
        .flatMap(({ member }) => unread(member, naming, facts));
    case 'sidecars':
    case 'nameAnswers':
      return hasSidecars(own) ? everywhere(facts) : [];
    case 'gatewayHandshakes':
    case 'gatewayReadiness':
      return [
        ...(listOf(own.services).some((service) => service.labels[labels.network] !== undefined) ? everywhere(facts) : []),
        ...(spansNetworks(facts) ? unread(cluster, ['kubeGateways'], facts) : []),
      ];
    default:
      return [];
  }
}

/** Without control planes it is not known what they serve, or give to proxies. */
function everywhere(facts: FactsByCluster): MissingFact[] {
  return [...facts.keys()].flatMap((cluster) => unread(cluster, ['controlPlanes'], facts));
}

function unread(cluster: ClusterName, names: readonly FactName[], facts: FactsByCluster): MissingFact[] {
  return names.flatMap((fact) => {
    const why = facts.get(cluster)?.[fact];
    return why?.status === 'forbidden' || why?.status === 'failed' ? [{ cluster, fact, why }] : [];
  });
}

/** Gateways of ambient are objects of the Gateway API. */
function spansNetworks(facts: FactsByCluster): boolean {
  return [...facts.values()].some(({ controlPlanes }) => listOf(controlPlanes).some(isMultiNetwork));
}

function hasSidecars({ pods }: ClusterFacts): boolean {
  return listOf(pods).some(({ proxy }) => proxy?.kind === 'sidecar');
}

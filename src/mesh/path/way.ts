import { compareText } from '../../base/sort.ts';
import { fqdnOf, serviceOfFqdn } from '../../istio/hosts.ts';
import type { ClusterName, NetworkId } from '../../model/ids.ts';
import { type AppliedRule, tlsModeOf } from '../destination-rules.ts';
import { type DropReason, endpointsSentTo, type Sent, type SentEndpoint, type ShardEndpoint } from '../endpoints.ts';
import type { Destination } from '../mesh-routes.ts';
import { modeAt } from '../mtls-barriers.ts';
import { dataPlaneClusters } from '../names.ts';
import { isInSubset } from '../subset-gaps.ts';
import { listOf } from '../topology-types.ts';
import { type World, worldServing } from '../worlds.ts';
import { type Around, idsOf } from './around.ts';

/** What a call may be sent to: one destination of its route. */
export interface Aim {
  readonly destination: Destination;
  readonly host: string;
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  readonly subset: string | undefined;
  /** The DestinationRule that applies to the caller, and the TLS mode that it sets. */
  readonly rule: AppliedRule | undefined;
  readonly mode: string | undefined;
  readonly sent: Sent | undefined;
}

/** Endpoints of one cluster on one network, and how the caller gets there. */
export interface Way {
  readonly aim: Aim;
  readonly cluster: ClusterName;
  /** Of the endpoints; `undefined` = the empty one, everybody's. */
  readonly network: NetworkId | undefined;
  /** Those of its endpoints that the caller's istiod knows, else those that the istiod of their own cluster knows. */
  readonly endpoints: readonly ShardEndpoint[];
  /** What the caller is sent for them; empty when nothing is. */
  readonly sent: readonly SentEndpoint[];
  readonly dropped: readonly { readonly endpoint: ShardEndpoint; readonly because: DropReason }[];
  /** The istiod that serves the pods behind it. */
  readonly there: World | undefined;
}

export function aimOf(around: Around, destination: Destination): Aim {
  const { world, client, policies, target, caller } = around;
  const host = destination.host;
  const service = serviceOfFqdn(host, world?.predictions.istiod.clusterDomain) ?? { namespace: '', name: host };
  const own = world === undefined ? undefined : policies.get(world);
  const isProxied = around.kind === 'sidecar' || around.kind === 'unknown' || around.kind === 'gateway';
  const rule = isProxied ? own?.rules({ host, namespace: service.namespace }, caller.namespace) : undefined;
  const port = destination.port ?? target.port;
  const mode = tlsModeOf(rule, port, destination.subset);
  const sent =
    world === undefined || client === undefined
      ? undefined
      : endpointsSentTo(client, host, port, world.predictions, {
          destinationRuleMode: mode,
          isDisabled: (endpoint) => own !== undefined && modeAt(endpoint, own.modes, service.namespace).mode === 'DISABLE',
        });
  return { destination, host, ...service, port, subset: destination.subset, rule, mode, sent };
}

/** One way for each cluster and network that has endpoints of the destination, sorted by cluster and network. */
export function waysOf(around: Around, aim: Aim): readonly Way[] {
  const { world, worlds, mesh } = around;
  return dataPlaneClusters(mesh).flatMap((cluster): Way[] => {
    const ids = world === undefined ? [] : idsOf(world, cluster);
    const isHere = (endpoint: ShardEndpoint): boolean => ids.includes(endpoint.cluster);
    const wanted = aim.rule?.subsets.find(({ name }) => name === aim.subset)?.labels ?? {};
    const fits = (endpoint: ShardEndpoint): boolean => isHere(endpoint) && isInSubset(endpoint, wanted);
    const own = (world === undefined ? [] : [...(world.predictions.shards.get(aim.host)?.clusters.values() ?? [])].flat()).filter(fits);
    const there = worldServing(worlds, cluster, world?.controlPlane.revision);
    const known = own.length > 0 ? own : endpointsKnownThere(there, cluster, aim);
    if (known.length === 0)
      return isUnread(around, cluster, aim) ? [{ aim, cluster, network: undefined, endpoints: [], sent: [], dropped: [], there }] : [];
    const networks = [...new Set(known.map(({ network }) => network))].sort((a, b) => compareText(a ?? '', b ?? ''));
    return networks.map((network): Way => {
      const isOn = (endpoint: ShardEndpoint): boolean => fits(endpoint) && endpoint.network === network;
      const endpoints = known.filter((endpoint) => endpoint.network === network);
      const pod = endpoints[0]?.pod;
      return {
        aim,
        cluster,
        network,
        endpoints,
        sent: (aim.sent?.endpoints ?? []).filter((one) => one.endpoints.some(isOn)),
        dropped: (aim.sent?.dropped ?? []).filter(({ endpoint }) => isOn(endpoint)),
        there: worldServing(worlds, cluster, pod?.proxy?.revision ?? world?.controlPlane.revision),
      };
    });
  });
}

/** What the istiod of the endpoints' own cluster knows: the caller's may not read it. */
function endpointsKnownThere(there: World | undefined, cluster: ClusterName, { namespace, name }: Aim): ShardEndpoint[] {
  if (there === undefined) return [];
  const ids = idsOf(there, cluster);
  const host = fqdnOf(namespace, name, there.predictions.istiod.clusterDomain);
  return [...(there.predictions.shards.get(host)?.clusters.values() ?? [])].flat().filter((endpoint) => ids.includes(endpoint.cluster));
}

/** Whether a cluster has the Service, and what is behind it was not read or is not known to any istiod. */
function isUnread({ facts }: Around, cluster: ClusterName, { namespace, name }: Aim): boolean {
  const own = facts.get(cluster);
  if (own === undefined) return false;
  const hasService = listOf(own.services).some((one) => one.namespace === namespace && one.name === name);
  const isKnown = own.endpointSlices.status === 'collected' && own.pods.status === 'collected';
  const hasEndpoints = listOf(own.endpointSlices).some(
    (slice) => slice.namespace === namespace && slice.service === name && slice.endpoints.some(({ addresses }) => addresses.length > 0),
  );
  return (hasService && !isKnown) || hasEndpoints;
}

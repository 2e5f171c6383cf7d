import { labels } from '../istio/labels.ts';
import type { IstioResource } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { StringMap } from '../model/kube.ts';
import type { AppliedRule } from './destination-rules.ts';
import { endpointsSentTo, type RegisteredService, type ShardEndpoint } from './endpoints.ts';
import type { Policies } from './mtls-barriers.ts';
import { type World, worldServing } from './worlds.ts';

/** A gateway between networks that does not know a subset for which callers are sent to it. */
export interface SubsetGap {
  /**
   * missing: its istiod reads another configuration, without the subset; hidden: it reads the same one, in which the rule is not for
   * the gateway's namespace; empty: it knows the subset by labels that no endpoint behind it has.
   */
  readonly is: 'missing' | 'hidden' | 'empty';
  /** The istiod of the gateway. */
  readonly reader: World;
  /** The rule that counts for the gateway, if any does. */
  readonly there: IstioResource | undefined;
  readonly caller: ClusterName;
  /** The cluster of the gateway. */
  readonly home: ClusterName;
}

/**
 * Gateways to which callers of this istiod are sent for a subset and that have no way for it: a gateway has one for each subset of the
 * DestinationRule that applies to its own namespace (pilot/pkg/networking/core/gateway.go: builtAutoPassthroughFilterChains).
 */
export function* subsetGaps(
  { world, service, rule, subset }: { world: World; service: RegisteredService; rule: AppliedRule; subset: string },
  worlds: readonly World[],
  policies: ReadonlyMap<World, Policies>,
): Iterable<SubsetGap> {
  const own = rule.subsets.find(({ name }) => name === subset);
  const ports = service.instances[0]?.service.ports ?? [];
  if (own === undefined) return;
  for (const { client, cluster } of world.callers) {
    for (const { port } of ports) {
      for (const sent of endpointsSentTo(client, service.host, port, world.predictions)?.endpoints ?? []) {
        const { gateway } = sent;
        const home = gateway?.cluster === undefined ? undefined : world.members.get(gateway.cluster);
        const namespace = gateway?.ref?.namespace;
        if (gateway === undefined || home === undefined || namespace === undefined) continue;
        if (!sent.endpoints.some((endpoint) => isInSubset(endpoint, own.labels))) continue;
        const reader = worldServing(worlds, home, world.controlPlane.revision);
        if (reader === undefined) continue;
        const there = policies.get(reader)?.rules(service, namespace);
        const same = there?.subsets.find(({ name }) => name === subset);
        const gap = { reader, there: there?.object, caller: cluster, home };
        if (same === undefined) yield { ...gap, is: reader.config === world.config ? 'hidden' : 'missing' };
        else if (!reaches(reader, service.host, gateway.network, same.labels)) yield { ...gap, is: 'empty' };
      }
    }
  }
}

/** Whether a gateway's istiod has an endpoint of the subset in its network. What it does not know at all is another fault. */
function reaches({ predictions }: World, host: string, network: string, wanted: StringMap): boolean {
  const shards = predictions.shards.get(host)?.clusters;
  return shards === undefined || [...shards.values()].flat().some((one) => one.network === network && isInSubset(one, wanted));
}

/** Labels that istiod gives endpoints by what it knows of nodes: whether they fit is not known. */
const ofNodes: ReadonlySet<string> = new Set([
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.istio.io/subzone',
  'kubernetes.io/hostname',
]);

/** Whether an endpoint has the labels of a subset; labels of nodes, and of pods that are not known, are taken to fit. */
export function isInSubset({ pod, cluster, network }: ShardEndpoint, wanted: StringMap): boolean {
  return Object.entries(wanted).every(([key, value]) => {
    if (ofNodes.has(key)) return true;
    if (key === labels.cluster) return value === cluster;
    if (key === labels.network) return value === network;
    return pod === undefined || pod.labels[key] === value;
  });
}

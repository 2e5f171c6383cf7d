import type { MissingFact } from '../../model/facts.ts';
import type { ClusterName, NetworkId } from '../../model/ids.ts';
import type { ObjectRef } from '../../model/refs.ts';
import type { Destination } from '../mesh-routes.ts';
import { dataPlaneClusters } from '../names.ts';
import type { FactsByCluster, Mesh, Topology } from '../topology-types.ts';
import { type Around, aroundOf, type CallerKind } from './around.ts';
import { type CallText, type Target, targetOf } from './call.ts';
import { callerHop } from './caller.ts';
import { type Caller, callerOf } from './caller-pod.ts';
import { authorizationHop, mtlsHop } from './destination.ts';
import { clusterHop, endpointsHop } from './endpoints.ts';
import { broken, gapsIn, type Hop, hop, type HopName, hopNames, unknown } from './hop.ts';
import { nameHop } from './name.ts';
import { gatewayHop, networkHop } from './network.ts';
import { routeHop } from './route.ts';
import { sniHop } from './sni.ts';
import { type Aim, aimOf, type Way, waysOf } from './way.ts';

export { type Hop, type HopName, hopNames, type HopVerdict, type Measurement } from './hop.ts';
export type { CallText } from './call.ts';

/** A call whose ends are known. */
export interface ResolvedCall {
  /** Absent where the caller's cluster is in no mesh that was found. */
  readonly mesh: Mesh | undefined;
  readonly caller: Caller;
  readonly target: Target;
  /** Lists of clusters that may belong to the mesh as well: what is called may be there. */
  readonly unread: readonly MissingFact[];
}

/** From a destination's cluster to one cluster and network that has endpoints of it. */
export interface CallBranch {
  readonly destination: Destination;
  /** Absent where no cluster has an endpoint. */
  readonly cluster?: ClusterName;
  readonly network?: NetworkId;
  /** From `cluster` on, in order. */
  readonly hops: readonly Hop[];
}

/** The whole way of one call. */
export interface CallPath {
  readonly kind: CallerKind;
  /** The control plane that configures the caller. */
  readonly istiod?: ObjectRef;
  /** What all branches have in common: `caller`, `name`, `route`. */
  readonly hops: readonly Hop[];
  readonly branches: readonly CallBranch[];
}

/** Finds the ends of a call among what was read. @throws UsageError for words that name nothing */
export function resolveCall(text: CallText, facts: FactsByCluster, topology: Topology): ResolvedCall {
  const caller = callerOf(text.from, facts);
  const mesh = topology.meshes.find(({ members }) => members.has(caller.cluster));
  const members = mesh === undefined ? [...facts.keys()] : dataPlaneClusters(mesh);
  const others = [...facts.keys()].filter((cluster) => !topology.withoutIstio.includes(cluster));
  const strangers = others.filter((cluster) => mesh?.members.has(cluster) !== true);
  return {
    mesh,
    caller,
    target: targetOf(text.to, caller, members, others, facts),
    unread: gapsIn(
      facts,
      strangers.map((cluster) => ({ cluster, fact: 'services' as const })),
    ),
  };
}

const shared = ['caller', 'name', 'route'] as const satisfies readonly HopName[];

/** The way of a call, hop by hop, as objects and probes have it. Pure. */
export function callPath({ mesh, caller, target, unread }: ResolvedCall, facts: FactsByCluster): CallPath {
  if (mesh === undefined) return outside(caller, facts);
  const around = aroundOf(mesh, facts, { caller, target, unread });
  const routed = routeHop(around);
  const branches = routed.destinations.flatMap((destination) => branchesTo(around, aimOf(around, destination)));
  const { world } = around;
  return {
    kind: around.kind,
    ...(world === undefined ? {} : { istiod: world.controlPlane.ref }),
    hops: [callerHop(around), nameHop(around), routed.hop],
    branches,
  };
}

/** Without a mesh nothing but the caller can be told. */
function outside(caller: Caller, facts: FactsByCluster): CallPath {
  const missing = gapsIn(facts, [
    { cluster: caller.cluster, fact: 'pods' },
    { cluster: caller.cluster, fact: 'namespaces' },
  ]);
  const text =
    missing.length > 0
      ? `${caller.cluster} was not read, so that nothing is known of the caller`
      : `${caller.cluster} is in no mesh that was found`;
  return {
    kind: 'unknown',
    hops: shared.map((name) =>
      hop(name, name === 'caller' && missing.length === 0 ? broken(text) : unknown(text), { object: caller.ref, missing }),
    ),
    branches: [],
  };
}

function branchesTo(around: Around, aim: Aim): CallBranch[] {
  const ways = waysOf(around, aim);
  const isOnly = (way: Way): boolean => !ways.some((other) => other !== way && other.sent.length > 0);
  const cluster = clusterHop(around, aim);
  if (ways.length === 0) return [nowhere(around, aim, cluster)];
  return ways.map((way) => ({
    destination: aim.destination,
    cluster: way.cluster,
    ...(way.network === undefined ? {} : { network: way.network }),
    hops: [
      cluster,
      endpointsHop(around, way, isOnly(way)),
      networkHop(around, way),
      gatewayHop(around, way),
      sniHop(around, way),
      mtlsHop(around, way),
      authorizationHop(around, way),
    ],
  }));
}

/** No cluster has an endpoint, as far as was read. */
function nowhere({ mesh, facts, target, unread }: Around, { destination, subset }: Aim, cluster: Hop): CallBranch {
  const members = dataPlaneClusters(mesh);
  const missing = [
    ...unread,
    ...gapsIn(
      facts,
      members.flatMap((member) => [
        { cluster: member, fact: 'endpointSlices' as const },
        { cluster: member, fact: 'pods' as const },
      ]),
    ),
  ];
  const object: ObjectRef | undefined = [...target.instances.values()][0]?.ref;
  const text = `no cluster has an endpoint${subset === undefined ? '' : ` of subset ${subset}`} behind it`;
  const endpoints = hop('endpoints', missing.length === 0 ? broken(text) : unknown(`${text}, as far as was read`), { object, missing });
  const rest = hopNames.slice(hopNames.indexOf('endpoints') + 1);
  return { destination, hops: [cluster, endpoints, ...rest.map((name) => hop(name, unknown('there is no endpoint to go to')))] };
}

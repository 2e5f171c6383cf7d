import { count, list } from '../../base/text.ts';
import type { ClusterName } from '../../model/ids.ts';
import { isGlobal, isMultiNetwork } from '../ambient.ts';
import { replicasOf, listedEndpoints } from '../measured.ts';
import { barriersOf } from '../mtls-barriers.ts';
import type { DropReason } from '../endpoints.ts';
import { visibleNamespaces } from '../istiod-view.ts';
import { listOf } from '../topology-types.ts';
import { controlPlaneIn, idsOf, istiodOf, named, told, type Around } from './around.ts';
import {
  broken,
  brokenByAbsence,
  gapsIn,
  type Hop,
  hop,
  type HopEvidence,
  type Measurement,
  notApplicable,
  unknown,
  works,
} from './hop.ts';
import { heldEndpoints } from './sidecar.ts';
import type { Aim, Way } from './way.ts';

/** The cluster, the subset and the client's TLS. */
export function clusterHop({ kind, world }: Around, { rule, subset, mode, host, port }: Aim): Hop {
  if (kind === 'plain' || kind === 'ambient') return hop('cluster', notApplicable('there are no clusters and subsets without Envoy'));
  if (world === undefined) return hop('cluster', unknown('the istiod of the caller is not known'));
  const name = `outbound|${port}|${subset ?? ''}|${host}`;
  const evidence: HopEvidence[] = (rule?.objects ?? []).map(({ ref }) => ({ ref, observed: `host ${rule?.host ?? ''}` }));
  const parts = { object: rule?.object.ref, evidence };
  if (subset !== undefined && rule?.subsets.every((one) => one.name !== subset) !== false) {
    const where = rule === undefined ? 'no DestinationRule applies' : `${told(rule.object)} has no such subset`;
    return hop('cluster', broken(`subset ${subset} is nowhere: ${where}, so that the sidecar has no cluster ${name}`), parts);
  }
  const by = rule === undefined ? 'no DestinationRule' : told(rule.object);
  const tls = mode === undefined ? 'mutual TLS where the endpoint takes it' : `TLS mode ${mode}`;
  return hop('cluster', works(`${name}; ${by}, ${tls}`), parts);
}

/** Reasons for which endpoints are left out on purpose. */
const onPurpose: ReadonlySet<DropReason> = new Set(['cluster-local', 'other-node', 'out-of-view']);
const notReady: ReadonlySet<DropReason> = new Set(['unhealthy', 'terminating']);
/** The way to them is missing, not they. */
const noWay: ReadonlySet<DropReason> = new Set(['no-gateway', 'gateway-of-other-family']);

/** Whether the caller is sent endpoints of this cluster. `isOnly`: there is no other way. */
export function endpointsHop(around: Around, way: Way, isOnly: boolean): Hop {
  const { world, facts, caller, kind, mesh } = around;
  const { cluster, endpoints, sent, dropped, aim } = way;
  const evidence: HopEvidence[] = endpoints
    .slice(0, 5)
    .map(({ ref, address, port, health }) => ({ ref, observed: `${address}:${port} ${health}` }));
  const parts = { object: endpoints[0]?.ref, evidence, measured: [...heldEndpoints(around, way), ...measuredOf(around, way)] };
  const ready = endpoints.filter(({ health }) => health === 'healthy').length;
  const ofAll = `${ready} of ${count(endpoints.length, 'endpoint')} in ${cluster} ${ready === 1 ? 'is' : 'are'} ready`;
  if (kind === 'plain') {
    if (cluster !== caller.cluster)
      return hop('endpoints', notApplicable(`without a sidecar only endpoints of ${caller.cluster} are called`), parts);
    return hop('endpoints', ready > 0 ? works(ofAll) : broken(ofAll), parts);
  }
  if (world === undefined || around.client === undefined) return hop('endpoints', unknown('what the caller is sent is not known'), parts);
  if (idsOf(world, cluster).length === 0) {
    if (mesh.withoutSecret.some(({ read }) => read === cluster))
      return hop('endpoints', notApplicable(`${istiodOf(world)} is not to read ${cluster}, as was declared`), parts);
    return brokenByAbsence(
      'endpoints',
      `${istiodOf(world)} does not read ${cluster}, so that it knows no endpoint there`,
      world.gaps,
      parts,
    );
  }
  const withheld = kind === 'ambient' && cluster !== caller.cluster ? withheldText(around, way) : undefined;
  if (withheld !== undefined) {
    const isMeant = !isOnly && withheld.isScope;
    return hop('endpoints', isMeant ? notApplicable(withheld.text) : broken(withheld.text), parts);
  }
  if (endpoints.length === 0) {
    const missing = gapsIn(facts, [
      { cluster, fact: 'endpointSlices' },
      { cluster, fact: 'pods' },
    ]);
    return missing.length > 0
      ? hop('endpoints', unknown(`what is behind the Service in ${cluster} was not read`), { ...parts, missing })
      : hop('endpoints', broken(hiddenText(around, way)), parts);
  }
  if (sent.length > 0)
    return hop(
      'endpoints',
      works(
        `${ofAll}, and the caller is sent ${sent.every(({ via }) => via === 'gateway') ? 'the way to them' : 'them'}${preference(around, way)}`,
      ),
      parts,
    );
  if (dropped.length === 0)
    return hop(
      'endpoints',
      aim.sent === undefined ? broken(hiddenText(around, way)) : unknown(`${ofAll}; what is sent is not known`),
      parts,
    );
  const reasons = new Set(dropped.map(({ because }) => because));
  const every = (set: ReadonlySet<DropReason>): boolean => [...reasons].every((one) => set.has(one));
  if (every(noWay)) return hop('endpoints', works(`${ofAll}, and known to ${istiodOf(world)}`), parts);
  const text = `${ofAll}, and the caller is sent none: ${list([...reasons].filter((one) => !notReady.has(one) || reasons.size === 1).map((one) => reasonText(one, around, way)))}`;
  if (!isOnly && (every(onPurpose) || every(notReady))) return hop('endpoints', notApplicable(text), parts);
  return hop('endpoints', broken(text), parts);
}

/** Why ambient callers are not told of endpoints in another cluster. */
function withheldText(
  { world, facts, caller }: Around,
  { cluster, aim }: Way,
): { readonly text: string; readonly isScope: boolean } | undefined {
  const controlPlane = world === undefined ? undefined : controlPlaneIn(world, facts);
  if (world === undefined || controlPlane === undefined) return undefined;
  if (!isMultiNetwork(controlPlane))
    return { text: `ambient of ${istiodOf(world)} does not span clusters: AMBIENT_ENABLE_MULTI_NETWORK is not true`, isScope: false };
  const config = world.applied.meshConfig;
  if (config === undefined) return undefined;
  const isLocal = (name: ClusterName): boolean => {
    const own = facts.get(name);
    const service =
      own === undefined ? undefined : listOf(own.services).find((one) => one.namespace === aim.namespace && one.name === aim.name);
    const namespace = own === undefined ? undefined : listOf(own.namespaces).find((one) => one.name === aim.namespace);
    return service !== undefined && namespace !== undefined && !isGlobal(service, namespace.labels, config);
  };
  if (isLocal(cluster))
    return {
      text: `to ${istiodOf(world)} the Service of ${cluster} is not global, so that only callers of ${cluster} know its endpoints`,
      isScope: true,
    };
  // To a Service of its own that is not global istiod adds no endpoints of others.
  if (isLocal(caller.cluster))
    return {
      text: `to ${istiodOf(world)} the Service of ${caller.cluster} is not global, so that callers there know its own endpoints alone`,
      isScope: true,
    };
  return undefined;
}

function hiddenText({ world, facts }: Around, { cluster, aim }: Way): string {
  const own = facts.get(cluster);
  const isVisible =
    own === undefined || world === undefined ? true : visibleNamespaces(listOf(own.namespaces), world.applied.meshConfig)(aim.namespace);
  const who = world === undefined ? 'istiod' : istiodOf(world);
  return isVisible
    ? `${who} knows no endpoint of ${cluster}`
    : `discoverySelectors of ${who} leave namespace ${aim.namespace} of ${cluster} out, so that it knows no endpoint there`;
}

function reasonText(because: DropReason, { world, policies }: Around, { dropped, aim }: Way): string {
  const endpoint = dropped.find((one) => one.because === because)?.endpoint;
  switch (because) {
    case 'other-port-name':
      return `their port is called "${endpoint?.portName ?? ''}" there and "${aim.sent?.port?.name ?? ''}" where istiod takes the Service from`;
    case 'cluster-local':
      return 'the host is kept to its own cluster';
    case 'other-node':
      return 'internalTrafficPolicy is Local, and they are on other nodes';
    case 'out-of-view':
      return 'the caller asked for other networks only';
    case 'unhealthy':
      return 'they are not ready';
    case 'terminating':
      return 'they are terminating';
    case 'no-mtls': {
      const own = world === undefined ? undefined : policies.get(world);
      const [barrier] = endpoint === undefined || own === undefined ? [] : barriersOf(endpoint, aim, own.modes, aim.namespace);
      if (barrier === undefined) return 'behind a gateway only mutual TLS gets through';
      if (barrier.why === 'no-sidecar') return 'they have no sidecar, and behind a gateway only mutual TLS gets through';
      const mode = barrier.why === 'destination-rule' ? barrier.mode : 'DISABLE';
      return `${told(barrier.by)} sets TLS mode ${mode}, and behind a gateway only mutual TLS gets through`;
    }
    case 'gateway-of-other-family':
      return 'no gateway has an address of the IP family of the caller';
    case 'no-gateway':
      return 'no gateway leads to their network';
    default:
      return because satisfies never;
  }
}

/** Whom Envoy prefers, as far as objects tell: without outlierDetection nobody. */
function preference({ caller, kind }: Around, { aim, cluster }: Way): string {
  const clusters = new Set((aim.sent?.endpoints ?? []).flatMap(({ endpoints }) => endpoints.map((one) => one.cluster)));
  if (clusters.size < 2 || kind !== 'sidecar') return '';
  const port = aim.rule?.policy?.ports.find((one) => one.port === aim.port);
  const outlier = port?.outlierDetection ?? aim.rule?.policy?.outlierDetection;
  if (outlier === undefined) return ', in turn with those of other clusters';
  return cluster === caller.cluster ? ', before those of other regions' : ', when those of the own region fail';
}

/** What the replicas of the caller's istiod say that they hold. */
function measuredOf({ world, facts }: Around, { aim, cluster }: Way): Measurement[] {
  const controlPlane = world === undefined ? undefined : controlPlaneIn(world, facts);
  const own = world === undefined ? undefined : facts.get(world.controlPlane.cluster);
  if (world === undefined || controlPlane === undefined || own === undefined) return [];
  const ids = idsOf(world, cluster);
  return replicasOf(controlPlane, listOf(own.istiods)).flatMap((replica): Measurement[] => {
    const by = `istiod ${named(replica.pod, false)}`;
    if (!replica.shardsAsked.includes(aim.host) || ids.length === 0) return [];
    if ('failed' in replica.shards) return [{ by, verdict: 'unknown', text: replica.shards.reason, isDecisive: false }];
    const { answer } = replica.shards;
    const held = ids.flatMap((id) => listedEndpoints(answer, aim.host, id));
    if (held.length === 0) return [{ by, verdict: 'broken', text: `holds no endpoint of ${cluster}`, isDecisive: true }];
    const addresses = list(
      held.map(({ address, port }) => `${address}:${port}`),
      '',
      3,
    );
    return [{ by, verdict: 'works', text: `holds ${addresses} of ${cluster}`, isDecisive: false }];
  });
}

import { distinct } from '../base/sort.ts';
import { names } from '../istio/labels.ts';
import { objects } from '../model/decode.ts';
import type { ClusterName } from '../model/ids.ts';
import type { ClusterFacts, Clock, Fact, FactName, FactTypes, KubeVersion } from '../model/facts.ts';
import { type ClusterObservations, type Observed, type ObservedFactName, observedFacts } from '../model/observations.ts';
import type { ClusterSnapshot, KindRead, ReducedObject } from '../model/snapshot.ts';
import {
  clusterRoleBindingsFact,
  clusterRolesFact,
  customResourcesFact,
  namespacesFact,
  nodesFact,
  serviceAccountsFact,
} from './cluster-objects.ts';
import { apiServerCaFact, configMaps, injectorValuesFact, leaderElectionsFact, meshConfigsFact, rootConfigMapsFact } from './configmaps.ts';
import { type FactCollector, type Gathering, type Projection, uncounted } from './fact.ts';
import { gatewaysFact, istioResourcesFact, virtualServicesFact } from './istio-resources.ts';
import type { KindCollector, Place } from './kind.ts';
import { kubeGatewaysFact } from './kube-gateways.ts';
import { networkPoliciesFact } from './network-policies.ts';
import { pods, podsFact } from './pods.ts';
import { caSecretsFact, remoteSecretsFact, serviceAccountTokensFact } from './secrets.ts';
import { endpointSlices, endpointSlicesFact, endpointsFact, services, servicesFact } from './services.ts';
import { injectorsFact, isInjector, mutatingWebhooks, targetOf, validatorsFact } from './webhooks.ts';
import { controlPlanesFact, deployments, isIstiod, workloadsFact } from './workloads.ts';

/** Facts that are made of objects; clocks and the version of a cluster are not. */
export type ObjectFactName = Exclude<FactName, ObservedFactName | 'clock' | 'today' | 'kubeVersion'>;

/** Facts that are made of nothing listed: clocks, the version of a cluster, and what probes saw. */
export const factsWithoutKinds: ReadonlySet<string> = new Set(['clock', 'today', 'kubeVersion', ...observedFacts]);

function isMadeOfObjects(fact: FactName): fact is ObjectFactName {
  return !factsWithoutKinds.has(fact);
}

/** Every fact that is made of objects, with the kinds it reads. */
export const factCollectors: { readonly [K in ObjectFactName]: FactCollector<K> } = {
  namespaces: namespacesFact,
  controlPlanes: controlPlanesFact,
  leaderElections: leaderElectionsFact,
  meshConfigs: meshConfigsFact,
  injectorValues: injectorValuesFact,
  injectors: injectorsFact,
  validators: validatorsFact,
  remoteSecrets: remoteSecretsFact,
  serviceAccountTokens: serviceAccountTokensFact,
  serviceAccounts: serviceAccountsFact,
  caSecrets: caSecretsFact,
  rootConfigMaps: rootConfigMapsFact,
  apiServerCa: apiServerCaFact,
  services: servicesFact,
  endpointSlices: endpointSlicesFact,
  endpoints: endpointsFact,
  pods: podsFact,
  workloads: workloadsFact,
  nodes: nodesFact,
  gateways: gatewaysFact,
  virtualServices: virtualServicesFact,
  istioResources: istioResourcesFact,
  kubeGateways: kubeGatewaysFact,
  networkPolicies: networkPoliciesFact,
  clusterRoles: clusterRolesFact,
  clusterRoleBindings: clusterRoleBindingsFact,
  customResources: customResourcesFact,
};

/**
 * What one cluster's reduced objects say, fact by fact, and what probes saw there. Pure. `now`, RFC 3339, is the run's own clock:
 * expiry falls back to it.
 */
export function projectFacts(cluster: ClusterSnapshot, now?: string, observations?: ClusterObservations, ahead?: Ahead): ClusterFacts {
  const projection: Projection = {
    cluster: cluster.name,
    systemNamespaces: systemNamespaces(cluster),
    objects: (kind) => readObjects(cluster, kind),
  };
  const fact = <K extends ObjectFactName>(collector: FactCollector<K>): Fact<FactTypes[K]> =>
    project(collector, cluster, projection, ahead?.gathered[collector.fact]);
  return {
    clock: clock(cluster.takenAt),
    today: clock(cluster.takenAt ?? now),
    kubeVersion: kubeVersion(cluster),
    namespaces: fact(namespacesFact),
    controlPlanes: fact(controlPlanesFact),
    leaderElections: fact(leaderElectionsFact),
    meshConfigs: fact(meshConfigsFact),
    injectorValues: fact(injectorValuesFact),
    injectors: fact(injectorsFact),
    validators: fact(validatorsFact),
    remoteSecrets: fact(remoteSecretsFact),
    serviceAccountTokens: fact(serviceAccountTokensFact),
    serviceAccounts: fact(serviceAccountsFact),
    caSecrets: fact(caSecretsFact),
    rootConfigMaps: fact(rootConfigMapsFact),
    apiServerCa: fact(apiServerCaFact),
    services: fact(servicesFact),
    endpointSlices: fact(endpointSlicesFact),
    endpoints: fact(endpointsFact),
    pods: fact(podsFact),
    workloads: fact(workloadsFact),
    nodes: fact(nodesFact),
    gateways: fact(gatewaysFact),
    virtualServices: fact(virtualServicesFact),
    istioResources: fact(istioResourcesFact),
    kubeGateways: fact(kubeGatewaysFact),
    networkPolicies: fact(networkPoliciesFact),
    clusterRoles: fact(clusterRolesFact),
    clusterRoleBindings: fact(clusterRoleBindingsFact),
    customResources: fact(customResourcesFact),
    ...observedFactsOf(observations),
  };
}

/** The same facts with what probes saw since. */
export function withObservations(facts: ClusterFacts, observations: ClusterObservations | undefined): ClusterFacts {
  return { ...facts, ...observedFactsOf(observations) };
}

function observedFactsOf(observations: ClusterObservations | undefined): Pick<ClusterFacts, ObservedFactName> {
  // Whoever asked istiods asked for all of this, unless there was no such question then.
  const notThen = observations?.istiods === undefined || isOff(observations.istiods) ? undefined : olderRecording;
  return {
    istiods: observed(observations?.istiods),
    injectionTrials: observed(observations?.injectionTrials, 'opt-in'),
    probePods: observed(observations?.probePods, 'opt-in'),
    sidecars: observed(observations?.sidecars ?? notThen),
    istiodStates: observed(observations?.istiodStates ?? notThen),
    istiodSamples: observed(observations?.istiodSamples ?? { status: 'not-asked', because: 'not sampled' }),
    nameAnswers: observed(observations?.nameAnswers),
    gatewayHandshakes: observed(observations?.gatewayHandshakes),
    istiodHandshakes: observed(observations?.istiodHandshakes ?? notThen),
    gatewayReadiness: observed(observations?.gatewayReadiness ?? notThen),
  };
}

const olderRecording = { status: 'not-asked', because: 'older recording' } as const;

function isOff(state: Observed<unknown>): boolean {
  return state.status === 'not-asked' && state.because === 'probes off';
}

function observed<T>(state: Observed<T> | typeof olderRecording | undefined, otherwise: 'probes off' | 'opt-in' = 'probes off'): Fact<T> {
  if (state === undefined) return { status: 'not-asked', because: otherwise };
  return state.status === 'observed' ? { status: 'collected', value: state.value } : state;
}

function clock(takenAt: string | undefined): Fact<Clock> {
  return takenAt === undefined ? { status: 'not-asked', because: 'no clock' } : { status: 'collected', value: { takenAt } };
}

function kubeVersion(cluster: ClusterSnapshot): Fact<KubeVersion> {
  const major = Number.parseInt(cluster.version?.major ?? '', 10);
  const minor = Number.parseInt(cluster.version?.minor ?? '', 10); // Some providers write `34+`.
  if (cluster.version === undefined || Number.isNaN(major) || Number.isNaN(minor))
    return { status: 'not-asked', because: 'directory does not say' };
  return { status: 'collected', value: { major, minor, gitVersion: cluster.version.gitVersion } };
}

function readOf(cluster: ClusterSnapshot, kind: KindCollector): KindRead {
  return cluster.kinds[kind.id] ?? { status: 'not-asked', because: 'older recording' };
}

function readObjects(cluster: ClusterSnapshot, kind: KindCollector): readonly ReducedObject[] | undefined {
  const read = readOf(cluster, kind);
  return read.status === 'read' ? read.objects : undefined;
}

/** Worst state first: what forbids or fails one kind does so for the fact; unread kinds beside read ones leave it partial. */
function project<K extends ObjectFactName>(
  collector: FactCollector<K>,
  cluster: ClusterSnapshot,
  projection: Projection,
  gathered: Gathering<K> | undefined,
): Fact<FactTypes[K]> {
  const found: ReducedObject[] = [];
  let partial = false;
  let read = 0;
  let notAsked: Extract<KindRead, { status: 'not-asked' }> | undefined;
  let absent = false;
  for (const kind of collector.reads) {
    const state = readOf(cluster, kind);
    if (state.status === 'forbidden' || state.status === 'failed') return state;
    if (state.status === 'not-asked') notAsked ??= state;
    else if (state.status === 'absent') absent = true;
    else {
      read++;
      partial ||= !state.complete;
      for (const object of state.objects) found.push(object);
    }
  }
  if (read === 0 && notAsked !== undefined) return notAsked;
  if (absent && collector.absentIsEmpty !== true) return { status: 'absent' };
  const value = gathered === undefined ? collector.project(found, projection) : gathered.all(found);
  if (!partial && notAsked === undefined) return { status: 'collected', value };
  if (
    collector.place === 'system' &&
    value.length === 0 &&
    !found.some((object) => projection.systemNamespaces.has(object.metadata.namespace ?? ''))
  ) {
    return { status: 'not-asked', because: 'directory does not say' };
  }
  return { status: 'collected', value, partial: true };
}

/** Facts of one cluster, made object by object while its lists are still coming: a server takes longer to send the next one. */
export interface Ahead {
  readonly take: (kind: KindCollector, object: ReducedObject) => void;
  readonly gathered: Gathered;
}

type Gathered = { readonly [K in ObjectFactName]?: Gathering<K> };

/** Takes objects of one cluster for `projectFacts`. */
export function projectAhead(cluster: ClusterName): Ahead {
  const gathered = {
    pods: podsFact.gather({ cluster }),
    services: servicesFact.gather({ cluster }),
    endpointSlices: endpointSlicesFact.gather({ cluster }),
  };
  const takers = new Map<KindCollector, (object: ReducedObject) => void>([
    [pods, gathered.pods.take],
    [services, gathered.services.take],
    [endpointSlices, gathered.endpointSlices.take],
  ]);
  return { gathered, take: (kind, object) => takers.get(kind)?.(object) };
}

/** Namespaces of istiod in a cluster: where it runs, else whom the injectors call, else where it leads. */
export function systemNamespaces(cluster: ClusterSnapshot): ReadonlySet<string> {
  const objectsOf = (kind: KindCollector): readonly ReducedObject[] => readObjects(cluster, kind) ?? [];
  const running = runningIn(objectsOf);
  if (running.length > 0) return new Set(running);
  const called = calledIn(objectsOf);
  if (called.length > 0) return new Set(called);
  const led = (readObjects(cluster, configMaps) ?? [])
    .filter((object) => object['leader'] !== undefined && object.metadata.name === names.namespaceElection)
    .flatMap((object) => object.metadata.namespace ?? []);
  return new Set(led.length > 0 ? led : [names.defaultSystemNamespace]);
}

function runningIn(objectsOf: (kind: KindCollector) => readonly ReducedObject[]): string[] {
  return [
    ...objectsOf(deployments).filter(isIstiod),
    ...objectsOf(pods).filter((object) => object.metadata.labels?.['app'] === 'istiod'),
  ].flatMap((object) => object.metadata.namespace ?? []);
}

function calledIn(objectsOf: (kind: KindCollector) => readonly ReducedObject[]): string[] {
  return objectsOf(mutatingWebhooks)
    .filter(isInjector)
    .flatMap((object) => objects(uncounted, object['webhooks']).flatMap((webhook) => targetOf(webhook).service?.namespace || []));
}

/** Every namespace that may turn out to be istiod's in a cluster, by its istiods and injectors: where a live cluster is looked into. */
export function possibleSystemNamespaces(objectsOf: (kind: KindCollector) => readonly ReducedObject[]): string[] {
  return distinct([...runningIn(objectsOf), ...calledIn(objectsOf), names.defaultSystemNamespace]);
}

/** One list a collector of facts needs: what RBAC has to allow. */
export interface Read {
  readonly kind: KindCollector;
  readonly group: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Facts that need it, and those it merely sharpens, sorted. */
  readonly facts: readonly FactName[];
  readonly optional: boolean;
  readonly place: Place;
}

/** The lists that a set of facts is made of, in the order in which kinds are read. */
export function readsFor(wanted: Iterable<FactName>): readonly Read[] {
  const found = new Map<string, { kind: KindCollector; facts: Set<FactName>; optional: boolean }>();
  const add = (kind: KindCollector, fact: FactName, optional: boolean): void => {
    const entry = found.get(kind.id);
    if (entry === undefined) found.set(kind.id, { kind, facts: new Set([fact]), optional });
    else {
      entry.facts.add(fact);
      entry.optional &&= optional;
    }
  };
  for (const fact of wanted) {
    if (!isMadeOfObjects(fact)) continue;
    for (const kind of factCollectors[fact].reads) add(kind, fact, false);
    for (const kind of factCollectors[fact].uses ?? []) add(kind, fact, true);
  }
  return [...found.values()].map(({ kind, facts, optional }) => ({
    kind,
    group: kind.group,
    resource: kind.resource,
    verbs: ['list'],
    facts: [...facts].sort(),
    optional,
    place: kind.place,
  }));
}

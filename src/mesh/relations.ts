import { distinct, sortedBy } from '../base/sort.ts';
import { annotations, labels, names, ports } from '../istio/labels.ts';
import type { ClusterFacts, ControlPlane, FactName, Injector, LeaderElection, MissingFact, Pod, Service } from '../model/facts.ts';
import { type ClusterId, type ClusterName, clusterId } from '../model/ids.ts';
import type { ObjectRef } from '../model/refs.ts';
import type { DeclaredTopology } from '../model/snapshot.ts';
import { credentials, matchCredential } from './credentials.ts';
import { type Derived, known, unknown } from './derived.ts';
import { type CredentialMatch, listOf } from './topology-types.ts';

/** What one cluster says on its own, read once. */
export interface Digest {
  readonly name: ClusterName;
  readonly facts: ClusterFacts;
  readonly controlPlanes: readonly ControlPlane[];
  readonly istiodPods: ReadonlyMap<string, Pod>;
  readonly injectors: readonly Injector[];
  /** Revisions of running proxies, and one pod that shows each. */
  readonly proxyRevisions: ReadonlyMap<string, ObjectRef>;
  readonly proxyClusterIds: ReadonlyMap<string, ObjectRef>;
  /** Namespaces (`istio-system`) that proxies and injectors expect istiod in. */
  readonly systemNamespaces: readonly string[];
  readonly claimedIds: readonly { readonly id: ClusterId; readonly ref: ObjectRef }[];
  readonly istiodServices: readonly Service[];
  /** Addresses behind Services named istiod* that have no selector, or their external name. */
  readonly pilotAddresses: ReadonlyMap<string, ObjectRef>;
  /** Addresses under which this cluster's gateways can be reached from outside. */
  readonly gatewayAddresses: ReadonlyMap<string, ObjectRef>;
  readonly roots: ReadonlyMap<string, ObjectRef>;
  readonly hasIstio: boolean;
}

/** All revisions of istiod in one namespace of one cluster: they read the same secrets and belong to one mesh. */
export interface Group {
  readonly cluster: Digest;
  readonly namespace: string;
  readonly controlPlanes: readonly ControlPlane[];
  /** Set when this is an external control plane: the cluster whose configuration it reads, where that is among those given. */
  readonly external: Derived<false | { readonly configCluster: ClusterName | undefined }>;
  /** Where it watches remote secrets: beside it, but for an external istiod without LOCAL_CLUSTER_SECRET_WATCHER in its config cluster. */
  readonly watches: Digest;
}

export interface Link {
  readonly group: Group;
  readonly cluster: Digest;
  readonly how: 'home' | 'config' | 'credential' | 'pilot-address' | 'annotation' | 'election' | 'root' | 'only';
  readonly because: string;
  readonly ref: ObjectRef;
  readonly match?: CredentialMatch;
}

export interface Component {
  readonly groups: readonly Group[];
  readonly clusters: readonly Digest[];
}

export function digest(name: ClusterName, facts: ClusterFacts): Digest {
  const controlPlanes = listOf(facts.controlPlanes);
  const pods = listOf(facts.pods);
  const injectors = listOf(facts.injectors);
  const services = listOf(facts.services);
  const istiodPods = new Map<string, Pod>();
  const proxyRevisions = new Map<string, ObjectRef>();
  const proxyClusterIds = new Map<string, ObjectRef>();
  const expected = new Set<string>(controlPlanes.map((controlPlane) => controlPlane.namespace));
  for (const pod of pods) {
    if (pod.labels['app'] === 'istiod') istiodPods.set(pod.name, pod);
    const proxy = pod.proxy;
    if (proxy === undefined) continue;
    if (proxy.revision !== undefined && !proxyRevisions.has(proxy.revision)) proxyRevisions.set(proxy.revision, pod.ref);
    if (proxy.clusterId !== undefined && !proxyClusterIds.has(proxy.clusterId)) proxyClusterIds.set(proxy.clusterId, pod.ref);
    const home = namespaceOfHost(proxy.discoveryHost);
    if (home !== undefined) expected.add(home);
  }
  for (const injector of injectors) {
    const namespace = injector.target.service?.namespace ?? namespaceOfInjector(injector);
    if (namespace !== undefined) expected.add(namespace);
  }
  for (const namespace of listOf(facts.namespaces)) {
    if (namespace.annotations[annotations.controlPlaneClusters] !== undefined) expected.add(namespace.name);
  }
  const claimedIds = [
    ...controlPlanes.filter((controlPlane) => !looksExternal(controlPlane, facts)).map((c) => ({ id: c.clusterId, ref: c.ref })),
    ...injectors.flatMap((injector) =>
      injector.injectedClusterId === undefined ? [] : [{ id: injector.injectedClusterId, ref: injector.ref }],
    ),
    ...[...proxyClusterIds].map(([id, ref]) => ({ id: clusterId(id), ref })),
  ];
  const istiodServices = services.filter((service) => isIstiodService(service) && Object.keys(service.selector).length === 0);
  const elections = listOf(facts.leaderElections);
  return {
    name,
    facts,
    controlPlanes,
    istiodPods,
    injectors,
    proxyRevisions,
    proxyClusterIds,
    systemNamespaces: distinct(expected),
    claimedIds,
    istiodServices,
    pilotAddresses: pilotAddresses(istiodServices, facts, injectors),
    gatewayAddresses: gatewayAddresses(services),
    roots: roots(facts),
    hasIstio:
      controlPlanes.length > 0 ||
      injectors.length > 0 ||
      proxyRevisions.size > 0 ||
      istiodServices.length > 0 ||
      expected.size > 0 ||
      elections.length > 0,
  };
}

export function controlPlaneGroups(cluster: Digest, clusters: readonly Digest[]): Group[] {
  const namespaces = distinct(cluster.controlPlanes.map((controlPlane) => controlPlane.namespace));
  return namespaces.map((namespace) => {
    const controlPlanes = sortedBy(
      cluster.controlPlanes.filter((controlPlane) => controlPlane.namespace === namespace),
      (controlPlane) => controlPlane.revision,
    );
    const external = externalOf(cluster, namespace, controlPlanes, clusters);
    const config = 'known' in external && external.known !== false ? external.known.configCluster : undefined;
    const isElsewhere = controlPlanes.some((controlPlane) => controlPlane.externalIstiod && !controlPlane.localClusterSecretWatcher);
    const watches = (isElsewhere ? clusters.find((other) => other.name === config) : undefined) ?? cluster;
    return { cluster, namespace, controlPlanes, external, watches };
  });
}

/**
 * An external control plane has EXTERNAL_ISTIOD and the kubeconfig Secret of its config cluster; a primary that manages
 * remotes has only the former, and env KUBECONFIG says nothing: it is always set. With the Secret mounted istiod reads that cluster
 * whether EXTERNAL_ISTIOD is set or was forgotten.
 */
function externalOf(
  cluster: Digest,
  namespace: string,
  controlPlanes: readonly ControlPlane[],
  clusters: readonly Digest[],
): Group['external'] {
  const external = controlPlanes.filter((controlPlane) => controlPlane.externalIstiod || mountsKubeconfig(controlPlane));
  const evidence = controlPlanes.map((controlPlane) => controlPlane.ref);
  if (external.length === 0) return known(false, evidence);
  const servesItself = controlPlanes.some((controlPlane) =>
    cluster.injectors.some((injector) => injector.target.service?.namespace === namespace && injector.revision === controlPlane.revision),
  );
  const secrets = cluster.facts.remoteSecrets;
  const kubeconfig = listOf(secrets).find((secret) => secret.namespace === namespace && secret.name === names.externalKubeconfigSecret);
  if (kubeconfig !== undefined && !servesItself) {
    const ids = new Set<string>(external.map((controlPlane) => controlPlane.clusterId));
    const config =
      clusters.find(
        (other) => other !== cluster && kubeconfig.entries.some((entry) => matchCredential(entry, other, clusters) === 'identity'),
      ) ?? clusters.find((other) => other !== cluster && other.claimedIds.some((claim) => ids.has(claim.id)));
    return known({ configCluster: config?.name }, [...evidence, kubeconfig.ref]);
  }
  if (servesItself) return known(false, evidence);
  // The Secret is gone: istiod would then read its own cluster. Another cluster that goes by its CLUSTER_ID is still its config cluster.
  const named = clusters.find(
    (other) => other !== cluster && other.claimedIds.some((claim) => external.some((c) => c.clusterId === claim.id)),
  );
  const uses = named !== undefined && controlPlanes.some((controlPlane) => controlPlane.env['SHARED_MESH_CONFIG'] !== undefined);
  if (uses) return known({ configCluster: named.name }, evidence);
  if (secrets.status !== 'collected') return unknown(missing(cluster, ['remoteSecrets']));
  return known(false, evidence);
}

export function linksBetween(group: Group, cluster: Digest, groups: readonly Group[], clusters: readonly Digest[]): Link[] {
  const links: Link[] = [];
  const add = (how: Link['how'], because: string, ref: ObjectRef, match?: CredentialMatch): void => {
    links.push({ group, cluster, how, because, ref, ...(match === undefined ? {} : { match }) });
  };
  const first = group.controlPlanes[0];
  if (first === undefined) return links;
  const external = 'known' in group.external && group.external.known !== false ? group.external.known : undefined;
  if (group.cluster === cluster) add('home', 'istiod runs here', first.ref);
  if (external !== undefined && external.configCluster === cluster.name) add('config', 'istiod reads its configuration here', first.ref);
  if (group.cluster === cluster) return links;
  for (const match of credentials(group, cluster, clusters)) {
    if (match.by === 'identity' || match.secret.multiClusterLabel !== undefined) {
      add(
        'credential',
        match.by === 'identity' ? 'a remote secret holds its credentials' : 'a remote secret names it',
        match.secret.ref,
        match,
      );
    }
  }
  for (const [address, ref] of cluster.pilotAddresses) {
    if (group.cluster.gatewayAddresses.has(address) && groupsOf(group.cluster, groups) === 1)
      add('pilot-address', 'its istiod Service leads there', ref);
    else if (group.cluster.gatewayAddresses.has(address) && cluster.systemNamespaces.includes(group.namespace))
      add('pilot-address', 'its istiod address leads there', ref);
  }
  for (const namespace of listOf(cluster.facts.namespaces)) {
    const value = namespace.name === group.namespace ? namespace.annotations[annotations.controlPlaneClusters] : undefined;
    if (
      value !== undefined &&
      group.controlPlanes.some((c) => c.clusterId !== names.defaultClusterId && value.split(',').includes(c.clusterId))
    ) {
      add('annotation', 'its system namespace names that control plane', namespace.ref);
    }
  }
  for (const election of listOf(cluster.facts.leaderElections)) {
    if (election.namespace === group.namespace && ledBy(election, group, groups))
      add('election', 'an istiod of that control plane leads it', election.ref);
  }
  for (const [fingerprint, ref] of cluster.roots) {
    if (group.cluster.roots.has(fingerprint)) add('root', 'they share a root certificate', ref);
  }
  const injector = cluster.injectors.find((candidate) => group.controlPlanes.some((c) => namesControlPlane(candidate, c, group)));
  if (injector !== undefined && groups.length === 1)
    add('only', 'no other control plane of that revision is among the clusters given', injector.ref);
  return links;
}

/**
 * An election held by `^revision`: the holder is an istiod of another cluster (pilot/pkg/leaderelection). A pod that has gone since is
 * told by its name, as long as only one control plane can have had it.
 */
function ledBy(election: LeaderElection, group: Group, groups: readonly Group[]): boolean {
  if (!election.holderKey.startsWith('^')) return false;
  const holds = (candidate: Group): boolean => candidate.cluster.istiodPods.get(election.holderIdentity)?.namespace === candidate.namespace;
  if (groups.some(holds)) return holds(group);
  const mayHave = (candidate: Group): boolean =>
    candidate.controlPlanes.some(
      (controlPlane) => `^${controlPlane.revision}` === election.holderKey && election.holderIdentity.startsWith(`${controlPlane.name}-`),
    );
  return groups.filter(mayHave).length === 1 && mayHave(group);
}

/**
 * Components of the graph control plane group — cluster. Secrets, pilot addresses, annotations and elections connect; a shared
 * root, or being the only control plane there is, connects only what nothing else places: a remote without any other link, or
 * (root only) a lone primary and another lone one that is set up as part of the same mesh, or a mesh that has its mesh ID.
 */
export function connect(
  groups: readonly Group[],
  clusters: readonly Digest[],
  links: readonly Link[],
  declared: DeclaredTopology,
): Component[] {
  const parent = new Map<string, string>();
  const find = (node: string): string => {
    const up = parent.get(node);
    return up === undefined || up === node ? node : find(up);
  };
  const join = (a: string, b: string): void => {
    parent.set(find(a), find(b));
  };
  const groupNode = (group: Group): string => `${group.cluster.name}\u0000${group.namespace}`;
  // A cluster that runs istiod is part of a mesh through that istiod; one that does not has a node of its own.
  const nodes = (cluster: Digest): string[] => {
    const home = groups.filter((group) => group.cluster === cluster && !isExternal(group));
    return home.length > 0 ? home.map(groupNode) : [cluster.name];
  };
  for (const group of groups) parent.set(groupNode(group), groupNode(group));
  const placed = new Set<string>();
  for (const link of links) {
    if (link.how === 'root' || link.how === 'only' || link.how === 'home') continue;
    if (isNamesake(link, links)) continue;
    const target = nodes(link.cluster);
    const node = target.find((candidate) => candidate.endsWith(`\u0000${link.group.namespace}`)) ?? target[0];
    if (node === undefined) continue;
    join(groupNode(link.group), node);
    placed.add(node);
    placed.add(groupNode(link.group));
  }
  for (const link of links) {
    if (link.how !== 'root' && link.how !== 'only') continue;
    const [node] = nodes(link.cluster);
    if (node === undefined || isExternal(link.group)) continue;
    if (placed.has(node)) continue;
    const isAlone = !placed.has(groupNode(link.group));
    const isOfMesh = link.how === 'root' && (isAlone || sharesMeshId(link)) && areMeantTogether(link);
    if (node === link.cluster.name ? isRemote(link.cluster) : isOfMesh) {
      join(groupNode(link.group), node);
    }
  }
  for (const mesh of declared.meshes ?? []) {
    const [first, ...rest] = clusters.filter((cluster) => mesh.clusters.includes(cluster.name)).flatMap(nodes);
    for (const other of rest) if (first !== undefined) join(first, other);
  }
  const components = new Map<string, { groups: Group[]; clusters: Set<Digest> }>();
  const at = (node: string): { groups: Group[]; clusters: Set<Digest> } => {
    const root = find(node);
    const existing = components.get(root) ?? { groups: [], clusters: new Set<Digest>() };
    components.set(root, existing);
    return existing;
  };
  for (const group of groups) {
    const component = at(groupNode(group));
    component.groups.push(group);
    component.clusters.add(group.cluster);
  }
  for (const cluster of clusters) {
    const isHome = groups.some((group) => group.cluster === cluster && !isExternal(group));
    if (!isHome && cluster.hasIstio) at(cluster.name).clusters.add(cluster);
  }
  // Clusters with Istio that nothing relates to anything are meshes of their own, without a control plane that is known.
  return [...components.values()]
    .filter((component) => component.groups.length > 0 || [...component.clusters].some((cluster) => cluster.hasIstio))
    .map((component) => ({
      groups: component.groups,
      clusters: sortedBy(component.clusters, (cluster) => cluster.name),
    }));
}

/** An annotation that names two control planes by one cluster ID means the one that other things lead to. */
function isNamesake(link: Link, links: readonly Link[]): boolean {
  if (link.how !== 'annotation') return false;
  const ids = new Set<string>(link.group.controlPlanes.map((controlPlane) => controlPlane.clusterId));
  const decisive = links.filter(
    ({ cluster, how, match }) => cluster === link.cluster && (how === 'pilot-address' || how === 'election' || match?.by === 'identity'),
  );
  const isMeant = decisive.some(({ group }) => group === link.group);
  return !isMeant && decisive.some(({ group }) => group.controlPlanes.some((controlPlane) => ids.has(controlPlane.clusterId)));
}

/** A cluster with Istio that is known to run no istiod of its own. */
export function isRemote(cluster: Digest): boolean {
  const deployments = cluster.facts.controlPlanes;
  if (!cluster.hasIstio || deployments.status !== 'collected' || cluster.controlPlanes.length > 0) return false;
  // A directory that does not claim to hold every Deployment still tells by a Service that leads to an istiod elsewhere.
  return deployments.partial !== true || cluster.pilotAddresses.size > 0;
}

/**
 * Two primaries under one plugged-in root may still be meshes of their own. What only a mesh of several clusters has speaks for one:
 * one mesh ID that somebody chose for both, or network labels where nobody chose two.
 */
function areMeantTogether(link: Link): boolean {
  const sides = [link.group.cluster, link.cluster];
  const isPlugged = (cluster: Digest): boolean => listOf(cluster.facts.caSecrets).some((secret) => secret.source === 'plugged-in');
  const isLabelled = (cluster: Digest): boolean =>
    listOf(cluster.facts.namespaces).some(
      (namespace) => namespace.name === link.group.namespace && (namespace.labels[labels.network] ?? '') !== '',
    );
  return sides.every(isPlugged) && (sharesMeshId(link) ?? sides.every(isLabelled));
}

/** Whether somebody chose one mesh ID for both ends; unknown where nobody did at one of them: it is the trust domain then. */
function sharesMeshId(link: Link): boolean | undefined {
  const [own = [], other = []] = [link.group.cluster, link.cluster].map((cluster) =>
    listOf(cluster.facts.meshConfigs).flatMap(({ meshId, trustDomain }) =>
      meshId === undefined || meshId === trustDomain ? [] : [meshId],
    ),
  );
  return own.length === 0 || other.length === 0 ? undefined : own.some((id) => other.includes(id));
}

function looksExternal(controlPlane: ControlPlane, facts: ClusterFacts): boolean {
  return (
    (controlPlane.externalIstiod || mountsKubeconfig(controlPlane)) &&
    listOf(facts.remoteSecrets).some(
      (secret) => secret.namespace === controlPlane.namespace && secret.name === names.externalKubeconfigSecret,
    )
  );
}

function mountsKubeconfig(controlPlane: ControlPlane): boolean {
  return controlPlane.remoteKubeconfigSecret === names.externalKubeconfigSecret;
}

export function isExternal(group: Group): boolean {
  return 'known' in group.external && group.external.known !== false;
}

function groupsOf(cluster: Digest, groups: readonly Group[]): number {
  return groups.filter((group) => group.cluster === cluster).length;
}

export function namesControlPlane(injector: Injector, controlPlane: ControlPlane, group: Group): boolean {
  if (injector.revision !== controlPlane.revision) return false;
  const namespace = injector.target.service?.namespace;
  return namespace === undefined || namespace === group.namespace;
}

function isIstiodService(service: Service): boolean {
  return service.name === 'istiod' || service.name.startsWith('istiod-');
}

function pilotAddresses(services: readonly Service[], facts: ClusterFacts, injectors: readonly Injector[]): Map<string, ObjectRef> {
  const found = new Map<string, ObjectRef>();
  const wanted = new Map(services.map((service) => [`${service.namespace}/${service.name}`, service]));
  for (const service of services) if (service.externalName !== undefined) found.set(service.externalName, service.ref);
  for (const slice of listOf(facts.endpointSlices)) {
    if (!wanted.has(`${slice.namespace}/${slice.service}`)) continue;
    for (const address of slice.endpoints.flatMap((endpoint) => endpoint.addresses)) found.set(address, slice.ref);
  }
  for (const endpoints of listOf(facts.endpoints)) {
    if (!wanted.has(`${endpoints.namespace}/${endpoints.name}`)) continue;
    for (const address of endpoints.subsets.flatMap((subset) => [...subset.addresses, ...subset.notReadyAddresses]))
      found.set(address, endpoints.ref);
  }
  for (const injector of injectors) {
    const host =
      injector.target.url === undefined ? undefined : URL.canParse(injector.target.url) ? new URL(injector.target.url).hostname : undefined;
    if (host !== undefined) found.set(host, injector.ref);
  }
  return found;
}

function gatewayAddresses(services: readonly Service[]): Map<string, ObjectRef> {
  const found = new Map<string, ObjectRef>();
  for (const service of services) {
    const exposes =
      service.labels[labels.network] !== undefined ||
      service.ports.some((port) => port.port === ports.discovery || port.port === ports.webhook);
    if (!exposes) continue;
    for (const { ip, hostname } of service.loadBalancer)
      for (const address of [ip, hostname]) if (address !== undefined) found.set(address, service.ref);
    for (const address of service.externalIPs) found.set(address, service.ref);
  }
  return found;
}

function roots(facts: ClusterFacts): Map<string, ObjectRef> {
  const found = new Map<string, ObjectRef>();
  for (const map of listOf(facts.rootConfigMaps))
    for (const certificate of map.certificates) if (!found.has(certificate.fingerprint)) found.set(certificate.fingerprint, map.ref);
  for (const injector of listOf(facts.injectors)) {
    for (const webhook of injector.webhooks) {
      if (webhook.caBundle.state !== 'certificates') continue;
      for (const certificate of webhook.caBundle.certificates)
        if (!found.has(certificate.fingerprint)) found.set(certificate.fingerprint, injector.ref);
    }
  }
  return found;
}

/** `istiod-1-31-0.istio-system.svc` → `istio-system`; hosts of other shapes say nothing. */
function namespaceOfHost(host: string | undefined): string | undefined {
  const [service, namespace, svc] = host?.split('.') ?? [];
  return svc === 'svc' && service?.startsWith('istiod') === true ? namespace : undefined;
}

/** Injectors that call a url carry the system namespace as suffix of their name when it is not istio-system. */
function namespaceOfInjector(injector: Injector): string | undefined {
  const prefix = 'istio-sidecar-injector-';
  if (injector.tag !== undefined || !injector.name.startsWith(prefix)) return undefined;
  const suffix = injector.name.slice(prefix.length);
  if (suffix === injector.revision) return names.defaultSystemNamespace;
  return suffix.startsWith(`${injector.revision}-`) ? suffix.slice(injector.revision.length + 1) : suffix;
}

/** Those of `facts` that were not read, or not completely. */
export function missing(cluster: Digest, facts: readonly FactName[]): MissingFact[] {
  return facts.flatMap((fact): MissingFact[] => {
    const state = cluster.facts[fact];
    if (state.status !== 'collected') return [{ cluster: cluster.name, fact, why: state }];
    return state.partial === true ? [{ cluster: cluster.name, fact, why: { status: 'partial' } }] : [];
  });
}

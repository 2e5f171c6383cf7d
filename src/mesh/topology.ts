import { compareText, distinct, sortedBy } from '../base/sort.ts';
import { annotations, labels, names, ports } from '../istio/labels.ts';
import type {
  ClusterFacts,
  ControlPlane,
  Fact,
  FactName,
  Injector,
  LeaderElection,
  MissingFact,
  Pod,
  RemoteKubeconfig,
  RemoteSecret,
  Service,
} from '../model/facts.ts';
import { clusterName, type ClusterId, type ClusterName, type NetworkId, networkId, type Revision } from '../model/ids.ts';
import { type ObjectRef, clusterRef, refKey } from '../model/refs.ts';
import type { DeclaredTopology } from '../model/snapshot.ts';
import { type Derived, known, unknown } from './derived.ts';

/** One revision's istiod in one namespace of one cluster. */
export interface ControlPlaneRef {
  readonly cluster: ClusterName;
  readonly namespace: string;
  readonly revision: Revision;
  readonly ref: ObjectRef;
}

/** config: config cluster of an external control plane; external: the cluster that control plane runs in. */
export type MemberRole = 'primary' | 'remote' | 'config' | 'external';

/** One cluster as part of one mesh. */
export interface Member {
  readonly cluster: ClusterName;
  readonly role: Derived<MemberRole>;
  /** What Istio calls it: CLUSTER_ID of its istiod, else what its injectors and proxies claim, else the key of the secret that reads it. */
  readonly clusterId: Derived<ClusterId>;
  /** Label on the system namespace; `undefined` = known to have none. */
  readonly network: Derived<NetworkId | undefined>;
  /** Name of the system namespace of this mesh's control plane, looked up in every cluster under that very name. */
  readonly systemNamespace: string;
  readonly servedBy: Derived<readonly ControlPlaneRef[]>;
  /** Revisions and tags its injectors name, sorted. */
  readonly revisions: readonly string[];
}

/** A control plane and a cluster that it reads or must read. */
export interface Couple {
  readonly controlPlane: ControlPlaneRef;
  readonly member: ClusterName;
  /** self: the cluster whose configuration it reads; remote: a cluster without istiod of its own; peer: another primary. */
  readonly kind: 'self' | 'remote' | 'peer';
  /** An injector or proxy of the member names this revision. */
  readonly serves: Derived<boolean>;
  /** Entries of the control plane's remote secrets that reach this member, whatever their label, namespace or key. */
  readonly credentials: readonly CredentialMatch[];
  /** Facts that could show one of the secrets that open no known cluster to open this one; empty when there is none such. */
  readonly credentialGaps: readonly MissingFact[];
}

export interface CredentialMatch {
  readonly secret: RemoteSecret;
  readonly entry: RemoteKubeconfig;
  /** identity: token, service account or API server CA are the member's; name: only the key says so. */
  readonly by: 'identity' | 'name';
}

export interface Mesh {
  /** Sorted. */
  readonly controlPlanes: readonly ControlPlaneRef[];
  /** Sorted by cluster name. */
  readonly members: ReadonlyMap<ClusterName, Member>;
  readonly couples: readonly Couple[];
  readonly kind: Derived<'primary-remote' | 'multi-primary' | 'external' | 'single-cluster'>;
  /** Distinct networks of system namespaces and gateways, sorted. Two or more = multi-network. */
  readonly networks: readonly NetworkId[];
  /** Lists that were not read and could name further networks. */
  readonly networkGaps: readonly MissingFact[];
  readonly dataPlanes: readonly ('sidecar' | 'ambient')[];
  /** The user says that its members belong together. */
  readonly isDeclared: boolean;
  /** Directions that are left without remote secret on purpose, as the user declares. */
  readonly withoutSecret: readonly { readonly reader: string; readonly read: string }[];
  /** Why its members belong together. */
  readonly evidence: readonly { readonly because: string; readonly ref: ObjectRef }[];
}

export interface Topology {
  readonly meshes: readonly Mesh[];
  readonly withoutIstio: readonly ClusterName[];
  /** Facts without which it is unknown whether two meshes, or a cluster and a mesh, belong together. */
  readonly unknownRelations: readonly MissingFact[];
}

export type FactsByCluster = ReadonlyMap<ClusterName, ClusterFacts>;

/**
 * Which clusters form which mesh, who serves whom, and what each cluster is. Inferred from objects of all clusters, never
 * guessed: losing a fact turns something known into unknown, never into another known.
 */
export function inferTopology(facts: FactsByCluster, declared: DeclaredTopology = {}): Topology {
  const clusters = sortedBy(facts.keys(), (name) => name).map((name) => digest(name, facts.get(name) as ClusterFacts));
  const groups = clusters.flatMap((cluster) => controlPlaneGroups(cluster, clusters));
  const links = groups.flatMap((group) => clusters.flatMap((cluster) => linksBetween(group, cluster, groups)));
  const components = connect(groups, clusters, links, declared);
  const meshes = components.map((component) => describe(component, clusters, links, declared));
  const placed = new Set(meshes.flatMap((mesh) => [...mesh.members.keys()]));
  return {
    meshes: sortedBy(meshes, meshKey),
    withoutIstio: clusters.filter((cluster) => !placed.has(cluster.name)).map((cluster) => cluster.name),
    unknownRelations: components.length > 1 ? unknownRelations(clusters) : [],
  };
}

/** What one cluster says on its own, read once. */
interface Digest {
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
interface Group {
  readonly cluster: Digest;
  readonly namespace: string;
  readonly controlPlanes: readonly ControlPlane[];
  /** Set when this is an external control plane: the cluster whose configuration it reads, where that is among those given. */
  readonly external: Derived<false | { readonly configCluster: ClusterName | undefined }>;
}

interface Link {
  readonly group: Group;
  readonly cluster: Digest;
  readonly how: 'home' | 'config' | 'credential' | 'pilot-address' | 'annotation' | 'election' | 'root' | 'only';
  readonly because: string;
  readonly ref: ObjectRef;
  readonly match?: CredentialMatch;
}

function digest(name: ClusterName, facts: ClusterFacts): Digest {
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
    ...injectors.flatMap((injector) => (injector.injectedClusterId === undefined ? [] : [{ id: injector.injectedClusterId, ref: injector.ref }])),
    ...[...proxyClusterIds].map(([id, ref]) => ({ id: id as ClusterId, ref })),
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
      controlPlanes.length > 0 || injectors.length > 0 || proxyRevisions.size > 0 || istiodServices.length > 0 || expected.size > 0 || elections.length > 0,
  };
}

function controlPlaneGroups(cluster: Digest, clusters: readonly Digest[]): Group[] {
  const namespaces = distinct(cluster.controlPlanes.map((controlPlane) => controlPlane.namespace));
  return namespaces.map((namespace) => {
    const controlPlanes = sortedBy(
      cluster.controlPlanes.filter((controlPlane) => controlPlane.namespace === namespace),
      (controlPlane) => controlPlane.revision,
    );
    return { cluster, namespace, controlPlanes, external: externalOf(cluster, namespace, controlPlanes, clusters) };
  });
}

/**
 * An external control plane has EXTERNAL_ISTIOD and the kubeconfig Secret of its config cluster; a primary that manages
 * remotes has only the former, and env KUBECONFIG says nothing: it is always set.
 */
function externalOf(cluster: Digest, namespace: string, controlPlanes: readonly ControlPlane[], clusters: readonly Digest[]): Group['external'] {
  const external = controlPlanes.filter((controlPlane) => controlPlane.externalIstiod);
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
      clusters.find((other) => other !== cluster && kubeconfig.entries.some((entry) => matchCredential(entry, other) === 'identity')) ??
      clusters.find((other) => other !== cluster && other.claimedIds.some((claim) => ids.has(claim.id)));
    return known({ configCluster: config?.name }, [...evidence, kubeconfig.ref]);
  }
  if (servesItself) return known(false, evidence);
  // The Secret is gone: istiod would then read its own cluster. Another cluster that goes by its CLUSTER_ID is still its config cluster.
  const named = clusters.find((other) => other !== cluster && other.claimedIds.some((claim) => external.some((c) => c.clusterId === claim.id)));
  const uses = named !== undefined && controlPlanes.some((controlPlane) => controlPlane.env['SHARED_MESH_CONFIG'] !== undefined);
  if (uses) return known({ configCluster: named.name }, evidence);
  if (secrets.status !== 'collected') return unknown(missing(cluster, ['remoteSecrets']));
  return known(false, evidence);
}

function linksBetween(group: Group, cluster: Digest, groups: readonly Group[]): Link[] {
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
  for (const match of credentials(group, cluster)) {
    if (match.by === 'identity' || match.secret.multiClusterLabel !== undefined) {
      add('credential', match.by === 'identity' ? 'a remote secret holds its credentials' : 'a remote secret names it', match.secret.ref, match);
    }
  }
  for (const [address, ref] of cluster.pilotAddresses) {
    if (group.cluster.gatewayAddresses.has(address) && groupsOf(group.cluster, groups) === 1) add('pilot-address', 'its istiod Service leads there', ref);
    else if (group.cluster.gatewayAddresses.has(address) && cluster.systemNamespaces.includes(group.namespace)) add('pilot-address', 'its istiod address leads there', ref);
  }
  for (const namespace of listOf(cluster.facts.namespaces)) {
    const value = namespace.name === group.namespace ? namespace.annotations[annotations.controlPlaneClusters] : undefined;
    if (value !== undefined && group.controlPlanes.some((c) => c.clusterId !== names.defaultClusterId && value.split(',').includes(c.clusterId))) {
      add('annotation', 'its system namespace names that control plane', namespace.ref);
    }
  }
  for (const election of listOf(cluster.facts.leaderElections)) {
    if (election.namespace === group.namespace && ledBy(election, group)) add('election', 'an istiod of that control plane leads it', election.ref);
  }
  for (const [fingerprint, ref] of cluster.roots) {
    if (group.cluster.roots.has(fingerprint)) add('root', 'they share a root certificate', ref);
  }
  const injector = cluster.injectors.find((candidate) => group.controlPlanes.some((c) => namesControlPlane(candidate, c, group)));
  if (injector !== undefined && groups.length === 1) add('only', 'no other control plane of that revision is among the clusters given', injector.ref);
  return links;
}

/** Entries of the group's secrets that reach `cluster`: labelled or not, in whichever namespace, under whichever key. */
function credentials(group: Group, cluster: Digest): CredentialMatch[] {
  return secretsOf(group).flatMap((secret) =>
    secret.entries.flatMap((entry) => {
      const by = matchCredential(entry, cluster);
      return by === undefined ? [] : [{ secret, entry, by }];
    }),
  );
}

/** Secrets that may be meant for the group: not those beside another control plane of the same cluster. */
function secretsOf(group: Group): RemoteSecret[] {
  const others = new Set(group.cluster.controlPlanes.map((controlPlane) => controlPlane.namespace).filter((namespace) => namespace !== group.namespace));
  return listOf(group.cluster.facts.remoteSecrets).filter((secret) => !others.has(secret.namespace));
}

function matchCredential(entry: RemoteKubeconfig, cluster: Digest): CredentialMatch['by'] | undefined {
  const tokens = listOf(cluster.facts.serviceAccountTokens);
  const accounts = listOf(cluster.facts.serviceAccounts);
  const token = entry.token;
  const sameToken = token !== undefined && tokens.some((candidate) => candidate.token?.hash === token.hash);
  const sameAccount = token?.serviceAccountUid !== undefined && accounts.some((account) => account.uid === token.serviceAccountUid);
  const cas = new Set(listOf(cluster.facts.apiServerCa).map((certificate) => certificate.fingerprint));
  const sameCa = entry.certificateAuthorities.some((certificate) => cas.has(certificate.fingerprint));
  if (sameToken || sameAccount || sameCa) return 'identity';
  return cluster.claimedIds.some((claim) => claim.id === entry.clusterId) ? 'name' : undefined;
}

/** An election held by `^revision`: the holder is an istiod of another cluster (pilot/pkg/leaderelection). */
function ledBy(election: LeaderElection, group: Group): boolean {
  if (!election.holderKey.startsWith('^')) return false;
  const pods = group.cluster.istiodPods;
  if (pods.has(election.holderIdentity)) return pods.get(election.holderIdentity)?.namespace === group.namespace;
  return group.controlPlanes.some(
    (controlPlane) => `^${controlPlane.revision}` === election.holderKey && election.holderIdentity.startsWith(`${controlPlane.name}-`),
  );
}

interface Component {
  readonly groups: readonly Group[];
  readonly clusters: readonly Digest[];
}

/**
 * Components of the graph control plane group — cluster. Secrets, pilot addresses, annotations and elections connect; a shared
 * root, or being the only control plane there is, connects only what nothing else places: a remote without any other link, or
 * (root only) primaries with one plugged-in root.
 */
function connect(groups: readonly Group[], clusters: readonly Digest[], links: readonly Link[], declared: DeclaredTopology): Component[] {
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
    const isRemote = node === link.cluster.name;
    if (isRemote ? !placed.has(node) && link.cluster.hasIstio : link.how === 'root' && sharesPluggedRoot(link)) join(groupNode(link.group), node);
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
  return [...components.values()].filter((component) => component.groups.length > 0 || [...component.clusters].some((cluster) => cluster.hasIstio)).map((component) => ({
    groups: component.groups,
    clusters: sortedBy(component.clusters, (cluster) => cluster.name),
  }));
}

function describe(component: Component, clusters: readonly Digest[], links: readonly Link[], declared: DeclaredTopology): Mesh {
  const inside = links.filter((link) => component.groups.includes(link.group) && component.clusters.includes(link.cluster));
  const refs = component.groups.flatMap((group) => group.controlPlanes.map((controlPlane) => refOf(controlPlane)));
  const couples = component.groups.flatMap((group) => couplesOf(group, component, inside));
  const members = component.clusters.map((cluster) => memberOf(cluster, component, couples, inside, declared));
  const networks = networksOf(members, component);
  return {
    controlPlanes: sortedBy(refs, (ref) => refKey(ref.ref)),
    members: new Map(members.map((member) => [member.cluster, member])),
    couples: sortedBy(couples, (couple) => `${refKey(couple.controlPlane.ref)} ${couple.member}`),
    kind: kindOf(members, component, clusters),
    networks,
    networkGaps: component.clusters.flatMap((cluster) => missing(cluster, ['namespaces', 'services', 'kubeGateways'])),
    dataPlanes: dataPlanesOf(component),
    isDeclared: (declared.meshes ?? []).some((mesh) => component.clusters.every((cluster) => mesh.clusters.includes(cluster.name))),
    withoutSecret: declared.withoutSecret ?? [],
    evidence: inside
      .filter((link) => link.how !== 'home')
      .map((link) => ({ because: link.because, ref: link.ref }))
      .sort((a, b) => compareText(`${refKey(a.ref)} ${a.because}`, `${refKey(b.ref)} ${b.because}`)),
  };
}

function couplesOf(group: Group, component: Component, links: readonly Link[]): Couple[] {
  const external = isExternal(group);
  const config = 'known' in group.external && group.external.known !== false ? group.external.known.configCluster : undefined;
  return component.clusters.flatMap((cluster): Couple[] => {
    const runsIstiod = component.groups.some((other) => other.cluster === cluster && !isExternal(other));
    const isHome = group.cluster === cluster;
    if (isHome && external) return [];
    const kind = isHome || cluster.name === config ? 'self' : runsIstiod ? 'peer' : 'remote';
    if (!isHome && kind !== 'self' && hostsOnlyExternal(cluster, component)) return [];
    if (kind === 'remote' && !mayServe(group, cluster, component, links)) return [];
    const matches = isHome ? [] : credentials(group, cluster);
    const gaps = isHome || matches.length > 0 || !hasStrayEntries(group, component) ? [] : missing(cluster, ['serviceAccountTokens', 'serviceAccounts', 'apiServerCa', 'injectors', 'pods']);
    return group.controlPlanes.map((controlPlane) => ({
      controlPlane: refOf(controlPlane),
      member: cluster.name,
      kind,
      serves: servesOf(controlPlane, group, cluster, kind, component),
      credentials: matches,
      credentialGaps: gaps,
    }));
  });
}

/** Whether a secret of the group holds an entry that opens none of the clusters, as far as they show. */
function hasStrayEntries(group: Group, component: Component): boolean {
  return secretsOf(group).some((secret) =>
    secret.entries.some((entry) => component.clusters.every((cluster) => matchCredential(entry, cluster) === undefined)),
  );
}

/** With several control plane groups in a mesh, a remote is managed by the one its pilot address, annotation or election names. */
function mayServe(group: Group, cluster: Digest, component: Component, links: readonly Link[]): boolean {
  if (component.groups.length === 1) return true;
  const toCluster = links.filter((link) => link.cluster === cluster);
  for (const how of ['pilot-address', 'election', 'annotation', 'credential', 'root', 'only'] as const) {
    const decisive = toCluster.filter((link) => link.how === how);
    if (decisive.length > 0) return decisive.some((link) => link.group === group);
  }
  return true;
}

function servesOf(controlPlane: ControlPlane, group: Group, cluster: Digest, kind: Couple['kind'], component: Component): Derived<boolean> {
  const injector = cluster.injectors.find((candidate) => namesControlPlane(candidate, controlPlane, group));
  const proxy = cluster.proxyRevisions.get(controlPlane.revision);
  const own = component.groups.some((other) => other.cluster === cluster && !isExternal(other));
  const open = missing(cluster, ['injectors', 'pods']);
  if (kind === 'peer') return own ? known(false, cluster.controlPlanes.map((c) => c.ref)) : unknown(missing(cluster, ['controlPlanes']));
  if (injector !== undefined || proxy !== undefined) {
    return known(true, [injector?.ref, proxy].filter((ref): ref is ObjectRef => ref !== undefined));
  }
  return open.length > 0 ? unknown(open) : known(false, [clusterRef(cluster.name)]);
}

function namesControlPlane(injector: Injector, controlPlane: ControlPlane, group: Group): boolean {
  if (injector.revision !== controlPlane.revision) return false;
  const namespace = injector.target.service?.namespace;
  return namespace === undefined || namespace === group.namespace;
}

function memberOf(cluster: Digest, component: Component, couples: readonly Couple[], links: readonly Link[], declared: DeclaredTopology): Member {
  const override = declared.clusters?.[cluster.name];
  const systemNamespace = systemNamespaceOf(cluster, component);
  const mine = couples.filter((couple) => couple.member === cluster.name);
  const servedBy = servedByOf(cluster, mine);
  const declaredBy = [clusterRef(cluster.name)];
  return {
    cluster: cluster.name,
    role: override?.role === undefined ? roleOf(cluster, component) : known(override.role, declaredBy),
    clusterId: clusterIdOf(cluster, component, links),
    network: override?.network === undefined ? networkOf(cluster, systemNamespace) : known(networkId(override.network), declaredBy),
    systemNamespace,
    servedBy:
      override?.servedBy === undefined
        ? servedBy
        : known(
            component.groups.filter((group) => override.servedBy?.includes(group.cluster.name)).flatMap((group) => group.controlPlanes.map((controlPlane) => refOf(controlPlane))),
            declaredBy,
          ),
    revisions: distinct(cluster.injectors.flatMap((injector) => [injector.revision, ...(injector.tag === undefined ? [] : [injector.tag])])),
  };
}

function servedByOf(cluster: Digest, couples: readonly Couple[]): Derived<readonly ControlPlaneRef[]> {
  const serving = couples.filter((couple) => 'known' in couple.serves && couple.serves.known);
  const open = couples.flatMap((couple) => ('unknown' in couple.serves ? couple.serves.unknown : []));
  if (serving.length > 0) {
    return known(
      serving.map((couple) => couple.controlPlane),
      serving.flatMap((couple) => ('known' in couple.serves ? couple.serves.evidence : [])),
    );
  }
  return open.length > 0 || couples.length === 0 ? unknown(open) : known([], [clusterRef(cluster.name)]);
}

function roleOf(cluster: Digest, component: Component): Derived<MemberRole> {
  const home = component.groups.filter((group) => group.cluster === cluster);
  const undecided = home.flatMap((group) => ('unknown' in group.external ? group.external.unknown : []));
  if (undecided.length > 0) return unknown(undecided);
  const primary = home.filter((group) => !isExternal(group));
  if (primary.length > 0) return known('primary', primary.flatMap((group) => group.controlPlanes.map((c) => c.ref)));
  if (home.length > 0) return known('external', home.flatMap((group) => group.controlPlanes.map((c) => c.ref)));
  const config = component.groups.find((group) => 'known' in group.external && group.external.known !== false && group.external.known.configCluster === cluster.name);
  if (config !== undefined) return known('config', config.controlPlanes.map((c) => c.ref));
  // A remote is a cluster without istiod: that is only known when the Deployments could be read.
  const deployments = cluster.facts.controlPlanes;
  if (deployments.status === 'collected' && deployments.partial !== true) return known('remote', cluster.injectors.map((injector) => injector.ref));
  const pointer = [...cluster.pilotAddresses.values()][0];
  if (deployments.status === 'collected' && pointer !== undefined) return known('remote', [pointer]);
  return unknown(missing(cluster, ['controlPlanes']));
}

function clusterIdOf(cluster: Digest, component: Component, links: readonly Link[]): Derived<ClusterId> {
  const home = component.groups.find((group) => group.cluster === cluster && !isExternal(group));
  const own = home?.controlPlanes[0];
  if (own !== undefined) return known(own.clusterId, [own.ref]);
  const config = component.groups.find((group) => 'known' in group.external && group.external.known !== false && group.external.known.configCluster === cluster.name);
  const configured = config?.controlPlanes[0];
  if (configured !== undefined) return known(configured.clusterId, [configured.ref]);
  const keys = links.flatMap((link) => (link.cluster === cluster && link.match !== undefined ? [{ id: link.match.entry.clusterId, ref: link.match.secret.ref }] : []));
  // What istiod knows is the key of the secret; what the cluster claims agrees with it unless something is wrong, and then both are shown.
  const injected = cluster.injectors.flatMap((injector) => (injector.injectedClusterId === undefined ? [] : [{ id: injector.injectedClusterId, ref: injector.ref }]));
  const proxies = [...cluster.proxyClusterIds].map(([id, ref]) => ({ id: id as ClusterId, ref }));
  const agreed = injected.find((claim) => keys.some((key) => key.id === claim.id)) ?? keys[0] ?? injected[0] ?? proxies[0];
  return agreed === undefined ? unknown(missing(cluster, ['injectors', 'pods'])) : known(agreed.id, [agreed.ref]);
}

function networkOf(cluster: Digest, systemNamespace: string): Derived<NetworkId | undefined> {
  const fact = cluster.facts.namespaces;
  if (fact.status !== 'collected') return unknown(missing(cluster, ['namespaces']));
  const namespace = fact.value.find((candidate) => candidate.name === systemNamespace);
  if (namespace === undefined && fact.partial === true) return unknown(missing(cluster, ['namespaces']));
  const label = namespace?.labels[labels.network];
  return known(label === undefined || label === '' ? undefined : networkId(label), namespace === undefined ? [clusterRef(cluster.name)] : [namespace.ref]);
}

function systemNamespaceOf(cluster: Digest, component: Component): string {
  const own = component.groups.find((group) => group.cluster === cluster);
  const [first] = component.groups;
  const serving = component.groups.find((group) => cluster.systemNamespaces.includes(group.namespace));
  return own?.namespace ?? serving?.namespace ?? first?.namespace ?? cluster.systemNamespaces[0] ?? names.defaultSystemNamespace;
}

function networksOf(members: readonly Member[], component: Component): NetworkId[] {
  const declaredByMembers = members.flatMap((member) => ('known' in member.network && member.network.known !== undefined ? [member.network.known] : []));
  const dataPlane = new Set(members.filter((member) => !('known' in member.role) || member.role.known !== 'external').map((member) => member.cluster));
  const ofGateways = component.clusters
    .filter((cluster) => dataPlane.has(cluster.name))
    .flatMap((cluster) => [...listOf(cluster.facts.services), ...listOf(cluster.facts.kubeGateways)])
    .flatMap((entity) => {
      const label = entity.labels[labels.network];
      return label === undefined || label === '' ? [] : [networkId(label)];
    });
  return distinct([...declaredByMembers, ...ofGateways]);
}

function kindOf(members: readonly Member[], component: Component, clusters: readonly Digest[]): Mesh['kind'] {
  const evidence = component.groups.flatMap((group) => group.controlPlanes.map((controlPlane) => controlPlane.ref));
  const roles: MemberRole[] = [];
  for (const member of members) {
    if ('unknown' in member.role) return unknown(member.role.unknown);
    roles.push(member.role.known);
  }
  if (component.groups.some(isExternal)) return known('external', evidence);
  if (roles.filter((role) => role === 'primary').length > 1) return known('multi-primary', evidence);
  if (roles.includes('remote') && component.groups.length > 0) return known('primary-remote', evidence);
  if (component.groups.length === 0 && clusters.length > 1) return unknown(members.map((member) => ({ cluster: member.cluster, fact: 'controlPlanes', why: { status: 'partial' } })));
  return known('single-cluster', evidence);
}

function dataPlanesOf(component: Component): Mesh['dataPlanes'] {
  const ambient = component.groups.some((group) => group.controlPlanes.some((controlPlane) => controlPlane.env['PILOT_ENABLE_AMBIENT'] === 'true'));
  const sidecar = component.clusters.some((cluster) => listOf(cluster.facts.pods).some((pod) => pod.proxy?.kind === 'sidecar'));
  return [...(ambient ? (['ambient'] as const) : []), ...(sidecar || !ambient ? (['sidecar'] as const) : [])];
}

/** Relations are unknown when a list that could have shown one was not read. */
function unknownRelations(clusters: readonly Digest[]): MissingFact[] {
  return clusters.flatMap((cluster) =>
    missing(cluster, ['controlPlanes', 'remoteSecrets', 'services', 'endpointSlices']).filter((fact) => fact.why.status === 'forbidden' || fact.why.status === 'failed'),
  );
}

function sharesPluggedRoot(link: Link): boolean {
  const plugged = (cluster: Digest): boolean => listOf(cluster.facts.caSecrets).some((secret) => secret.source === 'plugged-in');
  return plugged(link.group.cluster) && plugged(link.cluster);
}

function looksExternal(controlPlane: ControlPlane, facts: ClusterFacts): boolean {
  return (
    controlPlane.externalIstiod &&
    listOf(facts.remoteSecrets).some((secret) => secret.namespace === controlPlane.namespace && secret.name === names.externalKubeconfigSecret)
  );
}

function isExternal(group: Group): boolean {
  return 'known' in group.external && group.external.known !== false;
}

function hostsOnlyExternal(cluster: Digest, component: Component): boolean {
  const home = component.groups.filter((group) => group.cluster === cluster);
  return home.length > 0 && home.every(isExternal);
}

function groupsOf(cluster: Digest, groups: readonly Group[]): number {
  return groups.filter((group) => group.cluster === cluster).length;
}

function refOf(controlPlane: ControlPlane): ControlPlaneRef {
  return { cluster: clusterName(controlPlane.ref.cluster), namespace: controlPlane.namespace, revision: controlPlane.revision, ref: controlPlane.ref };
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
    for (const address of endpoints.subsets.flatMap((subset) => [...subset.addresses, ...subset.notReadyAddresses])) found.set(address, endpoints.ref);
  }
  for (const injector of injectors) {
    const host = injector.target.url === undefined ? undefined : URL.canParse(injector.target.url) ? new URL(injector.target.url).hostname : undefined;
    if (host !== undefined) found.set(host, injector.ref);
  }
  return found;
}

function gatewayAddresses(services: readonly Service[]): Map<string, ObjectRef> {
  const found = new Map<string, ObjectRef>();
  for (const service of services) {
    const exposes = service.labels[labels.network] !== undefined || service.ports.some((port) => port.port === ports.discovery || port.port === ports.webhook);
    if (!exposes) continue;
    for (const { ip, hostname } of service.loadBalancer) for (const address of [ip, hostname]) if (address !== undefined) found.set(address, service.ref);
    for (const address of service.externalIPs) found.set(address, service.ref);
  }
  return found;
}

function roots(facts: ClusterFacts): Map<string, ObjectRef> {
  const found = new Map<string, ObjectRef>();
  for (const map of listOf(facts.rootConfigMaps)) for (const certificate of map.certificates) if (!found.has(certificate.fingerprint)) found.set(certificate.fingerprint, map.ref);
  for (const injector of listOf(facts.injectors)) {
    for (const webhook of injector.webhooks) {
      if (webhook.caBundle.state !== 'certificates') continue;
      for (const certificate of webhook.caBundle.certificates) if (!found.has(certificate.fingerprint)) found.set(certificate.fingerprint, injector.ref);
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

function meshKey(mesh: Mesh): string {
  return [...mesh.members.keys()].join(' ') + mesh.controlPlanes.map((controlPlane) => refKey(controlPlane.ref)).join(' ');
}

/** The list where it was collected, else nothing: for evidence in favour, never for absence. */
export function listOf<E>(fact: Fact<readonly E[]>): readonly E[] {
  return fact.status === 'collected' ? fact.value : [];
}

/** Those of `facts` that were not read, or not completely. */
function missing(cluster: Digest, facts: readonly FactName[]): MissingFact[] {
  return facts.flatMap((fact): MissingFact[] => {
    const state = cluster.facts[fact];
    if (state.status !== 'collected') return [{ cluster: cluster.name, fact, why: state }];
    return state.partial === true ? [{ cluster: cluster.name, fact, why: { status: 'partial' } }] : [];
  });
}

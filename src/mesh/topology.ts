import { compareText, distinct, sortedBy } from '../base/sort.ts';
import { labels, names } from '../istio/labels.ts';
import type { ControlPlane, FactName, MissingFact } from '../model/facts.ts';
import { type ClusterId, clusterId, clusterName, type NetworkId, networkId } from '../model/ids.ts';
import { clusterRef, type ObjectRef, refKey } from '../model/refs.ts';
import type { DeclaredTopology } from '../model/snapshot.ts';
import { credentials, hasStrayEntries } from './credentials.ts';
import { type Derived, known, unknown } from './derived.ts';
import {
  type Component,
  connect,
  controlPlaneGroups,
  type Digest,
  digest,
  type Group,
  isExternal,
  isRemote,
  type Link,
  linksBetween,
  missing,
  namesControlPlane,
} from './relations.ts';
import {
  type ControlPlaneRef,
  type Couple,
  type FactsByCluster,
  listOf,
  type Member,
  type MemberRole,
  type Mesh,
  type Topology,
} from './topology-types.ts';

/**
 * Which clusters form which mesh, who serves whom, and what each cluster is. Inferred from objects of all clusters, never
 * guessed: losing a fact turns something known into unknown, never into another known.
 */
export function inferTopology(facts: FactsByCluster, declared: DeclaredTopology = {}): Topology {
  const clusters = sortedBy(facts, ([name]) => name).map(([name, ofCluster]) => digest(name, ofCluster));
  const groups = clusters.flatMap((cluster) => controlPlaneGroups(cluster, clusters));
  const links = groups.flatMap((group) => clusters.flatMap((cluster) => linksBetween(group, cluster, groups, clusters)));
  const components = connect(groups, clusters, links, declared);
  const meshes = components.map((component) => describe(component, clusters, links, declared));
  const placed = new Set(meshes.flatMap((mesh) => [...mesh.members.keys()]));
  return {
    meshes: sortedBy(meshes, meshKey),
    withoutIstio: clusters
      .filter((cluster) => !placed.has(cluster.name) && missing(cluster, traces).length === 0)
      .map((cluster) => cluster.name),
    unknownRelations: components.length > 1 ? unknownRelations(clusters) : [],
  };
}

/** Every fact the topology is inferred from: what has to be read whatever checks were selected. */
export const topologyFacts = [
  'apiServerCa',
  'caSecrets',
  'controlPlanes',
  'endpointSlices',
  'endpoints',
  'injectors',
  'kubeGateways',
  'leaderElections',
  'meshConfigs',
  'namespaces',
  'pods',
  'remoteSecrets',
  'rootConfigMaps',
  'serviceAccountTokens',
  'serviceAccounts',
  'services',
] as const satisfies readonly FactName[];

/** Lists in which Istio would show if it were there. */
const traces: readonly FactName[] = ['controlPlanes', 'injectors', 'pods', 'services'];

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
    kind: kindOf(members, component),
    networks,
    networkGaps: [
      ...component.clusters.flatMap((cluster) => missing(cluster, ['namespaces', 'services', 'kubeGateways'])),
      ...component.groups.flatMap(({ cluster }) => missing(cluster, ['meshConfigs'])),
    ],
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
    const kind = isHome || cluster.name === config ? 'self' : runsIstiod ? 'peer' : isRemote(cluster) ? 'remote' : 'undetermined';
    if (!isHome && kind !== 'self' && hostsOnlyExternal(cluster, component)) return [];
    if (kind !== 'self' && kind !== 'peer' && !mayServe(group, cluster, component, links)) return [];
    const matches = isHome ? [] : credentials(group, cluster, component.clusters);
    const open = isHome || matches.length > 0;
    const gaps = open
      ? []
      : [
          ...(group.watches === group.cluster ? [] : missing(group.watches, ['remoteSecrets'])),
          ...(hasStrayEntries(group, component)
            ? missing(cluster, ['serviceAccountTokens', 'serviceAccounts', 'apiServerCa', 'injectors', 'pods'])
            : []),
        ];
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
  if (kind === 'undetermined') return unknown(missing(cluster, ['controlPlanes']));
  if (kind === 'peer')
    return own
      ? known(
          false,
          cluster.controlPlanes.map((c) => c.ref),
        )
      : unknown(missing(cluster, ['controlPlanes']));
  if (injector !== undefined || proxy !== undefined) {
    return known(
      true,
      [injector?.ref, proxy].filter((ref): ref is ObjectRef => ref !== undefined),
    );
  }
  return open.length > 0 ? unknown(open) : known(false, [clusterRef(cluster.name)]);
}

function memberOf(
  cluster: Digest,
  component: Component,
  couples: readonly Couple[],
  links: readonly Link[],
  declared: DeclaredTopology,
): Member {
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
            component.groups
              .filter((group) => override.servedBy?.includes(group.cluster.name))
              .flatMap((group) => group.controlPlanes.map((controlPlane) => refOf(controlPlane))),
            declaredBy,
          ),
    revisions: distinct(
      cluster.injectors.flatMap((injector) => [injector.revision, ...(injector.tag === undefined ? [] : [injector.tag])]),
    ),
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
  if (primary.length > 0)
    return known(
      'primary',
      primary.flatMap((group) => group.controlPlanes.map((c) => c.ref)),
    );
  if (home.length > 0)
    return known(
      'external',
      home.flatMap((group) => group.controlPlanes.map((c) => c.ref)),
    );
  const config = component.groups.find(
    (group) => 'known' in group.external && group.external.known !== false && group.external.known.configCluster === cluster.name,
  );
  if (config !== undefined)
    return known(
      'config',
      config.controlPlanes.map((c) => c.ref),
    );
  if (isRemote(cluster)) {
    const pointer = [...cluster.pilotAddresses.values()];
    return known('remote', [...cluster.injectors.map((injector) => injector.ref), ...pointer.slice(0, 1)]);
  }
  return unknown(missing(cluster, ['controlPlanes']));
}

function clusterIdOf(cluster: Digest, component: Component, links: readonly Link[]): Derived<ClusterId> {
  const home = component.groups.find((group) => group.cluster === cluster && !isExternal(group));
  const own = home?.controlPlanes[0];
  if (own !== undefined) return known(own.clusterId, [own.ref]);
  const config = component.groups.find(
    (group) => 'known' in group.external && group.external.known !== false && group.external.known.configCluster === cluster.name,
  );
  const configured = config?.controlPlanes[0];
  if (configured !== undefined) return known(configured.clusterId, [configured.ref]);
  const matches = links.flatMap((link) => (link.cluster === cluster && link.match !== undefined ? [link.match] : []));
  const sure = matches.filter((match) => match.by === 'identity');
  const keys = (sure.length > 0 ? sure : matches).map(({ entry, secret }) => ({ id: entry.clusterId, ref: secret.ref }));
  // Without a look at every secret it is open under which key istiod reads it, whatever the cluster itself claims.
  const unread = component.groups.flatMap((group) => missing(group.cluster, ['remoteSecrets']));
  if (keys.length === 0 && (unread.length > 0 || component.groups.length === 0)) return unknown(unread);
  // What istiod knows is the key of the secret; what the cluster claims agrees with it unless something is wrong, and then both are shown.
  const injected = cluster.injectors.flatMap((injector) =>
    injector.injectedClusterId === undefined ? [] : [{ id: injector.injectedClusterId, ref: injector.ref }],
  );
  const proxies = [...cluster.proxyClusterIds].map(([id, ref]) => ({ id: clusterId(id), ref }));
  const isTaken = (id: ClusterId): boolean =>
    component.clusters.some((other) => other !== cluster && other.claimedIds.some((claim) => claim.id === id));
  // A key that another cluster goes by opens the wrong cluster; what this one says of itself, and no other, is its ID.
  const swapped = keys.length > 0 && keys.every((key) => isTaken(key.id)) ? injected.find((claim) => !isTaken(claim.id)) : undefined;
  const agreed = injected.find((claim) => keys.some((key) => key.id === claim.id)) ?? swapped ?? keys[0] ?? injected[0] ?? proxies[0];
  return agreed === undefined ? unknown(missing(cluster, ['injectors', 'pods'])) : known(agreed.id, [agreed.ref]);
}

function networkOf(cluster: Digest, systemNamespace: string): Derived<NetworkId | undefined> {
  const fact = cluster.facts.namespaces;
  if (fact.status !== 'collected') return unknown(missing(cluster, ['namespaces']));
  const namespace = fact.value.find((candidate) => candidate.name === systemNamespace);
  if (namespace === undefined && fact.partial === true) return unknown(missing(cluster, ['namespaces']));
  const label = namespace?.labels[labels.network];
  return known(
    label === undefined || label === '' ? undefined : networkId(label),
    namespace === undefined ? [clusterRef(cluster.name)] : [namespace.ref],
  );
}

function systemNamespaceOf(cluster: Digest, component: Component): string {
  const own = component.groups.find((group) => group.cluster === cluster);
  const [first] = component.groups;
  const serving = component.groups.find((group) => cluster.systemNamespaces.includes(group.namespace));
  return own?.namespace ?? serving?.namespace ?? first?.namespace ?? cluster.systemNamespaces[0] ?? names.defaultSystemNamespace;
}

function networksOf(members: readonly Member[], component: Component): NetworkId[] {
  const declaredByMembers = members.flatMap((member) =>
    'known' in member.network && member.network.known !== undefined ? [member.network.known] : [],
  );
  const dataPlane = new Set(
    members.filter((member) => !('known' in member.role) || member.role.known !== 'external').map((member) => member.cluster),
  );
  const ofGateways = component.clusters
    .filter((cluster) => dataPlane.has(cluster.name))
    .flatMap((cluster) => [...listOf(cluster.facts.services), ...listOf(cluster.facts.kubeGateways)])
    .flatMap((entity) => {
      const label = entity.labels[labels.network];
      return label === undefined || label === '' ? [] : [networkId(label)];
    });
  const ofMeshNetworks = component.groups.flatMap(({ cluster, controlPlanes }) =>
    listOf(cluster.facts.meshConfigs)
      .filter(({ namespace, revision }) => controlPlanes.some((one) => one.namespace === namespace && one.revision === revision))
      .flatMap(({ meshNetworks }) => meshNetworks.map(({ network }) => network)),
  );
  return distinct([...declaredByMembers, ...ofGateways, ...ofMeshNetworks]);
}

function kindOf(members: readonly Member[], component: Component): Mesh['kind'] {
  const evidence = component.groups.flatMap((group) => group.controlPlanes.map((controlPlane) => controlPlane.ref));
  const roles: MemberRole[] = [];
  for (const member of members) {
    if ('unknown' in member.role) return unknown(member.role.unknown);
    roles.push(member.role.known);
  }
  if (component.groups.some(isExternal)) return known('external', evidence);
  if (roles.filter((role) => role === 'primary').length > 1) return known('multi-primary', evidence);
  if (roles.includes('remote') && component.groups.length > 0) return known('primary-remote', evidence);
  // A cluster without its control plane may be part of anything.
  if (component.groups.length === 0) return unknown(component.clusters.flatMap((cluster) => missing(cluster, ['controlPlanes'])));
  return known('single-cluster', evidence);
}

function dataPlanesOf(component: Component): Mesh['dataPlanes'] {
  const ambient = component.groups.some((group) =>
    group.controlPlanes.some((controlPlane) => controlPlane.env['PILOT_ENABLE_AMBIENT'] === 'true'),
  );
  const sidecar = component.clusters.some((cluster) => listOf(cluster.facts.pods).some((pod) => pod.proxy?.kind === 'sidecar'));
  return [...(ambient ? (['ambient'] as const) : []), ...(sidecar || !ambient ? (['sidecar'] as const) : [])];
}

/** Relations are unknown when a list that could have shown one was not read. */
function unknownRelations(clusters: readonly Digest[]): MissingFact[] {
  return clusters.flatMap((cluster) =>
    missing(cluster, ['controlPlanes', 'remoteSecrets', 'services', 'endpointSlices']).filter(
      (fact) => fact.why.status === 'forbidden' || fact.why.status === 'failed',
    ),
  );
}

function hostsOnlyExternal(cluster: Digest, component: Component): boolean {
  const home = component.groups.filter((group) => group.cluster === cluster);
  return home.length > 0 && home.every(isExternal);
}

function refOf(controlPlane: ControlPlane): ControlPlaneRef {
  return {
    cluster: clusterName(controlPlane.ref.cluster),
    namespace: controlPlane.namespace,
    revision: controlPlane.revision,
    ref: controlPlane.ref,
  };
}

function meshKey(mesh: Mesh): string {
  return [...mesh.members.keys()].join(' ') + mesh.controlPlanes.map((controlPlane) => refKey(controlPlane.ref)).join(' ');
}

export {
  type ControlPlaneRef,
  type Couple,
  type CredentialMatch,
  type FactsByCluster,
  listOf,
  type Member,
  type MemberRole,
  type Mesh,
  type Topology,
} from './topology-types.ts';

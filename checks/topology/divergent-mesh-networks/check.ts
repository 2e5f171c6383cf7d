import {
  type ClusterId,
  type ClusterName,
  compareText,
  type ControlPlane,
  defineCheck,
  distinct,
  groupBy,
  labels,
  list,
  listOf,
  measured,
  type Mesh,
  type MeshConfig,
  type MeshNetwork,
  type Namespace,
  type ObjectRef,
  refKey,
  valueOf,
} from 'meshdoctor/api';

const field = '.data.meshNetworks';

export default defineCheck({
  id: 'divergent-mesh-networks',
  title: 'Primaries say the same in meshNetworks, of clusters that exist, and nothing against the labels',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  needs: ['controlPlanes', 'meshConfigs', 'namespaces', 'remoteSecrets'],
  uses: ['services'],
  path: { hops: ['network', 'gateway'] },
  catalogue: ['ID-12'],
  explains: [
    { code: 'missing-east-west-gateway', match: 'cluster' },
    { code: 'unlisted-gateway', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    { code: 'missing-network-label', match: 'cluster' },
  ],
  docs: {
    why: 'Each istiod reads meshNetworks of its own ConfigMap. Where two say different things of one cluster, one sends its proxies to a gateway and the other to pod addresses. The label of the system namespace wins over what meshNetworks says of the cluster, so gateways that are listed there under another network are never used.',
    confirm:
      'kubectl --context PRIMARY -n istio-system get configmap istio -o jsonpath="{.data.meshNetworks}"; kubectl --context CLUSTER get namespace istio-system -L topology.istio.io/network',
    fix: 'Prefer labels: network label on each system namespace and gateway Service, meshNetworks empty. Where it has to stay, keep it identical in every primary and name clusters by their IDs.',
    notWhen: 'Networks of which only one primary has workloads that call them, such as those of virtual machines.',
    see: ['https://istio.io/latest/docs/reference/config/analysis/ist0126/', 'https://github.com/istio/istio/issues/29359'],
  },
  messages: {
    networks: (a: Differences) => ({
      text: `ConfigMaps ${namesOf(a)} place ${membersOf(a)} on different networks: ${saysOf(a, 'one')} and ${saysOf(a, 'other')}.`,
      expected: 'one network for each cluster, in every primary',
      found: `${saysOf(a, 'one')}; ${saysOf(a, 'other')}`,
      effect: `one of them sends calls to ${membersOf(a)} to a gateway, the other to pod addresses`,
    }),
    gateways: (a: Differences) => ({
      text: `ConfigMaps ${namesOf(a)} name different gateways for the network of ${membersOf(a)}: ${saysOf(a, 'one')} and ${saysOf(a, 'other')}.`,
      expected: 'the same gateways in every primary',
      found: `${saysOf(a, 'one')}; ${saysOf(a, 'other')}`,
      effect: a.isBridged
        ? `calls to ${membersOf(a)} take different ways, by the primary of their caller`
        : `proxies of one of them are sent to pod addresses of ${membersOf(a)}, or to a gateway that is not there`,
      ...(a.isBridged ? { severity: 'warning' as const } : {}),
    }),
    unknownRegistry: (a: {
      config: MeshConfig;
      registries: readonly string[];
      unplaced: readonly ClusterName[];
      known: readonly string[];
    }) => ({
      text: `ConfigMap ${a.config.ref.namespace ?? ''}/${a.config.ref.name} in ${a.config.ref.cluster} places clusters ${list(a.registries)}, which nobody goes by, and says nothing of ${list(a.unplaced)}.`,
      expected: `fromRegistry: one of ${list(a.known)}`,
      found: list(a.registries),
      effect: `${list(a.unplaced)} is on no network: calls to it go to pod addresses`,
    }),
    contradicted: (a: { config: MeshConfig; namespace: Namespace; member: ClusterName; placed: string; labelled: string }) => ({
      text: `ConfigMap ${a.config.ref.namespace ?? ''}/${a.config.ref.name} in ${a.config.ref.cluster} places ${a.member} on ${a.placed} and has gateways for it, but its label says ${a.labelled}, for which there is none.`,
      expected: `${a.labelled} in meshNetworks, or ${labels.network}=${a.placed}`,
      found: `${a.placed} in meshNetworks, ${a.labelled} in the label`,
      effect: `the label wins: calls to ${a.member} go to pod addresses`,
    }),
  },
  *run({ clusters, mesh, finding, undecided }) {
    const configs = clusters.flatMap(({ meshConfigs }) => meshConfigs);
    // Almost nobody has any.
    if (configs.every(({ meshNetworks }) => meshNetworks.length === 0) || configs.some(({ unreadable }) => unreadable)) return;
    const views = clusters.flatMap(({ controlPlanes }) => controlPlanes).flatMap((istiod) => viewOf(istiod, mesh, clusters));
    const knowsServices = clusters.every(({ services }) => services.status === 'collected');
    const labelled = new Set(
      clusters.flatMap(({ services }) => listOf(services).flatMap((service) => service.labels[labels.network] ?? [])),
    );
    const members = distinct(views.flatMap((view) => [...view.members.keys()]));
    for (const key of ['networks', 'gateways'] as const) {
      const differences = members.flatMap((member): Difference[] => {
        const [one, other] = oddAndUsual(views, member, key);
        if (one === undefined || other === undefined) return [];
        return [{ member, one, other, isBridged: knowsServices ? labelled.has(one.network) : true }];
      });
      // Of clusters on different networks the gateways differ, too.
      const isOwn = ({ member }: Difference): boolean => key === 'networks' || oddAndUsual(views, member, 'networks').length === 0;
      for (const group of groupBy(differences.filter(isOwn), ({ one, other }) => `${refKey(one.ref)} ${refKey(other.ref)}`).values()) {
        const [first] = group;
        if (first === undefined) continue;
        const { one, other } = first;
        const say = (side: 'one' | 'other'): string =>
          group.map((difference) => `${difference.member}: ${difference[side].said}`).join(', ');
        yield finding(
          key,
          { differences: group, isBridged: group.every(({ isBridged }) => isBridged) },
          {
            at: one.ref,
            field,
            related: [other.ref],
            evidence: [
              { ref: one.ref, field, observed: say('one') },
              { ref: other.ref, field, observed: say('other') },
            ],
            concerns: distinct<ClusterName>([...group.map(({ member }) => member), one.cluster, other.cluster]),
          },
        );
      }
    }
    const told = new Set<string>();
    for (const view of views) {
      if (told.has(refKey(view.config.ref))) continue;
      told.add(refKey(view.config.ref));
      const registries = distinct(view.config.meshNetworks.flatMap(({ fromRegistries }) => fromRegistries));
      const strange = registries.filter((registry) => !view.known.has(registry));
      const unplaced = [...view.members].filter(([, { network }]) => network === '').map(([member]) => member);
      if (strange.length > 0 && unplaced.length > 0)
        yield finding(
          'unknownRegistry',
          { config: view.config, registries: strange, unplaced, known: [...view.known].sort() },
          {
            at: view.config.ref,
            field,
            evidence: [{ ref: view.config.ref, field, observed: `fromRegistry ${list(strange)}`, expected: list([...view.known].sort()) }],
            concerns: unplaced,
          },
        );
      for (const [member, { placed, labelled: said, namespace }] of view.members) {
        if (placed === undefined || said === undefined || namespace === undefined || placed.network === said) continue;
        const isReached =
          labelled.has(said) || view.config.meshNetworks.some(({ network, gateways }) => network === said && gateways.length > 0);
        if (placed.gateways.length === 0 || isReached) continue;
        if (!knowsServices) {
          const missing = clusters
            .filter(({ services }) => services.status !== 'collected')
            .map(({ name }) => ({ cluster: name, fact: 'services' as const }));
          yield undecided(`whether the network of ${member} has a gateway is not known`, { missing, clusters: [member] });
          continue;
        }
        yield finding(
          'contradicted',
          { config: view.config, namespace, member, placed: placed.network, labelled: said },
          {
            at: view.config.ref,
            field,
            related: [namespace.ref],
            evidence: [
              { ref: view.config.ref, field, observed: `${member} on ${placed.network}` },
              { ref: namespace.ref, field: `.metadata.labels["${labels.network}"]`, observed: said },
            ],
            lacks: clusters.map(({ name }) => ({ cluster: name, fact: 'services' as const })),
            subject: member,
            concerns: [member],
          },
        );
      }
    }
  },
});

interface Side {
  readonly cluster: ClusterName;
  readonly ref: ObjectRef;
  readonly said: string;
  readonly network: string;
}

interface Difference {
  readonly member: ClusterName;
  readonly one: Side;
  readonly other: Side;
  /** A labelled gateway of the network is known to both. */
  readonly isBridged: boolean;
}

/** All clusters of which the same two mesh configs say different things. */
interface Differences {
  readonly differences: readonly Difference[];
  readonly isBridged: boolean;
}

/** What one mesh config makes of a cluster. */
interface Placed {
  /** Empty: none. Ranges of addresses, where those decide. */
  readonly network: string;
  /** Gateways that meshNetworks lists for that network. */
  readonly gateways: readonly string[];
  readonly placed: MeshNetwork | undefined;
  readonly labelled: string | undefined;
  readonly namespace: Namespace | undefined;
}

interface View {
  readonly config: MeshConfig;
  readonly members: ReadonlyMap<ClusterName, Placed>;
  /** IDs of clusters that this istiod has. */
  readonly known: ReadonlySet<string>;
}

interface Seen {
  readonly name: ClusterName;
  readonly meshConfigs: readonly MeshConfig[];
  readonly namespaces: readonly Namespace[];
  readonly remoteSecrets: readonly { readonly entries: readonly { readonly clusterId: ClusterId }[] }[];
}

function viewOf(istiod: ControlPlane, mesh: Mesh, clusters: readonly Seen[]): View[] {
  const couples = mesh.couples.filter(({ controlPlane }) => refKey(controlPlane.ref) === refKey(istiod.ref));
  const home = clusters.find(({ name }) => name === istiod.ref.cluster);
  const config = home === undefined ? undefined : measured.meshConfigOf(istiod, home.meshConfigs);
  if (home === undefined || config === undefined) return [];
  const members = couples.flatMap((couple): [ClusterName, Placed][] => {
    const cluster = clusters.find(({ name }) => name === couple.member);
    const [id] = measured.idsRead(istiod, couple);
    return cluster === undefined || id === undefined ? [] : [[couple.member, placedBy(config, id, istiod.namespace, cluster.namespaces)]];
  });
  const keys = home.remoteSecrets.flatMap(({ entries }) => entries.map(({ clusterId }) => clusterId));
  const ids = [...mesh.members.values()].flatMap(({ clusterId }) => valueOf(clusterId) ?? []);
  return [{ config, members: new Map(members), known: new Set<string>([istiod.clusterId, ...keys, ...ids]) }];
}

/** What the fewest mesh configs say of a cluster, and what the most do; nothing where all agree, or the cluster is read by one only. */
function oddAndUsual(views: readonly View[], member: ClusterName, key: 'networks' | 'gateways'): Side[] {
  const sides = views.flatMap(({ config, members }): (Side & { readonly uid: string })[] => {
    const own = members.get(member);
    if (own === undefined) return [];
    const said = key === 'networks' ? own.network || 'none' : list(own.gateways);
    return [{ cluster: config.ref.cluster, ref: config.ref, said, network: own.network, uid: config.uid ?? '' }];
  });
  const groups = [...groupBy(sides, ({ said }) => said)]
    .sort(
      ([said, group], [other, others]) =>
        group.length - others.length || Number(other === 'none') - Number(said === 'none') || compareText(said, other),
    )
    .map(([, group]) => group.toSorted((a, b) => compareText(a.uid, b.uid)));
  return groups.length < 2 ? [] : [groups[0]?.[0], groups.at(-1)?.[0]].flatMap((side) => side ?? []);
}

function placedBy({ meshNetworks }: MeshConfig, id: ClusterId, systemNamespace: string, namespaces: readonly Namespace[]): Placed {
  const namespace = namespaces.find(({ name }) => name === systemNamespace);
  const said = namespace?.labels[labels.network] ?? '';
  const placed = meshNetworks.find(({ fromRegistries }) => fromRegistries.includes(id));
  const ranged = said === '' && placed === undefined ? meshNetworks.filter(({ cidrs }) => cidrs.length > 0) : [];
  const ranges = ranged.map(({ network, cidrs }) => `${network} (${cidrs.join(', ')})`).sort();
  const network = said !== '' ? said : (placed?.network ?? ranges.join(', '));
  const listed = meshNetworks.filter((one) => one.network === network || ranged.includes(one));
  return {
    network,
    gateways: listed
      .flatMap(({ gateways }) =>
        gateways.map(({ address, registryServiceName, port }) => `${address ?? registryServiceName ?? ''}:${port}`),
      )
      .sort(),
    placed,
    labelled: said === '' ? undefined : said,
    namespace,
  };
}

function namesOf({ differences: [first] }: Differences): string {
  return first === undefined
    ? ''
    : `${first.one.ref.namespace ?? ''}/${first.one.ref.name} of ${first.one.cluster} and ${first.other.cluster}`;
}

function membersOf({ differences }: Differences): string {
  return list(differences.map(({ member }) => member));
}

function saysOf({ differences }: Differences, side: 'one' | 'other'): string {
  const [first] = differences;
  return first === undefined ? '' : `${list(differences.map((difference) => difference[side].said))} in ${first[side].cluster}`;
}

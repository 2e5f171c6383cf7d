import {
  count,
  defineCheck,
  distinct,
  type Injector,
  type InjectorValues,
  labels,
  list,
  listOf,
  type MeshConfig,
  type Namespace,
  type Pod,
  remedy,
  type Remedy,
  type Service,
  shellWord,
  valueOf,
} from 'meshdoctor/api';
import { gatewaysByNetwork, giveNetwork, isLive, some, valuesOf } from '../_area.ts';

const field = `.metadata.labels["${labels.network}"]`;

export default defineCheck({
  id: 'missing-network-label',
  title: 'The system namespace of every cluster of a multi-network mesh names its network',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'meshConfigs'], member: ['namespaces'] },
  uses: { primary: ['injectorValues'], member: ['services', 'pods', 'injectors'] },
  path: { hops: ['network', 'gateway'] },
  catalogue: ['ID-01'],
  docs: {
    why: `istiod takes the network of a pod without a label of its own from ${labels.network} on the system namespace of its cluster. Without that label such a pod is on no network, which counts as everybody's own: other clusters are sent its address instead of a gateway's, and their connections hang.`,
    confirm:
      'kubectl --context CLUSTER get namespace istio-system -L topology.istio.io/network; kubectl --context CLUSTER get pods -A -L topology.istio.io/network',
    fix: 'Label the namespace with the network of the cluster. It takes effect at once; only pods that were injected without a network have to be restarted.',
    notWhen:
      "All clusters reach each other's pods directly: then no label is needed anywhere, even if injection paths or a gateway name that one network.",
    see: ['https://istio.io/latest/docs/setup/install/multicluster/multi-primary_multi-network/'],
  },
  messages: {
    missing: (a: {
      namespace: Namespace;
      networks: readonly string[];
      own: readonly string[];
      bare: readonly Pod[] | undefined;
      grade: 'sure' | 'stamped' | 'single';
      isPrimary: boolean;
      injectsNone: boolean;
    }) => ({
      text: `Namespace ${a.namespace.name} in ${a.namespace.ref.cluster} has no network label, so other clusters are sent addresses of its pods instead of its gateway's.`,
      expected: `${labels.network}=${a.own.length === 1 ? a.own[0] : 'the network of the cluster'}; networks of this mesh: ${list(a.networks)}`,
      found: 'no label',
      effect:
        a.bare === undefined
          ? 'effect not computed: no pods were read'
          : `${count(a.bare.length, 'pod')} on no network; pods that were injected with a network keep it`,
      confirm: [
        `kubectl --context ${shellWord(a.namespace.ref.cluster)} get namespace ${shellWord(a.namespace.name)} -L ${labels.network}`,
        `kubectl --context ${shellWord(a.namespace.ref.cluster)} get pods -A -L ${labels.network}`,
      ],
      remedy: remediesFor(a),
      ...(a.grade === 'sure'
        ? {}
        : { severity: 'warning' as const, certainty: a.grade === 'stamped' ? ('likely' as const) : ('possible' as const) }),
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding }) {
    const namespace = member.namespaces.find((candidate) => candidate.name === controlPlane.namespace);
    if (couple.kind === 'peer' || namespace === undefined || (namespace.labels[labels.network] ?? '') !== '') return;
    const config = primary.meshConfigs.find(
      ({ namespace: home, revision }) => home === controlPlane.namespace && revision === controlPlane.revision,
    );
    if (config !== undefined && isNamedByMeshNetworks(config, valueOf(member.member.clusterId))) return;
    const values = couple.kind === 'self' ? valuesOf(controlPlane, primary.injectorValues) : undefined;
    const gateways = gatewaysByNetwork(listOf(member.services));
    const pods = listOf(member.pods).filter(isLive);
    const own = ownNetworks(gateways, listOf(member.injectors), values, pods);
    const networks = distinct([...mesh.networks, ...own]);
    const labelled = [...mesh.members.values()].filter((other) => valueOf(other.network) !== undefined);
    // One name is one network, labelled or not (FP-1): the guide for primary-remote on one network labels its gateway and no namespace.
    const hasRead = [member.services, member.pods, member.injectors].every((fact) => fact.status === 'collected' && fact.partial !== true);
    if (networks.length < 2 && (!hasRead || labelled.length === 0 || own.length > 0)) return;
    const isStamped = valueOf(member.member.role) === 'config';
    yield finding(
      'missing',
      {
        namespace,
        networks,
        own,
        bare: member.pods.status === 'collected' ? pods.filter(isBare) : undefined,
        isPrimary: couple.kind === 'self',
        injectsNone: injectsNone(values, listOf(member.injectors)),
        grade: networks.length < 2 ? 'single' : isStamped ? 'stamped' : 'sure',
      },
      {
        at: namespace.ref,
        field,
        lacks: config === undefined ? [{ cluster: primary.name, fact: 'meshConfigs' }] : [],
        related: some([...gateways.values()].flat()),
        evidence: [
          { ref: namespace.ref, field, observed: 'absent', expected: own.length === 1 ? (own[0] ?? '') : 'the network of the cluster' },
          ...[...gateways].flatMap(([network, services]) => services.map(({ ref }) => ({ ref, field, observed: network }))),
          ...labelled.flatMap(({ network }) =>
            'known' in network ? network.evidence.map((ref) => ({ ref, field, observed: network.known ?? '' })) : [],
          ),
        ],
      },
    );
  },
});

/** The older way to name networks: by cluster ID or address range, in the mesh config. */
function isNamedByMeshNetworks({ meshNetworks }: MeshConfig, id: string | undefined): boolean {
  return meshNetworks.some(({ fromRegistries, cidrs }) => cidrs.length > 0 || fromRegistries.some((registry) => registry === id));
}

/** What other objects of the cluster call its network: its gateways if they agree, else injectors, istiod's values and proxies. */
function ownNetworks(
  gateways: ReadonlyMap<string, readonly Service[]>,
  injectors: readonly Injector[],
  values: InjectorValues | undefined,
  pods: readonly Pod[],
): string[] {
  if (gateways.size === 1) return [...gateways.keys()];
  const said = [...injectors.map((injector) => injector.injectedNetwork), values?.network, ...pods.map((pod) => pod.proxy?.network)];
  return distinct([...gateways.keys(), ...said.flatMap((network) => network ?? [])]).filter((network) => network !== '');
}

/** Whether a pod that is injected now gets no network: neither istiod's values nor the path name one. */
function injectsNone(values: InjectorValues | undefined, injectors: readonly Injector[]): boolean {
  if (values === undefined && injectors.length === 0) return false;
  const said = [values?.network, ...injectors.map(({ injectedNetwork }) => injectedNetwork)];
  return said.every((network) => network === undefined || network === '');
}

function isBare(pod: Pod): boolean {
  return !pod.hostNetwork && (pod.labels[labels.network] ?? '') === '';
}

function remediesFor(a: {
  namespace: Namespace;
  own: readonly string[];
  bare: readonly Pod[] | undefined;
  isPrimary: boolean;
  injectsNone: boolean;
}): Remedy[] {
  const { cluster } = a.namespace.ref;
  const [network] = a.own;
  if (network === undefined || a.own.length > 1) {
    const line = `kubectl --context ${shellWord(cluster)} label namespace ${shellWord(a.namespace.name)} ${labels.network}=NETWORK`;
    return [remedy.command(cluster, [line], { note: 'NETWORK being the name of its network', ref: a.namespace.ref })];
  }
  const without = (a.bare ?? []).filter((pod) => pod.proxy !== undefined && pod.proxy.network === undefined);
  return [
    remedy.label(a.namespace.ref, { [labels.network]: network }),
    ...(a.injectsNone ? [giveNetwork(cluster, network, a.isPrimary, 'the injector gives new pods no network')] : []),
    ...remedy.restartPods(without),
  ];
}

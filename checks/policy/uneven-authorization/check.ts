import {
  authorizationPolicies,
  type ClusterName,
  defineCheck,
  distinct,
  type endpoints,
  groupBy,
  type IstioResource,
  list,
  type MeshConfig,
  type Pod,
  refKey,
  selectors,
  type Service,
  worlds,
} from 'meshdoctor/api';
import { isOfUsers, readingOf, unknownReading, worldNeeds, worldsIn, worldUses } from '../_area.ts';

export default defineCheck({
  id: 'uneven-authorization',
  title: 'Policies treat one workload alike, whichever cluster it calls from',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  needs: worldNeeds,
  uses: worldUses,
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['authorization'], onlyExplains: true },
  catalogue: ['POL-16'],
  docs: {
    why: 'A workload of one namespace and service account is one caller, in whichever cluster it runs. A policy that goes by trust domain or by addresses can admit it where the service is and not from elsewhere: its other copy has another trust domain that is no alias, or arrives with the address of a gateway, or with one of another range. A policy that admits nobody, or only others, treats both alike and is meant: of that nothing is said here.',
    confirm:
      'istioctl x authz check POD.NAMESPACE --context CLUSTER; kubectl --context PRIMARY get authorizationpolicies -A -o yaml | grep -B3 -A5 -e ipBlocks -e principals',
    fix: 'Name callers by namespaces or serviceAccounts, or by principals that begin with */; list the trust domains of all clusters in trustDomainAliases.',
    notWhen: 'A rule that is meant to admit the copy in the same cluster alone.',
    see: ['https://istio.io/latest/docs/reference/config/security/authorization-policy/#Source'],
  },
  messages: {
    uneven: (a: Uneven) => ({
      text: `AuthorizationPolicy ${a.policy.namespace}/${a.policy.name} in ${a.policy.ref.cluster} lets ${list(a.workloads, 'none', 2)} of ${list(a.servers)} call ${list(a.services, 'none', 2)} there, and not its like of ${list(a.callers)}: it ${a.how === 'denied' ? 'denies' : 'allows'} by ${a.by}.`,
      expected: 'rules that hold for callers of every cluster',
      found: a.by,
      effect: `calls of ${list(a.workloads, 'none', 2)} from ${list(a.callers)} to ${list(a.services, 'none', 2)} in ${list(a.servers)} are denied`,
    }),
  },
  *run({ clusters, mesh, finding, undecided }) {
    const all = worldsIn(mesh, clusters);
    if (all.every((world) => tellingApart(world).length === 0)) return;
    const { known, missing } = readingOf(all);
    if (missing.length > 0) yield undecided(unknownReading, { missing });
    const found: Found[] = [];
    for (const world of known) {
      const telling = new Set(tellingApart(world).map(({ ref }) => refKey(ref)));
      if (telling.size === 0) continue;
      for (const target of targetsIn(world, telling, (service) => isOfUsers(service, mesh))) {
        for (const [server, local, remote] of likeCallers(world, target, clusters)) {
          const here = verdictFor(world, target, local, clusters);
          const there = verdictFor(world, target, remote, clusters);
          if (here.is === 'denied' || there.is !== 'denied' || !telling.has(refKey(there.by.ref))) continue;
          found.push({ target, server, caller: remote, policy: there.by, how: there.how });
        }
      }
    }
    const lacks = clusters.flatMap(({ name }) =>
      (['pods', 'istioResources', 'meshConfigs'] as const).map((fact) => ({ cluster: name, fact })),
    );
    for (const [, same] of groupBy(found, ({ policy, how }) => `${refKey(policy.ref)} ${how}`)) {
      const [first] = same;
      if (first === undefined) continue;
      const args = {
        policy: first.policy,
        how: first.how,
        by: sourcesOf(first.policy),
        services: distinct(same.map(({ target }) => target.service)),
        workloads: distinct(same.map(({ caller: { pod } }) => `${pod.namespace}/${pod.serviceAccount}`)),
        servers: distinct<ClusterName>(same.map(({ server }) => server)),
        callers: distinct<ClusterName>(same.map(({ caller }) => caller.cluster)),
      };
      yield finding('uneven', args, {
        at: first.policy.ref,
        field: '.spec.rules',
        related: same.slice(0, 3).map(({ caller }) => caller.pod.ref),
        evidence: same.slice(0, 3).map(({ caller }) => ({
          ref: caller.pod.ref,
          observed: `${caller.trustDomain}/ns/${caller.pod.namespace}/sa/${caller.pod.serviceAccount}`,
        })),
        concerns: distinct<ClusterName>([...args.servers, ...args.callers]),
        lacks,
      });
    }
  },
});

interface Uneven {
  readonly policy: IstioResource;
  readonly how: 'denied' | 'not-allowed';
  /** What it tells callers apart by. */
  readonly by: string;
  readonly services: readonly string[];
  readonly workloads: readonly string[];
  readonly servers: readonly ClusterName[];
  readonly callers: readonly ClusterName[];
}

interface Found extends Pick<Uneven, 'policy' | 'how'> {
  readonly target: Target;
  readonly server: ClusterName;
  readonly caller: CallingPod;
}

/** A port of a service behind which policies tell callers apart. */
interface Target {
  readonly service: string;
  readonly cluster: ClusterName;
  readonly endpoint: endpoints.ShardEndpoint;
  readonly policies: readonly IstioResource[];
}

interface CallingPod {
  readonly cluster: ClusterName;
  readonly pod: Pod;
  readonly trustDomain: string;
}

type Cluster = Pick<worlds.ClusterLists, 'name' | 'pods' | 'services' | 'meshConfigs'>;

function tellingApart({ applied }: worlds.World): IstioResource[] {
  return applied.ofKind('AuthorizationPolicy').filter(authorizationPolicies.tellsPlacesApart);
}

/** One endpoint for each service, cluster, port and set of policies. */
function targetsIn(world: worlds.World, telling: ReadonlySet<string>, isMeant: (service: Service) => boolean): Target[] {
  const targets = new Map<string, Target>();
  for (const [host, shards] of world.predictions.shards) {
    const first = world.predictions.services.get(host)?.instances[0]?.service;
    if (first === undefined || !isMeant(first) || world.predictions.isClusterLocal(host)) continue;
    for (const endpoint of [...shards.clusters.values()].flat()) {
      const cluster = world.members.get(endpoint.cluster);
      const { pod } = endpoint;
      if (pod?.proxy?.kind !== 'sidecar' || cluster === undefined || !world.serves.includes(cluster)) continue;
      const policies = authorizationPolicies.policiesOn(world.applied, pod);
      if (!policies.some(({ ref }) => telling.has(refKey(ref)))) continue;
      const key = `${host} ${cluster} ${endpoint.port} ${policies.map(({ ref }) => refKey(ref)).join(' ')}`;
      if (!targets.has(key)) targets.set(key, { service: `${shards.namespace}/${shards.name}`, cluster, endpoint, policies });
    }
  }
  return [...targets.values()];
}

/** Pods of one namespace and account, one where the service is and one elsewhere. */
function likeCallers(world: worlds.World, { cluster, endpoint }: Target, clusters: readonly Cluster[]) {
  const members = new Set(world.members.values());
  const own = clusters.find(({ name }) => name === cluster);
  const elsewhere = clusters.filter(({ name }) => name !== cluster && members.has(name));
  const local = own === undefined ? [] : [...accountsIn(own)];
  return elsewhere.flatMap((other) => {
    const theirs = accountsIn(other);
    return local.flatMap(([account, pod]) => {
      const like = theirs.get(account);
      // Whoever serves is no caller of itself.
      if (like === undefined || own === undefined || isServing(account, endpoint)) return [];
      return [[cluster, calling(own, pod), calling(other, like)] as const];
    });
  });
}

function isServing(account: string, { pod }: endpoints.ShardEndpoint): boolean {
  return pod !== undefined && account === `${pod.namespace}/${pod.serviceAccount}`;
}

/** The first running sidecar of each namespace and account; by lists of pods, which are asked often. */
const knownAccounts = new WeakMap<readonly Pod[], Map<string, Pod>>();

function accountsIn({ pods }: Cluster): Map<string, Pod> {
  const before = knownAccounts.get(pods);
  if (before !== undefined) return before;
  const accounts = new Map<string, Pod>();
  for (const pod of pods) {
    const key = `${pod.namespace}/${pod.serviceAccount}`;
    if (pod.proxy?.kind === 'sidecar' && worlds.isAlive(pod) && !accounts.has(key)) accounts.set(key, pod);
  }
  knownAccounts.set(pods, accounts);
  return accounts;
}

function calling({ name, meshConfigs }: Cluster, pod: Pod): CallingPod {
  return { cluster: name, pod, trustDomain: pod.proxy?.trustDomain ?? configOf(pod, meshConfigs)?.trustDomain ?? 'cluster.local' };
}

function configOf(pod: Pod, configs: readonly MeshConfig[]): MeshConfig | undefined {
  return configs.find(({ revision }) => revision === pod.proxy?.revision) ?? configs[0];
}

function verdictFor(world: worlds.World, { endpoint, policies, cluster }: Target, caller: CallingPod, clusters: readonly Cluster[]) {
  const from = addressesOf(world, endpoint, cluster, caller, clusters);
  return authorizationPolicies.verdictOn(policies, {
    port: endpoint.port,
    isHttp: true,
    caller: authorizationPolicies.callerOf(caller.pod, caller.trustDomain, world.applied.meshConfig),
    ...(from === undefined ? {} : { from }),
  });
}

/** Addresses with which a caller arrives: its own, or across networks those of the gateways in front of the service; nothing where these are not known. */
function addressesOf(
  world: worlds.World,
  endpoint: endpoints.ShardEndpoint,
  server: ClusterName,
  { cluster, pod }: CallingPod,
  clusters: readonly Cluster[],
): readonly string[] | undefined {
  const network = pod.proxy?.network;
  if (cluster === server || network === endpoint.network) return pod.ips;
  if (network === undefined || endpoint.network === undefined) return undefined;
  const gateways = world.predictions.gatewaysOf.of(endpoint.network, endpoint.cluster);
  const behind = gateways.map(({ ref }) => {
    const home = clusters.find(({ name }) => name === ref?.cluster);
    const service = home?.services.find((one) => refKey(one.ref) === (ref === undefined ? '' : refKey(ref)));
    return service === undefined
      ? []
      : (home?.pods ?? []).filter((one) => one.namespace === service.namespace && selectors.selectsPods(service.selector, one.labels));
  });
  // One that nobody is known behind, as of a list that was read in part, may have any address.
  return behind.length === 0 || behind.some((pods) => pods.length === 0) ? undefined : behind.flat().flatMap(({ ips }) => ips);
}

function sourcesOf(policy: IstioResource): string {
  const blocks = authorizationPolicies.ipBlocksOf(policy);
  const principals = authorizationPolicies.principalsOf(policy);
  return list(
    [
      ...(blocks.length > 0 ? [`addresses ${list(blocks, 'none', 2)}`] : []),
      ...(principals.length > 0 ? [`principals ${list(principals, 'none', 2)}`] : []),
    ],
    'trust domain or address',
  );
}

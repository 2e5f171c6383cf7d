import {
  authorizationPolicies,
  type ClusterName,
  defineCheck,
  distinct,
  type IstioResource,
  ipAddresses,
  list,
  type Pod,
  refKey,
  type worlds,
} from 'meshdoctor/api';
import { readingOf, unknownReading, worldNeeds, worldsIn, worldUses } from '../_area.ts';

export default defineCheck({
  id: 'unseen-source-address',
  title: 'Policies do not go by addresses of callers that arrive through a gateway',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  needs: worldNeeds,
  uses: worldUses,
  applies: { networks: 'multi', dataPlane: 'sidecar' },
  path: { hops: ['authorization'] },
  catalogue: ['POL-16'],
  explains: [{ code: 'uneven-authorization', match: 'object' }],
  docs: {
    why: 'Callers of another network come through the east-west gateway: the workload sees the identity of the caller, but the address of the gateway. So it does by remoteIpBlocks, unless somebody before the sidecars wrote X-Forwarded-For: they write none. A policy that allows addresses of pods of another network allows nobody, and one that denies them denies nobody.',
    confirm: 'kubectl --context PRIMARY get authorizationpolicies -A -o yaml | grep -B3 -A5 -i ipBlocks',
    fix: 'Allow by principals or namespaces, which survive the way through gateways. Allowing the address of the gateway allows every caller of other networks.',
    notWhen: 'Addresses that pods of the own network have too are taken to mean those.',
    see: ['https://istio.io/latest/docs/reference/config/security/authorization-policy/#Source'],
  },
  messages: {
    allowed: (a: Hidden) => ({
      text: `AuthorizationPolicy ${a.policy.namespace}/${a.policy.name} in ${a.policy.ref.cluster} allows ${list(a.blocks, 'none', 2)}, addresses of pods in ${list(a.callers)}, but ${list(a.servers)} ${a.servers.length === 1 ? 'sees' : 'see'} such callers with the address of the gateway.`,
      expected: 'principals or namespaces of the callers',
      found: `addresses ${list(a.blocks, 'none', 4)}`,
      effect: `calls from ${list(a.callers)} are denied`,
    }),
    denied: (a: Hidden) => ({
      text: `AuthorizationPolicy ${a.policy.namespace}/${a.policy.name} in ${a.policy.ref.cluster} denies ${list(a.blocks, 'none', 2)}, addresses of pods in ${list(a.callers)}, but ${list(a.servers)} ${a.servers.length === 1 ? 'sees' : 'see'} such callers with the address of the gateway.`,
      severity: 'warning',
      expected: 'principals or namespaces of the callers',
      found: `addresses ${list(a.blocks, 'none', 4)}`,
      effect: `calls from ${list(a.callers)} are not denied by it`,
    }),
  },
  *run({ clusters, mesh, finding, undecided }) {
    const { known, missing } = readingOf(worldsIn(mesh, clusters));
    if (missing.length > 0) yield undecided(unknownReading, { missing });
    const told = new Set<string>();
    for (const world of known) {
      for (const policy of world.applied.ofKind('AuthorizationPolicy')) {
        const blocks = authorizationPolicies.ipBlocksOf(policy);
        const action = authorizationPolicies.actionOf(policy);
        if (blocks.length === 0 || (action !== 'ALLOW' && action !== 'DENY') || told.has(refKey(policy.ref))) continue;
        const hidden = hiddenFrom(policy, blocks, world, clusters);
        if (hidden === undefined) continue;
        told.add(refKey(policy.ref));
        yield finding(action === 'ALLOW' ? 'allowed' : 'denied', hidden, {
          at: policy.ref,
          field: '.spec.rules',
          evidence: hidden.blocks.map((observed) => ({ ref: policy.ref, observed, expected: 'an address that the workload sees' })),
          concerns: distinct<ClusterName>([...hidden.servers, ...hidden.callers]),
          lacks: clusters.map(({ name }) => ({ cluster: name, fact: 'pods' as const })),
        });
      }
    }
  },
});

interface Hidden {
  readonly policy: IstioResource;
  readonly blocks: readonly string[];
  readonly callers: readonly ClusterName[];
  readonly servers: readonly ClusterName[];
}

type PodsOf = Pick<worlds.ClusterLists, 'name' | 'pods'>;

/** Blocks that hold addresses of callers of other networks only; nothing where the address of the gateway is allowed, or denied, as well. */
function hiddenFrom(
  policy: IstioResource,
  blocks: readonly string[],
  world: worlds.World,
  clusters: readonly PodsOf[],
): Hidden | undefined {
  const members = clusters.filter(({ name }) => [...world.members.values()].includes(name));
  const hidden: { block: string; caller: ClusterName; server: ClusterName }[] = [];
  for (const { name: server, pods } of members) {
    if (!world.serves.includes(server)) continue;
    const network = pods.find((pod) => isSidecar(pod) && authorizationPolicies.policiesOn(world.applied, pod).includes(policy))?.proxy
      ?.network;
    if (network === undefined) continue;
    if (pods.some((pod) => pod.proxy?.kind === 'gateway' && blocks.some((block) => holds(block, pod)))) continue;
    for (const block of blocks) {
      const held = members.flatMap(({ name, pods: all }) =>
        all.filter((pod) => isSidecar(pod) && holds(block, pod)).map((pod) => ({ name, pod })),
      );
      if (held.some(({ pod }) => pod.proxy?.network === undefined || pod.proxy.network === network)) continue;
      for (const { name } of held) hidden.push({ block, caller: name, server });
    }
  }
  return hidden.length === 0
    ? undefined
    : {
        policy,
        blocks: distinct(hidden.map(({ block }) => block)),
        callers: distinct<ClusterName>(hidden.map(({ caller }) => caller)),
        servers: distinct<ClusterName>(hidden.map(({ server }) => server)),
      };
}

function isSidecar({ proxy, phase }: Pod): boolean {
  return proxy?.kind === 'sidecar' && phase === 'Running';
}

/** A block may be a single address. */
function holds(block: string, { ips }: Pod): boolean {
  return ips.some((ip) => (block.includes('/') ? ipAddresses.isInCidr(ip, block) : ipAddresses.isSameAddress(ip, block)));
}

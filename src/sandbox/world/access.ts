import { ipFamily, isInCidr } from '../../istio/addresses.ts';
import { serverHost, unreachableServer } from '../../istio/kubeconfig-rules.ts';
import { missingRights, type ReaderRight, type Rule } from '../../istio/reader-rules.ts';
import { accessOf, accountOf } from '../../mesh/access.ts';
import { listOf } from '../../mesh/topology.ts';
import type { ClusterFacts, RemoteKubeconfig } from '../../model/facts.ts';
import type { ClusterName } from '../../model/ids.ts';
import type { WorldState } from './state.ts';

/** Which API server a kubeconfig reaches, and what its user may do there; or why it reaches none. */
export type Opened =
  | { readonly cluster: ClusterName; readonly rights: ReaderAccess }
  | { readonly failed: 'unreachable' | 'untrusted' | 'unauthorized'; readonly cluster?: ClusterName };

/** What a reader's rights come to, as istiod of some version uses them. */
export interface ReaderAccess {
  /** Every informer gets what it lists: the registry becomes synced. */
  readonly syncs: boolean;
  /** It may hold the election, write root certificates and patch webhooks. */
  readonly manages: boolean;
  /** Proxies of that cluster can be authenticated. */
  readonly authenticates: boolean;
  /** Whether a resource of the core group (or `endpointslices`) can be listed and watched. */
  readonly lists: (resource: string) => boolean;
}

/** Addresses, `host:port` in lower case, under which the API server of a cluster is reached; by cluster. */
export type ApiAddresses = ReadonlyMap<ClusterName, ReadonlySet<string>>;

/**
 * Where the API servers of a mesh are: what Service `kubernetes` says, and what the remote secrets say that open a cluster by its own
 * token, account or authority. An address there that contradicts the first, that nobody else can reach or that is another cluster's is
 * none.
 */
export function apiAddresses(state: WorldState): ApiAddresses {
  const own = new Map([...state.clusters.values()].map((cluster) => [cluster.name, servedAt(cluster.facts)]));
  const found = new Map([...own].map(([name, addresses]) => [name, new Set(addresses)]));
  for (const couple of state.topology.meshes.flatMap((mesh) => mesh.couples)) {
    for (const { entry, by } of couple.credentials) {
      const address = addressOf(entry.server);
      if (by !== 'identity' || address === undefined || unreachableServer(entry.server) !== undefined) continue;
      if ([...own].some(([name, addresses]) => name !== couple.member && addresses.has(address))) continue;
      const known = own.get(couple.member);
      const isOtherPrivate = (known?.size ?? 0) > 0 && isPrivate(serverHost(entry.server) ?? '') && known?.has(address) !== true;
      if (!isOtherPrivate) found.get(couple.member)?.add(address);
    }
  }
  return found;
}

/** Dials an entry of a remote secret, as an istiod of this version. */
export function openEntry(entry: RemoteKubeconfig, state: WorldState, addresses: ApiAddresses, version: string | undefined): Opened {
  const address = addressOf(entry.server);
  const dialled = [...addresses].find(([, known]) => address !== undefined && known.has(address))?.[0];
  if (dialled === undefined || unreachableServer(entry.server) !== undefined || entry.proxyUrl !== undefined)
    return { failed: 'unreachable' };
  const facts = state.clusters.get(dialled)?.facts;
  if (facts === undefined) return { failed: 'unreachable' };
  if (!isTrusted(entry, facts)) return { failed: 'untrusted', cluster: dialled };
  if (!isAuthenticated(entry, facts, state.now)) return { failed: 'unauthorized', cluster: dialled };
  return { cluster: dialled, rights: rightsOf(entry, facts, version) };
}

function servedAt(facts: ClusterFacts): ReadonlySet<string> {
  const slices = listOf(facts.endpointSlices).filter((slice) => slice.namespace === 'default' && slice.service === 'kubernetes');
  const endpoints = listOf(facts.endpoints).filter((object) => object.namespace === 'default' && object.name === 'kubernetes');
  return new Set([
    ...slices.flatMap((slice) =>
      slice.endpoints.flatMap((endpoint) =>
        endpoint.addresses.flatMap((address) => slice.ports.map(({ port }) => spelled(address, port ?? 443))),
      ),
    ),
    ...endpoints.flatMap(({ subsets }) =>
      subsets.flatMap((subset) => subset.addresses.flatMap((address) => subset.ports.map(({ port }) => spelled(address, port)))),
    ),
  ]);
}

function addressOf(server: string | undefined): string | undefined {
  const host = serverHost(server);
  if (host === undefined || host === '') return undefined;
  const port = /:(\d+)(?:[/?#]|$)/.exec((server ?? '').replace(/^[a-z]+:\/\//i, '').replace(/\[[^\]]*\]/, 'v6'))?.[1];
  return spelled(host, port === undefined ? 443 : Number(port));
}

function spelled(host: string, port: number): string {
  return `${host.toLowerCase()}:${port}`;
}

function isPrivate(host: string): boolean {
  return ipFamily(host) === 4 && ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].some((range) => isInCidr(host, range));
}

function isTrusted(entry: RemoteKubeconfig, facts: ClusterFacts): boolean {
  const served = listOf(facts.apiServerCa);
  if (entry.insecureSkipTlsVerify || served.length === 0) return true;
  return entry.certificateAuthorities.some((known) => served.some(({ fingerprint }) => fingerprint === known.fingerprint));
}

function isAuthenticated(entry: RemoteKubeconfig, facts: ClusterFacts, now: string): boolean {
  const { token } = entry;
  if (token === undefined) return entry.auth.some((kind) => kind === 'client-certificate-data' || kind === 'basic');
  const isOver = token.expiresAt !== undefined && Date.parse(token.expiresAt) <= Date.parse(now);
  if (isOver) return false;
  const accounts = listOf(facts.serviceAccounts);
  const held = listOf(facts.serviceAccountTokens).find((one) => one.token?.hash === token.hash);
  if (held !== undefined) return accounts.some((one) => one.namespace === held.namespace && one.name === held.serviceAccount);
  const account = accountOf(token.subject);
  const own = accounts.find((one) => one.namespace === account?.namespace && one.name === account.name);
  if (own === undefined) return account === undefined && !isWhole(facts.serviceAccountTokens);
  if (token.serviceAccountUid !== undefined && own.uid !== undefined && token.serviceAccountUid !== own.uid) return false;
  // A token of a Secret dies with it; one that was asked for does not need one. A recording may hold the Secret without its token.
  const named = listOf(facts.serviceAccountTokens).find((one) => one.namespace === account?.namespace && one.name === token.secretName);
  return token.secretName === undefined || (named === undefined ? !isWhole(facts.serviceAccountTokens) : named.token === undefined);
}

function isWhole(fact: ClusterFacts['serviceAccountTokens']): boolean {
  return fact.status === 'collected' && fact.partial !== true;
}

function rightsOf(entry: RemoteKubeconfig, facts: ClusterFacts, version: string | undefined): ReaderAccess {
  const account = accountOf(entry.token?.subject);
  const { clusterRoles, clusterRoleBindings } = facts;
  const isKnown = account !== undefined && clusterRoles.status === 'collected' && clusterRoleBindings.status === 'collected';
  // Users of certificates, and clusters whose roles were not recorded: nothing speaks against them.
  if (!isKnown) return { syncs: true, manages: true, authenticates: true, lists: () => true };
  const rules: readonly Rule[] = accessOf(account, clusterRoles.value, clusterRoleBindings.value).rules;
  const served = new Set(listOf(facts.customResources).map(({ group }) => group));
  const missing = missingRights(rules, { version, isManaged: false, served });
  const lacksList = (right: ReaderRight): boolean => right.verb === 'list' || right.verb === 'watch';
  return {
    syncs: !missing.some(lacksList),
    manages: !missingRights(rules, { version, isManaged: true, served }).some(({ effect }) => effect === 'management'),
    authenticates: !missing.some(({ effect }) => effect === 'authentication'),
    lists: (resource) => !missing.some((right) => right.resource === resource && lacksList(right)),
  };
}

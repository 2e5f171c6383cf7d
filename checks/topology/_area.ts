import {
  type ClusterId,
  type ClusterName,
  type ControlPlane,
  type Couple,
  count,
  distinct,
  type Fact,
  type FactName,
  groupBy,
  injection,
  installAgain,
  type Injector,
  type InjectorValues,
  labels,
  list,
  listOf,
  type Member,
  type Mesh,
  type MissingFact,
  type NetworkId,
  networkId,
  type ObjectRef,
  type Pod,
  remedy,
  type Remedy,
  type RemoteSecret,
  remoteSecrets,
  type Service,
  shellWord,
  valueOf,
} from 'meshdoctor/api';

export const title = 'Topology and identity';
export const order = 1;

/** Whether the couple's istiod is the one that has to manage its member: write roots, patch caBundles. */
export type Duty = 'must' | 'need-not' | { readonly unknown: readonly { readonly cluster: ClusterName; readonly fact: FactName }[] };

/**
 * A cluster without istiod is managed by the revision its injectors and proxies name. Where nothing names a revision that runs, it is
 * still to be managed by the only control plane there is, unless nothing of Istio was installed into it: then it is merely read.
 * `isWhole`: every istiod of the primary is known.
 */
export function dutyOf(controlPlane: ControlPlane, isWhole: boolean, couple: Couple, member: Member, mesh: Mesh): Duty {
  if (couple.kind !== 'remote') return 'need-not';
  // The cluster whose configuration an istiod reads through a mounted kubeconfig needs no permission.
  if (controlPlane.remoteKubeconfigSecret !== undefined && valueOf(member.clusterId) === controlPlane.clusterId) return 'need-not';
  if ('unknown' in member.role) return { unknown: gaps(member.role.unknown) };
  if (member.role.known !== 'remote') return 'need-not';
  if (valueOf(couple.serves) === true) return 'must';
  const rivals = mesh.couples.filter((other) => other.member === couple.member && other.kind === 'remote');
  if (rivals.some((other) => valueOf(other.serves) === true)) return 'need-not';
  if (!isWhole) return { unknown: [{ cluster: couple.controlPlane.cluster, fact: 'controlPlanes' }] };
  const homes = new Set(rivals.map(({ controlPlane: home }) => `${home.cluster}/${home.namespace}`));
  if (homes.size === 1 && member.revisions.length > 0) return 'must';
  return 'unknown' in couple.serves ? { unknown: gaps(couple.serves.unknown) } : 'need-not';
}

/** Missing facts as `undecided` wants them. */
export function gaps(facts: readonly MissingFact[]): { cluster: ClusterName; fact: MissingFact['fact'] }[] {
  return facts.map(({ cluster, fact }) => ({ cluster, fact }));
}

/** IDs under which an istiod knows a cluster: its own, or keys of Secrets that it reads. None = it does not read that cluster. */
export function knownAs(controlPlane: ControlPlane, couple: Couple): ClusterId[] {
  if (couple.kind === 'self') return [controlPlane.clusterId];
  const read = remoteSecrets.readCredentials(controlPlane, couple.credentials);
  const sure = read.filter((match) => match.by === 'identity');
  return distinct((sure.length > 0 ? sure : read).map(({ entry }) => entry.clusterId));
}

/** IDs that are not the member's, for sure: istiod's own, keys of Secrets that open other clusters, and what those go by. */
export function idsOfOthers(controlPlane: ControlPlane, couple: Couple, mesh: Mesh, secrets: Fact<readonly RemoteSecret[]>): ClusterId[] {
  const own = new Set([...knownAs(controlPlane, couple), ...keysFor(couple)]);
  const keys = listOf(secrets).flatMap((secret) =>
    secret.entries.flatMap((entry) => (remoteSecrets.entryState(controlPlane, secret, entry) === 'read' ? [entry.clusterId] : [])),
  );
  const others = [...mesh.members.values()].flatMap((other) => (other.cluster === couple.member ? [] : (valueOf(other.clusterId) ?? [])));
  // A key that opens a cluster of another ID is itself the odd one out: it says nothing of who goes by it.
  const misplaced = new Set(
    mesh.couples.flatMap((other) => {
      const id = valueOf(mesh.members.get(other.member)?.clusterId ?? { unknown: [] });
      if (other.member === couple.member || id === undefined) return [];
      return other.credentials.flatMap(({ by, entry }) => (by === 'identity' && entry.clusterId !== id ? [entry.clusterId] : []));
    }),
  );
  return distinct([controlPlane.clusterId, ...keys.filter((key) => !misplaced.has(key)), ...others]).filter((id) => !own.has(id));
}

/** Keys of Secrets that open the member, whether istiod reads them or not; those that only claim its ID where nothing better is known. */
function keysFor({ credentials }: Couple): ClusterId[] {
  const sure = credentials.filter((match) => match.by === 'identity');
  return (sure.length > 0 ? sure : credentials).map(({ entry }) => entry.clusterId);
}

/** Injectors of a cluster that send their reviews to this istiod and can still select a pod; of a revision before those of tags. */
export function injectorsFor(controlPlane: ControlPlane, injectors: readonly Injector[]): Injector[] {
  return injectors
    .filter(
      ({ revision, target }) =>
        revision === controlPlane.revision && (target.service?.namespace ?? controlPlane.namespace) === controlPlane.namespace,
    )
    .filter(injection.isActive)
    .sort((a, b) => Number(a.tag !== undefined) - Number(b.tag !== undefined));
}

export type ProxyPod = Pod & { readonly proxy: NonNullable<Pod['proxy']> };

/** Pods with a proxy that belong to this istiod's revision, or do not say to which; finished ones aside. */
export function proxiesOf(controlPlane: ControlPlane, pods: readonly Pod[], injectors: readonly Injector[] = []): ProxyPod[] {
  return pods.filter((pod): pod is ProxyPod => {
    if (pod.proxy === undefined || !isLive(pod)) return false;
    const { revision } = pod.proxy;
    return (
      revision === undefined ||
      revision === controlPlane.revision ||
      injection.revisionBehind(revision, injectors) === controlPlane.revision
    );
  });
}

export function isLive(pod: Pod): boolean {
  return pod.phase !== 'Succeeded' && pod.phase !== 'Failed';
}

/** Network gateways among Services, by the network they stand for. A Service without selector stands for a gateway that lies elsewhere. */
export function gatewaysByNetwork(services: readonly Service[]): ReadonlyMap<NetworkId, readonly Service[]> {
  const labelled = services.filter((service) => (service.labels[labels.network] ?? '') !== '' && Object.keys(service.selector).length > 0);
  return new Map(
    [...groupBy(labelled, (service) => service.labels[labels.network] ?? '')].map(([network, group]) => [networkId(network), group]),
  );
}

/** `3 pods of sample and shop`. */
export function podsIn(pods: readonly Pod[]): string {
  const namespaces = distinct(pods.map((pod) => pod.namespace));
  return `${count(pods.length, 'pod')} of ${namespaces.length > 3 ? count(namespaces.length, 'namespace') : list(namespaces)}`;
}

/** A few references, for `related`. */
export function some(items: readonly { readonly ref: ObjectRef }[], most = 5): ObjectRef[] {
  return items.slice(0, most).map(({ ref }) => ref);
}

/** `/inject/cluster/ID/net/NETWORK`; a slash in an ID is spelled out, as in the ARNs of EKS. */
export function injectionPath(id: string, network: string | undefined): string {
  const spelled = (part: string): string => part.replaceAll('/', '--slash--');
  return `/inject/cluster/${spelled(id)}${network === undefined ? '' : `/net/${spelled(network)}`}`;
}

/** Path or URL that an injector calls. */
export function pathOf({ target }: Injector): string {
  return target.service?.path ?? target.url ?? '';
}

export function fieldOfPath({ target }: Injector): string {
  return target.service === undefined ? '.webhooks[*].clientConfig.url' : '.webhooks[*].clientConfig.service.path';
}

/** Writes the path into every entry of these injectors at once, and for good through the installer. */
export function rewritePath(cluster: ClusterName, injectors: readonly Injector[], path: string): Remedy[] {
  const note = 'then restart the pods that were created meanwhile; the next installation undoes it unless its values say the same';
  const patches = injectors.map(({ ref, webhooks }) =>
    remedy.strategic(
      ref,
      {
        webhooks: webhooks.map(({ name, target }) => ({
          name,
          clientConfig: target.service === undefined ? { url: withPath(target.url ?? '', path) } : { service: { path } },
        })),
      },
      { note },
    ),
  );
  const url = injectors[0]?.target.url;
  const value = url === undefined ? `values.istiodRemote.injectionPath=${path}` : `values.istiodRemote.injectionURL=${withPath(url, path)}`;
  return [
    ...patches,
    remedy.installer(cluster, [`istioctl install --context ${shellWord(cluster)} -f REMOTE.yaml --set ${shellWord(value)}`], installAgain),
  ];
}

function withPath(url: string, path: string): string {
  return URL.canParse(url) ? new URL(path, url).href : path;
}

/** Lets the injector of a cluster give pods its network. */
export function giveNetwork(cluster: ClusterName, network: string, isPrimary: boolean, why: string): Remedy {
  const path = `values.istiodRemote.injectionPath=/inject/cluster/ID/net/${network}`;
  const set = isPrimary
    ? `-f PRIMARY.yaml --set ${shellWord(`values.global.network=${network}`)}`
    : `-f REMOTE.yaml --set ${shellWord(path)}`;
  return remedy.installer(cluster, [`istioctl install --context ${shellWord(cluster)} ${set}`], `${why}; ${installAgain}`);
}

/** What this istiod injects with where the path of an injector does not say otherwise. */
export function valuesOf({ namespace, revision }: ControlPlane, values: Fact<readonly InjectorValues[]>): InjectorValues | undefined {
  return listOf(values).find((candidate) => candidate.namespace === namespace && candidate.revision === revision);
}

export function isZtunnel({ proxy }: ProxyPod): boolean {
  return proxy.kind === 'ztunnel';
}

/** Gives the ztunnels of a cluster one more value: they are not injected, a restart changes nothing. */
export function installZtunnel(cluster: ClusterName, value: string): Remedy {
  const line = `helm upgrade ztunnel istio/ztunnel --kube-context ${shellWord(cluster)} -n istio-system --reuse-values --set ${shellWord(value)}`;
  return remedy.installer(
    cluster,
    [line],
    'or the same value with istioctl, where ztunnel was installed so; restarts ztunnels, which interrupts connections',
  );
}

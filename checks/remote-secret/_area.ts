import {
  type ClusterName,
  createRemoteSecret,
  type CredentialMatch,
  effectsOfCutOff,
  type Explains,
  labels,
  type Mesh,
  type ObjectRef,
  remedy,
  type Remedy,
  type RemoteSecret,
  remoteSecrets,
  shellWord,
} from 'meshdoctor/api';

export const title = 'Remote secrets and access to API servers';
export const order = 3;

/** What probes see of a cluster that istiod cannot read, or no longer. */
export const effectsOfUnread = [
  { code: 'unsynced-cluster', match: 'cluster' },
  { code: 'severed-cluster', match: 'cluster' },
  { code: 'divergent-replicas/clusters', match: 'cluster' },
  { code: 'divergent-replicas/gateways', match: 'cluster' },
  { code: 'unlisted-gateway', match: 'cluster' },
  { code: 'missing-endpoint-shard', match: 'cluster' },
  { code: 'unanswered-name', match: 'cluster' },
  { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
  { code: 'rejected-cross-network-call', match: 'cluster' },
  // It asks the API server there whether tokens of its proxies are good.
  ...effectsOfCutOff,
] as const satisfies readonly Explains[];

/** Makes the secret for `read` under its id, in the cluster whose istiod is to read it. `more`: further flags of istioctl. */
export function createSecret(reader: ClusterName, namespace: string, read: ClusterName, id: string, note = '', more = ''): Remedy {
  return remedy.command(reader, [createRemoteSecret(reader, namespace, read, id, more)], { note });
}

/**
 * Replaces the kubeconfig behind a key of a Secret, under another key when `id` is given. A second Secret with the key would be ignored
 * for as long as the first is there, and not be looked at again when that goes: the old one goes first.
 */
export function recreateSecret(secret: RemoteSecret, read: ClusterName, key: string, { id = key, more = '', note = '' } = {}): Remedy {
  const { cluster } = secret.ref;
  const create = createRemoteSecret(cluster, secret.namespace, read, id, more);
  if (secret.name === `istio-remote-secret-${id}` && id === key) return remedy.command(cluster, [create], { note });
  const removal = withoutEntry(secret, key, id);
  const between = `between the two commands istiod does not know ${read}${removal.action === 'label' ? '; the first one puts the Secret aside, delete it once nothing misses it' : ''}`;
  return remedy.command(cluster, [...removal.command, create], { disruptive: true, note: note === '' ? between : `${between}; ${note}` });
}

/**
 * Takes an entry from istiod. A Secret with no other one loses the label by which istiod finds it: to istiod it is deleted, and to whoever finds out that
 * it was the right one it is still there. One that is made again under its name is deleted: what is applied over it would add to what it holds.
 */
export function withoutEntry(secret: RemoteSecret, key: string, id?: string, note?: string): Remedy {
  const options = note === undefined ? {} : { note };
  if (secret.entries.length > 1) return remedy.patch(secret.ref, { data: { [key]: null } }, options);
  return secret.name === `istio-remote-secret-${id ?? ''}` ? remedy.delete(secret.ref, options) : putAside(secret, note);
}

/** istiod lets go of it as if it were deleted. */
function putAside(secret: RemoteSecret, note = ''): Remedy {
  const later = 'then delete it once nothing misses it';
  return remedy.label(secret.ref, { [labels.multiCluster]: null }, note === '' ? later : `${note}; ${later}`);
}

/** The same for any Secret that istiod uses: an external istiod mounts the one for its config cluster. */
export function renewSecret(secret: RemoteSecret, read: ClusterName, id: string, options: { more?: string; note?: string } = {}): Remedy {
  return remoteSecrets.isExternalKubeconfig(secret) ? createConfigSecret(secret, read, options) : recreateSecret(secret, read, id, options);
}

/** Makes what an external istiod mounts to read its config cluster, `beside` itself. */
export function createConfigSecret(
  beside: { readonly ref: ObjectRef; readonly namespace: string },
  read: ClusterName,
  { more = '', note = '' }: { more?: string; note?: string } = {},
): Remedy {
  const { cluster } = beside.ref;
  const flags = ['--service-account=istiod', '--create-service-account=false', ...(more === '' ? [] : [more])].join(' ');
  const create = `istioctl create-remote-secret --context=${shellWord(read)} --type=config --namespace=${shellWord(beside.namespace)} ${flags}`;
  const where = `kubectl --context ${shellWord(cluster)} -n ${shellWord(beside.namespace)}`;
  return remedy.command(cluster, [`${create} | ${where} apply -f -`, `${where} rollout restart deployment -l app=istiod`], {
    disruptive: true,
    note,
  });
}

/** `.data["cluster2"]`: where an entry lies. */
export function entryField({ entry }: Pick<CredentialMatch, 'entry'>): string {
  return `.data["${entry.clusterId}"]`;
}

/** `Secret istio-system/istio-remote-secret-west in east`. */
export function named(secret: RemoteSecret): string {
  return `Secret ${secret.namespace}/${secret.name} in ${secret.ref.cluster}`;
}

/** Whether the user left this direction without remote secret on purpose. */
export function isLeftOut(mesh: Mesh, reader: ClusterName, read: ClusterName): boolean {
  return mesh.withoutSecret.some((direction) => direction.reader === reader && direction.read === read);
}

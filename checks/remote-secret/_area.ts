import { type ClusterName, type Mesh, remedy, type Remedy, type CredentialMatch, type RemoteSecret, shellWord } from 'meshdoctor/api';

export const title = 'Remote secrets and access to API servers';
export const order = 3;

/** Makes the secret for `read` again, under its id, in the cluster whose istiod is to read it. */
export function createSecret(reader: ClusterName, namespace: string, read: ClusterName, id: string, note = ''): Remedy {
  const create = `istioctl create-remote-secret --context=${shellWord(read)} --name=${shellWord(id)} -i ${shellWord(namespace)}`;
  return remedy.command(reader, [`${create} | kubectl --context ${shellWord(reader)} -n ${shellWord(namespace)} apply -f -`], { note });
}

/** Replaces whatever the key of a Secret holds now. */
export function recreateSecret(secret: RemoteSecret, read: ClusterName, id: string): Remedy {
  const removes =
    secret.name === `istio-remote-secret-${id}`
      ? ''
      : `then delete Secret ${secret.namespace}/${secret.name}, which would claim the same cluster`;
  return createSecret(secret.ref.cluster, secret.namespace, read, id, removes);
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

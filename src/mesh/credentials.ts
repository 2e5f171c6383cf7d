import { annotations, names } from '../istio/labels.ts';
import type { RemoteKubeconfig, RemoteSecret } from '../model/facts.ts';
import type { Component, Digest, Group } from './relations.ts';
import { type CredentialMatch, listOf } from './topology-types.ts';

/** Entries of the group's secrets that reach `cluster`: labelled or not, in whichever namespace, under whichever key. */
export function credentials(group: Group, cluster: Digest, clusters: readonly Digest[]): CredentialMatch[] {
  return secretsOf(group).flatMap((secret) =>
    secret.entries.flatMap((entry) => {
      const by = matchCredential(entry, cluster, clusters);
      return by === undefined ? [] : [{ secret, entry, by }];
    }),
  );
}

/** Secrets that may be meant for the group: made for Istio by their looks, and not beside another control plane of the same cluster. */
function secretsOf({ cluster, namespace, watches }: Group): RemoteSecret[] {
  const others = new Set(
    watches.controlPlanes.flatMap((controlPlane) => (controlPlane.namespace === namespace ? [] : controlPlane.namespace)),
  );
  const mounted = (secret: RemoteSecret): boolean => secret.namespace === namespace && secret.name === names.externalKubeconfigSecret;
  return [
    ...listOf(watches.facts.remoteSecrets).filter((secret) => isMeantForIstio(secret) && !others.has(secret.namespace)),
    ...(watches === cluster ? [] : listOf(cluster.facts.remoteSecrets).filter(mounted)),
  ];
}

/** Other tools keep kubeconfigs of the same clusters in Secrets, too; those are no remote secrets that lack a label. */
function isMeantForIstio(secret: RemoteSecret): boolean {
  return (
    secret.multiClusterLabel !== undefined ||
    secret.annotations[annotations.networkingCluster] !== undefined ||
    secret.name === names.externalKubeconfigSecret ||
    /^istio-(remote-)?secret-|^istio-kubeconfig/.test(secret.name)
  );
}

/** What shows that an entry opens a cluster: its token or account, the CA of its API server, or nothing but the key. */
type Proof = 'token' | 'ca' | 'name';

function proofOf(entry: RemoteKubeconfig, cluster: Digest): Proof | undefined {
  const tokens = listOf(cluster.facts.serviceAccountTokens);
  const accounts = listOf(cluster.facts.serviceAccounts);
  const token = entry.token;
  const sameToken = token !== undefined && tokens.some((candidate) => candidate.token?.hash === token.hash);
  const sameAccount = token?.serviceAccountUid !== undefined && accounts.some((account) => account.uid === token.serviceAccountUid);
  if (sameToken || sameAccount) return 'token';
  const cas = new Set(listOf(cluster.facts.apiServerCa).map((certificate) => certificate.fingerprint));
  if (entry.certificateAuthorities.some((certificate) => cas.has(certificate.fingerprint))) return 'ca';
  return isKeyOf(entry, cluster) ? 'name' : undefined;
}

function isKeyOf(entry: RemoteKubeconfig, cluster: Digest): boolean {
  return cluster.claimedIds.some((claim) => claim.id === entry.clusterId);
}

/**
 * An entry that is shown to open another cluster does not open one that merely claims the same ID. API servers of several clusters may
 * have one CA: then the token tells which of them is meant, else the key.
 */
export function matchCredential(entry: RemoteKubeconfig, cluster: Digest, clusters: readonly Digest[]): CredentialMatch['by'] | undefined {
  const proof = proofOf(entry, cluster);
  if (proof === undefined) return undefined;
  if (proof === 'token') return 'identity';
  const rivals = clusters.flatMap((other) => (other === cluster ? [] : [{ other, proof: proofOf(entry, other) }]));
  if (rivals.some((rival) => rival.proof === 'token')) return undefined;
  const sharing = rivals.filter((rival) => rival.proof === 'ca');
  if (proof === 'name') return sharing.length > 0 ? undefined : 'name';
  return !isKeyOf(entry, cluster) && sharing.some((rival) => isKeyOf(entry, rival.other)) ? undefined : 'identity';
}

/** Whether a secret of the group holds an entry that opens none of the clusters, as far as they show. */
export function hasStrayEntries(group: Group, component: Component): boolean {
  return secretsOf(group).some((secret) =>
    secret.entries.some((entry) => component.clusters.every((cluster) => proofOf(entry, cluster) === undefined)),
  );
}

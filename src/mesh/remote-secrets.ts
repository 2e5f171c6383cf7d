import { refusedCredentials } from '../istio/kubeconfig-rules.ts';
import { names } from '../istio/labels.ts';
import { compareText, groupBy } from '../base/sort.ts';
import type { CredentialKind, ControlPlane, MissingFact, RemoteKubeconfig, RemoteSecret } from '../model/facts.ts';
import type { Couple, CredentialMatch } from './topology.ts';

/**
 * What istiod makes of one entry of a Secret:
 * read — the cluster is added under the entry's key;
 * unlabelled, misplaced — the Secret is not looked at (pkg/kube/multicluster/secretcontroller.go: NewController);
 * own-id — the key is istiod's own CLUSTER_ID, the entry is ignored;
 * refused — the kubeconfig holds a credential istiod does not accept (pkg/kube/util.go: sanitizeKubeConfig);
 * invalid — there is no usable kubeconfig.
 */
export type EntryState = 'read' | 'unlabelled' | 'misplaced' | 'own-id' | 'refused' | 'invalid';

/** Whether this istiod looks at Secrets at all: since 1.30 it may take kubeconfigs from files instead. */
export function readsSecrets(controlPlane: ControlPlane): boolean {
  return (controlPlane.env['PILOT_MULTICLUSTER_KUBECONFIG_PATH'] ?? '') === '';
}

/** Credentials of an entry for which this istiod refuses it. */
export function refusedBy(controlPlane: ControlPlane, entry: RemoteKubeconfig): CredentialKind[] {
  return refusedCredentials(entry.auth, controlPlane.env['PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS'] ?? '');
}

/** What `controlPlane` makes of `entry` of `secret`, both from the cluster whose Secrets it watches. */
export function entryState(controlPlane: ControlPlane, secret: RemoteSecret, entry: RemoteKubeconfig): EntryState {
  if (secret.multiClusterLabel !== 'true') return 'unlabelled';
  if (secret.namespace !== controlPlane.namespace) return 'misplaced';
  if (entry.clusterId === controlPlane.clusterId) return 'own-id';
  if (entry.invalid !== undefined) return 'invalid';
  return refusedBy(controlPlane, entry).length > 0 ? 'refused' : 'read';
}

/** Credentials of a couple that this istiod uses: those it watches for, and the mounted one that opens an external istiod its config cluster. */
export function readCredentials(controlPlane: ControlPlane, credentials: readonly CredentialMatch[]): CredentialMatch[] {
  return credentials.filter(({ secret, entry }) => {
    if (isExternalKubeconfig(secret)) return controlPlane.externalIstiod && secret.namespace === controlPlane.namespace;
    return readsSecrets(controlPlane) && entryState(controlPlane, secret, entry) === 'read';
  });
}

/** Keys that more than one read Secret claims: istiod takes whichever it meets first, and that changes from start to start. */
export function contestedKeys(
  controlPlane: ControlPlane,
  secrets: readonly RemoteSecret[],
): ReadonlyMap<string, readonly { readonly secret: RemoteSecret; readonly entry: RemoteKubeconfig }[]> {
  const read = secrets.flatMap((secret) =>
    secret.entries
      .filter((entry) => ['read', 'refused', 'invalid'].includes(entryState(controlPlane, secret, entry)))
      .map((entry) => ({ secret, entry })),
  );
  const groups = groupBy(read, ({ entry }) => entry.clusterId);
  return new Map([...groups].filter(([, claims]) => claims.length > 1).sort(([a], [b]) => compareText(a, b)));
}

/** The Secret through which an external istiod reaches its config cluster; its key is no cluster of the mesh. */
export function isExternalKubeconfig(secret: RemoteSecret): boolean {
  return secret.name === names.externalKubeconfigSecret;
}

/** Why istiod does not read a cluster at all: the check that says so, or the facts that would tell. Nothing when it reads it, or takes kubeconfigs from files. */
export function unreadBecause(
  controlPlane: ControlPlane,
  { credentials, credentialGaps }: Pick<Couple, 'credentials' | 'credentialGaps'>,
): { readonly blockedBy: string } | { readonly missing: readonly MissingFact[] } | undefined {
  if (!readsSecrets(controlPlane)) return undefined;
  if (credentials.length === 0) return credentialGaps.length === 0 ? { blockedBy: 'missing-remote-secret' } : { missing: credentialGaps };
  const states = new Set(credentials.map(({ secret, entry }) => entryState(controlPlane, secret, entry)));
  if (states.has('read')) return undefined;
  if (states.has('own-id')) return { blockedBy: 'duplicate-cluster-id' };
  return { blockedBy: states.has('refused') || states.has('invalid') ? 'rejected-kubeconfig' : 'unread-remote-secret' };
}

import {
  type ClusterId,
  type ClusterName,
  type ControlPlane,
  defineCheck,
  distinct,
  type Mesh,
  refKey,
  remedy,
  type RemoteSecret,
  remoteSecrets,
  valueOf,
} from 'meshdoctor/api';
import { effectsOfUnread, named, recreateSecret } from '../_area.ts';

export default defineCheck({
  id: 'self-remote-secret',
  title: 'No remote secret goes by the ID of the cluster that istiod itself runs in',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['controlPlanes', 'remoteSecrets'],
  path: { hops: ['endpoints', 'name', 'route', 'caller'] },
  catalogue: ['SEC-10'],
  explains: [
    { code: 'unled-remote', match: 'cluster', keys: ['swapped'] },
    { code: 'stale-ca-bundle', match: 'cluster', keys: ['swapped'] },
    { code: 'foreign-root', match: 'cluster', keys: ['swapped'] },
    { code: 'missing-root', match: 'cluster', keys: ['swapped'] },
    { code: 'mismatched-cluster-id', match: 'cluster', keys: ['swapped'] },
    ...effectsOfUnread.map((effect) => ({ ...effect, keys: ['swapped'] })),
  ],
  docs: {
    why: 'istiod passes over a kubeconfig whose key is its own cluster ID, because it reads that cluster anyway. By itself that harms nothing. When the kubeconfig opens another cluster, though, its name was mixed up with that of this one, and istiod does not read that cluster at all.',
    confirm:
      'kubectl --context PRIMARY -n istio-system get secret NAME -o jsonpath="{.data}" | jq keys; istioctl remote-clusters --context PRIMARY',
    fix: 'Delete the secret, or create it again with --name set to the cluster that its kubeconfig opens.',
    notWhen:
      'Applied to every cluster alike from one place in Git, the secret for each cluster also comes to itself: istiod passes over it.',
  },
  messages: {
    swapped: (a: { secret: RemoteSecret; key: ClusterId; read: ClusterName; id: string }) => ({
      text: `${named(a.secret)} opens ${a.read} under the ID ${a.key} of ${a.secret.ref.cluster} itself, so istiod passes over it and does not know ${a.read}.`,
      expected: `key ${a.id}`,
      found: `key ${a.key}`,
      effect: `services and endpoints of ${a.read} are unknown to ${a.secret.ref.cluster}`,
      remedy: [recreateSecret(a.secret, a.read, a.key, { id: a.id })],
    }),
    ignored: (a: { secret: RemoteSecret; key: ClusterId }) => ({
      text: `${named(a.secret)} has key ${a.key}, which is ${a.secret.ref.cluster} itself: istiod passes over it.`,
      expected: 'a key of another cluster, or none',
      found: `key ${a.key}`,
      severity: 'info',
      remedy: a.secret.entries.length === 1 ? [remedy.delete(a.secret.ref)] : [],
    }),
  },
  *run({ cluster, mesh, finding }) {
    const told = new Set<string>();
    for (const istiod of cluster.controlPlanes) {
      if (istiod.namespace !== cluster.member.systemNamespace || !remoteSecrets.readsSecrets(istiod)) continue;
      for (const secret of cluster.remoteSecrets) {
        for (const entry of secret.entries) {
          if (remoteSecrets.isExternalKubeconfig(secret) || remoteSecrets.entryState(istiod, secret, entry) !== 'own-id') continue;
          if (told.has(`${refKey(secret.ref)} ${entry.clusterId}`)) continue;
          told.add(`${refKey(secret.ref)} ${entry.clusterId}`);
          const field = `.data["${entry.clusterId}"]`;
          const where = { at: secret.ref, field, related: [istiod.ref], subject: entry.clusterId };
          const read = openedBy(mesh, istiod, secret, entry.clusterId);
          if (read === undefined) {
            yield finding('ignored', { secret, key: entry.clusterId }, where);
            continue;
          }
          const id = valueOf(mesh.members.get(read)?.clusterId ?? { unknown: [] });
          // Two clusters of one ID are another fault.
          if (id === istiod.clusterId) continue;
          yield finding(
            'swapped',
            { secret, key: entry.clusterId, read, id: id ?? read },
            {
              ...where,
              evidence: [{ ref: secret.ref, field, observed: `opens ${read}`, expected: `key ${id ?? read}` }],
              concerns: distinct([cluster.name, read]),
            },
          );
        }
      }
    }
  },
});

/** Another cluster that this entry opens, and that no other entry opens for this istiod. */
function openedBy(mesh: Mesh, istiod: ControlPlane, secret: RemoteSecret, key: ClusterId): ClusterName | undefined {
  return mesh.couples.find(
    ({ controlPlane, kind, credentials }) =>
      kind !== 'self' &&
      refKey(controlPlane.ref) === refKey(istiod.ref) &&
      credentials.some(
        (match) => match.by === 'identity' && match.entry.clusterId === key && refKey(match.secret.ref) === refKey(secret.ref),
      ) &&
      remoteSecrets.readCredentials(istiod, credentials).length === 0,
  )?.member;
}

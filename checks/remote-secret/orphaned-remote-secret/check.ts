import {
  type ClusterId,
  defineCheck,
  listOf,
  measured,
  type Mesh,
  refKey,
  remedy,
  type RemoteSecret,
  remoteSecrets,
  shellWord,
} from 'meshdoctor/api';
import { entryField, named } from '../_area.ts';

export default defineCheck({
  id: 'orphaned-remote-secret',
  title: 'Remote secrets open clusters that still exist',
  severity: 'warning',
  certainty: 'possible',
  scope: 'cluster',
  needs: ['controlPlanes', 'remoteSecrets'],
  uses: ['istiods'],
  catalogue: ['SEC-12'],
  docs: {
    why: 'A remote secret outlives its cluster. istiod goes on trying: every start waits for that API server, up to 30 seconds, the log fills, and endpoints of pods that are gone may be kept. Before 1.10 istiod never became ready.',
    confirm: 'istioctl remote-clusters --context PRIMARY; kubectl --context PRIMARY -n istio-system get secrets -l istio/multiCluster=true',
    fix: 'When the cluster is gone, delete its secret in every primary.',
    notWhen:
      'The cluster may be one that meshdoctor was not given, and its API server one that is down for a while: nothing here can tell the two from a cluster that is gone.',
    see: ['https://github.com/istio/istio/issues/32102', 'https://github.com/istio/istio/issues/30838'],
  },
  messages: {
    unreachable: (a: Orphan) => ({
      text: `${named(a.secret)} opens a cluster ${a.key} that is none of those given, and istiod cannot read it: perhaps it is gone.`,
      expected: `${a.key} synced, or no Secret for it`,
      found: 'timeout',
      effect: 'every start of istiod waits for it',
      confirm: [`istioctl remote-clusters --context ${shellWord(a.secret.ref.cluster)}`],
      remedy: removal(a),
    }),
    undeclared: (a: Orphan) => ({
      text: `${named(a.secret)} opens a cluster ${a.key} that is not among the declared members of the mesh: perhaps it is gone.`,
      expected: 'a declared member, or no Secret for it',
      found: a.key,
      severity: 'info',
      confirm: [`istioctl remote-clusters --context ${shellWord(a.secret.ref.cluster)}`],
      remedy: removal(a),
    }),
  },
  *run({ cluster, mesh, finding }) {
    const told = new Set<string>();
    for (const istiod of cluster.controlPlanes) {
      // What is not known to open anything may open a cluster that could not be read.
      const own = mesh.couples.filter(({ controlPlane }) => refKey(controlPlane.ref) === refKey(istiod.ref));
      if (own.length === 0 || own.some(({ credentials, credentialGaps }) => credentials.length === 0 && credentialGaps.length > 0))
        continue;
      const opened = new Set(
        own.flatMap(({ credentials }) => credentials.map(({ secret, entry }) => `${refKey(secret.ref)} ${entry.clusterId}`)),
      );
      for (const secret of cluster.remoteSecrets) {
        for (const entry of secret.entries) {
          const id = `${refKey(secret.ref)} ${entry.clusterId}`;
          if (opened.has(id) || told.has(id) || !remoteSecrets.readsSecrets(istiod)) continue;
          if (remoteSecrets.entryState(istiod, secret, entry) !== 'read' || isMember(mesh, entry.clusterId)) continue;
          const replicas = measured.replicasOf(istiod, listOf(cluster.istiods));
          const states = replicas.flatMap(({ clusters }) =>
            'answer' in clusters ? clusters.answer.filter((one) => one.id === entry.clusterId) : [],
          );
          const isRead = states.some(({ syncStatus }) => syncStatus !== 'timeout');
          const isUnreachable = states.length > 0 && !isRead;
          if (!isUnreachable && (isRead || !mesh.isDeclared)) continue;
          told.add(id);
          yield finding(
            isUnreachable ? 'unreachable' : 'undeclared',
            { secret, key: entry.clusterId },
            {
              at: secret.ref,
              field: entryField({ entry }),
              related: [istiod.ref, ...replicas.map(({ pod }) => pod)],
              evidence: replicas.map(({ pod }) => ({
                ref: pod,
                observed: `/debug/clusterz: ${entry.clusterId} ${isUnreachable ? 'timeout' : 'not said'}`,
              })),
              subject: entry.clusterId,
            },
          );
        }
      }
    }
  },
});

interface Orphan {
  readonly secret: RemoteSecret;
  readonly key: ClusterId;
}

function removal({ secret, key }: Orphan) {
  const note = 'only when that cluster is gone for good';
  return [secret.entries.length > 1 ? remedy.patch(secret.ref, { data: { [key]: null } }, { note }) : remedy.delete(secret.ref, { note })];
}

function isMember(mesh: Mesh, key: ClusterId): boolean {
  return [...mesh.members.values()].some(({ clusterId }) => 'known' in clusterId && clusterId.known === key);
}

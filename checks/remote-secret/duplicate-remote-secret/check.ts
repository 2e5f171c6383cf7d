import { type ClusterId, type ClusterName, defineCheck, list, remoteSecrets, type RemoteSecret } from 'meshdoctor/api';
import { withoutEntry } from '../_area.ts';

export default defineCheck({
  id: 'duplicate-remote-secret',
  title: 'No two remote secrets claim one cluster',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: [] },
  path: { hops: ['endpoints', 'name', 'route'], onlyExplains: true },
  catalogue: ['SEC-09'],
  explains: [
    // Which of two istiod meets first is a matter of chance.
    { code: 'divergent-replicas/clusters', match: 'cluster' },
    { code: 'divergent-replicas/gateways', match: 'cluster' },
  ],
  docs: {
    why: 'istiod registers a cluster once: of two Secrets with the same key it takes the one it meets first and ignores the other. Which one that is changes from start to start and from replica to replica; edits of the other have no effect.',
    confirm:
      "kubectl --context PRIMARY -n istio-system get secrets -l istio/multiCluster=true -o json | jq -r '.items[]|[.metadata.name,(.data|keys[])]|@tsv'",
    fix: 'Take the label istio/multiCluster from the Secret that is not meant, and delete it once nothing misses it.',
  },
  messages: {
    contested: (a: {
      key: ClusterId;
      secrets: readonly RemoteSecret[];
      reader: ClusterName;
      isSame: boolean;
      doubtful: RemoteSecret | undefined;
    }) => ({
      text: `Secrets ${list(a.secrets.map((secret) => `${secret.namespace}/${secret.name}`))} in ${a.reader} both claim cluster ${a.key}; istiod uses whichever it meets first.`,
      expected: 'one Secret per cluster',
      found: `${a.secrets.length} Secrets with key ${a.key}`,
      effect: a.isSame ? 'edits to one of them have no effect' : 'the kubeconfigs differ: istiod may use the wrong one after any restart',
      severity: a.isSame ? 'warning' : 'error',
      remedy: a.doubtful === undefined ? [] : [withoutEntry(a.doubtful, a.key, undefined, 'check first which of them is meant')],
    }),
  },
  *run({ primary, member, controlPlane, couple, finding }) {
    if (couple.kind !== 'self' || !remoteSecrets.readsSecrets(controlPlane)) return;
    // An external istiod that was not told otherwise watches the Secrets of its config cluster, not these.
    if (member.name !== primary.name && !controlPlane.localClusterSecretWatcher) return;
    for (const claims of remoteSecrets.contestedKeys(controlPlane, primary.remoteSecrets).values()) {
      const [first] = claims;
      if (first === undefined) continue;
      const secrets = claims.map(({ secret }) => secret);
      const isSame = claims.every(({ entry }) => JSON.stringify(entry) === JSON.stringify(first.entry));
      const newest = [...secrets].sort((a, b) => ((a.createdAt ?? '') < (b.createdAt ?? '') ? 1 : -1))[0];
      yield finding(
        'contested',
        { key: first.entry.clusterId, secrets, reader: primary.name, isSame, doubtful: newest },
        {
          at: newest?.ref ?? first.secret.ref,
          field: `.data["${first.entry.clusterId}"]`,
          related: [...secrets.map((secret) => secret.ref), controlPlane.ref],
          evidence: secrets.map((secret) => ({ ref: secret.ref, field: '.data', observed: `key ${first.entry.clusterId}` })),
          subject: first.entry.clusterId,
        },
      );
    }
  },
});

import { type ClusterName, defineCheck, list, remoteSecrets, type RemoteKubeconfig, type RemoteSecret } from 'meshdoctor/api';
import { entryField, named, recreateSecret } from '../_area.ts';

export default defineCheck({
  id: 'rejected-kubeconfig',
  title: 'istiod accepts the kubeconfig of every remote secret',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: [] },
  catalogue: ['SEC-05'],
  explains: [
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root/wholeCluster', match: 'cluster' },
    { code: 'mismatched-cluster-id', match: 'cluster' },
    { code: 'revoked-credential', match: 'cluster' },
  ],
  docs: {
    why: 'istiod refuses kubeconfigs that run a command (exec), use a login plug-in other than oidc, or name files for keys, certificates or tokens, and those that do not parse. The cluster then never appears among its clusters, and it does not try again until the Secret changes.',
    confirm:
      'kubectl --context PRIMARY -n istio-system logs deploy/istiod | grep "create remote cluster failed"; istioctl remote-clusters --context PRIMARY',
    fix: 'Create the secret again with istioctl create-remote-secret, which uses a token of the reader service account.',
    notWhen: 'istiod was told to allow the method in PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS: that is taken into account.',
    since: '1.13 (backported to 1.11.6 and 1.12.1)',
  },
  messages: {
    refused: (a: { secret: RemoteSecret; entry: RemoteKubeconfig; read: ClusterName; refused: readonly string[] }) => ({
      text: `istiod refuses the kubeconfig for ${a.read} in ${named(a.secret)}: it does not allow ${list(a.refused)}.`,
      expected: 'a token, client certificate data or user and password',
      found: list(a.refused),
      effect: `istiod in ${a.secret.ref.cluster} does not know ${a.read} after its next start`,
      remedy: [recreateSecret(a.secret, a.read, a.entry.clusterId)],
    }),
    invalid: (a: { secret: RemoteSecret; entry: RemoteKubeconfig; read: string; reason: string }) => ({
      text: `istiod cannot use key ${a.entry.clusterId} of ${named(a.secret)}: ${a.reason}.`,
      expected: 'a kubeconfig with a current context',
      found: a.reason,
      effect: `istiod in ${a.secret.ref.cluster} does not know cluster ${a.entry.clusterId} after its next start`,
      remedy: [],
    }),
  },
  *run({ controlPlane, couple, primary, member, finding }) {
    if (!remoteSecrets.readsSecrets(controlPlane)) return;
    const matches = couple.credentials;
    const states = matches.map((match) => ({ ...match, state: remoteSecrets.entryState(controlPlane, match.secret, match.entry) }));
    for (const { secret, entry, state } of states) {
      const where = { at: secret.ref, field: entryField({ entry }), related: [controlPlane.ref], subject: entry.clusterId };
      if (state === 'invalid')
        yield finding('invalid', { secret, entry, read: member.name, reason: entry.invalid ?? 'it is empty' }, where);
      if (state !== 'refused') continue;
      const refused = remoteSecrets.refusedBy(controlPlane, entry);
      yield finding(
        'refused',
        { secret, entry, read: member.name, refused },
        { ...where, evidence: [{ ref: secret.ref, field: where.field, observed: `user with ${list(refused)}` }] },
      );
    }
    // A kubeconfig that does not parse shows no identity; under a key nobody claims it belongs to no couple, so it is told once, of istiod's own cluster.
    if (couple.kind !== 'self') return;
    for (const secret of primary.remoteSecrets) {
      for (const entry of secret.entries) {
        if (remoteSecrets.entryState(controlPlane, secret, entry) !== 'invalid') continue;
        const where = { at: secret.ref, field: entryField({ entry }), related: [controlPlane.ref], subject: entry.clusterId };
        yield finding('invalid', { secret, entry, read: entry.clusterId, reason: entry.invalid ?? 'it is empty' }, where);
      }
    }
  },
});

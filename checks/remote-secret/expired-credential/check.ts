import { type ClusterName, defineCheck, remoteSecrets, type RemoteKubeconfig, type RemoteSecret } from 'meshdoctor/api';
import { effectsOfUnread, entryField, named, renewSecret } from '../_area.ts';

export default defineCheck({
  id: 'expired-credential',
  title: 'Tokens in remote secrets have not expired',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets', 'today'], member: [] },
  path: { hops: ['endpoints', 'name', 'route', 'caller'] },
  catalogue: ['SEC-04', 'CLD-05'],
  explains: [
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'missing-root', match: 'cluster' },
    { code: 'revoked-credential', match: 'cluster' },
    ...effectsOfUnread,
  ],
  docs: {
    why: 'A hand-made token has an end. After it the API server answers 401: endpoints freeze as they were, and the next istiod that starts knows none of them, while istioctl remote-clusters still says synced.',
    confirm: 'kubectl --context PRIMARY -n istio-system logs deploy/istiod | grep -i unauthorized',
    fix: 'Create the secret again with istioctl create-remote-secret, whose token does not expire, or renew it well before its end. A token of aws eks get-token lasts fifteen minutes, whatever it is copied into. Istio 1.30.0 to 1.30.3 need a restart of istiod after a rotation.',
    notWhen: 'A token without an end is a legacy service account token and fine here.',
  },
  messages: {
    expired: (a: { secret: RemoteSecret; entry: RemoteKubeconfig; read: ClusterName; end: string }) => ({
      text: `The token for ${a.read} in ${named(a.secret)} expired at ${a.end}, so istiod is refused by that API server.`,
      expected: 'a token that is still valid',
      found: `expired at ${a.end}`,
      effect: `changes in ${a.read} are not seen; after its next start istiod knows none of its endpoints`,
      remedy: [renewSecret(a.secret, a.read, a.entry.clusterId)],
    }),
    expiring: (a: { secret: RemoteSecret; entry: RemoteKubeconfig; read: ClusterName; end: string }) => ({
      text: `The token for ${a.read} in ${named(a.secret)} expires at ${a.end}; after that istiod is refused by that API server.`,
      expected: 'a token valid for more than seven days, or without an end',
      found: `expires at ${a.end}`,
      effect: `from then on changes in ${a.read} are not seen`,
      severity: 'warning',
      certainty: 'likely',
      remedy: [renewSecret(a.secret, a.read, a.entry.clusterId)],
    }),
  },
  *run({ primary, controlPlane, couple, member, finding }) {
    const now = Date.parse(primary.today.takenAt);
    for (const { secret, entry } of remoteSecrets.readCredentials(controlPlane, couple.credentials)) {
      const end = entry.token?.expiresAt;
      if (end === undefined || Date.parse(end) - now > 7 * 86_400_000) continue;
      const where = {
        at: secret.ref,
        field: entryField({ entry }),
        related: [controlPlane.ref],
        evidence: [{ ref: secret.ref, field: entryField({ entry }), observed: `exp ${end}`, expected: `after ${primary.today.takenAt}` }],
        subject: entry.clusterId,
      };
      yield finding(Date.parse(end) <= now ? 'expired' : 'expiring', { secret, entry, read: member.name, end }, where);
    }
  },
});

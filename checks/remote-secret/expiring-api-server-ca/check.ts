import { type ClusterName, count, defineCheck, expiry, remoteSecrets, type RemoteKubeconfig, type RemoteSecret } from 'meshdoctor/api';
import { effectsOfUnread, entryField, named, renewSecret } from '../_area.ts';

export default defineCheck({
  id: 'expiring-api-server-ca',
  title: 'The certificate authorities in remote secrets are in force, and stay so for a while',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets', 'today'], member: [] },
  catalogue: ['TRU-05'],
  explains: [
    { code: 'unled-remote', match: 'cluster', keys: ['expired'] },
    { code: 'stale-ca-bundle', match: 'cluster', keys: ['expired'] },
    { code: 'foreign-root', match: 'cluster', keys: ['expired'] },
    { code: 'missing-root', match: 'cluster', keys: ['expired'] },
    { code: 'mismatched-api-server-ca', match: 'cluster', keys: ['expired'] },
    ...effectsOfUnread,
  ],
  docs: {
    why: 'istiod verifies the API server of another cluster with certificate-authority-data of the remote secret. When that certificate has ended every call fails (x509: certificate has expired or is not yet valid): changes are not seen, and the next istiod that starts knows none of its endpoints.',
    confirm:
      'kubectl --context PRIMARY -n istio-system get secret NAME -o jsonpath="{.data.CLUSTER}" | base64 -d | grep certificate-authority-data | cut -d: -f2 | base64 -d | openssl x509 -noout -subject -enddate',
    fix: 'Renew the authority of that cluster, then create the secret again with istioctl create-remote-secret.',
    notWhen: 'Several authorities may lie side by side, as during their rotation: then the one that lasts longest counts.',
  },
  messages: {
    expired: (a: Ending) => ({
      text: `The certificate authority for ${a.read} in ${named(a.secret)} expired at ${a.end}, so istiod does not trust that API server.`,
      expected: 'an authority that is in force',
      found: `notAfter ${a.end}`,
      effect: `changes in ${a.read} are not seen; after its next start istiod knows none of its endpoints`,
      remedy: [renewSecret(a.secret, a.read, a.entry.clusterId)],
    }),
    soon: (a: Ending) => ({
      text: `The certificate authority for ${a.read} in ${named(a.secret)} expires at ${a.end}; after that istiod does not trust that API server.`,
      expected: 'an authority that was renewed in time',
      found: `notAfter ${a.end}, in ${count(a.days, 'day')}`,
      effect: `from then on changes in ${a.read} are not seen`,
      severity: 'warning',
      certainty: 'likely',
      remedy: [renewSecret(a.secret, a.read, a.entry.clusterId, { note: `after the authority of ${a.read} was renewed` })],
    }),
  },
  *run({ primary, controlPlane, couple, member, finding }) {
    const now = primary.today.takenAt;
    for (const { secret, entry } of remoteSecrets.readCredentials(controlPlane, couple.credentials)) {
      if (entry.insecureSkipTlsVerify) continue;
      const [last] = [...entry.certificateAuthorities].sort((a, b) => Date.parse(b.notAfter) - Date.parse(a.notAfter));
      const state = last === undefined ? undefined : expiry.urgencyOf(last, now);
      if (last === undefined || (state !== 'expired' && state !== 'soon')) continue;
      const days = Math.floor(expiry.daysLeft(last.notAfter, now) ?? 0);
      yield finding(
        state,
        { secret, entry, read: member.name, end: last.notAfter, days },
        {
          at: secret.ref,
          field: entryField({ entry }),
          related: [controlPlane.ref],
          evidence: [{ ref: secret.ref, field: entryField({ entry }), observed: `notAfter ${last.notAfter}`, expected: `after ${now}` }],
          subject: entry.clusterId,
        },
      );
    }
  },
});

interface Ending {
  readonly secret: RemoteSecret;
  readonly entry: RemoteKubeconfig;
  readonly read: ClusterName;
  readonly end: string;
  readonly days: number;
}

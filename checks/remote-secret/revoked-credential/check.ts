import {
  type ClusterName,
  defineCheck,
  remoteSecrets,
  type RemoteKubeconfig,
  type RemoteSecret,
  type ServiceAccount,
  type ServiceAccountToken,
} from 'meshdoctor/api';
import { effectsOfUnread, entryField, named, renewSecret } from '../_area.ts';

const reasons = {
  account: 'its service account is gone or was made again',
  secret: 'the token Secret it came from is gone',
  rotated: 'the token Secret it came from now holds another token',
} as const;

export default defineCheck({
  id: 'revoked-credential',
  title: 'Tokens in remote secrets are still those of the cluster they open',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: ['serviceAccounts', 'serviceAccountTokens'] },
  path: { hops: ['endpoints', 'name', 'route', 'caller'] },
  catalogue: ['SEC-04'],
  explains: [
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'missing-root', match: 'cluster' },
    ...effectsOfUnread,
  ],
  docs: {
    why: 'A service account token is only valid while its service account and its token Secret exist and hold that very token. After a rotation, a re-created account or a rebuilt cluster the API server answers 401, while istioctl remote-clusters still says synced.',
    confirm:
      'kubectl --context REMOTE -n istio-system get serviceaccount istio-reader-service-account; kubectl --context PRIMARY -n istio-system logs deploy/istiod | grep -i unauthorized',
    fix: 'Create the secret again with istioctl create-remote-secret. Istio 1.30.0 to 1.30.3 need a restart of istiod after that.',
  },
  messages: {
    revoked: (a: { secret: RemoteSecret; entry: RemoteKubeconfig; read: ClusterName; why: keyof typeof reasons }) => ({
      text: `The token for ${a.read} in ${named(a.secret)} is no longer valid there: ${reasons[a.why]}.`,
      expected: `a token that ${a.read} still accepts`,
      found: reasons[a.why],
      effect: `changes in ${a.read} are not seen; after its next start istiod knows none of its endpoints`,
      remedy: [renewSecret(a.secret, a.read, a.entry.clusterId)],
    }),
  },
  *run({ controlPlane, couple, member, finding }) {
    for (const { secret, entry } of remoteSecrets.readCredentials(controlPlane, couple.credentials)) {
      const why = revoked(entry, member);
      if (why === undefined) continue;
      yield finding(
        'revoked',
        { secret, entry, read: member.name, why },
        {
          at: secret.ref,
          field: entryField({ entry }),
          related: [
            controlPlane.ref,
            ...member.serviceAccountTokens.filter((token) => token.name === entry.token?.secretName).map((token) => token.ref),
          ],
          evidence: [{ ref: secret.ref, field: entryField({ entry }), observed: reasons[why] }],
          lacks: [
            { cluster: member.name, fact: 'serviceAccounts' },
            { cluster: member.name, fact: 'serviceAccountTokens' },
          ],
          subject: entry.clusterId,
        },
      );
    }
  },
});

interface Stored {
  readonly member: { readonly systemNamespace: string };
  readonly serviceAccounts: readonly ServiceAccount[];
  readonly serviceAccountTokens: readonly ServiceAccountToken[];
}

/** Only a legacy token says which Secret it lives in; a bound token cannot be compared with anything that is stored. */
function revoked({ token }: RemoteKubeconfig, { member, serviceAccounts, serviceAccountTokens }: Stored): keyof typeof reasons | undefined {
  if (token?.subject === undefined || !token.subject.startsWith('system:serviceaccount:')) return undefined;
  const [, , namespace, name] = token.subject.split(':');
  const near = serviceAccounts.filter((candidate) => candidate.namespace === namespace);
  // Accounts outside the system namespace may not have been looked for.
  if (near.length === 0 && namespace !== member.systemNamespace) return undefined;
  const account = near.find((candidate) => candidate.name === name);
  const isOther = account?.uid !== undefined && token.serviceAccountUid !== undefined && account.uid !== token.serviceAccountUid;
  if (account === undefined || isOther) return 'account';
  if (token.secretName === undefined) return undefined;
  const stored = serviceAccountTokens.find((candidate) => candidate.namespace === namespace && candidate.name === token.secretName);
  if (stored === undefined) return 'secret';
  return stored.token?.subject !== undefined && stored.token.hash !== token.hash ? 'rotated' : undefined;
}

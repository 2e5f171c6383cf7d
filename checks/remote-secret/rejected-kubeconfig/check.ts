import {
  type ClusterName,
  defineCheck,
  effectsOfCutOff,
  list,
  refKey,
  remedy,
  type RemoteKubeconfig,
  type RemoteSecret,
  remoteSecrets,
} from 'meshdoctor/api';
import { entryField, named, renewSecret } from '../_area.ts';

export default defineCheck({
  id: 'rejected-kubeconfig',
  title: 'istiod accepts the kubeconfig of every remote secret',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: [] },
  path: { hops: ['endpoints', 'name', 'route', 'caller'] },
  catalogue: ['SEC-05', 'CLD-05'],
  explains: [
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'missing-root', match: 'cluster' },
    { code: 'mismatched-cluster-id', match: 'cluster' },
    { code: 'revoked-credential', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unknown-destination/elsewhere', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    ...effectsOfCutOff,
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
      text: `${named(a.secret)} holds a kubeconfig for ${a.read} that istiod refuses: it does not allow ${list(a.refused)}.`,
      expected: 'a token, client certificate data or user and password',
      found: list(a.refused),
      effect: `istiod in ${a.secret.ref.cluster} does not know ${a.read} after its next start`,
      remedy: [renewSecret(a.secret, a.read, a.entry.clusterId)],
    }),
    invalid: (a: { secret: RemoteSecret; entry: RemoteKubeconfig; read: ClusterName; reason: string }) => ({
      text: `${named(a.secret)} holds no kubeconfig that istiod could use for ${a.read}: ${a.reason}.`,
      expected: 'a kubeconfig with a current context',
      found: a.reason,
      effect: `istiod in ${a.secret.ref.cluster} does not know ${a.read} after its next start`,
      remedy: [renewSecret(a.secret, a.read, a.entry.clusterId)],
    }),
    stray: (a: { secret: RemoteSecret; entry: RemoteKubeconfig; reason: string; isAlone: boolean }) => ({
      text: `${named(a.secret)} has key ${a.entry.clusterId}, which istiod takes for a cluster, but holds no kubeconfig there: ${a.reason}.`,
      expected: 'keys that are cluster IDs, with a kubeconfig each',
      found: a.reason,
      effect: `if a cluster goes by ${a.entry.clusterId}, istiod does not know it`,
      severity: a.isAlone ? 'error' : 'warning',
      remedy: [remedy.patch(a.secret.ref, { data: { [a.entry.clusterId]: null } }, { note: 'where no cluster of that name is meant' })],
    }),
  },
  *run({ controlPlane, couple, primary, member, mesh, finding }) {
    if (!remoteSecrets.readsSecrets(controlPlane)) return;
    for (const { secret, entry } of couple.credentials) {
      // The kubeconfig of an external istiod is mounted; that the watch meets it, too, does not matter.
      if (remoteSecrets.isExternalKubeconfig(secret)) continue;
      const state = remoteSecrets.entryState(controlPlane, secret, entry);
      const where = { at: secret.ref, field: entryField({ entry }), related: [controlPlane.ref], subject: entry.clusterId };
      if (state === 'invalid') {
        const reason = entry.invalid ?? 'it is empty';
        const evidence = [{ ref: secret.ref, field: where.field, observed: reason }];
        yield finding('invalid', { secret, entry, read: member.name, reason }, { ...where, evidence });
      }
      if (state !== 'refused') continue;
      const refused = remoteSecrets.refusedBy(controlPlane, entry);
      const evidence = [{ ref: secret.ref, field: where.field, observed: `user with ${list(refused)}` }];
      yield finding('refused', { secret, entry, read: member.name, refused }, { ...where, evidence });
    }
    // A kubeconfig that does not parse shows no identity; under a key nobody claims it belongs to no couple: told once, of istiod's own cluster.
    if (couple.kind !== 'self' || member.name !== primary.name) return;
    const placed = new Set(
      mesh.couples.flatMap((other) => other.credentials.map((match) => `${refKey(match.secret.ref)} ${match.entry.clusterId}`)),
    );
    for (const secret of primary.remoteSecrets) {
      for (const entry of secret.entries) {
        if (placed.has(`${refKey(secret.ref)} ${entry.clusterId}`)) continue;
        if (remoteSecrets.entryState(controlPlane, secret, entry) !== 'invalid') continue;
        const field = entryField({ entry });
        const reason = entry.invalid ?? 'it is empty';
        const isAlone = secret.entries.every((other) => other.invalid !== undefined);
        const evidence = [{ ref: secret.ref, field, observed: reason }];
        yield finding(
          'stray',
          { secret, entry, reason, isAlone },
          { at: secret.ref, field, related: [controlPlane.ref], evidence, subject: entry.clusterId },
        );
      }
    }
  },
});

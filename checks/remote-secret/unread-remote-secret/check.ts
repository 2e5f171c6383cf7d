import { type ControlPlane, defineCheck, labels, remedy, remoteSecrets, type RemoteSecret } from 'meshdoctor/api';
import { createSecret, named } from '../_area.ts';

export default defineCheck({
  id: 'unread-remote-secret',
  title: 'Remote secrets carry the label and lie in the namespace that istiod watches',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: [] },
  catalogue: ['SEC-11'],
  explains: [
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root/wholeCluster', match: 'cluster' },
    { code: 'mismatched-cluster-id', match: 'cluster' },
  ],
  docs: {
    why: 'istiod only looks at Secrets in its own namespace whose label istio/multiCluster is exactly "true". A secret without it, with another value or elsewhere exists for everybody but istiod.',
    confirm: 'kubectl --context PRIMARY get secrets -A -l istio/multiCluster; istioctl remote-clusters --context PRIMARY',
    fix: 'Set the label, or create the secret again in the namespace of istiod.',
    notWhen: 'The name of the secret and its annotation mean nothing to istiod and need no change.',
  },
  messages: {
    unlabelled: (a: { controlPlane: ControlPlane; secret: RemoteSecret; read: string }) => ({
      text: `${named(a.secret)} opens ${a.read} but istiod ignores it: label istio/multiCluster is ${a.secret.multiClusterLabel === undefined ? 'missing' : `"${a.secret.multiClusterLabel}"`}.`,
      expected: 'true',
      found: a.secret.multiClusterLabel ?? 'no label',
      effect: `istiod in ${a.secret.ref.cluster} does not know ${a.read}`,
      remedy: [remedy.label(a.secret.ref, { [labels.multiCluster]: 'true' })],
    }),
    misplaced: (a: { controlPlane: ControlPlane; secret: RemoteSecret; read: RemoteSecret['ref']['cluster']; id: string }) => ({
      text: `${named(a.secret)} opens ${a.read} but lies outside ${a.controlPlane.namespace}, the only namespace istiod reads secrets from.`,
      expected: a.controlPlane.namespace,
      found: a.secret.namespace,
      effect: `istiod in ${a.secret.ref.cluster} does not know ${a.read}`,
      remedy: [
        createSecret(
          a.secret.ref.cluster,
          a.controlPlane.namespace,
          a.read,
          a.id,
          `then delete Secret ${a.secret.namespace}/${a.secret.name}`,
        ),
      ],
    }),
  },
  *run({ controlPlane, couple, member, finding }) {
    if (couple.kind === 'self' || !remoteSecrets.readsSecrets(controlPlane)) return;
    const states = couple.credentials.map((match) => ({
      ...match,
      state: remoteSecrets.entryState(controlPlane, match.secret, match.entry),
    }));
    if (states.some(({ state }) => state !== 'unlabelled' && state !== 'misplaced')) return;
    for (const { secret, entry, state } of states) {
      const evidence = [
        {
          ref: secret.ref,
          observed:
            state === 'unlabelled' ? `label istio/multiCluster ${secret.multiClusterLabel ?? 'absent'}` : `namespace ${secret.namespace}`,
        },
      ];
      const where = { at: secret.ref, related: [controlPlane.ref], evidence, subject: member.name };
      if (state === 'unlabelled')
        yield finding(
          'unlabelled',
          { controlPlane, secret, read: member.name },
          { ...where, field: '.metadata.labels["istio/multiCluster"]' },
        );
      else
        yield finding(
          'misplaced',
          { controlPlane, secret, read: member.name, id: entry.clusterId },
          { ...where, field: '.metadata.namespace' },
        );
    }
  },
});

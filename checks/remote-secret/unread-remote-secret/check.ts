import {
  type ControlPlane,
  type CredentialMatch,
  defineCheck,
  effectsOfCutOff,
  labels,
  remedy,
  type RemoteSecret,
  remoteSecrets,
} from 'meshdoctor/api';
import { createSecret, isLeftOut, named } from '../_area.ts';

export default defineCheck({
  id: 'unread-remote-secret',
  title: 'Remote secrets carry the label and lie in the namespace that istiod watches',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'remoteSecrets'], member: [] },
  path: { hops: ['endpoints', 'name', 'route', 'caller'] },
  catalogue: ['SEC-11'],
  explains: [
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'missing-root', match: 'cluster' },
    { code: 'mismatched-cluster-id', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unknown-destination/elsewhere', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    ...effectsOfCutOff,
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
      // Without the label, too, it may be a copy that somebody put aside.
      ...(a.secret.multiClusterLabel === 'true' ? {} : { certainty: 'likely' as const }),
    }),
  },
  *run({ primary, controlPlane, couple, member, mesh, finding }) {
    if (couple.kind === 'self' || !remoteSecrets.readsSecrets(controlPlane) || isLeftOut(mesh, primary.name, member.name)) return;
    const states = couple.credentials.map((match) => remoteSecrets.entryState(controlPlane, match.secret, match.entry));
    if (states.some((state) => state !== 'unlabelled' && state !== 'misplaced')) return;
    // Copies elsewhere are told of only when there is none where istiod looks.
    const isNear = ({ secret }: CredentialMatch): boolean => secret.namespace === controlPlane.namespace;
    const near = couple.credentials.filter(isNear);
    for (const { secret, entry } of near.length > 0 ? near : couple.credentials) {
      const where = { at: secret.ref, related: [controlPlane.ref], subject: member.name };
      if (near.length > 0) {
        const field = '.metadata.labels["istio/multiCluster"]';
        const evidence = [{ ref: secret.ref, field, observed: secret.multiClusterLabel ?? 'no label', expected: 'true' }];
        yield finding('unlabelled', { controlPlane, secret, read: member.name }, { ...where, field, evidence });
        continue;
      }
      const field = '.metadata.namespace';
      const evidence = [{ ref: secret.ref, field, observed: secret.namespace, expected: controlPlane.namespace }];
      yield finding('misplaced', { controlPlane, secret, read: member.name, id: entry.clusterId }, { ...where, field, evidence });
    }
  },
});

import { createRemoteSecret } from '../../api/remedy.ts';
import { lookAt, writerOf } from '../looking.ts';
import type { Place, Plan, Step } from '../types.ts';

/** What lets an istiod read another cluster. */
export const remoteSecret: Step = {
  id: 'remote-secret',
  title: ({ site, read }) => `Remote secret in ${site.cluster} for ${read?.cluster ?? ''}`,
  checks: [
    'missing-remote-secret',
    'duplicate-remote-secret',
    'expired-credential',
    'expiring-api-server-ca',
    'insufficient-reader-role',
    'loopback-server',
    'mismatched-api-server-ca',
    'mismatched-secret-key',
    'orphaned-remote-secret',
    'rejected-kubeconfig',
    'revoked-credential',
    'self-remote-secret',
    'uncreatable-remote-secret',
    'unread-remote-secret',
    'unsynced-cluster',
  ],
  places: pairs,
  look: (world, { site, read }, plan) =>
    lookAt(world, site.cluster, 'remoteSecrets', (secrets) => {
      const secret = secrets.find(
        ({ namespace, entries }) => namespace === plan.namespace && entries.some(({ clusterId }) => clusterId === read?.clusterId),
      );
      if (secret === undefined)
        return { state: 'missing', what: `no Secret with key ${read?.clusterId ?? ''} in ${plan.namespace} of ${site.cluster}` };
      const server = secret.entries.find(({ clusterId }) => clusterId === read?.clusterId)?.server;
      return { state: 'there', what: [`Secret ${secret.name}`, server].filter(Boolean).join(' opens '), by: writerOf(secret) };
    }),
  doing: (_world, { site, read }, plan) =>
    read === undefined
      ? { commands: [] }
      : {
          commands: [createRemoteSecret(site.cluster, plan.namespace, read.cluster, read.clusterId)],
          note: `the API server of ${read.cluster} has to be reachable from ${site.cluster} under the address of your kubeconfig; --server=URL gives another`,
        },
};

/** Every istiod reads every other cluster. */
function pairs({ primaries, remotes }: Plan): readonly Place[] {
  return primaries.flatMap((site) =>
    [...primaries, ...remotes].filter(({ cluster }) => cluster !== site.cluster).map((read) => ({ site, read })),
  );
}

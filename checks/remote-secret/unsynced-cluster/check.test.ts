import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit, remoteSecretDeleted } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] });
const peers = mesh()
  .multiPrimary('east', 'west')
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] });
const at = '@ east:Secret/istio-system/istio-remote-secret-west';

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const status = (id: string, syncStatus: string | undefined, of?: (index: number) => boolean): ObservedEdit =>
  observedEdits.replicas(
    'east',
    (replica) => ({
      ...replica,
      clusters:
        'failed' in replica.clusters
          ? replica.clusters
          : {
              answer: replica.clusters.answer.flatMap((entry) =>
                entry.id !== id ? [entry] : syncStatus === undefined ? [] : [{ ...entry, syncStatus }],
              ),
            },
    }),
    of,
  );
const withoutShards = observedEdits.replicas('east', (replica) => ({ ...replica, shards: { answer: [] } }));
const second = observedEdits.replicaBeside('east', 'istiod-second');
const twoReplicas = peers.edit(
  (objects) =>
    new Map(
      [...objects].map(([cluster, own]) => [
        cluster,
        own.flatMap((object) =>
          cluster === 'east' && object.kind === 'Pod' && object.metadata.labels?.['app'] === 'istiod'
            ? [object, { ...object, metadata: { ...object.metadata, name: 'istiod-second' } }]
            : [object],
        ),
      ]),
    ),
);

/** Its debug endpoints are off, and of a cluster its metrics say so. */
const metricsSay = (id: string, status: string): readonly ObservedEdit[] => [
  observedEdits.replicas('east', (replica) => ({
    ...replica,
    clusters: { failed: 'not-found', reason: 'HTTP 404' },
    shards: { answer: [] },
  })),
  observedEdits.states('east', (state) => ({
    ...state,
    rung: { by: 'metrics', port: 15014, above: ['port 15014: HTTP 404'] },
    metrics: {
      answer: [{ name: 'istiod_remote_cluster_sync_status', labels: { cluster: id, cluster_type: 'remote', status }, value: 1 }],
    },
  })),
];
const of129 = mesh()
  .primaryRemote('east', 'west', { release: '1.29.3' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] });

checkTester(check, {
  healthy: {
    'debug endpoints are off, and metrics say that it is read': { mesh: remote, options: seen(...metricsSay('west', 'synced')) },
    'debug endpoints are off, and metrics of 1.29 say timeout of everything': {
      mesh: of129,
      options: seen(...metricsSay('west', 'timeout')),
      inconclusive: ['not every replica of istiod says which clusters it reads @ east'],
    },
    'every cluster is synced': { mesh: remote, options: seen() },
    'two primaries read each other': { mesh: peers, options: seen() },
    'an external istiod': { mesh: mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }), options: seen() },
    'probes are off': remote,
    'there is no secret, and istiod knows no such cluster': {
      mesh: peers.edit(remoteSecretDeleted({ cluster: 'east', of: 'west' })),
      options: seen(),
    },
    'a replica does not say': {
      mesh: peers,
      options: seen(
        observedEdits.replicas('east', (replica) => ({ ...replica, clusters: { failed: 'timeout', reason: 'no answer within 5 s' } })),
        observedEdits.states('east', (state) => ({ ...state, metrics: { failed: 'timeout', reason: 'no answer within 5 s' } })),
      ),
      inconclusive: ['not every replica of istiod says which clusters it reads @ east'],
    },
    'no replica could be asked': {
      mesh: peers,
      options: { observed: (objects) => observedIn(objects).map((own) => ({ ...own, istiods: { status: 'observed', value: [] } })) },
      inconclusive: ['no pod of this istiod could be asked @ east', 'no pod of this istiod could be asked @ west'],
    },
    'an old release does not list its own cluster': { mesh: remote, options: seen(status('east', undefined)) },
  },
  broken: {
    'istiod does not list it': { mesh: remote, options: seen(status('west', undefined)), findings: [`unsynced-cluster/unlisted ${at}`] },
    'istiod gave up waiting for its first lists': {
      mesh: remote,
      options: seen(status('west', 'timeout'), withoutShards),
      findings: [`unsynced-cluster/timeout ${at} (error certain)`],
    },
    'debug endpoints are off, and metrics say that it timed out': {
      mesh: remote,
      options: seen(...metricsSay('west', 'timeout')),
      findings: [`unsynced-cluster/timeout ${at} (error certain)`],
    },
    'istiod stopped reading it': { mesh: peers, options: seen(status('west', 'closed')), findings: [`unsynced-cluster/timeout ${at}`] },
    'some list never came, yet its endpoints are served': {
      mesh: remote,
      options: seen(status('west', 'timeout')),
      findings: [`unsynced-cluster/partly ${at} (warning certain)`],
    },
    'istiod just started': {
      mesh: remote,
      options: seen(status('west', 'syncing')),
      findings: [`unsynced-cluster/syncing ${at} (warning possible)`],
    },
    'one of two replicas': {
      mesh: twoReplicas,
      options: seen(
        second,
        status('west', 'timeout', (index) => index === 1),
        withoutShards,
      ),
      findings: [`unsynced-cluster/timeout ${at}`],
    },
    'its own cluster': {
      mesh: remote,
      options: seen(status('east', 'timeout'), withoutShards),
      findings: ['unsynced-cluster/timeout @ east:Deployment/istio-system/istiod-1-31-0'],
    },
  },
});

import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit, remoteSecretDeleted } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] })
  .service('xyz.shop', { in: ['east'] });
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('abc.shop', { replicas: 2 });
const slice = (objects: ReturnType<typeof remote.objects>, cluster: string, service: string): string =>
  objects
    .get(cluster)
    ?.find((object) => object.kind === 'EndpointSlice' && object.metadata.labels?.['kubernetes.io/service-name'] === service)?.metadata
    .name ?? '';
const at = `@ west:EndpointSlice/shop/${slice(remote.objects(), 'west', 'abc')}`;

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
type Shards = Extract<Parameters<Parameters<typeof observedEdits.replicas>[1]>[0]['shards'], { answer: unknown }>['answer'];
type Endpoints = Shards[number]['clusters'][number]['endpoints'];
const ofWest = (change: (endpoints: Endpoints) => Endpoints): ObservedEdit =>
  observedEdits.replicas('east', (replica) => ({
    ...replica,
    shards:
      'failed' in replica.shards
        ? replica.shards
        : {
            answer: replica.shards.answer.map((shard) => ({
              ...shard,
              clusters: shard.clusters.map((own) => (own.cluster === 'west' ? { ...own, endpoints: change(own.endpoints) } : own)),
            })),
          },
  }));

checkTester(check, {
  healthy: {
    'every cluster contributes what it has': { mesh: remote, options: seen() },
    'two primaries, a service of both': { mesh: peers, options: seen() },
    'one of two endpoints is not there yet': { mesh: peers, options: seen(ofWest((endpoints) => endpoints.slice(0, 1))) },
    'an external istiod': {
      mesh: mesh()
        .externalControlPlane('outside', 'inside', { remotes: ['south'] })
        .namespace('shop', { injected: true, clusters: ['inside', 'south'] })
        .service('abc.shop', { in: ['south'] }),
      options: seen(),
    },
    'probes are off': remote,
    'istiod does not read the cluster at all': { mesh: peers.edit(remoteSecretDeleted({ cluster: 'east', of: 'west' })), options: seen() },
    'a replica does not say': {
      mesh: remote,
      options: seen(
        observedEdits.replicas('east', (replica) => ({ ...replica, shards: { failed: 'timeout', reason: 'no answer within 5 s' } })),
      ),
      inconclusive: ['not every replica of istiod lists its endpoints @ east'],
    },
    'no replica could be asked': {
      mesh: remote,
      options: { observed: (objects) => observedIn(objects).map((own) => ({ ...own, istiods: { status: 'observed', value: [] } })) },
      inconclusive: ['no pod of this istiod could be asked @ east'],
    },
  },
  broken: {
    'istiod lost the endpoints of the remote': {
      mesh: remote,
      options: seen(ofWest(() => [])),
      findings: [`missing-endpoint-shard/missing ${at} (error likely)`],
    },
    'istiod sends callers to pods of yesterday': {
      mesh: remote,
      options: seen(ofWest((endpoints) => endpoints.map((one) => ({ ...one, address: '10.99.9.9' })))),
      findings: [`missing-endpoint-shard/stale ${at}`],
    },
    'its pods were replaced a moment ago, which istiod may not have heard of yet': {
      mesh: remote.break((m) => {
        const startTime = new Date(Date.parse(remote.takenAt) - 20_000).toISOString();
        const pods = (remote.objects().get('west') ?? []).filter(({ kind, metadata }) => kind === 'Pod' && metadata.namespace === 'shop');
        return pods.reduce((west, { metadata }) => west.patch('Pod', 'shop', metadata.name, { status: { startTime } }), m.cluster('west'));
      }),
      options: seen(ofWest((endpoints) => endpoints.map((one) => ({ ...one, address: '10.99.9.9' })))),
      findings: [`missing-endpoint-shard/stale ${at} (error possible)`],
    },
    'without a clock nobody can tell whether they were': {
      mesh: remote,
      options: { ...seen(ofWest(() => [])), takenAt: 'unknown' },
      findings: [`missing-endpoint-shard/missing ${at} (error possible)`],
    },
    'they are on another network there': {
      mesh: remote,
      options: seen(ofWest((endpoints) => endpoints.map((one) => ({ ...one, network: '' })))),
      findings: [`missing-endpoint-shard/otherNetwork ${at}`],
    },
    'they do not take mTLS there': {
      mesh: remote,
      options: seen(ofWest((endpoints) => endpoints.map((one) => ({ ...one, tlsMode: 'disabled' })))),
      findings: [`missing-endpoint-shard/otherMtls ${at}`],
    },
  },
});

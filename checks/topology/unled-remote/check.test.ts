import { annotatedTooLate, checkTester, controlPlaneClusters, externalIstiodUnset, mesh, remoteSecretDeleted } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const election = 'west:ConfigMap/istio-system/istio-namespace-controller-election';
const healthy = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });
const lost = healthy.edit(annotatedTooLate({ cluster: west, primary: east, leader: 'lost' }));

checkTester(check, {
  healthy: {
    'istiod of the primary leads': healthy,
    'without a clock a lease proves nothing': {
      mesh: lost,
      options: { takenAt: 'unknown' },
      inconclusive: ['without a clock a lease proves nothing @ east west'],
    },
    'the elections were read long before the rest': {
      mesh: aged(healthy, east, west),
      inconclusive: ['the elections of istiod itself are as old @ east west'],
    },
    'two primaries lead themselves': mesh().multiPrimary(east, west),
    'an external istiod leads a further remote': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'either revision of an upgrade may lead': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'the annotation is wrong, which is another fault': {
      mesh: healthy.edit(controlPlaneClusters({ cluster: west, primary: east, value: 'north', leader: 'restarted' })),
      inconclusive: ['nobody leads the cluster, for a reason of its own @ east west'],
    },
    'istiod is not external, which is another fault': {
      mesh: healthy.edit(externalIstiodUnset({ cluster: east })),
      inconclusive: ['nobody leads the cluster, for a reason of its own @ east west'],
    },
    'istiod cannot read the cluster, which is another fault': {
      mesh: lost.edit(remoteSecretDeleted({ cluster: east, of: west })),
      inconclusive: ['nobody leads the cluster, for a reason of its own @ east west'],
    },
  },
  broken: {
    'the annotation came after the first decision of istiod': {
      mesh: healthy.edit(annotatedTooLate({ cluster: west, primary: east, leader: 'never' })),
      findings: ['unled-remote @ west:Namespace/istio-system (error certain)'],
    },
    'the annotation was put back after istiod restarted': {
      mesh: lost,
      findings: [`unled-remote @ ${election} (error certain)`],
    },
    'istiod gave the election up when it restarted': {
      mesh: healthy.edit(annotatedTooLate({ cluster: west, primary: east, leader: 'lost', left: 'released' })),
      findings: [`unled-remote @ ${election} (error certain)`],
    },
    'the leader no longer renews': {
      mesh: aged(healthy, west),
      findings: [`unled-remote @ ${election} (error certain)`],
    },
    'there never was an election, whatever the time': {
      mesh: healthy.edit(annotatedTooLate({ cluster: west, primary: east, leader: 'never' })),
      options: { takenAt: 'unknown' },
      findings: ['unled-remote @ west:Namespace/istio-system (error likely)'],
    },
    'istiod was scaled to nothing': {
      mesh: lost.break((m) =>
        m
          .cluster(east)
          .patch('Deployment', 'istio-system', 'istiod-1-31-0', { spec: { replicas: 0 }, status: { replicas: 0, readyReplicas: 0 } }),
      ),
      findings: [`unled-remote @ ${election} (error certain)`],
    },
  },
});

/** Elections of these clusters as if nobody had renewed them for years. */
function aged(built: typeof healthy, ...clusters: readonly string[]): typeof healthy {
  return clusters.reduce(
    (before, cluster) =>
      before.break((m) =>
        m
          .cluster(cluster)
          .patch(
            'ConfigMap',
            'istio-system',
            'istio-namespace-controller-election',
            (object) => JSON.parse(JSON.stringify(object).replace(/(\\"renewTime\\":\\")\d{4}/, '$12024')) as typeof object,
          ),
      ),
    built,
  );
}

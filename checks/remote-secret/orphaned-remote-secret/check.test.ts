import { checkTester, clusterGone, mesh, observedEdits, observedIn } from 'meshdoctor/testkit';
import check from './check.ts';

const remotes = mesh().primaryRemote('east', ['west', 'south']);
const peers = mesh().multiPrimary('east', 'west', { more: ['south'] });
const secret = (cluster: string) =>
  `orphaned-remote-secret/unreachable @ ${cluster}:Secret/istio-system/istio-remote-secret-south (warning possible)`;
const seen = (syncStatus: string) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) =>
    ['east', 'west'].reduce(
      (before, cluster) =>
        observedEdits.replicas(cluster, (replica) => ({
          ...replica,
          clusters: {
            answer: [
              ...('answer' in replica.clusters ? replica.clusters.answer : []),
              { id: 'south', secret: 'istio-system/istio-remote-secret-south', syncStatus },
            ].map((one) => ({ ...one, id: one.id as never })),
          },
        }))(before),
      observedIn(objects),
    ),
});

checkTester(check, {
  healthy: {
    'a primary and its remotes': remotes,
    'three primaries': { mesh: peers, options: { observed: observedIn } },
    'a cluster that was not given': remotes.edit(clusterGone('south')),
    'a cluster that was not given, and that istiod reads': { mesh: remotes.edit(clusterGone('south')), options: seen('synced') },
    'an external istiod': mesh().externalControlPlane('outside', 'west', { remotes: ['north'] }),
  },
  broken: {
    'a remote is gone': { mesh: remotes.edit(clusterGone('south')), options: seen('timeout'), findings: [secret('east')] },
    'one of three primaries is gone': {
      mesh: peers.edit(clusterGone('south')),
      options: seen('timeout'),
      findings: [secret('east'), secret('west')],
    },
    'it is none of the declared members': {
      mesh: remotes.edit(clusterGone('south')),
      options: { intent: { meshes: [{ clusters: ['east', 'west'] }] } },
      findings: ['orphaned-remote-secret/undeclared @ east:Secret/istio-system/istio-remote-secret-south (info possible)'],
    },
  },
});

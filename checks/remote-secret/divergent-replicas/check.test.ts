import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
import check from './check.ts';

const peers = mesh()
  .multiPrimary('east', 'west')
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] });
const two = peers.edit(
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

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const isSecond = (index: number): boolean => index === 1;
const failed = { failed: 'timeout', reason: 'no answer within 5s' } as const;
const gone = observedEdits.replicas(
  'east',
  (replica) => ({
    ...replica,
    gateways: 'failed' in replica.gateways ? failed : { answer: replica.gateways.answer.filter(({ cluster }) => cluster !== 'west') },
  }),
  isSecond,
);
const silent = observedEdits.replicas('east', (replica) => ({ ...replica, gateways: failed, clusters: failed }), isSecond);
const at = '@ east:Deployment/istio-system/istiod (warning likely)';

checkTester(check, {
  healthy: {
    'one replica': { mesh: peers, options: seen() },
    'two that say the same': { mesh: two, options: seen() },
    'one of two does not answer': { mesh: two, options: seen(silent) },
    'probes are off': two,
    'one of two is not asked for its configuration': {
      mesh: two,
      options: seen(
        observedEdits.states(
          'east',
          ({ pod, namespace, revision, rung, mesh: own }) => ({ pod, namespace, revision, rung, mesh: own }),
          isSecond,
        ),
      ),
    },
  },
  broken: {
    'one lost a gateway': { mesh: two, options: seen(gone), findings: [`divergent-replicas/gateways ${at}`] },
    'one has not read a cluster': {
      mesh: two,
      options: seen(
        observedEdits.replicas(
          'east',
          (replica) => ({
            ...replica,
            clusters:
              'failed' in replica.clusters
                ? failed
                : { answer: replica.clusters.answer.map((one) => (one.id === 'west' ? { ...one, syncStatus: 'timeout' } : one)) },
          }),
          isSecond,
        ),
      ),
      findings: [`divergent-replicas/clusters ${at}`],
    },
    'one works with another mesh config, and lacks objects': {
      mesh: two,
      options: seen(
        observedEdits.states(
          'east',
          (state) => ({
            ...state,
            mesh: 'failed' in state.mesh ? failed : { answer: { ...state.mesh.answer, trustDomain: 'old.example' } },
            config: { answer: [] },
          }),
          isSecond,
        ),
      ),
      findings: [`divergent-replicas/config ${at}`, `divergent-replicas/mesh ${at}`],
    },
  },
});

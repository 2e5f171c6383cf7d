import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] });
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('abc.shop');

const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const errors = (cluster: string, value: number) => [{ name: 'controller_sync_errors_total', labels: { cluster }, value }];
const lost = (value: number) => observedEdits.sampled('east', errors('west', value));

checkTester(check, {
  healthy: {
    'counters that stand still': { mesh: remote, options: seen(lost(0)) },
    'other counters rise': {
      mesh: remote,
      options: seen(observedEdits.sampled('east', [{ name: 'pilot_total_xds_rejects', labels: { type: 'cds' }, value: 9 }])),
    },
    'nobody asked twice': { mesh: remote, options: seen() },
    'the second reading failed': {
      mesh: remote,
      options: {
        observed: (objects) =>
          lost(0)(observedIn(objects)).map((own) => ({
            ...own,
            ...(own.istiodSamples?.status !== 'observed'
              ? {}
              : {
                  istiodSamples: {
                    ...own.istiodSamples,
                    value: own.istiodSamples.value.map((sample) => ({
                      ...sample,
                      after: { failed: 'timeout' as const, reason: 'no answer' },
                    })),
                  },
                }),
          })),
      },
      inconclusive: ['the metrics of a replica of istiod could not be read twice @ east'],
    },
  },
  broken: {
    'the API server of a remote is gone': {
      mesh: remote,
      options: seen(lost(40)),
      findings: ['severed-cluster/severed @ east:Secret/istio-system/istio-remote-secret-west (error likely)'],
    },
    'the API server of a peer is gone': {
      mesh: peers,
      options: seen(lost(12)),
      findings: ['severed-cluster/severed @ east:Secret/istio-system/istio-remote-secret-west (error likely)'],
    },
    'one list fails now and then': {
      mesh: remote,
      options: seen(lost(1)),
      findings: ['severed-cluster/stumbling @ east:Secret/istio-system/istio-remote-secret-west (warning possible)'],
    },
  },
});

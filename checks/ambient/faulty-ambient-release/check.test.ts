import { checkTester, mesh, ofRelease, withIstiodEnv } from 'meshdoctor/testkit';
import check from './check.ts';

const ambient = mesh().ambient('east', 'west').namespace('shop', { injected: true }).service('abc.shop');
const old = mesh().ambient('east', 'west', { release: '1.28.2' });
const at = (cluster: string) => `@ ${cluster}:Deployment/istio-system/istiod`;

checkTester(check, {
  healthy: {
    'a release without them': ambient,
    'ambient inside each cluster': old
      .edit(withIstiodEnv('east', { AMBIENT_ENABLE_MULTI_NETWORK: undefined }))
      .edit(withIstiodEnv('west', { AMBIENT_ENABLE_MULTI_NETWORK: undefined })),
    'sidecars of that release': mesh().multiPrimary('east', 'west', { networks: 2, release: '1.28.2' }),
    'a release that nobody knows yet': ambient.edit(ofRelease({ cluster: 'west', from: '1.31.0', to: '1.45.0' })),
  },
  broken: {
    'both of them': {
      mesh: old,
      findings: ['east', 'west'].flatMap((cluster) => [
        `faulty-ambient-release/staleClusters ${at(cluster)} (info likely)`,
        `faulty-ambient-release/mixedPools ${at(cluster)} (info likely)`,
      ]),
    },
    'one of them, in one cluster': {
      mesh: ambient.edit(ofRelease({ cluster: 'west', from: '1.31.0', to: '1.30.3' })),
      findings: [`faulty-ambient-release/staleClusters ${at('west')}`],
    },
  },
});

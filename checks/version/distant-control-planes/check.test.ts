import { checkTester, istiodOfRelease, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const peers = mesh().multiPrimary(east, west);
const three = mesh().multiPrimary(east, west, { more: ['south'] });

checkTester(check, {
  healthy: {
    'two primaries': peers,
    'a remote, which has no control plane': mesh().primaryRemote(east, west, { networks: 2 }),
    'two primaries one release apart': mesh().multiPrimary(east, west, { revisions: ['1-27-9', '1-28-4'] }),
    'an upgrade in flight over many releases, in one cluster': mesh().canary(east, west, { from: '1-24-6', to: '1-31-0', stage: 'remote' }),
    'an istiod of a build without version': mesh()
      .multiPrimary(east, west)
      .edit(istiodOfRelease({ cluster: west, release: '99.0.0' })),
  },
  broken: {
    'two primaries three releases apart': {
      mesh: peers.edit(istiodOfRelease({ cluster: west, release: '1.28.4' })),
      findings: ['distant-control-planes @ west:Deployment/istio-system/istiod (warning possible)'],
    },
    'of three the two that lag behind': {
      mesh: three
        .edit(istiodOfRelease({ cluster: west, release: '1.28.4' }))
        .edit(istiodOfRelease({ cluster: 'south', release: '1.26.0' })),
      findings: [
        'distant-control-planes @ south:Deployment/istio-system/istiod (warning possible)',
        'distant-control-planes @ west:Deployment/istio-system/istiod (warning possible)',
      ],
    },
  },
});

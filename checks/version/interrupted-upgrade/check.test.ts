import { checkTester, istiodOfRelease, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const peers = mesh().multiPrimary(east, west);

checkTester(check, {
  healthy: {
    'two primaries': peers,
    'two primaries that are both after the step': mesh().multiPrimary(east, west, { revisions: ['1-20-8', '1-31-0'] }),
    'two primaries that are both before it': peers
      .edit(istiodOfRelease({ cluster: east, release: '1.18.2' }))
      .edit(istiodOfRelease({ cluster: west, release: '1.19.6' })),
    'a remote': mesh().primaryRemote(east, west, { release: '1.20.8' }),
  },
  broken: {
    'one of two is upgraded': {
      mesh: peers.edit(istiodOfRelease({ cluster: east, release: '1.20.5' })).edit(istiodOfRelease({ cluster: west, release: '1.19.6' })),
      findings: ['interrupted-upgrade @ west:Deployment/istio-system/istiod (warning possible)'],
    },
  },
});

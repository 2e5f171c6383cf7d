import { checkTester, istiodKilled, istiodLimited, istiodOfRelease, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh().primaryRemote(east, west, { networks: 2 });
const peers = mesh().multiPrimary(east, west);
const istiod = 'Deployment/istio-system/istiod';
const day = 24 * 60;

checkTester(check, {
  healthy: {
    'a remote': remote,
    'istiod was started again for another reason': remote.edit(istiodKilled({ cluster: east, reason: 'Error' })),
    'istiod was killed once, weeks ago': remote.edit(istiodKilled({ cluster: east, times: 1, minutesAgo: 20 * day })),
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
  },
  broken: {
    'istiod is killed again and again': {
      mesh: remote.edit(istiodLimited({ cluster: east, memory: '2Gi' })).edit(istiodKilled({ cluster: east, times: 12, minutesAgo: 10 })),
      findings: [`killed-istiod @ east:${istiod} (warning likely)`],
    },
    'one of two primaries, with a release that leaks': {
      mesh: peers.edit(istiodOfRelease({ cluster: west, release: '1.27.1' })).edit(istiodKilled({ cluster: west, minutesAgo: 3 * day })),
      findings: [`killed-istiod @ west:${istiod} (warning likely)`],
    },
    'an external istiod': {
      mesh: mesh()
        .externalControlPlane('outside', west, { remotes: ['north'] })
        .edit(istiodKilled({ cluster: 'outside' })),
      findings: [
        `killed-istiod @ outside:Deployment/external-istiod/istiod (warning likely)`,
        `killed-istiod @ outside:${istiod} (warning likely)`,
      ],
    },
  },
});

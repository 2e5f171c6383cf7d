import { annotatedAll, checkTester, inCluster, istiodOfRelease, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh().primaryRemote(east, west, { networks: 2 });
const peers = mesh().multiPrimary(east, west);
const istiod = 'Deployment/istio-system/istiod';
const fromGit = annotatedAll({ cluster: east, kind: 'VirtualService', key: 'argocd.argoproj.io/tracking-id', value: 'mesh:x' });

checkTester(check, {
  healthy: {
    'a remote': remote,
    'a release that pushes too much, with routes that nobody writes again and again': remote.edit(
      istiodOfRelease({ cluster: east, release: '1.30.1' }),
    ),
    'routes from Git, in a release that only pushes what changed': remote.edit(fromGit),
    'a release that leaks removed clusters, and reads none': peers
      .edit(istiodOfRelease({ cluster: west, release: '1.26.1' }))
      .edit(
        inCluster(west, (objects) =>
          objects.filter(({ kind, metadata }) => kind !== 'Secret' || !metadata.name.startsWith('istio-remote-secret')),
        ),
      ),
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
  },
  broken: {
    'a release that leaks with every rotation': {
      mesh: remote.edit(istiodOfRelease({ cluster: east, release: '1.20.3' })),
      findings: [`wasteful-release @ east:${istiod} (info likely)`],
    },
    'a release that leaks removed clusters': {
      mesh: peers.edit(istiodOfRelease({ cluster: west, release: '1.27.1' })),
      findings: [`wasteful-release @ west:${istiod} (info likely)`],
    },
    'an ambient mesh': {
      mesh: mesh()
        .ambient(east, west)
        .edit(istiodOfRelease({ cluster: east, release: '1.29.6' })),
      findings: [`wasteful-release @ east:${istiod} (info likely)`],
    },
    'a release that pushes routes from Git although nothing changed': {
      mesh: remote.edit(istiodOfRelease({ cluster: east, release: '1.30.2' })).edit(fromGit),
      findings: [`wasteful-release @ east:${istiod} (info likely)`],
    },
  },
});

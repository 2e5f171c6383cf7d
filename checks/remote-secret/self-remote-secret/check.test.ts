import { checkTester, mesh, remoteSecretDoubled, secretRekeyed } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const clusterIds = { east: 'first', west: 'second' };
const remote = mesh().primaryRemote(east, west, { clusterIds });
const peers = mesh().multiPrimary(east, west, { clusterIds });
const named = (key: string) => `east:Secret/istio-system/istio-remote-secret-${key}`;

/** The same secrets in every cluster, as from one place in Git. */
const everywhere = peers.edit((objects) => {
  const secrets = [...objects.values()]
    .flat()
    .filter(({ kind, metadata }) => kind === 'Secret' && metadata.name.startsWith('istio-remote-secret-'));
  return new Map([...objects].map(([name, all]) => [name, [...all.filter((object) => !secrets.includes(object)), ...secrets]]));
});

checkTester(check, {
  healthy: {
    'a primary and its remote': remote,
    'two primaries': peers,
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'no ID was given to anybody, which is another fault': mesh()
      .multiPrimary(east, west, { clusterIds: { east: 'Kubernetes', west: 'Kubernetes' } })
      .edit((objects) => objects),
  },
  broken: {
    'the ID of the primary in the place of that of the remote': {
      mesh: remote.edit(secretRekeyed({ cluster: east, of: west, key: 'first' })),
      findings: [`self-remote-secret/swapped @ ${named('first')} (error certain)`],
    },
    'between two primaries': {
      mesh: peers.edit(secretRekeyed({ cluster: east, of: west, key: 'first' })),
      findings: [`self-remote-secret/swapped @ ${named('first')} (error certain)`],
    },
    'beside another secret that opens the remote': {
      mesh: remote
        .edit(remoteSecretDoubled({ cluster: east, of: west, name: 'another', server: 'https://192.0.2.7:6443' }))
        .edit(secretRekeyed({ cluster: east, of: west, key: 'first' })),
      findings: [`self-remote-secret/ignored @ ${named('first')} (info certain)`],
    },
    'every secret in every cluster': {
      mesh: everywhere,
      findings: [
        `self-remote-secret/ignored @ ${named('first')} (info certain)`,
        'self-remote-secret/ignored @ west:Secret/istio-system/istio-remote-secret-second (info certain)',
      ],
    },
  },
});

import { checkTester, inCluster, mesh, nodesOfKubernetes } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh().primaryRemote(east, west, { networks: 2 });
const old = mesh().primaryRemote(east, west, { release: '1.24.6' });
const open = 'it is not known which Kubernetes runs there @ west';

checkTester(check, {
  healthy: {
    'a remote': remote,
    'long ago': old,
    'two primaries': mesh().multiPrimary(east, west),
    'a Kubernetes newer than the table': remote.edit(nodesOfKubernetes({ cluster: west, version: 'v1.38.0' })),
    'kubelets that wait for their upgrade: the API server may be newer': remote.edit(
      nodesOfKubernetes({ cluster: west, version: 'v1.30.3' }),
    ),
    'a version of a provider': old.edit(nodesOfKubernetes({ cluster: west, version: 'v1.31.5-gke.1023000' })),
    'nothing says which Kubernetes it is': {
      mesh: remote.edit(inCluster(west, (objects) => objects.filter(({ kind }) => kind !== 'Node'))),
      inconclusive: [open],
    },
  },
  broken: {
    'a remote that was upgraded before its Istio': {
      mesh: old.edit(nodesOfKubernetes({ cluster: west, version: 'v1.34.4' })),
      findings: ['unsupported-kubernetes @ west:Cluster/west (info possible)'],
    },
    'a primary that was upgraded before its Istio': {
      mesh: old.edit(nodesOfKubernetes({ cluster: east, version: 'v1.32.1-eks-1a2b3c4' })),
      findings: ['unsupported-kubernetes @ east:Cluster/east (info possible)'],
    },
  },
});

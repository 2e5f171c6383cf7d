import { distinct } from '../base/sort.ts';
import { fqdnOf } from '../istio/hosts.ts';
import { policiesOf } from '../mesh/mtls-barriers.ts';
import { dataPlaneClusters, type NameToProbe } from '../mesh/names.ts';
import { endpointsExpected } from '../mesh/sidecar-endpoints.ts';
import { type FactsByCluster, listOf, type Mesh } from '../mesh/topology.ts';
import { type ClusterLists, worldServing, worldsOf } from '../mesh/worlds.ts';
import type { ClusterFacts } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { SidecarState } from '../model/observations.ts';

/** A sidecar of the cluster that has what it should be sent, under the roots of its namespace. Objects have no clock: its certificate is in force in any present. */
export function sidecarsIn(mesh: Mesh, cluster: ClusterName, facts: FactsByCluster, names: readonly NameToProbe[]): SidecarState[] {
  const members = dataPlaneClusters(mesh);
  const own = facts.get(cluster);
  const pod =
    own === undefined
      ? undefined
      : listOf(own.pods).find(({ proxy, phase, ready }) => proxy?.kind === 'sidecar' && phase === 'Running' && ready);
  const all = worldsOf(
    mesh,
    [...facts].map(([name, of]) => ({ name, ...listsOf(of) })),
  );
  const world = worldServing(all, cluster, pod?.proxy?.revision);
  if (own === undefined || pod === undefined || world === undefined || !members.includes(cluster)) return [];
  const hosts = distinct(
    names
      .filter((name) => name.members.join() === members.join())
      .map(({ namespace, name }) => fqdnOf(namespace, name, world.applied.clusterDomain)),
  );
  const policies = policiesOf(world);
  const roots = listOf(own.rootConfigMaps).find(({ namespace }) => namespace === pod.namespace)?.certificates ?? [];
  return [
    {
      pod: pod.ref,
      hosts,
      endpoints: {
        answer: hosts.flatMap((host) =>
          endpointsExpected(pod, host, world, policies).map(({ port, sent }) => ({
            host,
            port,
            addresses: sent.filter(({ isUnresolved }) => !isUnresolved).map(({ address, port: at }) => ({ address, port: at })),
          })),
        ),
      },
      certificate: {
        answer: {
          serial: '0a',
          uris: [`spiffe://${pod.proxy?.trustDomain ?? 'cluster.local'}/ns/${pod.namespace}/sa/${pod.serviceAccount}`],
          notBefore: '2020-01-01T00:00:00Z',
          notAfter: '2100-01-01T00:00:00Z',
        },
      },
      roots: { answer: roots.map(({ fingerprint, subject, notBefore, notAfter }) => ({ fingerprint, subject, notBefore, notAfter })) },
    },
  ];
}

function listsOf(of: ClusterFacts): Omit<ClusterLists, 'name'> {
  return {
    namespaces: listOf(of.namespaces),
    services: listOf(of.services),
    endpointSlices: listOf(of.endpointSlices),
    pods: listOf(of.pods),
    controlPlanes: listOf(of.controlPlanes),
    meshConfigs: listOf(of.meshConfigs),
    istioResources: listOf(of.istioResources),
    nodes: listOf(of.nodes),
    kubeGateways: listOf(of.kubeGateways),
  };
}

import { distinct } from '../base/sort.ts';
import { istiodMetrics } from '../istio/istiod-metrics.ts';
import { presumedToBehave } from '../istio/releases.ts';
import { effectiveMeshOf } from '../mesh/effective-mesh.ts';
import { meshConfigOf } from '../mesh/measured.ts';
import { configClusterOf, type istiodViewOf } from '../mesh/read-clusters.ts';
import { configKey, takenObjects } from '../mesh/taken-config.ts';
import { listOf, type Mesh } from '../mesh/topology.ts';
import type { ClusterFacts, ControlPlane } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { IstiodReplica, IstiodState, ListedMetric } from '../model/observations.ts';

interface Asked {
  readonly mesh: Mesh;
  readonly controlPlane: ControlPlane;
  readonly members: ReturnType<typeof istiodViewOf>['members'];
}

/** What else replicas of one istiod say where all is well. */
export function statesOf(
  { mesh, controlPlane, members }: Asked,
  replicas: readonly IstiodReplica[],
  facts: ReadonlyMap<ClusterName, ClusterFacts>,
): IstiodState[] {
  const own = facts.get(controlPlane.ref.cluster);
  const config = facts.get(configClusterOf(controlPlane, mesh.couples));
  const lists = {
    gateways: config === undefined ? [] : listOf(config.gateways),
    virtualServices: config === undefined ? [] : listOf(config.virtualServices),
    istioResources: config === undefined ? [] : listOf(config.istioResources),
    namespaces: config === undefined ? [] : listOf(config.namespaces),
  };
  const meshConfig = [own, config]
    .flatMap((of) => (of === undefined ? [] : (meshConfigOf(controlPlane, listOf(of.meshConfigs)) ?? [])))
    .at(0);
  const taken = takenObjects(controlPlane, lists, meshConfig);
  return replicas.map(({ pod, namespace, revision }) => ({
    pod,
    namespace,
    revision,
    rung: { by: 'debug', port: 15014, above: [] },
    mesh: { answer: effectiveMeshOf(meshConfig, controlPlane.namespace) },
    config: { answer: distinct(taken.map(({ ref }) => configKey(ref))) },
    metrics: { answer: metricsOf(controlPlane, members) },
  }));
}

/** Nothing ever went wrong, so that no counter of errors is there. */
function metricsOf(controlPlane: ControlPlane, members: Asked['members']): readonly ListedMetric[] {
  const remotes = members.filter(({ id }) => id !== controlPlane.clusterId);
  const isWritten = presumedToBehave(controlPlane.version, 'writesSyncStatus');
  const status = presumedToBehave(controlPlane.version, 'writesFalseTimeouts') ? 'timeout' : 'synced';
  return [
    { name: istiodMetrics.managedClusters, labels: { cluster_type: 'local' }, value: 1 },
    { name: istiodMetrics.managedClusters, labels: { cluster_type: 'remote' }, value: remotes.length },
    ...(isWritten ? remotes : []).map(({ id }) => ({
      name: istiodMetrics.syncStatus,
      labels: { cluster: id, cluster_type: 'remote', status },
      value: 1,
    })),
  ];
}

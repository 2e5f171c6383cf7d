import type { MeshBuilder } from '../../src/builder/mesh.ts';
import { projectFacts } from '../../src/collect/facts.ts';
import { snapshotOf } from '../../src/collect/snapshot.ts';
import { namesToProbe } from '../../src/mesh/names.ts';
import { inferTopology } from '../../src/mesh/topology.ts';
import type { ClusterFacts } from '../../src/model/facts.ts';
import type { ClusterName } from '../../src/model/ids.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import type { PlanInput } from '../../src/probe/plan.ts';
import type { ProbeOptions } from '../../src/probe/probe.ts';

/** What probes are planned from, as a run has it; `change` takes facts away before anything is concluded. */
export function planInput(
  built: MeshBuilder,
  services: ProbeOptions['services'] = [],
  change: (cluster: ClusterName, facts: ClusterFacts) => ClusterFacts = (_, facts) => facts,
): PlanInput {
  const snapshot = snapshotOf(built.objects(), { complete: true, takenAt: built.takenAt });
  const facts = new Map(snapshot.clusters.map((cluster) => [cluster.name, change(cluster.name, projectFacts(cluster))]));
  const topology = inferTopology(facts);
  return { facts, topology, names: namesToProbe(facts, topology, services) };
}

/** A CoreDNS pod of kubeadm. */
export function dnsPod(name: string, ready = true, labels: Readonly<Record<string, string>> = { 'k8s-app': 'kube-dns' }): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'kube-system', labels },
    spec: { containers: [{ name: 'coredns', image: 'coredns:1.12.0' }] },
    status: { phase: 'Running', podIPs: [{ ip: '10.1.9.9' }], conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}

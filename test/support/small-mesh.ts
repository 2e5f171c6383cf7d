import type { KubeObject, MeshObjects } from '../../src/model/kube.ts';

/** The least that is a mesh, written out: a cluster with istiod and the namespaces it is given (name → labels). */
export function smallCluster(
  id: string,
  namespaces: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
): readonly KubeObject[] {
  const system = 'istio-system';
  return [
    namespace(system, { 'topology.istio.io/network': `network-of-${id}` }),
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'istiod', namespace: system, labels: { app: 'istiod', 'istio.io/rev': 'default' } },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'istiod' } },
        template: {
          metadata: { labels: { app: 'istiod' } },
          spec: { containers: [{ name: 'discovery', image: 'pilot:1.31.0', env: [{ name: 'CLUSTER_ID', value: id }] }] },
        },
      },
      status: { readyReplicas: 1 },
    },
    ...Object.entries(namespaces).map(([name, labels]) => namespace(name, labels)),
  ];
}

/** Two of them; what one cluster holds says nothing of the other. */
export function smallMesh(one: Parameters<typeof smallCluster>[1] = {}, two: Parameters<typeof smallCluster>[1] = {}): MeshObjects {
  return new Map([
    ['east', smallCluster('id-1', one)],
    ['west', smallCluster('id-2', two)],
  ]);
}

function namespace(name: string, labels: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels }, status: { phase: 'Active' } };
}

import { emptyCluster, namespaceObjects } from '../builder/kubernetes.ts';
import { mesh as builder } from '../builder/mesh.ts';
import type { Cluster } from '../builder/plan.ts';
import { times } from '../builder/timeline.ts';
import { names } from '../istio/labels.ts';
import type { KubeObject, MeshObjects } from '../model/kube.ts';

/**
 * A mesh as manifests describe it, with what every API server has beside: system namespaces, a node, the authority of the API server
 * in each namespace, and Istio's custom resources. What the manifests say themselves is left as it is.
 */
export function complete(mesh: MeshObjects): MeshObjects {
  const definitions = [...builder().multiPrimary('one', 'two').objects()]
    .slice(0, 1)
    .flatMap(([, objects]) => objects.filter(({ kind }) => kind === 'CustomResourceDefinition'));
  return new Map([...mesh].map(([name, objects], index) => [name, completeCluster(name, index + 1, objects, definitions)]));
}

function completeCluster(
  name: string,
  number: number,
  objects: readonly KubeObject[],
  definitions: readonly KubeObject[],
): readonly KubeObject[] {
  const cluster: Cluster = { name, id: name, number, network: undefined, labelsNetwork: false, kubelet: 'v1.34.4' };
  const known = new Set(objects.map(keyOf));
  const used = new Set(objects.flatMap(({ kind, metadata }) => (kind === 'Namespace' ? [metadata.name] : (metadata.namespace ?? []))));
  const usual = [
    ...emptyCluster(cluster),
    ...[...used].flatMap((namespace) => namespaceObjects(cluster, namespace, times.cluster)),
    ...definitions,
  ];
  const authority = objects.find(isAuthority)?.['data'];
  const hasNode = objects.some(({ kind }) => kind === 'Node');
  const added = new Map(
    usual
      .filter((object) => !known.has(keyOf(object)) && !(hasNode && object.kind === 'Node'))
      .map((object) => [keyOf(object), authority !== undefined && isAuthority(object) ? { ...object, data: authority } : object]),
  );
  return [...objects, ...added.values()];
}

function isAuthority({ kind, metadata }: KubeObject): boolean {
  return kind === 'ConfigMap' && metadata.name === names.apiServerCaConfigMap;
}

function keyOf({ kind, metadata }: KubeObject): string {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}

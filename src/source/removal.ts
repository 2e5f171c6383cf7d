import { kindOf, kinds } from '../collect/kinds.ts';
import { type Fields, optionalFields, tally } from '../model/decode.ts';
import type { ClusterSnapshot, KindRead, ReducedObject } from '../model/snapshot.ts';

/*
 * A cluster without some of its objects, as `kubectl delete` would leave it a moment later: what belongs to them goes along, as the garbage collector and
 * the controllers of namespaces and endpoints have it.
 */

/** An object that is to be gone. */
export interface Removed {
  /** As the kinds of `src/collect` are called there. */
  readonly kindId: string;
  readonly namespace?: string;
  readonly name: string;
}

/** What a manifest removes that says `$patch: delete`; nothing where it is of a kind that nobody reads. */
export function removedBy(document: Fields): Removed | undefined {
  const kind = kindOf(document);
  const metadata = optionalFields(tally(), document['metadata']);
  const [name, namespace] = [metadata?.['name'], metadata?.['namespace']];
  if (kind === undefined || typeof name !== 'string') return undefined;
  return { kindId: kind.id, name, ...(kind.namespaced ? { namespace: typeof namespace === 'string' ? namespace : 'default' } : {}) };
}

/** Objects of a cluster that `KIND/NAMESPACE/NAME` or `KIND/NAME` means; the kind may have its group behind it, `Gateway.networking.istio.io`. */
export function meantBy(cluster: ClusterSnapshot, path: string): readonly Removed[] {
  const [kindName = '', ...rest] = path.split('/');
  const [name = '', namespace] = rest.toReversed();
  const meant = kinds.filter(({ kind, group }) => kind === kindName || `${kind}.${group}` === kindName);
  return meant.flatMap(({ id }) =>
    objectsOf(cluster, id)
      .filter(({ metadata }) => metadata.name === name && metadata.namespace === namespace)
      .map((): Removed => ({ kindId: id, name, ...(namespace === undefined ? {} : { namespace }) })),
  );
}

function objectsOf(cluster: ClusterSnapshot, id: string): readonly ReducedObject[] {
  const read = cluster.kinds[id];
  return read?.status === 'read' ? read.objects : [];
}

/** The cluster without these. Of a kind that could not be read nothing is said. */
export function withoutObjects(cluster: ClusterSnapshot, removed: readonly Removed[]): ClusterSnapshot {
  if (removed.length === 0) return cluster;
  const named = new Set(removed.map(({ kindId, namespace, name }) => `${kindId} ${namespace ?? ''}/${name}`));
  const isNamed = (id: string, { metadata }: ReducedObject): boolean => named.has(`${id} ${metadata.namespace ?? ''}/${metadata.name}`);
  const gone = (id: string): ((object: ReducedObject) => boolean) => {
    const inNamespace = new Set(removed.flatMap(({ kindId, name }) => (kindId === 'namespaces' ? [name] : [])));
    return (object) => isNamed(id, object) || inNamespace.has(object.metadata.namespace ?? '');
  };
  const workloads = ['deployments.apps', 'daemonsets.apps'].flatMap((id) => objectsOf(cluster, id).filter(gone(id)));
  const services = objectsOf(cluster, 'services').filter(gone('services'));
  const goneBy: Readonly<Record<string, (object: ReducedObject) => boolean>> = {
    pods: (pod) => workloads.some((workload) => isPodOf(workload, pod)),
    'endpointslices.discovery.k8s.io': (slice) => services.some((service) => isOf(service, slice, slice.metadata.labels?.[serviceName])),
    endpoints: (endpoints) => services.some((service) => isOf(service, endpoints, endpoints.metadata.name)),
  };
  const pods = objectsOf(cluster, 'pods').filter((pod) => gone('pods')(pod) || goneBy['pods']?.(pod) === true);
  const left = Object.fromEntries(
    Object.entries(cluster.kinds).map(([id, read]): [string, KindRead] => {
      if (read.status !== 'read') return [id, read];
      const objects = read.objects.filter((object) => !gone(id)(object) && goneBy[id]?.(object) !== true);
      return [id, { ...read, objects: pods.length === 0 ? objects : objects.map((object) => withoutPods(id, object, pods)) }];
    }),
  );
  return { ...cluster, kinds: left };
}

const serviceName = 'kubernetes.io/service-name';

function isOf(owner: ReducedObject, { metadata }: ReducedObject, name: string | undefined): boolean {
  return metadata.namespace === owner.metadata.namespace && name === owner.metadata.name;
}

/** Pods of a Deployment are those of ReplicaSets of its name and a hash, which nobody lists. */
function isPodOf(workload: ReducedObject, pod: ReducedObject): boolean {
  const controller = optionalFields(tally(), pod['controller']);
  const [kind, name] = [controller?.['kind'], controller?.['name']];
  if (typeof name !== 'string' || pod.metadata.namespace !== workload.metadata.namespace) return false;
  if (kind !== 'ReplicaSet') return kind === workload.kind && name === workload.metadata.name;
  return workload.kind === 'Deployment' && name.slice(0, name.lastIndexOf('-')) === workload.metadata.name;
}

/** Endpoints lose the pods that are gone. */
function withoutPods(id: string, object: ReducedObject, pods: readonly ReducedObject[]): ReducedObject {
  const { endpoints } = object;
  if (id !== 'endpointslices.discovery.k8s.io' || !Array.isArray(endpoints)) return object;
  const names = new Set(pods.filter((pod) => pod.metadata.namespace === object.metadata.namespace).map(({ metadata }) => metadata.name));
  const isLeft = (entry: unknown): boolean => {
    const pod = optionalFields(tally(), entry)?.['pod'];
    return typeof pod !== 'string' || !names.has(pod);
  };
  return { ...object, endpoints: endpoints.filter(isLeft) };
}

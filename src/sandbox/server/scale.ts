import type { KubeObject } from '../../model/kube.ts';
import { fieldsAt, numberAt, textAt, valueAt } from './json-path.ts';
import { qualifiedName, type Resource } from './resources.ts';
import { badRequest, conflict, modified } from './status.ts';

/** The replicas of a workload as subresource `scale` shows them. */
export function scaleOf(object: KubeObject): object {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = Object.entries(fieldsAt(object, 'spec', 'selector', 'matchLabels')).map(([key, value]) => `${key}=${String(value)}`);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(object, 'spec', 'replicas') },
    status: { replicas: numberAt(object, 'status', 'replicas'), selector: selector.join(',') },
  };
}

/** The workload with the replicas that a `Scale` asks for. Throws 409 when that was made from an older state. */
export function changedByScale(resource: Resource, object: KubeObject, scale: unknown): KubeObject {
  const version = textAt(scale, 'metadata', 'resourceVersion');
  if (version !== '' && version !== object.metadata.resourceVersion) throw conflict(resource, object.metadata.name, modified);
  const replicas = valueAt(scale, ['spec', 'replicas']) ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0)
    throw badRequest(`${qualifiedName(resource)} "${object.metadata.name}": spec.replicas must be a whole number, 0 or more`);
  return { ...object, spec: { ...fieldsAt(object, 'spec'), replicas } };
}

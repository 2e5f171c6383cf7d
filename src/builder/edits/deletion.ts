import { agoIn, timeText } from './clock.ts';
import { change, type Edit, inCluster, isNamed, put } from './edit.ts';
import { isPod } from './find.ts';

interface Deleted {
  readonly cluster: string;
  /** How many minutes ago; some, where nothing is said. */
  readonly minutes?: number;
}

/**
 * ID-16: a namespace was deleted and cannot go, since a finalizer of something in it is never done. Its pods and workloads are gone; Services wait
 * for their load balancers.
 */
export function namespaceBeingDeleted(options: Deleted & { readonly namespace: string }): Edit {
  return inCluster(options.cluster, (objects, mesh) => {
    const at = timeText(agoIn(mesh, options.minutes ?? 10));
    const left = objects.filter(
      (object) =>
        object.metadata.namespace !== options.namespace ||
        !(isPod(object) || ['Deployment', 'ReplicaSet', 'EndpointSlice', 'Endpoints'].includes(object.kind)),
    );
    return change(
      left,
      isNamed('Namespace', options.namespace),
      (object) => put(put(object, ['metadata', 'deletionTimestamp'], at), ['status', 'phase'], 'Terminating'),
      'namespace',
    ).map((object) =>
      object.metadata.namespace === options.namespace && object.kind === 'Service'
        ? put(object, ['metadata', 'deletionTimestamp'], at)
        : object,
    );
  });
}

/** ID-16: a Service was deleted, and waits for the finalizer of its load balancer, which nobody takes down. */
export function serviceBeingDeleted(options: Deleted & { readonly namespace: string; readonly name: string }): Edit {
  return inCluster(options.cluster, (objects, mesh) =>
    change(
      objects,
      isNamed('Service', options.name, options.namespace),
      (object) => put(object, ['metadata', 'deletionTimestamp'], timeText(agoIn(mesh, options.minutes ?? 10))),
      'Service',
    ),
  );
}

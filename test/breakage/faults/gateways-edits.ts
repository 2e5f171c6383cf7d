import { change, changeAny, changed, type Edit, find, inCluster, put } from '../../../src/builder/edits/edit.ts';
import { isBackendOf, isEastWestService } from '../../../src/builder/edits/find.ts';
import { at, isRecord, itemsOf } from '../../../src/builder/edits/json.ts';

/** The load balancer is known by a name only. */
export function gatewayNamed(options: { readonly cluster: string; readonly hostname: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      isEastWestService,
      (service) => put(service, ['status', 'loadBalancer'], { ingress: [{ hostname: options.hostname }] }),
      'east-west gateway',
    ),
  );
}

/** The cross-network port of the gateway's Service written anew. For a container port that no pod has, slices hold nothing. */
export function gatewayPortWritten(options: {
  readonly cluster: string;
  readonly change: { readonly protocol?: string; readonly targetPort?: string };
}): Edit {
  return inCluster(options.cluster, (objects) => {
    const service = find(objects, isEastWestService, 'east-west gateway');
    const written = change(
      objects,
      (object) => object === service,
      (object) =>
        changed(object, ['spec', 'ports', '*'], (port) =>
          isRecord(port) && port['port'] === 15443 ? { ...port, ...options.change } : port,
        ),
      'east-west gateway',
    );
    return changeAny(
      written,
      (object) => object.kind === 'EndpointSlice' && isBackendOf(service)(object),
      (slice) =>
        changed(slice, ['ports'], (ports) =>
          itemsOf(ports).flatMap((port) =>
            at(port, 'port') !== 15443 || !isRecord(port)
              ? [port]
              : options.change.targetPort !== undefined
                ? []
                : [{ ...port, ...options.change }],
          ),
        ),
    );
  });
}

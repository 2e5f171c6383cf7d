import { changeAny, type Edit, find, inCluster, isNamed } from '../../../src/builder/edits/edit.ts';
import { isBackendOf } from '../../../src/builder/edits/find.ts';

/** The workload behind a Service never was in this cluster, nor was the Service: it is called from there by name. */
export function podsOfService(options: { readonly cluster: string; readonly service: string; readonly gone: true }): Edit {
  const [name = '', namespace = ''] = options.service.split('.');
  return inCluster(options.cluster, (objects) => {
    const service = find(objects, isNamed('Service', name, namespace), `Service ${namespace}/${name}`);
    return changeAny(
      objects,
      (object) => object === service || isBackendOf(service)(object),
      () => undefined,
    );
  });
}

import { type Edit, find, inCluster, isNamed } from '../../../src/builder/edits/edit.ts';
import { isBackendOf } from '../../../src/builder/edits/find.ts';

/** A Service that one cluster does not have (any more), with its slices and Endpoints. The pods that were behind it stay, and call. */
export function serviceRemoved(options: { readonly cluster: string; readonly namespace: string; readonly name: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const service = find(objects, isNamed('Service', options.name, options.namespace), `Service ${options.namespace}/${options.name}`);
    const isIts = isBackendOf(service);
    return objects.filter((object) => object !== service && !isIts(object));
  });
}

import { change, type Edit, inCluster, put } from '../../../src/builder/edits/edit.ts';
import { isBackendOf, isPilotService } from '../../../src/builder/edits/find.ts';

/** What the installer makes of a host name in `remotePilotAddress`: an ExternalName Service, and no slice. Pods go on as they are. */
export function injectorServiceNamed(options: { readonly cluster: string; readonly host: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const isPilot = isPilotService(objects);
    const backends = objects.filter(isPilot).map(isBackendOf);
    const named = change(
      objects,
      isPilot,
      (service) =>
        ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'].reduce(
          (next, field) => put(next, ['spec', field], undefined),
          put(put(service, ['spec', 'type'], 'ExternalName'), ['spec', 'externalName'], options.host),
        ),
      'Service for istiod',
    );
    return named.filter((object) => !backends.some((isIts) => isIts(object)));
  });
}

import { change, type Edit, inCluster, put } from '../../../src/builder/edits/edit.ts';
import { isEastWestService } from '../../../src/builder/edits/find.ts';

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

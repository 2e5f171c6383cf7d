import { change, type Edit, inCluster, labelsOf, put } from '../../../src/builder/edits/edit.ts';
import { isAmbientGateway } from '../../../src/builder/edits/ambient.ts';
import { isRecord, itemsAt } from '../../../src/builder/edits/json.ts';

/** A Gateway that no controller has taken up: conditions as the API server fills them in, and nothing made for it. */
export function gatewayNeverProgrammed(options: { readonly cluster: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const names = objects.filter(isAmbientGateway).map((gateway) => gateway.metadata.name);
    const isMade = (object: (typeof objects)[number]): boolean =>
      names.includes(labelsOf(object)['gateway.networking.k8s.io/gateway-name'] ?? '') ||
      (['EndpointSlice', 'Endpoints', 'ServiceAccount'].includes(object.kind) &&
        object.metadata.namespace === 'istio-system' &&
        names.some((name) => object.metadata.name === name || labelsOf(object)['kubernetes.io/service-name'] === name));
    return change(
      objects.filter((object) => !isMade(object)),
      isAmbientGateway,
      (gateway) =>
        put(
          put(gateway, ['status', 'addresses'], undefined),
          ['status', 'conditions'],
          itemsAt(gateway, 'status', 'conditions').flatMap((condition) =>
            isRecord(condition) && condition['type'] !== 'ResolvedRefs'
              ? [{ ...condition, status: 'Unknown', reason: 'Pending', message: 'Waiting for controller' }]
              : [],
          ),
        ),
      'ambient east-west gateway',
    );
  });
}

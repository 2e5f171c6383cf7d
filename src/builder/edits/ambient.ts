import { labels } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import { change, changed, type Edit, inCluster, inOrder, isNamed, label, labelsOf, type Objects, put, remove } from './edit.ts';
import { systemNamespaceOf } from './find.ts';
import { itemsAt, textAt } from './json.ts';
import { ownedBy, removePod, scaleToZero, unready } from './workload.ts';

// What goes wrong with the objects of ambient: labels of services and waypoints, Gateways of Kubernetes.

const gatewayApi = 'gateway.networking.k8s.io/';

export const isKubeGateway = (object: KubeObject): boolean => object.kind === 'Gateway' && object.apiVersion.startsWith(gatewayApi);
export const isAmbientGateway = (object: KubeObject): boolean =>
  isKubeGateway(object) && textAt(object, 'spec', 'gatewayClassName') === 'istio-east-west';

/** `NAME.NAMESPACE` as namespace and name. */
function placeOf(name: string): { readonly namespace: string; readonly name: string } {
  const [short = '', namespace = ''] = name.split('.');
  return { namespace, name: short };
}

/** A label of a Service, `NAME.NAMESPACE`, written or taken away; its slices and Endpoints carry what it carries. */
export function serviceLabelled(options: {
  readonly cluster: string;
  readonly service: string;
  readonly label: string;
  readonly value: string | undefined;
}): Edit {
  const { namespace, name } = placeOf(options.service);
  const isPart = (object: KubeObject): boolean =>
    object.metadata.namespace === namespace &&
    ((object.kind === 'Endpoints' && object.metadata.name === name) ||
      (object.kind === 'EndpointSlice' && labelsOf(object)[labels.serviceName] === name));
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      (object) => isNamed('Service', name, namespace)(object) || isPart(object),
      (object) => label(object, options.label, options.value),
      `Service ${options.service}`,
    ),
  );
}

/** A label of a namespace, written or taken away. */
export function namespaceLabelled(options: {
  readonly cluster: string;
  readonly namespace: string;
  readonly label: string;
  readonly value: string | undefined;
}): Edit {
  return inCluster(options.cluster, (objects) =>
    change(objects, isNamed('Namespace', options.namespace), (object) => label(object, options.label, options.value), options.namespace),
  );
}

/** A Service, `NAME.NAMESPACE`, was deleted or never made; with it go slices and Endpoints, its pods stay. */
export function serviceDeleted(options: { readonly cluster: string; readonly service: string }): Edit {
  const { namespace, name } = placeOf(options.service);
  return inCluster(options.cluster, (objects) =>
    remove(
      objects,
      (object) =>
        object.metadata.namespace === namespace &&
        (((object.kind === 'Service' || object.kind === 'Endpoints') && object.metadata.name === name) ||
          (object.kind === 'EndpointSlice' && labelsOf(object)[labels.serviceName] === name)),
      `Service ${options.service}`,
    ),
  );
}

/** A Deployment, `NAME.NAMESPACE`, with no pods left: scaled to nothing, or their containers fail. */
export function workloadDown(options: { readonly cluster: string; readonly workload: string; readonly how: 'scaled' | 'unready' }): Edit {
  const { namespace, name } = placeOf(options.workload);
  return inCluster(options.cluster, (objects) => {
    const deployment = objects.find(isNamed('Deployment', name, namespace));
    if (deployment === undefined) return remove(objects, () => false, `Deployment ${options.workload}`);
    return options.how === 'scaled' ? scaleToZero(objects, deployment) : unready(objects, deployment);
  });
}

/** A Gateway of Kubernetes, `NAME.NAMESPACE`, was deleted or never made: what istiod made for it goes, too. */
export function kubeGatewayDeleted(options: { readonly cluster: string; readonly gateway: string }): Edit {
  const { namespace, name } = placeOf(options.gateway);
  return inCluster(options.cluster, (objects) => {
    const deployment = objects.find(isNamed('Deployment', name, namespace));
    const owned = deployment === undefined ? undefined : ownedBy(objects, deployment);
    const rest = (owned?.pods ?? []).reduce<Objects>(removePod, objects);
    return remove(
      rest,
      (object) =>
        owned?.replicaSets.includes(object) === true ||
        (object.metadata.namespace === namespace &&
          ((isKubeGateway(object) && object.metadata.name === name) ||
            (['Service', 'Deployment', 'ServiceAccount', 'Endpoints'].includes(object.kind) && object.metadata.name === name) ||
            (object.kind === 'EndpointSlice' && labelsOf(object)[labels.serviceName] === name))),
      `Gateway ${options.gateway}`,
    );
  });
}

/** A change of the specification or labels of Gateways of Kubernetes in the system namespace, as somebody wrote them; status is left to `status`. */
export function ambientGatewayWritten(options: { readonly cluster: string; readonly how: (gateway: KubeObject) => KubeObject }): Edit {
  return inCluster(options.cluster, (objects) => change(objects, isAmbientGateway, options.how, 'ambient east-west gateway'));
}

/** The class of the ambient gateway as somebody wrote it; for class istio the same istiod makes a Service and a Deployment of another name, and takes none of the listener. */
export function ambientGatewayOfClass(options: { readonly cluster: string; readonly className: string }): Edit {
  return ambientGatewayWritten({
    cluster: options.cluster,
    how: (gateway) => conditioned(put(gateway, ['spec', 'gatewayClassName'], options.className), 'Accepted', 'False', 'ListenersNotValid'),
  });
}

/** Another listener than the one of HBONE; Gateway and address stay as they were, istiod only says so of the listener. */
export function ambientGatewayListens(options: { readonly cluster: string; readonly listener: Readonly<Record<string, unknown>> }): Edit {
  return ambientGatewayWritten({
    cluster: options.cluster,
    how: (gateway) => put(gateway, ['spec', 'listeners'], [options.listener]),
  });
}

/** A condition of the Gateway as istiod reports it. */
export function ambientGatewayConditioned(options: {
  readonly cluster: string;
  readonly type: 'Accepted' | 'Programmed';
  readonly status: 'False' | 'Unknown';
  readonly reason: string;
}): Edit {
  return ambientGatewayWritten({
    cluster: options.cluster,
    how: (gateway) => conditioned(gateway, options.type, options.status, options.reason),
  });
}

/** A Gateway, `NAME.NAMESPACE`, for which no pod has become ready yet: no address, not programmed. */
export function kubeGatewayNeverReady(options: { readonly cluster: string; readonly gateway: string }): Edit {
  const { namespace, name } = placeOf(options.gateway);
  return inOrder(
    workloadDown({ cluster: options.cluster, workload: options.gateway, how: 'unready' }),
    inCluster(options.cluster, (objects) =>
      change(
        objects,
        (object) => isKubeGateway(object) && isNamed('Gateway', name, namespace)(object),
        (object) => put(conditioned(object, 'Programmed', 'False', 'AddressNotAssigned'), ['status', 'addresses'], undefined),
        `Gateway ${options.gateway}`,
      ),
    ),
  );
}

/** The custom resources of the Gateway API were never installed: neither they nor any Gateway or class exist, nor what istiod made for one. */
export function gatewayApiMissing(options: { readonly cluster: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const gateways = objects.filter(isKubeGateway);
    const without = gateways.reduce<Objects>((rest, gateway) => {
      const edit = kubeGatewayDeleted({ cluster: '-', gateway: `${gateway.metadata.name}.${gateway.metadata.namespace ?? ''}` });
      return edit(new Map([['-', rest]])).get('-') ?? rest;
    }, objects);
    return remove(
      without,
      (object) =>
        object.apiVersion.startsWith(gatewayApi) ||
        (object.kind === 'CustomResourceDefinition' && textAt(object, 'spec', 'group') === 'gateway.networking.k8s.io'),
      'Gateway API',
    );
  });
}

/** Text of the mesh config replaced; istiod takes it in at once. */
export function meshConfigWritten(options: { readonly cluster: string; readonly from: RegExp; readonly to: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const system = systemNamespaceOf(objects);
    return change(
      objects,
      (object) =>
        object.kind === 'ConfigMap' && object.metadata.namespace === system && options.from.test(textAt(object, 'data', 'mesh') ?? ''),
      (object) => changed(object, ['data', 'mesh'], (text) => (typeof text === 'string' ? text.replace(options.from, options.to) : text)),
      `mesh config with ${options.from.source}`,
    );
  });
}

/** serviceScopeConfigs as profile ambient writes them, replaced by `to`. */
export function serviceScopes(options: { readonly cluster: string; readonly to?: string }): Edit {
  return meshConfigWritten({
    cluster: options.cluster,
    from: /serviceScopeConfigs:\n(?:(?:-| ) .*\n)+/,
    to: options.to ?? '',
  });
}

function conditioned(gateway: KubeObject, type: string, status: string, reason: string): KubeObject {
  const conditions = itemsAt(gateway, 'status', 'conditions').map((condition) =>
    typeof condition === 'object' && condition !== null && 'type' in condition && condition.type === type
      ? { ...condition, status, reason }
      : condition,
  );
  return put(gateway, ['status', 'conditions'], conditions);
}

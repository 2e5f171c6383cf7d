import { annotations, labels, ports } from '../../istio/labels.ts';
import type { KubeObject, MeshObjects } from '../../model/kube.ts';
import { withIstiodEnv } from './control-plane.ts';
import {
  annotate,
  change,
  changeAny,
  changed,
  clusterOf,
  type Edit,
  find,
  inCluster,
  inOrder,
  isNamed,
  label,
  type Objects,
  put,
  remove,
  withoutLastApplied,
} from './edit.ts';
import { withoutServicePorts } from './exposure.ts';
import { deploymentsBehind, isBackendOf, isCrossNetworkGateway, isEastWestService } from './find.ts';
import { isRecord, itemsAt, textAt } from './json.ts';
import { ownedBy, removePod, scaleToZero, unready } from './workload.ts';

/**
 * G01: a cluster without east-west gateway: never installed, or pruned by an installation of the same name. Deployment, ReplicaSet, pods,
 * Service with slices and Endpoints, autoscaler, service account, Role and RoleBinding of it are gone; nothing else.
 */
export function gatewayRemoved(options: { readonly cluster: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const service = find(objects, isEastWestService, 'east-west gateway');
    const deployments = deploymentsBehind(objects, service);
    const isBackend = isBackendOf(service);
    const accounts = deployments.map((deployment) => textAt(deployment, 'spec', 'template', 'spec', 'serviceAccountName'));
    const bindings = objects.filter(
      (object) =>
        object.kind === 'RoleBinding' && itemsAt(object, 'subjects').some((subject) => accounts.includes(textAt(subject, 'name'))),
    );
    const roles = bindings.map((binding) => textAt(binding, 'roleRef', 'name'));
    const owned = deployments.flatMap((deployment) => [deployment, ...ownedBy(objects, deployment).replicaSets]);
    const pods = deployments.flatMap((deployment) => ownedBy(objects, deployment).pods);
    const isGone = (object: KubeObject): boolean =>
      object === service ||
      owned.includes(object) ||
      bindings.includes(object) ||
      isBackend(object) ||
      (object.metadata.namespace === service.metadata.namespace &&
        ((object.kind === 'ServiceAccount' && accounts.includes(object.metadata.name)) ||
          (object.kind === 'Role' && roles.includes(object.metadata.name)) ||
          ((object.kind === 'HorizontalPodAutoscaler' || object.kind === 'PodDisruptionBudget') &&
            owned.some((one) => one.metadata.name === object.metadata.name))));
    return pods.reduce<Objects>(removePod, objects).filter((object) => !isGone(object));
  });
}

/** G01: the gateway runs, but its Service (and with it slices and Endpoints) has lost the label that makes it a gateway of a network. */
export function gatewayUnlabelled(options: { readonly cluster: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const service = find(objects, isEastWestService, 'east-west gateway');
    const isIts = isBackendOf(service);
    return objects.map((object) => (object === service || isIts(object) ? label(object, labels.network, undefined) : object));
  });
}

/** EW-20: the gateway scaled to nothing. */
export function gatewayScaledToZero(options: { readonly cluster: string }): Edit {
  return gateways(options.cluster, scaleToZero);
}

/** EW-20: the gateway's pods run and are not ready. */
export function gatewayUnready(options: { readonly cluster: string }): Edit {
  return gateways(options.cluster, unready);
}

/** EW-20: the gateway runs, but its Service selects by a label that its pods do not have; the controllers empty slices and Endpoints. */
export function gatewayServiceSelects(options: { readonly cluster: string; readonly selector: Readonly<Record<string, string>> }): Edit {
  return inCluster(options.cluster, (objects) => {
    const service = find(objects, isEastWestService, 'east-west gateway');
    const isIts = isBackendOf(service);
    const selecting = change(
      objects,
      isNamed('Service', service.metadata.name, service.metadata.namespace),
      (object) => put(object, ['spec', 'selector'], options.selector),
      'Service',
    );
    return changeAny(selecting, isIts, (object) =>
      object.kind === 'Endpoints' ? put(object, ['subsets'], undefined) : put(put(object, ['endpoints'], null), ['ports'], null),
    );
  });
}

/** EW-01: a load balancer that never got, or lost, its address. Pods and cluster address are as before. */
export function gatewayAddressPending(options: { readonly cluster: string }): Edit {
  return gatewayService(options.cluster, (service) => put(service, ['status', 'loadBalancer'], {}));
}

/** EW-01: the gateway's Service is of type ClusterIP: nothing outside reaches it. */
export function gatewayClusterIp(options: { readonly cluster: string }): Edit {
  return gatewayService(options.cluster, (service) => retyped(service, 'ClusterIP'));
}

/** EW-04: a NodePort gateway. Without the annotation istiod takes no node for an address; with `nodeSelector` it takes those nodes' external addresses, if they have any. */
export function gatewayNodePort(options: { readonly cluster: string; readonly nodeSelector?: string }): Edit {
  return gatewayService(options.cluster, (service) =>
    annotate(retyped(service, 'NodePort'), annotations.nodeSelector, options.nodeSelector),
  );
}

/** EW-02: the load balancer is known by a name only, and no istiod of the mesh resolves names (`RESOLVE_HOSTNAME_GATEWAYS=false`, hence a rollout of each). */
export function gatewayHostnameUnresolved(options: {
  readonly cluster: string;
  readonly hostname: string;
  readonly readers: readonly string[];
}): Edit {
  return inOrder(
    gatewayService(options.cluster, (service) => put(service, ['status', 'loadBalancer'], { ingress: [{ hostname: options.hostname }] })),
    ...options.readers.map((reader) => withIstiodEnv(reader, { RESOLVE_HOSTNAME_GATEWAYS: 'false' })),
  );
}

/** EW-07: the gateway's Service without the cross-network port. */
export function gatewayWithoutCrossNetworkPort(options: { readonly cluster: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    withoutServicePorts(objects, find(objects, isEastWestService, 'east-west gateway'), [ports.crossNetwork]),
  );
}

/** EW-07: the label that names the cross-network port names one that the Service does not have. */
export function gatewayPortLabel(options: { readonly cluster: string; readonly port: string }): Edit {
  return gatewayService(options.cluster, (service) => label(service, labels.gatewayPort, options.port));
}

/** EW-08, G07: the Gateway that exposes services across networks deleted. The gateway keeps running and refuses everything on that port. */
export function crossNetworkGatewayDeleted(options: { readonly cluster: string }): Edit {
  return inCluster(options.cluster, (objects) => remove(objects, isCrossNetworkGateway, 'cross-network Gateway'));
}

/** EW-08: it selects no pod. */
export function crossNetworkGatewaySelects(options: {
  readonly cluster: string;
  readonly selector: Readonly<Record<string, string>>;
}): Edit {
  return crossNetworkGateway(options.cluster, (gateway) => put(gateway, ['spec', 'selector'], options.selector));
}

/** EW-08: its TLS mode is not AUTO_PASSTHROUGH. */
export function crossNetworkGatewayMode(options: { readonly cluster: string; readonly mode: string }): Edit {
  return crossNetworkGateway(options.cluster, (gateway) => put(gateway, ['spec', 'servers', '*', 'tls', 'mode'], options.mode));
}

/** EW-08: it opens another port than the one that other networks are sent to. */
export function crossNetworkGatewayPort(options: { readonly cluster: string; readonly port: number }): Edit {
  return crossNetworkGateway(options.cluster, (gateway) => put(gateway, ['spec', 'servers', '*', 'port', 'number'], options.port));
}

/** EW-08: it is labelled for another revision, and this istiod does not see it. */
export function crossNetworkGatewayForRevision(options: { readonly cluster: string; readonly revision: string }): Edit {
  return crossNetworkGateway(options.cluster, (gateway) => label(gateway, labels.revision, options.revision));
}

/** EW-08 with PILOT_SCOPE_GATEWAY_TO_NAMESPACE: it lies in another namespace than the gateway's pods, and istiod (rolled out with the flag) looks only there. */
export function crossNetworkGatewayScopedOut(options: { readonly cluster: string; readonly namespace: string }): Edit {
  return inOrder(
    crossNetworkGateway(options.cluster, (gateway) => put(withoutLastApplied(gateway), ['metadata', 'namespace'], options.namespace)),
    withIstiodEnv(options.cluster, { PILOT_SCOPE_GATEWAY_TO_NAMESPACE: 'true' }),
  );
}

/** EW-08, G08, POL-04: it was applied in the remote, where no istiod reads it, instead of the primary. */
export function crossNetworkGatewayIn(options: { readonly cluster: string; readonly instead: string }): Edit {
  return (mesh: MeshObjects) => {
    const moved = clusterOf(mesh, options.cluster).filter(isCrossNetworkGateway);
    return inOrder(
      inCluster(options.cluster, (objects) => remove(objects, isCrossNetworkGateway, 'cross-network Gateway')),
      inCluster(options.instead, (objects) => [...objects, ...moved]),
    )(mesh);
  };
}

function gateways(cluster: string, how: (objects: Objects, deployment: KubeObject) => Objects): Edit {
  return inCluster(cluster, (objects) => {
    const service = find(objects, isEastWestService, 'east-west gateway');
    const deployments = deploymentsBehind(objects, service);
    find(deployments, () => true, 'Deployment of the east-west gateway');
    return deployments.reduce(how, objects);
  });
}

function gatewayService(cluster: string, how: (service: KubeObject) => KubeObject): Edit {
  return inCluster(cluster, (objects) => change(objects, isEastWestService, how, 'east-west gateway'));
}

function crossNetworkGateway(cluster: string, how: (gateway: KubeObject) => KubeObject): Edit {
  return inCluster(cluster, (objects) => change(objects, isCrossNetworkGateway, how, 'cross-network Gateway'));
}

/** A Service of another type: fields that only a load balancer has are gone, node ports go with ClusterIP. */
function retyped(service: KubeObject, type: 'ClusterIP' | 'NodePort'): KubeObject {
  const bare = put(
    put(put(service, ['spec', 'type'], type), ['spec', 'allocateLoadBalancerNodePorts'], undefined),
    ['status', 'loadBalancer'],
    {},
  );
  if (type === 'NodePort') return bare;
  return changed(put(bare, ['spec', 'externalTrafficPolicy'], undefined), ['spec', 'ports', '*'], (port) =>
    isRecord(port) ? Object.fromEntries(Object.entries(port).filter(([key]) => key !== 'nodePort')) : port,
  );
}

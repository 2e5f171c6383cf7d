import { crossNetworkSpec, istiodGatewaySpec, istiodRouteSpec } from '../istio/samples.ts';
import type { KubeObject } from '../model/kube.ts';
import { lastApplied, makerOf } from './objects.ts';
import { type Cluster, type ControlPlane, suffixOfRevision } from './plan.ts';

// Istio's own samples: what they expose on the east-west gateway. All of them lie in the config cluster.

const apiVersion = 'networking.istio.io/v1';

/** Gateway of samples/multicluster/expose-services.yaml. */
export function crossNetworkGateway(cluster: Cluster, namespace: string, createdAt: string): KubeObject {
  return applied(cluster, createdAt, 'Gateway', namespace, 'cross-network-gateway', crossNetworkSpec);
}

/** Gateway and VirtualService of samples/multicluster/expose-istiod.yaml, or of its template for a named revision. */
export function exposedIstiod(cluster: Cluster, plane: ControlPlane, createdAt: string): KubeObject[] {
  return [
    applied(cluster, createdAt, 'Gateway', plane.systemNamespace, 'istiod-gateway', istiodGatewaySpec),
    istiodRoute(cluster, plane, createdAt),
  ];
}

/** The VirtualService alone: what a second revision adds to the exposure of the first. */
export function istiodRoute(cluster: Cluster, plane: ControlPlane, createdAt: string): KubeObject {
  const { revision, systemNamespace } = plane;
  const name = `istiod-vs${suffixOfRevision(revision)}`;
  return applied(cluster, createdAt, 'VirtualService', systemNamespace, name, istiodRouteSpec(revision, systemNamespace));
}

/** An object of `networking.istio.io` as `kubectl apply` leaves it. */
export function applied(
  cluster: Cluster,
  createdAt: string,
  kind: string,
  namespace: string,
  name: string,
  spec: Readonly<Record<string, unknown>>,
): KubeObject {
  const annotations = lastApplied({ apiVersion, kind, metadata: { annotations: {}, name, namespace }, spec });
  return makerOf(cluster.name, createdAt)(apiVersion, kind, { name, namespace, generation: 1, annotations }, { spec });
}

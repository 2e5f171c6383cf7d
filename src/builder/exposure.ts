import type { KubeObject } from '../model/kube.ts';
import { lastApplied, makerOf } from './objects.ts';
import { type Cluster, type ControlPlane, istiodName, suffixOfRevision } from './plan.ts';

// Istio's own samples: what they expose on the east-west gateway. All of them lie in the config cluster.

const apiVersion = 'networking.istio.io/v1';
const selector = { istio: 'eastwestgateway' };

/** Gateway of samples/multicluster/expose-services.yaml. */
export function crossNetworkGateway(cluster: Cluster, namespace: string, createdAt: string): KubeObject {
  return applied(cluster, createdAt, 'Gateway', namespace, 'cross-network-gateway', {
    selector,
    servers: [{ hosts: ['*.local'], port: { name: 'tls', number: 15443, protocol: 'TLS' }, tls: { mode: 'AUTO_PASSTHROUGH' } }],
  });
}

/** Gateway and VirtualService of samples/multicluster/expose-istiod.yaml, or of its template for a named revision. */
export function exposedIstiod(cluster: Cluster, plane: ControlPlane, createdAt: string): KubeObject[] {
  const namespace = plane.systemNamespace;
  const server = (name: string, number: number) => ({
    hosts: ['*'],
    port: { name, number, protocol: 'tls' },
    tls: { mode: 'PASSTHROUGH' },
  });
  return [
    applied(cluster, createdAt, 'Gateway', namespace, 'istiod-gateway', {
      selector,
      servers: [server('tls-istiod', 15012), server('tls-istiodwebhook', 15017)],
    }),
    istiodRoute(cluster, plane, createdAt),
  ];
}

/** The VirtualService alone: what a second revision adds to the exposure of the first. */
export function istiodRoute(cluster: Cluster, plane: ControlPlane, createdAt: string): KubeObject {
  const service = `${istiodName(plane)}.${plane.systemNamespace}.svc`;
  const sniHosts = plane.revision === 'default' ? ['*'] : [service, `${service}.cluster.local`];
  const route = (port: number, target: number) => ({
    match: [{ port, sniHosts }],
    route: [{ destination: { host: `${service}.cluster.local`, port: { number: target } } }],
  });
  return applied(cluster, createdAt, 'VirtualService', plane.systemNamespace, `istiod-vs${suffixOfRevision(plane.revision)}`, {
    gateways: ['istiod-gateway'],
    hosts: ['*'],
    tls: [route(15012, 15012), route(15017, 443)],
  });
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

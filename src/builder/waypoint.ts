import type { KubeObject, StringMap } from '../model/kube.ts';
import { addressesOf } from './addresses.ts';
import type { Built } from './applications.ts';
import { condition, managedSpec } from './hbone-gateway.ts';
import { makerOf, type Owner } from './objects.ts';
import type { Site } from './plan.ts';
import { outside } from './node-agents.ts';
import { prometheus } from './proxy.ts';
import { service } from './services.ts';
import { times } from './timeline.ts';
import { deployment } from './workload.ts';

export interface WaypointOptions {
  readonly in?: readonly string[];
  /** Labels of its Service beside those of istiod, as `kubectl label service` leaves them. */
  readonly serviceLabels?: StringMap;
  /** Labels of the Gateway itself. */
  readonly labels?: StringMap;
}

const gatewayApi = 'gateway.networking.k8s.io';

/** A Gateway of class istio-waypoint, and the Service and Deployment that istiod makes for it. */
export function waypointIn(site: Site, namespace: string, name: string, options: WaypointOptions): Built {
  const { cluster } = site;
  const [injection] = site.injections;
  if (injection === undefined) throw new Error(`Cluster ${cluster.name} has no istiod that could make a waypoint.`);
  const addresses = addressesOf(cluster.number, site.addressesUsed);
  const createdAt = times.applications;
  const make = makerOf(cluster.name, createdAt);
  const hostname = `${name}.${namespace}.svc.cluster.local`;
  const at = (type: string, message: string) => condition(createdAt, type, type, message);
  const gateway = make(
    `${gatewayApi}/v1`,
    'Gateway',
    { name, namespace, generation: 1, labels: { 'istio.io/waypoint-for': 'service', ...options.labels } },
    {
      spec: {
        gatewayClassName: 'istio-waypoint',
        listeners: [{ allowedRoutes: { namespaces: { from: 'Same' } }, name: 'mesh', port: 15008, protocol: 'HBONE' }],
      },
      status: {
        addresses: [{ type: 'Hostname', value: hostname }],
        conditions: [
          at('Accepted', 'Resource accepted'),
          at('Programmed', `Resource programmed, assigned to service(s) ${hostname}:15008`),
          at('ResolvedRefs', 'All references resolved'),
        ],
      },
    },
  );
  const owner: Owner = { apiVersion: gateway.apiVersion, kind: 'Gateway', name, uid: gateway.metadata.uid ?? '' };
  const labels: StringMap = {
    'gateway.istio.io/managed': 'istio.io-mesh-controller',
    'gateway.networking.k8s.io/gateway-class-name': 'istio-waypoint',
    'gateway.networking.k8s.io/gateway-name': name,
    'istio.io/waypoint-for': 'service',
    ...options.labels,
  };
  const selector = { 'gateway.networking.k8s.io/gateway-name': name };
  const workload = deployment(cluster, addresses, {
    namespace,
    name,
    createdAt,
    labels,
    ownerReferences: [owner],
    selector,
    template: {
      labels: { ...labels, ...outside, 'service.istio.io/canonical-name': name, 'service.istio.io/canonical-revision': 'latest' },
      annotations: { 'istio.io/rev': injection.revision, ...prometheus },
      spec: managedSpec(cluster, injection, { namespace, name, view: false }),
    },
  });
  const objects: readonly KubeObject[] = [
    gateway,
    make('v1', 'ServiceAccount', { name, namespace, labels, ownerReferences: [owner] }),
    ...workload,
    ...service(
      cluster,
      addresses,
      {
        namespace,
        name,
        createdAt,
        labels: { ...labels, ...options.serviceLabels },
        annotations: { 'networking.istio.io/traffic-distribution': 'PreferClose' },
        ownerReferences: [owner],
        ports: [
          { appProtocol: 'tcp', name: 'status-port', port: 15021, targetPort: 15021 },
          { appProtocol: 'hbone', name: 'mesh', port: 15008, targetPort: 15008 },
        ],
        selector,
        ipFamilyPolicy: 'PreferDualStack',
      },
      workload,
    ),
  ];
  return { objects, addressesUsed: addresses.used() };
}

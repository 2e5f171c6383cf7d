import { labels } from '../istio/labels.ts';
import type { KubeObject, StringMap } from '../model/kube.ts';
import type { Addresses } from './addresses.ts';
import { zoneOf } from './kubernetes.ts';
import { controlledBy, makerOf, type Owner, present } from './objects.ts';
import type { Cluster } from './plan.ts';
import { suffixOf } from './seeded.ts';

export interface ServicePort {
  readonly name?: string | undefined;
  readonly port: number;
  readonly targetPort: number;
  readonly appProtocol?: string | undefined;
  readonly protocol?: 'TCP' | 'UDP';
}

export interface ServicePlan {
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: string;
  readonly labels?: StringMap | undefined;
  readonly annotations?: StringMap | undefined;
  readonly ports: readonly ServicePort[];
  /** Absent: somebody else provides the endpoints. */
  readonly selector?: StringMap | undefined;
  readonly type?: 'ClusterIP' | 'LoadBalancer';
  readonly headless?: boolean | undefined;
  /** Address of the load balancer. */
  readonly ingress?: string;
  readonly ownerReferences?: readonly Owner[];
  readonly ipFamilyPolicy?: string;
}

/** A Service, with the EndpointSlice and Endpoints that Kubernetes keeps for what it selects among `pods`. */
export function service(cluster: Cluster, addresses: Addresses, plan: ServicePlan, pods: readonly KubeObject[]): KubeObject[] {
  const { namespace, name, createdAt, selector } = plan;
  const make = makerOf(cluster.name, createdAt);
  const isBalanced = plan.type === 'LoadBalancer';
  const address = plan.headless === true ? 'None' : addresses.service();
  const object = make(
    'v1',
    'Service',
    { name, namespace, labels: plan.labels, annotations: plan.annotations, ownerReferences: plan.ownerReferences },
    {
      spec: {
        ...(isBalanced ? { allocateLoadBalancerNodePorts: true } : {}),
        clusterIP: address,
        clusterIPs: [address],
        ...(isBalanced ? { externalTrafficPolicy: 'Cluster' } : {}),
        internalTrafficPolicy: 'Cluster',
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: plan.ipFamilyPolicy ?? 'SingleStack',
        ports: plan.ports.map(({ appProtocol, name: portName, port, targetPort, protocol }) =>
          present({
            appProtocol,
            name: portName,
            nodePort: isBalanced ? addresses.nodePort() : undefined,
            port,
            protocol: protocol ?? 'TCP',
            targetPort,
          }),
        ),
        ...(selector === undefined ? {} : { selector }),
        sessionAffinity: 'None',
        type: plan.type ?? 'ClusterIP',
      },
      status: { loadBalancer: plan.ingress === undefined ? {} : { ingress: [{ ip: plan.ingress, ipMode: 'VIP' }] } },
    },
  );
  if (selector === undefined) return [object];
  return [
    object,
    ...backends(
      cluster,
      object,
      plan,
      pods.filter((pod) => isSelected(selector, pod, namespace)),
    ),
  ];
}

function backends(cluster: Cluster, owner: KubeObject, plan: ServicePlan, pods: readonly KubeObject[]): KubeObject[] {
  const { namespace, name, createdAt } = plan;
  const make = makerOf(cluster.name, createdAt);
  const changed = { 'endpoints.kubernetes.io/last-change-trigger-time': createdAt };
  const ports = plan.ports.map(({ appProtocol, name: portName, targetPort, protocol }) =>
    present({ appProtocol, name: portName, port: targetPort, protocol: protocol ?? 'TCP' }),
  );
  const ready = pods.map((pod) => ({
    address: addressOf(pod),
    targetRef: { kind: 'Pod', name: pod.metadata.name, namespace, uid: pod.metadata.uid },
  }));
  const nodeName = `node-${cluster.name}`;
  const headless = plan.headless === true ? { 'service.kubernetes.io/headless': '' } : {};
  const subset = {
    addresses: ready.map(({ address, targetRef }) => ({ ip: address, nodeName, targetRef })),
    ports,
  };
  const endpoints = make(
    'v1',
    'Endpoints',
    {
      name,
      namespace,
      annotations: changed,
      labels: { ...plan.labels, 'endpoints.kubernetes.io/managed-by': 'endpoint-controller', ...headless },
    },
    present({ subsets: ready.length === 0 ? undefined : [subset] }),
  );
  const slice = make(
    'discovery.k8s.io/v1',
    'EndpointSlice',
    {
      name: `${name}-${suffixOf(`${cluster.name}/${namespace}/${name}/slice`)}`,
      namespace,
      generateName: `${name}-`,
      generation: 1,
      annotations: changed,
      labels: {
        ...plan.labels,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        ...headless,
        [labels.serviceName]: name,
      },
      ownerReferences: [controlledBy(owner)],
    },
    {
      addressType: 'IPv4',
      // An API server answers null, not an empty list, for a Service that selects nothing.
      endpoints:
        ready.length === 0
          ? null
          : ready.map(({ address, targetRef }) => ({
              addresses: [address],
              conditions: { ready: true, serving: true, terminating: false },
              nodeName,
              targetRef,
              zone: zoneOf(cluster),
            })),
      ports: ready.length === 0 ? null : ports,
    },
  );
  return [endpoints, slice];
}

export function isSelected(selector: StringMap, pod: KubeObject, namespace: string): boolean {
  if (pod.kind !== 'Pod' || pod.metadata.namespace !== namespace) return false;
  return Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value);
}

function addressOf(pod: KubeObject): string {
  const status: unknown = pod['status'];
  const address = typeof status === 'object' && status !== null && 'podIP' in status ? status.podIP : undefined;
  return typeof address === 'string' ? address : '';
}

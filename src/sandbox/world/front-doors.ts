import { at, itemsAt } from '../../builder/edits/json.ts';
import { isSameAddress } from '../../istio/addresses.ts';
import { labels, ports } from '../../istio/labels.ts';
import { externalAddresses } from '../../mesh/pilot-address.ts';
import { selectsPods } from '../../mesh/selectors.ts';
import { listOf } from '../../mesh/topology.ts';
import type { Pod, Service, ServicePort } from '../../model/facts.ts';
import type { ClusterState, WorldState } from './state.ts';

/** A port of a gateway that can be reached from outside its cluster. */
export interface FrontDoor {
  readonly cluster: ClusterState;
  readonly service: Service;
  /** Address of a load balancer or node, or an external IP; may be a hostname. */
  readonly host: string;
  /** As a client dials it. */
  readonly port: number;
  /** Port of the Service. */
  readonly servicePort: ServicePort;
  /** Port of the pods. */
  readonly targetPort: number;
}

/** Front doors of every Service that stands for gateways of Istio: those whose pods are proxies, or which are labelled or equipped like one. */
export function frontDoors(state: WorldState): FrontDoor[] {
  return [...state.clusters.values()].flatMap((cluster) => {
    const nodes = listOf(cluster.facts.nodes);
    const pods = listOf(cluster.facts.pods);
    return listOf(cluster.facts.services)
      .filter((service) => isGateway(service, pods))
      .flatMap((service) => doorsOf(cluster, service, externalAddresses(service, nodes), pods));
  });
}

/** The front door behind an address, if there is one. */
export function doorAt(state: WorldState, host: string, port: number): FrontDoor | undefined {
  return frontDoors(state).find((door) => door.port === port && isSameAddress(door.host, host));
}

/** Pods that answer behind a Service: selected, with an address, ready. */
export function readyPods(cluster: ClusterState, service: Pick<Service, 'namespace' | 'selector'>): Pod[] {
  return listOf(cluster.facts.pods).filter(
    (pod) => pod.namespace === service.namespace && selectsPods(service.selector, pod.labels) && pod.ready && pod.phase === 'Running',
  );
}

/** The number behind a port of a Service; a name is looked up in the containers of its pods. */
export function targetPortOf(port: ServicePort, cluster: ClusterState, pods: readonly Pick<Pod, 'namespace' | 'name'>[]): number {
  if (typeof port.targetPort === 'number') return port.targetPort;
  for (const pod of pods) {
    const found = containerPort(cluster.objects.get('Pod', pod.namespace, pod.name), port.targetPort);
    if (found !== undefined) return found;
  }
  return port.port;
}

function containerPort(pod: unknown, name: string): number | undefined {
  for (const container of itemsAt(pod, 'spec', 'containers')) {
    for (const port of itemsAt(container, 'ports')) {
      const number = at(port, 'containerPort');
      if (at(port, 'name') === name && typeof number === 'number') return number;
    }
  }
  return undefined;
}

function isGateway(service: Service, pods: readonly Pod[]): boolean {
  if (service.type !== 'LoadBalancer' && service.type !== 'NodePort' && service.externalIPs.length === 0) return false;
  if (service.labels[labels.network] !== undefined) return true;
  if (service.ports.some(({ port }) => port === ports.crossNetwork || port === ports.discovery || port === ports.webhook)) return true;
  return pods.some(
    (pod) => pod.namespace === service.namespace && pod.proxy?.kind === 'gateway' && selectsPods(service.selector, pod.labels),
  );
}

function doorsOf(cluster: ClusterState, service: Service, addresses: readonly string[], pods: readonly Pod[]): FrontDoor[] {
  const nodes = new Set(listOf(cluster.facts.nodes).flatMap((node) => node.addresses.map(({ address }) => address)));
  const behind = pods.filter((pod) => pod.namespace === service.namespace && selectsPods(service.selector, pod.labels));
  return addresses.flatMap((host) =>
    service.ports
      .filter(({ protocol }) => protocol === 'TCP')
      .flatMap((servicePort): FrontDoor[] => {
        const isNodes = service.type === 'NodePort' && nodes.has(host) && !service.externalIPs.includes(host);
        const port = isNodes ? servicePort.nodePort : servicePort.port;
        return port === undefined
          ? []
          : [{ cluster, service, host, port, servicePort, targetPort: targetPortOf(servicePort, cluster, behind) }];
      }),
  );
}

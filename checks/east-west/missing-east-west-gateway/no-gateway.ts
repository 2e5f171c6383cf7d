import {
  type Fact,
  type Gateway,
  type KubeGateway,
  labels,
  listOf,
  type MeshConfig,
  type Node,
  type Pod,
  ports,
  type Service,
} from 'meshdoctor/api';
import { isGatewayLike } from '../_area.ts';

interface SeenHere {
  readonly services: readonly Service[];
  readonly kubeGateways: readonly KubeGateway[];
  readonly meshConfigs: readonly MeshConfig[];
  readonly gateways: readonly Gateway[];
}

/** Nothing in this cluster shows that anybody meant calls to pass gateways between networks. */
export function knowsOfNoGateway({ services, kubeGateways, meshConfigs, gateways }: SeenHere): boolean {
  return (
    services.every(
      (service) =>
        (service.labels[labels.network] ?? '') === '' &&
        !(isGatewayLike(service) && service.ports.some(({ port }) => port === ports.crossNetwork)),
    ) &&
    kubeGateways.every((gateway) => (gateway.labels[labels.network] ?? '') === '') &&
    meshConfigs.every(({ meshNetworks }) => meshNetworks.every((network) => network.gateways.length === 0)) &&
    gateways.every(({ servers }) => servers.every(({ tlsMode }) => tlsMode !== 'AUTO_PASSTHROUGH'))
  );
}

/** Pods, or nodes, of two clusters have addresses of one range: they are on no flat network. */
export function sharesAddresses(
  clusters: readonly { readonly pods: Fact<readonly Pod[]>; readonly nodes: Fact<readonly Node[]> }[],
): boolean {
  const taken = new Set<string>();
  return clusters.some(({ pods, nodes }) => {
    const own = new Set([
      ...listOf(nodes).flatMap(({ podCidrs }) => podCidrs),
      ...listOf(pods).flatMap(({ ips, hostNetwork }) => (hostNetwork ? [] : ips)),
    ]);
    const isShared = [...own].some((one) => taken.has(one));
    for (const one of own) taken.add(one);
    return isShared;
  });
}

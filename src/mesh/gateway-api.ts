import { classes, labels } from '../istio/labels.ts';
import type { Gateway, KubeGateway, Service } from '../model/facts.ts';
import type { StringMap } from '../model/kube.ts';
import { isAutoPassthrough } from './gateways.ts';
import { hasLabels } from './selectors.ts';

/** Classes whose Gateways are no gateways of others: a waypoint serves its own services, and behind a remote one nothing runs here. */
const others: ReadonlySet<string> = new Set([classes.remote, 'istio-waypoint']);

/**
 * Gateways of the Kubernetes Gateway API as istiod makes Gateways of its own of them (pilot/pkg/config/kube/gateway/conversion.go).
 * istiod finds their pods by the Service that stands before them: the one that it made, or those that spec.addresses name. Services are
 * those of the cluster whose pods are asked about; what names none of them is left out.
 */
export function translatedGateways(kubeGateways: readonly KubeGateway[], services: readonly Service[]): Gateway[] {
  return kubeGateways
    .filter(({ className }) => !others.has(className))
    .flatMap((gateway) =>
      selectorsOf(gateway, services).map(
        (selector): Gateway => ({
          ref: gateway.ref,
          labels: gateway.labels,
          annotations: gateway.annotations,
          managers: gateway.managers,
          ...(gateway.createdAt === undefined ? {} : { createdAt: gateway.createdAt }),
          namespace: gateway.namespace,
          name: gateway.name,
          selector,
          servers: gateway.listeners.map((listener) => ({
            port: listener.port,
            protocol: listener.protocol,
            hosts: [listener.hostname ?? '*'],
            tlsMode: modeOf(gateway, listener),
          })),
        }),
      ),
    );
}

/** Gateways of both kinds, as one istiod applies them to pods of a gateway: of the Kubernetes Gateway API those that are theirs. */
export function allGateways(
  config: { readonly gateways: readonly Gateway[]; readonly kubeGateways: readonly KubeGateway[] },
  services: readonly Service[],
  proxies: readonly { readonly labels: StringMap }[],
): readonly Gateway[] {
  if (config.kubeGateways.length === 0) return config.gateways;
  const own = translatedGateways(config.kubeGateways, services);
  return [...config.gateways, ...own.filter(({ selector }) => proxies.some(({ labels: given }) => hasLabels(selector, given)))];
}

function modeOf(gateway: KubeGateway, listener: KubeGateway['listeners'][number]): string {
  switch (listener.tlsMode) {
    case undefined:
      return '';
    case 'Passthrough':
      return isAutoPassthrough(listener, gateway.labels) ? 'AUTO_PASSTHROUGH' : 'PASSTHROUGH';
    default:
      return 'SIMPLE';
  }
}

function selectorsOf(gateway: KubeGateway, services: readonly Service[]): StringMap[] {
  const named = gateway.specAddresses.filter(({ type }) => type === 'Hostname');
  if (named.length === 0) return [{ [labels.gatewayName]: gateway.name }];
  return named.flatMap(({ value }) => {
    const [name, namespace = gateway.namespace] = value.split('.');
    const service = services.find((one) => one.name === name && one.namespace === namespace);
    return service === undefined || Object.keys(service.selector).length === 0 ? [] : [service.selector];
  });
}

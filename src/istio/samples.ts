/*
 * What Istio's samples expose on an east-west gateway (samples/multicluster/expose-services.yaml, expose-istiod.yaml and its template for a named
 * revision), as specs of networking.istio.io. All of them lie in the config cluster.
 */

import { istiodServiceName } from './hosts.ts';
import { names, ports } from './labels.ts';

/** What the samples select: the pods of the gateway that gen-eastwest-gateway.sh makes. */
export const eastWestSelector = { istio: 'eastwestgateway' } as const;

/** Gateway `cross-network-gateway`. */
export const crossNetworkSpec = {
  selector: eastWestSelector,
  servers: [{ hosts: ['*.local'], port: { name: 'tls', number: ports.crossNetwork, protocol: 'TLS' }, tls: { mode: 'AUTO_PASSTHROUGH' } }],
} as const;

/** Gateway `istiod-gateway`. */
export const istiodGatewaySpec = {
  selector: eastWestSelector,
  servers: [istiodServer('tls-istiod', ports.discovery), istiodServer('tls-istiodwebhook', ports.webhook)],
} as const;

function istiodServer(name: string, number: number) {
  return { hosts: ['*'], port: { name, number, protocol: 'tls' }, tls: { mode: 'PASSTHROUGH' } } as const;
}

/** VirtualService `istiod-vs[-REVISION]`: the one for an istiod without a name takes every name. */
export function istiodRouteSpec(revision: string, systemNamespace: string) {
  const service = `${istiodServiceName(revision)}.${systemNamespace}.svc`;
  const sniHosts = revision === names.defaultRevision ? ['*'] : [service, `${service}.cluster.local`];
  const route = (port: number, target: number) => ({
    match: [{ port, sniHosts }],
    route: [{ destination: { host: `${service}.cluster.local`, port: { number: target } } }],
  });
  return { gateways: ['istiod-gateway'], hosts: ['*'], tls: [route(ports.discovery, ports.discovery), route(ports.webhook, 443)] };
}

import { type ControlPlane, hosts, type KubeObject, ports, type Service } from 'meshdoctor/api';

// What exposes istiod: the objects of Istio's samples, for this revision, namespace and domain.

const apiVersion = 'networking.istio.io/v1';

/** A Gateway that passes both ports of istiod through the pods of a gateway Service. */
export function istiodGateway(namespace: string, service: Service): KubeObject {
  const server = (name: string, number: number) => ({
    hosts: ['*'],
    port: { name, number, protocol: 'TLS' },
    tls: { mode: 'PASSTHROUGH' },
  });
  return {
    apiVersion,
    kind: 'Gateway',
    metadata: { name: 'istiod-gateway', namespace },
    spec: {
      selector: selectorOf(service),
      servers: [server('tls-istiod', ports.discovery), server('tls-istiodwebhook', ports.webhook)],
    },
  };
}

/** As the samples select pods: by label `istio`; else as the Service does. */
export function selectorOf({ selector: { istio, ...rest } }: Service): Record<string, string> {
  return istio === undefined ? rest : { istio };
}

/** A VirtualService that routes the name of this istiod from a Gateway. */
export function istiodRoute(controlPlane: ControlPlane, gateway: { readonly namespace: string; readonly name: string }): KubeObject {
  const { revision, namespace, clusterDomain } = controlPlane;
  const host = hosts.istiodHost(revision, namespace);
  const service = hosts.istiodServiceName(revision);
  const fqdn = hosts.fqdnOf(namespace, service, clusterDomain);
  // The sample for an istiod without a name takes every name.
  const sniHosts = revision === 'default' ? ['*'] : [host, fqdn];
  const route = (port: number, number: number) => ({
    match: [{ port, sniHosts }],
    route: [{ destination: { host: fqdn, port: { number } } }],
  });
  const reference = gateway.namespace === namespace ? gateway.name : `${gateway.namespace}/${gateway.name}`;
  return {
    apiVersion,
    kind: 'VirtualService',
    metadata: { name: service.replace(/^istiod/, 'istiod-vs'), namespace },
    spec: { gateways: [reference], hosts: ['*'], tls: [route(ports.discovery, ports.discovery), route(ports.webhook, 443)] },
  };
}

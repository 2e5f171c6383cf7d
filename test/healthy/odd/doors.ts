import { annotate, changed, label, put } from '../../../src/builder/edits/edit.ts';
import { isCrossNetworkGateway, isEastWestService, isPod } from '../../../src/builder/edits/find.ts';
import { gatewayNodePort } from '../../../src/builder/edits/east-west.ts';
import { at, edited, itemsOf } from '../../../src/builder/edits/json.ts';
import { gatewayAddressed, nodeAdded, nodesAddressed } from '../../../src/builder/edits/load-balancer.ts';
import { clusterDns, networkPolicy, policiesEnforced } from '../../../src/builder/edits/network-policies.ts';
import { mesh } from '../../../src/builder/mesh.ts';
import type { KubeObject } from '../../../src/model/kube.ts';
import {
  adding,
  also,
  and,
  isKind,
  isNamespace,
  multiPrimary,
  network,
  primaryRemote,
  shop,
  spelled,
  system,
  where,
  without,
  type Odd,
} from './edits.ts';

/** Workload and Service of the east-west gateway, whatever they are called. */
const isGatewayPart = (object: KubeObject): boolean =>
  object.metadata.name.startsWith('istio-eastwestgateway') &&
  ['Deployment', 'ReplicaSet', 'Pod', 'Service', 'EndpointSlice', 'Endpoints', 'HorizontalPodAutoscaler'].includes(object.kind);

const hasNetworks = (object: KubeObject): boolean => object.kind === 'ConfigMap' && at(object, 'data', 'meshNetworks') !== undefined;

/** The gateway once more under another name, with pods, Service and addresses of its own. */
const copied = (suffix: string, address: string, change: (copy: KubeObject) => KubeObject = (copy) => copy) =>
  where(isGatewayPart, (object) => {
    const text = JSON.stringify(object)
      .replaceAll('istio-eastwestgateway', `istio-eastwestgateway-${suffix}`)
      .replaceAll(/"uid":"([^"]*)"/g, `"uid":"$1-${suffix}"`)
      .replaceAll(/10\.(\d)\.(\d+)\.(\d+)/g, '10.$1.77.$3')
      .replaceAll(/10\.200\.(\d+)\.\d+/g, `10.200.$1.${address}`);
    return [object, change(JSON.parse(text) as KubeObject)];
  });

const kubeGateway = (name: string, spec: Readonly<Record<string, unknown>>, labels: Readonly<Record<string, string>>, address: string) => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name, namespace: system, labels, creationTimestamp: '2026-11-20T08:30:00Z' },
  spec,
  status: {
    addresses: [{ type: 'IPAddress', value: address }],
    conditions: [
      { type: 'Accepted', status: 'True', reason: 'Accepted' },
      { type: 'Programmed', status: 'True', reason: 'Programmed' },
    ],
  },
});
const passthrough = {
  name: 'cross-network',
  hostname: '*.local',
  port: 15443,
  protocol: 'TLS',
  tls: { mode: 'Passthrough', options: { 'gateway.istio.io/listener-protocol': 'auto-passthrough' } },
  allowedRoutes: { namespaces: { from: 'Same' } },
};

/** Gateways between networks in all their forms. */
export const doors: Readonly<Record<string, () => Odd>> = {
  'gateways blue and green: the green one is not switched on yet': () => ({
    built: multiPrimary
      .edit(
        copied('green', '44', (copy) => {
          const off = label(copy, network, undefined);
          if (copy.kind === 'Deployment' || copy.kind === 'ReplicaSet') return put(put(off, ['spec', 'replicas'], 0), ['status'], {});
          return copy.kind === 'EndpointSlice' ? put(off, ['endpoints'], []) : off;
        }),
      )
      .edit(without((object) => isPod(object) && object.metadata.name.startsWith('istio-eastwestgateway-green'))),
  }),
  'two gateways per network, one for each zone': () => ({
    built: multiPrimary.edit(
      and(
        copied('b', '45'),
        where(
          (object) => object.kind === 'Deployment' && object.metadata.name.startsWith('istio-eastwestgateway'),
          (object) =>
            put(object, ['spec', 'template', 'spec', 'nodeSelector'], {
              'topology.kubernetes.io/zone': object.metadata.name.endsWith('-b') ? 'b' : 'a',
            }),
        ),
      ),
    ),
  }),
  'gateways with one address of each family': () => ({
    built: multiPrimary.edit(
      and(
        ...['east', 'west'].map((cluster, index) =>
          gatewayAddressed({ cluster, ingress: [{ ip: `10.200.${index + 1}.1` }, { ip: `fd00:200:${index + 1}::1` }] }),
        ),
      ),
    ),
  }),
  'gateways of pods that listen on another port than their Service': () => ({
    built: multiPrimary.edit(
      and(
        where(isEastWestService, (object) =>
          changed(object, ['spec', 'ports', '*'], (port) => (at(port, 'port') === 15443 ? edited(port, ['targetPort'], () => 8443) : port)),
        ),
        where(
          (object) => object.kind === 'EndpointSlice' && isGatewayPart(object),
          (object) => changed(object, ['ports', '*'], (port) => (at(port, 'port') === 15443 ? edited(port, ['port'], () => 8443) : port)),
        ),
      ),
    ),
  }),
  'gateways of pods on the network of their nodes, by externalIPs': () => ({
    built: multiPrimary.edit(
      and(
        where(
          (object) => isPod(object) && isGatewayPart(object),
          (object) => put(object, ['spec', 'hostNetwork'], true),
        ),
        where(
          (object) => object.kind === 'Deployment' && isGatewayPart(object),
          (object) => put(object, ['spec', 'template', 'spec', 'hostNetwork'], true),
        ),
        where(isEastWestService, (object) =>
          put(
            put(
              put(object, ['spec', 'externalIPs'], [object.metadata.name.endsWith('east') ? '192.168.1.10' : '192.168.2.10']),
              ['spec', 'type'],
              'ClusterIP',
            ),
            ['status'],
            { loadBalancer: {} },
          ),
        ),
      ),
    ),
  }),
  'NodePort gateways on chosen nodes': () => ({
    built: multiPrimary.edit(
      and(
        ...['east', 'west'].flatMap((cluster, index) => [
          nodesAddressed({ cluster, address: `203.0.113.${index * 20 + 1}` }),
          nodeAdded({ cluster, name: `edge-${cluster}`, internal: `192.168.${index + 1}.30`, labels: { edge: 'true' } }),
          nodesAddressed({ cluster, address: `203.0.113.${index * 20 + 5}` }),
          gatewayNodePort({ cluster, nodeSelector: '{"edge":"true"}' }),
        ]),
      ),
    ),
  }),
  'meshNetworks by address ranges and a host name': () => ({
    built: multiPrimary.edit(
      and(
        where(isNamespace(system), (object) => label(object, network, undefined)),
        where(isEastWestService, (object) => label(object, network, undefined)),
        where(hasNetworks, (object) =>
          put(
            object,
            ['data', 'meshNetworks'],
            'networks:\n  network1:\n    endpoints:\n    - fromRegistry: east\n    - fromCidr: 10.1.0.0/16\n    gateways:\n    - address: 10.200.1.1\n      port: 15443\n  network2:\n    endpoints:\n    - fromRegistry: west\n    gateways:\n    - address: 10.200.2.1\n      port: 15443\n',
          ),
        ),
      ),
    ),
  }),
  'cross-network listeners by the Kubernetes Gateway API, on gateways that were made by hand': () => ({
    built: multiPrimary.edit(
      and(
        without(isCrossNetworkGateway),
        ...['east', 'west'].map((cluster, index) =>
          adding(
            cluster,
            kubeGateway(
              'cross-network-gateway',
              {
                gatewayClassName: 'istio',
                addresses: [{ type: 'Hostname', value: `istio-eastwestgateway.${system}.svc.cluster.local` }],
                listeners: [passthrough],
              },
              {},
              `10.200.${index + 1}.1`,
            ),
          ),
        ),
      ),
    ),
  }),
  'gateways that istiod made for the Kubernetes Gateway API': () => ({
    built: multiPrimary.edit(
      and(
        without(isCrossNetworkGateway),
        where(isGatewayPart, (object) => {
          const own = JSON.parse(
            JSON.stringify(object)
              .replaceAll('istio-eastwestgateway', 'eastwest-istio')
              .replaceAll('"istio":"eastwestgateway"', '"gateway.networking.k8s.io/gateway-name":"eastwest"'),
          ) as KubeObject;
          return label(own, 'gateway.istio.io/managed', 'istio.io-gateway-controller');
        }),
        ...['east', 'west'].map((cluster, index) =>
          adding(
            cluster,
            kubeGateway(
              'eastwest',
              { gatewayClassName: 'istio', listeners: [passthrough] },
              { [network]: `network${index + 1}` },
              `10.200.${index + 1}.1`,
            ),
          ),
        ),
      ),
    ),
  }),
  'one gateway for the internet and for other networks': () => ({
    built: multiPrimary.edit(
      and(
        without((object) => object.metadata.name.startsWith('istio-ingressgateway') && object.kind !== 'ServiceAccount'),
        where(isEastWestService, (object) =>
          changed(object, ['spec', 'ports'], (ports) => [
            ...itemsOf(ports),
            { name: 'https', port: 443, targetPort: 8443, protocol: 'TCP' },
          ]),
        ),
        ...['east', 'west'].map((cluster) =>
          adding(cluster, {
            apiVersion: 'networking.istio.io/v1',
            kind: 'Gateway',
            metadata: { name: 'public', namespace: 'shop' },
            spec: {
              selector: { istio: 'eastwestgateway' },
              servers: [
                {
                  port: { number: 443, name: 'https', protocol: 'HTTPS' },
                  hosts: ['shop.example.com'],
                  tls: { mode: 'SIMPLE', credentialName: 'shop' },
                },
              ],
            },
          }),
        ),
      ),
    ),
  }),
  'gateways open to address ranges of the company': () => ({
    built: multiPrimary.edit(
      where(isEastWestService, (object) => put(object, ['spec', 'loadBalancerSourceRanges'], ['10.0.0.0/8', '192.168.0.0/16'])),
    ),
  }),
  'gateways open to everybody, in words': () => ({
    built: multiPrimary.edit(where(isEastWestService, (object) => put(object, ['spec', 'loadBalancerSourceRanges'], ['0.0.0.0/0']))),
  }),
  'internal load balancers of a cloud': () => ({
    built: multiPrimary.edit(
      where(isEastWestService, (object) =>
        annotate(
          annotate(object, 'service.beta.kubernetes.io/aws-load-balancer-type', 'nlb'),
          'service.beta.kubernetes.io/aws-load-balancer-internal',
          'true',
        ),
      ),
    ),
  }),
  'NetworkPolicies that deny by default and allow what the mesh needs': () => ({
    built: ['east', 'west'].reduce(
      (built, cluster) =>
        built.edit(
          and(
            policiesEnforced({ cluster }),
            clusterDns({ cluster }),
            networkPolicy({ cluster, namespace: system, name: 'deny', spec: { podSelector: {}, policyTypes: ['Ingress'] } }),
            networkPolicy({
              cluster,
              namespace: system,
              name: 'gateway',
              spec: {
                podSelector: { matchLabels: { istio: 'eastwestgateway' } },
                ingress: [{ ports: [15443, 15021, 15012, 15017].map((port) => ({ protocol: 'TCP', port })) }],
              },
            }),
            networkPolicy({
              cluster,
              namespace: system,
              name: 'istiod',
              spec: {
                podSelector: { matchLabels: { app: 'istiod' } },
                ingress: [{ ports: [15010, 15012, 15014, 15017].map((port) => ({ protocol: 'TCP', port })) }],
              },
            }),
            networkPolicy({ cluster, namespace: 'shop', name: 'deny', spec: { podSelector: {}, policyTypes: ['Ingress'] } }),
            networkPolicy({
              cluster,
              namespace: 'shop',
              name: 'mesh',
              spec: {
                podSelector: {},
                ingress: [
                  {
                    from: [{ podSelector: {} }, { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': system } } }],
                  },
                ],
              },
            }),
          ),
        ),
      multiPrimary,
    ),
  }),
  'a cluster that has gateways and nothing else': () => ({
    built: mesh()
      .multiPrimary('east', 'west')
      .namespace('shop', { injected: true })
      .service('abc.shop', { in: ['east'] }),
  }),
  'gateways of the remote are reached by a name of the company in meshNetworks': () => ({
    built: primaryRemote.edit(
      where(
        hasNetworks,
        (object) =>
          put(
            object,
            ['data', 'meshNetworks'],
            'networks:\n  network2:\n    endpoints:\n    - fromRegistry: west\n    gateways:\n    - address: gw.west.example.com\n      port: 15443\n',
          ),
        'east',
      ),
    ),
  }),
  'a second Gateway on another port of the same pods': () => ({
    built: multiPrimary.edit(
      where(
        isCrossNetworkGateway,
        also('tcp-too', (copy) =>
          changed(copy, ['spec', 'servers', '*'], (server) =>
            edited(
              edited(server, ['port'], () => ({ number: 31400, name: 'tcp', protocol: 'TCP' })),
              ['tls'],
              () => undefined,
            ),
          ),
        ),
      ),
    ),
  }),
  'hosts of the cross-network Gateway by namespace, for all that are called': () => ({
    built: multiPrimary.edit(
      where(isCrossNetworkGateway, (object) =>
        changed(object, ['spec', 'servers', '*'], (server) =>
          edited(server, ['hosts'], () => ['*.shop.svc.cluster.local', '*.plain.svc.cluster.local']),
        ),
      ),
    ),
  }),
  'three clusters, and a cross-network Gateway for the names of Services alone': () => ({
    built: shop(mesh().multiPrimary('east', 'west', { more: ['south'] })).edit(
      spelled('"hosts":["*.local"]', '"hosts":["*.svc.cluster.local"]', isKind('Gateway')),
    ),
  }),
};

import { describe, expect, test } from 'vitest';
import {
  cluster,
  clusterId,
  eastWest,
  kubeGateway,
  namespace,
  network,
  networkId,
  node,
  port,
  service,
  view,
} from '../../test/support/mesh-facts.ts';
import { ambientGateways, gatewayIndex, gatewayService, isProgrammed, type NetworkGateway, networkGateways } from './gateways.ts';
import type { PredictedMeshConfig } from './istiod-view.ts';

const short = (gateways: readonly NetworkGateway[]) =>
  gateways.map(
    (one) => `${one.network} ${one.cluster ?? '-'} ${one.address} ${one.port} ${one.hbonePort}${one.isUnresolved ? ' unresolved' : ''}`,
  );
const mesh: PredictedMeshConfig = { discoverySelectors: [], meshNetworks: [], clusterLocal: [], defaultServiceExportTo: [] };

describe('networkGateways', () => {
  test('one entry per address of a labelled Service, in any cluster and namespace, by address', () => {
    const west = cluster('cluster2', 'n2', { services: [eastWest('n2', { ip: '10.200.2.1' })] });
    const east = cluster('cluster1', 'n1', {
      services: [
        eastWest('n1', undefined, { loadBalancer: [{ ip: '10.200.1.2' }, { ip: '10.200.1.1' }], externalIPs: ['10.200.1.3'] }),
        service('sample', 'abc'),
      ],
    });
    expect(short(networkGateways(view([west, east])))).toEqual([
      'n1 cluster1 10.200.1.1 15443 0',
      'n1 cluster1 10.200.1.2 15443 0',
      'n1 cluster1 10.200.1.3 15443 0',
      'n2 cluster2 10.200.2.1 15443 0',
    ]);
  });

  test('a hostname is unresolved, and none at all where istiod does not resolve', () => {
    const clusters = [cluster('cluster1', 'n1', { services: [eastWest('n1', { hostname: 'lb.example.com' })] })];
    expect(short(networkGateways(view(clusters)))).toEqual(['n1 cluster1 lb.example.com 15443 0 unresolved']);
    expect(networkGateways(view(clusters, { env: { RESOLVE_HOSTNAME_GATEWAYS: 'false' } }))).toEqual([]);
  });

  test('a Service without the port is ignored since 1.29 and dialled before', () => {
    const clusters = [cluster('cluster1', 'n1', { services: [eastWest('n1', { ip: '10.200.1.1' }, { ports: [port(15021)] })] })];
    for (const version of ['1.29.0', '1.31.0', '1.40.0', undefined]) expect(networkGateways(view(clusters, { version }))).toEqual([]);
    expect(short(networkGateways(view(clusters, { version: '1.28.10' })))).toEqual(['n1 cluster1 10.200.1.1 15443 0']);
  });

  test('ports 15443 and 15008 count separately, and the label names another port', () => {
    const only = (ports: number[], labels = {}) =>
      short(
        networkGateways(
          view([
            cluster('cluster1', 'n1', { services: [eastWest('n1', { ip: '10.0.0.1' }, { ports: ports.map((one) => port(one)), labels })] }),
          ]),
        ),
      );
    expect(only([15008])).toEqual(['n1 cluster1 10.0.0.1 0 15008']);
    expect(only([15008, 15443])).toEqual(['n1 cluster1 10.0.0.1 15443 15008']);
    expect(only([443], { 'networking.istio.io/gatewayPort': '443' })).toEqual(['n1 cluster1 10.0.0.1 443 0']);
    expect(only([15443], { 'networking.istio.io/gatewayPort': 'https' })).toEqual(['n1 cluster1 10.0.0.1 15443 0']);
  });

  test('a NodePort Service needs the annotation and nodes with external addresses', () => {
    const nodes = [
      node(
        'a',
        [
          { type: 'InternalIP', address: '10.0.0.5' },
          { type: 'ExternalIP', address: '192.0.2.5' },
        ],
        { edge: 'yes' },
      ),
      node('b', [{ type: 'ExternalIP', address: '192.0.2.6' }]),
      node('c', [{ type: 'InternalIP', address: '10.0.0.7' }], { edge: 'yes' }),
    ];
    const nodePort = (annotations: Record<string, string>) =>
      eastWest('n1', undefined, { type: 'NodePort', ports: [port(15443, 'tls', { nodePort: 31443 })], annotations });
    const gateways = (annotations: Record<string, string>) =>
      short(networkGateways(view([cluster('cluster1', 'n1', { services: [nodePort(annotations)], nodes })])));
    expect(gateways({})).toEqual([]);
    expect(gateways({ 'traffic.istio.io/nodeSelector': '{"edge":"yes"}' })).toEqual(['n1 cluster1 192.0.2.5 31443 0']);
    expect(gateways({ 'traffic.istio.io/nodeSelector': '{}' })).toHaveLength(2);
    expect(gatewayService(nodePort({}), nodes)?.problems).toEqual(['no-node-selector']);
    expect(gatewayService(nodePort({ 'traffic.istio.io/nodeSelector': '{"edge":"no"}' }), nodes)?.problems).toEqual(['no-external-node']);
  });

  test('a namespace hidden by discoverySelectors hides its gateway', () => {
    const discoverySelectors = [{ matchLabels: { mesh: 'yes' }, matchExpressions: [] }];
    const services = [eastWest('n1', { ip: '10.0.0.1' })];
    expect(networkGateways(view([cluster('cluster1', 'n1', { services })], {}, { ...mesh, discoverySelectors }))).toEqual([]);
    const open = { services, namespaces: [namespace('istio-system', { mesh: 'yes' })] };
    expect(networkGateways(view([{ ...cluster('cluster1', undefined), ...open }], {}, { ...mesh, discoverySelectors }))).toHaveLength(1);
  });

  test('meshNetworks: static addresses belong to no cluster, Services are named by FQDN', () => {
    const meshNetworks = [
      {
        network: networkId('n1'),
        fromRegistries: ['cluster1'],
        cidrs: [],
        gateways: [{ registryServiceName: 'gw.edge.svc.cluster.local', port: 443 }],
      },
      { network: networkId('n2'), fromRegistries: ['cluster2'], cidrs: [], gateways: [{ address: '192.0.2.9', port: 15443 }] },
    ];
    const services = [service('edge', 'gw', { type: 'LoadBalancer', loadBalancer: [{ ip: '192.0.2.1' }] })];
    expect(short(networkGateways(view([cluster('cluster1', undefined, { services })], {}, { ...mesh, meshNetworks })))).toEqual([
      'n1 cluster1 192.0.2.1 443 0',
      'n2 - 192.0.2.9 15443 0',
    ]);
  });

  test('Gateway API: typed addresses of the spec times passthrough and HBONE listeners, since 1.23; istio-remote only at home', () => {
    const tls = { name: 'tls', port: 15443, protocol: 'TLS', tlsMode: 'Passthrough', tlsOptions: {} };
    const mine = kubeGateway('istio-system', 'gw', {
      className: 'istio-remote',
      labels: { [network]: 'n3' },
      listeners: [tls],
      specAddresses: [{ type: 'IPAddress', value: '192.0.2.3' }, { value: '192.0.2.4' }],
    });
    const at = (id: string, version: string) => short(networkGateways(view([cluster(id, 'n1', { kubeGateways: [mine] })], { version })));
    expect(at('cluster1', '1.31.0')).toEqual(['n3 cluster1 192.0.2.3 15443 0']);
    expect(at('cluster1', '1.22.3')).toEqual([]);
    expect(at('cluster2', '1.31.0')).toEqual([]);
  });

  test('what is wrong with a gateway Service is said in every version', () => {
    expect(gatewayService(service('sample', 'abc'), [])).toBeUndefined();
    expect(gatewayService(eastWest('n1', undefined), [])?.problems).toEqual(['no-address']);
    expect(gatewayService({ ...eastWest('n1', undefined), withoutStatus: true }, [])?.problems).toEqual(['unknown-address']);
    expect(gatewayService(eastWest('n1', undefined, { type: 'ClusterIP', ports: [] }), [], '1.24.6')?.problems).toEqual([
      'no-port',
      'not-exposed',
    ]);
    expect(gatewayService(eastWest('n1', { ip: '10.0.0.1' }), [])?.problems).toEqual([]);
  });
});

describe('ambientGateways', () => {
  const labelled = { labels: { [network]: 'n2' }, statusAddresses: [{ type: 'IPAddress', value: '10.200.2.1' }] };
  const of = (gateway: ReturnType<typeof kubeGateway>, id = 'cluster2') =>
    short(
      ambientGateways(view([cluster('cluster1', 'n1'), cluster(id, 'n2', { kubeGateways: [gateway] })].slice(id === 'cluster1' ? 1 : 0))),
    );

  test('a remote one by its status, whatever its conditions say', () => {
    expect(of(kubeGateway('istio-system', 'gw', labelled))).toEqual(['n2 cluster2 10.200.2.1 0 15008']);
    expect(
      isProgrammed(
        kubeGateway('istio-system', 'gw', { conditions: [{ type: 'Programmed', status: 'False', reason: 'AddressNotAssigned' }] }),
      ),
    ).toBe(false);
  });

  test.each([
    ['without label', { labels: {} }],
    ['of class istio', { className: 'istio' }],
    ['with an untyped address', { statusAddresses: [{ value: '10.200.2.1' }] }],
    ['with 15443 only', { listeners: [{ name: 'tls', port: 15443, protocol: 'TLS', tlsMode: 'Passthrough', tlsOptions: {} }] }],
  ])('none %s', (_, more) => expect(of(kubeGateway('istio-system', 'gw', { ...labelled, ...more }))).toEqual([]));

  test('callers are told 15008 of a remote one, whatever its listener says, and the port of an istio-remote', () => {
    const listeners = [{ name: 'mesh', port: 15_443, protocol: 'HBONE', tlsMode: 'Terminate', tlsOptions: {} }];
    expect(of(kubeGateway('istio-system', 'gw', { ...labelled, listeners }))).toEqual(['n2 cluster2 10.200.2.1 0 15008']);
    expect(of(kubeGateway('istio-system', 'gw', { ...labelled, listeners, className: 'istio-remote' }), 'cluster1')).toEqual([
      'n2 cluster1 10.200.2.1 0 15443',
    ]);
  });

  test('the own east-west gateway is not one, an istio-remote is', () => {
    expect(of(kubeGateway('istio-system', 'gw', labelled), 'cluster1')).toEqual([]);
    expect(of(kubeGateway('istio-system', 'gw', { ...labelled, className: 'istio-remote' }), 'cluster1')).toEqual([
      'n2 cluster1 10.200.2.1 0 15008',
    ]);
  });
});

describe('gatewayIndex', () => {
  test('a gateway of the same cluster is preferred to others of the network', () => {
    const at = (id: string, address: string): NetworkGateway => ({
      network: networkId('n'),
      cluster: clusterId(id),
      address,
      isUnresolved: false,
      port: 15443,
      hbonePort: 0,
    });
    const index = gatewayIndex([at('a', '1.1.1.1'), at('b', '2.2.2.2')]);
    expect(index.of(networkId('n'), clusterId('b')).map((one) => one.address)).toEqual(['2.2.2.2']);
    expect(index.of(networkId('n'), clusterId('c'))).toHaveLength(2);
    expect(index.of(undefined, clusterId('a'))).toEqual([]);
    expect(index.isMultiNetwork).toBe(true);
  });
});

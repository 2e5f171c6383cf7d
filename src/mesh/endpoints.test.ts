import { describe, expect, test } from 'vitest';
import {
  cluster,
  clusterId,
  eastWest,
  endpoint,
  namespace,
  network,
  networkId,
  oneService,
  pod,
  port,
  service,
  slice,
  tlsMode,
  view,
} from '../../test/support/mesh-facts.ts';
import {
  type ClientProxy,
  clientOf,
  endpointShards,
  endpointsSentTo,
  isExportedTo,
  type MtlsSettings,
  predict,
  type Sent,
} from './endpoints.ts';
import type { IstiodView, PredictedMeshConfig, ReadCluster } from './istiod-view.ts';

const abc = 'abc.sample.svc.cluster.local';
const mesh: PredictedMeshConfig = { discoverySelectors: [], meshNetworks: [], clusterLocal: [], defaultServiceExportTo: [] };
const flat = (of: IstiodView) =>
  [...endpointShards(of).values()].flatMap((shards) =>
    [...shards.clusters].flatMap(([id, endpoints]) =>
      endpoints.map(
        (one) => `${shards.host} ${id} ${one.address}:${one.port}/${one.portName} ${one.network ?? '-'} ${one.tlsMode} ${one.health}`,
      ),
    ),
  );
const one = (more: Partial<Omit<ReadCluster, 'id'>>) => flat(view([cluster('cluster1', 'n1', more)]));

describe('endpointShards', () => {
  test('a pod gives its labels, a shard without endpoints has no key', () => {
    const sample = oneService('n1', '10.1.1.4');
    expect(one({ ...sample, endpointSlices: [...sample.endpointSlices, slice('sample', 'empty', [])] })).toEqual([
      `${abc} cluster1 10.1.1.4:5000/http n1 istio healthy`,
    ]);
  });

  test('the network is that of the pod, else of the system namespace in its cluster, else of meshNetworks', () => {
    const slices = [slice('sample', 'abc', [endpoint('10.1.1.4', { pod: 'a' }), endpoint('10.1.1.5')])];
    const pods = [pod('sample', 'a', '10.1.1.4', { labels: { [network]: 'own' } })];
    expect(one({ endpointSlices: slices, pods })).toEqual([
      `${abc} cluster1 10.1.1.4:5000/http own disabled healthy`,
      `${abc} cluster1 10.1.1.5:5000/http n1 disabled healthy`,
    ]);
    const meshNetworks = [
      { network: networkId('byCidr'), fromRegistries: [], cidrs: ['10.1.1.5/32'], gateways: [] },
      { network: networkId('byRegistry'), fromRegistries: ['cluster2'], cidrs: [], gateways: [] },
    ];
    const unlabelled = (id: string) =>
      flat(view([cluster(id, undefined, { endpointSlices: slices, pods })], {}, { ...mesh, meshNetworks })).map(
        (line) => line.split(' ')[3],
      );
    expect(unlabelled('cluster1')).toEqual(['own', 'byCidr']);
    expect(unlabelled('cluster2')).toEqual(['own', 'byRegistry']);
    expect(flat(view([cluster('cluster1', undefined, { endpointSlices: slices, pods })]))[1]).toContain(' - ');
  });

  test('a slice that names a pod waits for it; one that names none may still find it by address', () => {
    const pods = [
      pod('sample', 'a', '10.1.1.4', { labels: { [tlsMode]: 'istio' } }),
      pod('other', 'b', '10.1.1.5', { labels: { [tlsMode]: 'istio' } }),
    ];
    expect(one({ endpointSlices: [slice('sample', 'abc', [endpoint('10.1.1.4', { pod: 'gone' })])], pods })).toEqual([]);
    expect(
      one({ endpointSlices: [slice('sample', 'abc', [endpoint('10.1.1.4'), endpoint('10.1.1.5')])], pods }).map(
        (line) => line.split(' ')[4],
      ),
    ).toEqual(['istio', 'disabled']);
  });

  test('slices of FQDNs, of imported services and of hidden namespaces are left out', () => {
    const ready = [endpoint('10.1.1.4')];
    expect(one({ endpointSlices: [slice('sample', 'abc', ready, { addressType: 'FQDN' })] })).toEqual([]);
    expect(
      one({ endpointSlices: [slice('sample', 'abc', ready, { labels: { 'multicluster.kubernetes.io/service-name': 'abc' } })] }),
    ).toEqual([]);
    expect(one({ endpointSlices: [slice('sample', '', ready)] })).toEqual([]);
    const discoverySelectors = [{ matchLabels: { [network]: 'n1' }, matchExpressions: [] }];
    const clusters = [cluster('cluster1', 'n1', { endpointSlices: [slice('sample', 'abc', ready)], namespaces: [namespace('sample')] })];
    expect(flat(view(clusters, {}, { ...mesh, discoverySelectors }))).toEqual([]);
  });

  test('health, and an endpoint that moves from slice to slice counts once', () => {
    const states = [
      endpoint('10.1.1.4'),
      endpoint('10.1.1.5', { ready: false }),
      endpoint('10.1.1.6', { ready: false, terminating: true }),
    ];
    const endpointSlices = [slice('sample', 'abc', states), slice('sample', 'abc', [endpoint('10.1.1.4')], { name: 'second' })];
    expect(one({ endpointSlices }).map((line) => line.split(' ').at(-1))).toEqual(['healthy', 'unhealthy', 'terminating']);
  });

  test('every port of a slice is an endpoint', () => {
    const ports = [
      { name: 'http', port: 80, protocol: 'TCP' },
      { name: '', protocol: 'TCP' },
    ];
    expect(one({ endpointSlices: [slice('sample', 'abc', [endpoint('10.1.1.4')], { ports })] }).map((line) => line.split(' ')[2])).toEqual([
      '10.1.1.4:80/http',
      '10.1.1.4:0/',
    ]);
  });
});

describe('endpointsSentTo', () => {
  const client = (more: Partial<ClientProxy> = {}): ClientProxy => ({
    cluster: clusterId('cluster1'),
    network: networkId('n1'),
    kind: 'sidecar',
    namespace: 'sample',
    nodeName: 'node-1',
    requestedNetworkView: [],
    ips: ['10.1.1.9'],
    ...more,
  });
  const local = cluster('cluster1', 'n1', {
    ...oneService('n1', '10.1.1.4'),
    services: [...oneService('n1', '10.1.1.4').services, eastWest('n1', { ip: '10.200.1.1' })],
  });
  const remote = (more: Partial<Omit<ReadCluster, 'id'>> = {}, gateways = [eastWest('n2', { ip: '10.200.2.1' })]) => {
    const sample = oneService('n2', '10.2.1.4');
    return cluster('cluster2', 'n2', { ...sample, services: [...sample.services, ...gateways], ...more });
  };
  const sent = (of: IstiodView, to = client(), mtls: MtlsSettings = {}) => endpointsSentTo(to, abc, 5000, predict(of), mtls);
  const lines = (result: Sent | undefined) => result?.endpoints.map((to) => `${to.address}:${to.port} ${to.via}`);
  const drops = (result: Sent | undefined) => result?.dropped.map((drop) => `${drop.endpoint.address} ${drop.because}`);

  test('another network is reached through its gateway, the own by pod', () => {
    expect(lines(sent(view([local, remote()])))).toEqual(['10.1.1.4:5000 pod', '10.200.2.1:15443 gateway']);
  });

  test('without any gateway every pod address is sent', () => {
    const bare = cluster('cluster1', 'n1', oneService('n1', '10.1.1.4'));
    expect(lines(sent(view([bare, remote({}, [])])))).toEqual(['10.1.1.4:5000 pod', '10.2.1.4:5000 pod']);
  });

  test('a network without a gateway of its own gets raw addresses', () => {
    expect(lines(sent(view([local, remote({}, [])])))).toEqual(['10.1.1.4:5000 pod', '10.2.1.4:5000 raw']);
  });

  test('an endpoint or client without network is everybody’s, but since 1.30 such a client uses the gateway', () => {
    const unlabelled = {
      ...remote(),
      pods: [pod('sample', 'abc-1', '10.2.1.4', { labels: { [tlsMode]: 'istio' } })],
      namespaces: [namespace('istio-system')],
    };
    expect(lines(sent(view([local, unlabelled])))).toEqual(['10.1.1.4:5000 pod', '10.2.1.4:5000 pod']);
    const nowhere = client({ network: undefined });
    expect(lines(sent(view([local, remote()], { version: '1.29.6' }), nowhere))).toEqual(['10.1.1.4:5000 pod', '10.2.1.4:5000 pod']);
    expect(lines(sent(view([local, remote()]), nowhere))).toEqual(['10.200.1.1:15443 gateway', '10.200.2.1:15443 gateway']);
  });

  test('behind a gateway an endpoint without mTLS is dropped; a DestinationRule decides alone', () => {
    const plain = remote({ pods: [pod('sample', 'abc-1', '10.2.1.4', { labels: { [network]: 'n2' } })] });
    expect(drops(sent(view([local, plain])))).toEqual(['10.2.1.4 no-mtls']);
    expect(lines(sent(view([local, plain]), client(), { destinationRuleMode: 'ISTIO_MUTUAL' }))).toContain('10.200.2.1:15443 gateway');
    expect(drops(sent(view([local, remote()]), client(), { destinationRuleMode: 'DISABLE' }))).toEqual(['10.2.1.4 no-mtls']);
    expect(drops(sent(view([local, remote()]), client(), { isDisabled: (to) => to.cluster === 'cluster2' }))).toEqual(['10.2.1.4 no-mtls']);
  });

  test('ports are matched by the name they have in the first copy of the service', () => {
    const renamed = remote({
      endpointSlices: [
        slice('sample', 'abc', [endpoint('10.2.1.4', { pod: 'abc-1' })], { ports: [{ name: 'web', port: 5000, protocol: 'TCP' }] }),
      ],
    });
    expect(drops(sent(view([local, renamed])))).toEqual(['10.2.1.4 other-port-name']);
    const first = { ...local, services: [service('sample', 'abc', { ports: [port(80, 'http')] })] };
    expect(sent(view([first, remote()]))).toMatchObject({
      endpoints: [],
      dropped: [{ because: 'other-port-name' }, { because: 'other-port-name' }],
    });
    expect(sent(view([first, remote()]))?.port).toBeUndefined();
  });

  test('a view of one network hides the others', () => {
    const gatewayPod = client({ kind: 'gateway', requestedNetworkView: [networkId('n1')] });
    expect(drops(sent(view([local, remote()]), gatewayPod))).toEqual(['10.2.1.4 out-of-view']);
  });

  test('cluster-local hosts and internalTrafficPolicy Local keep endpoints at home', () => {
    expect(drops(sent(view([local, remote()], {}, { ...mesh, clusterLocal: [{ host: abc, local: true }] })))).toEqual([
      '10.2.1.4 cluster-local',
    ]);
    const policy = { ...local, services: [service('sample', 'abc', { internalTrafficPolicy: 'Local' })] };
    expect(drops(sent(view([policy, remote()])))).toEqual(['10.2.1.4 other-node']);
    expect(drops(sent(view([policy, remote()]), client({ nodeName: 'node-2' })))).toEqual(['10.1.1.4 other-node', '10.2.1.4 other-node']);
  });

  test('what is not ready is not sent', () => {
    const leaving = remote({ endpointSlices: [slice('sample', 'abc', [endpoint('10.2.1.4', { pod: 'abc-1', ready: false })])] });
    expect(drops(sent(view([local, leaving])))).toEqual(['10.2.1.4 unhealthy']);
  });

  test('a gateway of the other IP family is no way since 1.30', () => {
    const six = remote({}, [eastWest('n2', { ip: '2001:db8::1' })]);
    expect(drops(sent(view([local, six])))).toEqual(['10.2.1.4 gateway-of-other-family']);
    expect(lines(sent(view([local, six], { version: '1.29.6' })))).toContain('2001:db8::1:15443 gateway');
    expect(lines(sent(view([local, six]), client({ ips: [] })))).toContain('2001:db8::1:15443 gateway');
  });

  test('an ambient-only gateway is none for sidecars, and a waypoint without gateway gets nothing', () => {
    const hbone = remote({}, [eastWest('n2', { ip: '10.200.2.1' }, { ports: [port(15008)] })]);
    expect(lines(sent(view([local, hbone])))).toContain('10.2.1.4:5000 raw');
    const env = { AMBIENT_ENABLE_MULTI_NETWORK: 'true', PILOT_ENABLE_AMBIENT: 'true' };
    const waypoint = client({ kind: 'waypoint' });
    expect(lines(sent(view([local, hbone], { env }), waypoint))).toContain('10.200.2.1:15008 gateway');
    expect(drops(sent(view([local, remote({}, [])], { env }), waypoint))).toEqual(['10.2.1.4 no-gateway']);
  });

  test('a gateway hostname is sent as what it resolves to', () => {
    expect(sent(view([local, remote({}, [eastWest('n2', { hostname: 'lb.example.com' })])]))?.endpoints.at(-1)).toMatchObject({
      address: 'lb.example.com',
      isUnresolved: true,
      via: 'gateway',
    });
  });

  test('a service nobody has is nothing', () =>
    expect(endpointsSentTo(client(), 'no.sample.svc.cluster.local', 80, predict(view([local])))).toBeUndefined());

  test('a pod is a client when its proxy says in which cluster it is', () => {
    expect(clientOf(pod('sample', 'a', '10.1.1.9'))).toBeUndefined();
    const proxy = { kind: 'sidecar', clusterId: clusterId('cluster1'), requestedNetworkView: [], dnsCapture: false } as const;
    expect(clientOf(pod('sample', 'a', '10.1.1.9', { proxy }))).toMatchObject({
      cluster: 'cluster1',
      ips: ['10.1.1.9'],
      nodeName: 'node-1',
    });
  });

  test('exports: the annotation of the first copy before the default', () => {
    const to = (value: string | undefined, target: string, defaults: string[] = []) =>
      isExportedTo(
        service('sample', 'abc', { annotations: value === undefined ? {} : { 'networking.istio.io/exportTo': value } }),
        target,
        defaults,
      );
    expect([
      to(undefined, 'x'),
      to('*', 'x'),
      to('.', 'x'),
      to('.', 'sample'),
      to('~', 'sample'),
      to('y, x', 'x'),
      to(undefined, 'x', ['.']),
    ]).toEqual([true, true, false, true, false, true, false]);
  });
});

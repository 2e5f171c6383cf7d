import { describe, expect, test } from 'vitest';
import { clustersIn, gatewaysIn, nameTableIn, shardsIn } from './debug-answers.ts';

const abc = 'abc.shop.svc.cluster.local';

describe('clustersIn', () => {
  test('clusters sorted by id, the own one without secret', () => {
    const answer = [
      { id: 'west', secretName: 'istio-system/istio-remote-secret-west', syncStatus: 'timeout' },
      { id: 'east', secretName: '', syncStatus: 'synced' },
    ];
    expect(clustersIn(answer)).toEqual([
      { id: 'east', secret: '', syncStatus: 'synced' },
      { id: 'west', secret: 'istio-system/istio-remote-secret-west', syncStatus: 'timeout' },
    ]);
  });

  test('null is an empty list, anything else no answer; odd entries are left out', () => {
    expect(clustersIn(null)).toEqual([]);
    expect(clustersIn([])).toEqual([]);
    expect(clustersIn({})).toBeUndefined();
    expect(clustersIn('synced')).toBeUndefined();
    expect(clustersIn([1, { id: 7 }, { id: 'east', secretName: 3 }])).toEqual([{ id: 'east', secret: '', syncStatus: '' }]);
  });
});

describe('gatewaysIn', () => {
  test('as 1.31 and as 1.22 write them, and static ones without cluster; sorted by address', () => {
    const account = { Namespace: '', Name: '' };
    const answer = [
      { Network: 'n2', Cluster: 'west', Addr: '198.51.100.9', Port: 15443, HBONEPort: 15008, ServiceAccount: account },
      { Network: 'n1', Cluster: 'east', Addr: '198.51.100.1', Port: 15443 },
      { Network: 'n3', Cluster: '', Addr: '198.51.100.5', Port: 443 },
      { Network: 'n4', Cluster: 'east' },
    ];
    expect(gatewaysIn(answer)).toEqual([
      { network: 'n1', cluster: 'east', address: '198.51.100.1', port: 15443, hbonePort: 0 },
      { network: 'n3', address: '198.51.100.5', port: 443, hbonePort: 0 },
      { network: 'n2', cluster: 'west', address: '198.51.100.9', port: 15443, hbonePort: 15008 },
    ]);
    expect(gatewaysIn(null)).toEqual([]);
    expect(gatewaysIn('none')).toBeUndefined();
  });
});

describe('shardsIn', () => {
  const endpoint = { Addresses: ['10.1.1.4'], ServicePortName: 'http', EndpointPort: 80, Network: 'n1', TLSMode: 'istio', HealthStatus: 1 };
  const of = (shards: unknown) => ({ [abc]: { shop: { Shards: shards, ServiceAccounts: {} } }, 'other.shop.svc.cluster.local': {} });

  test('only the hosts asked for, only Kubernetes registries, clusters and endpoints sorted', () => {
    const answer = of({
      'Kubernetes/west': [{ ...endpoint, Addresses: ['10.2.1.4'], Network: 'n2' }],
      'Kubernetes/east': [{ ...endpoint, Addresses: ['10.1.1.5'], HealthStatus: 2 }, endpoint],
      'External/east': [endpoint],
    });
    const listed = { port: 80, portName: 'http', network: 'n1', tlsMode: 'istio', health: 'healthy' };
    expect(shardsIn(answer, ['nobody.shop.svc.cluster.local', abc])).toEqual([
      {
        host: abc,
        clusters: [
          {
            cluster: 'east',
            endpoints: [
              { ...listed, address: '10.1.1.4' },
              { ...listed, address: '10.1.1.5', health: 'unhealthy' },
            ],
          },
          { cluster: 'west', endpoints: [{ ...listed, address: '10.2.1.4', network: 'n2' }] },
        ],
      },
    ]);
  });

  test('one address before 1.24, one entry for each later; numbers of health as words', () => {
    const addresses = (entry: unknown) =>
      shardsIn(of({ 'Kubernetes/east': [entry] }), [abc])?.[0]?.clusters[0]?.endpoints.map(({ address, health }) => `${address} ${health}`);
    expect(addresses({ ...endpoint, Addresses: undefined, Address: '10.1.1.9', HealthStatus: 3 })).toEqual(['10.1.1.9 draining']);
    expect(addresses({ ...endpoint, Addresses: ['10.1.1.4', 'fd00::4'], HealthStatus: 4 })).toEqual([
      '10.1.1.4 terminating',
      'fd00::4 terminating',
    ]);
    expect(addresses({ ...endpoint, HealthStatus: 9 })).toEqual(['10.1.1.4 ']);
    expect(addresses({ Addresses: 'odd' })).toEqual([]);
  });

  test('nothing is not an error, a list is', () => {
    expect(shardsIn(null, [abc])).toEqual([]);
    expect(shardsIn({}, [abc])).toEqual([]);
    expect(shardsIn({ [abc]: null }, [abc])).toEqual([]);
    expect(shardsIn({ [abc]: { shop: { Shards: null } } }, [abc])).toEqual([{ host: abc, clusters: [] }]);
    expect(shardsIn([], [abc])).toBeUndefined();
  });
});

describe('nameTableIn', () => {
  const type = 'type.googleapis.com/istio.networking.nds.v1.NameTable';
  const table = { [abc]: { ips: ['10.96.0.4'], registry: 'Kubernetes' }, 'other.shop.svc.cluster.local': { ips: ['10.96.0.5'] } };

  test('the records asked for', () => {
    expect(nameTableIn({ configs: [{ '@type': type, table }] }, ['nobody', abc])).toEqual([{ host: abc, ips: ['10.96.0.4'] }]);
  });

  test('a table without records is not the same as no table', () => {
    expect(nameTableIn({ configs: [{ '@type': type }] }, [abc])).toEqual([]);
    for (const none of [null, {}, { configs: [] }, { configs: null }, { configs: [{ '@type': 'type.googleapis.com/x.Other' }] }])
      expect(nameTableIn(none, [abc])).toBe('none');
    expect(nameTableIn([], [abc])).toBeUndefined();
    expect(nameTableIn('none', [abc])).toBeUndefined();
  });
});

test('no value makes a decoder throw', () => {
  const values = [
    undefined,
    0,
    true,
    '',
    [[]],
    [null],
    { [abc]: 1 },
    { [abc]: { shop: { Shards: { 'Kubernetes/x': 7 } } } },
    { configs: 7 },
  ];
  for (const value of values)
    for (const decode of [
      clustersIn,
      gatewaysIn,
      (given: unknown) => shardsIn(given, [abc]),
      (given: unknown) => nameTableIn(given, [abc]),
    ])
      expect(() => decode(value)).not.toThrow();
});

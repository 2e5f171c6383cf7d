import { describe, expect, test } from 'vitest';
import { clusterId, cluster, endpoint, namespace, networkId, oneService, service, slice, eastWest } from '../../test/support/mesh-facts.ts';
import { clusterName, revision } from '../model/ids.ts';
import type { IstiodReplica } from '../model/observations.ts';
import { expectedAnswer } from './expected-answer.ts';
import { endpointsIn, gatewaysIn, isListedAs, listedEndpoints, replicasOf, servesEndpointsOf } from './measured.ts';

const istiod = {
  istiod: { clusterId: clusterId('cluster1'), namespace: 'istio-system', clusterDomain: 'cluster.local', env: {}, version: '1.31.0' },
  meshConfig: undefined,
};
const west = clusterId('cluster2');
const host = 'abc.sample.svc.cluster.local';

function replica(name: string, more: Partial<IstiodReplica> = {}): IstiodReplica {
  return {
    pod: { cluster: clusterName('east'), kind: 'Pod', namespace: 'istio-system', name },
    namespace: 'istio-system',
    revision: revision('default'),
    clusters: { answer: [] },
    gateways: { answer: [] },
    shards: { answer: [] },
    shardsAsked: [],
    nameTables: [],
    ...more,
  };
}

describe('what an istiod holds of one cluster', () => {
  test('replicas of its own revision and namespace', () => {
    const all = [replica('a'), replica('b', { revision: revision('1-31-0') }), replica('c', { namespace: 'other' })];
    expect(replicasOf({ namespace: 'istio-system', revision: revision('default') }, all).map(({ pod }) => pod.name)).toEqual(['a']);
  });

  test('gateways of that cluster, and static ones of meshNetworks are none of it', () => {
    const lists = cluster('cluster2', 'network2', { services: [eastWest('network2', { ip: '10.0.0.9' })] });
    const meshConfig = {
      discoverySelectors: [],
      clusterLocal: [],
      defaultServiceExportTo: [],
      meshNetworks: [{ network: networkId('network3'), fromRegistries: [], cidrs: [], gateways: [{ address: '192.0.2.1', port: 15443 }] }],
    };
    const found = gatewaysIn({ ...istiod, meshConfig }, west, { ...lists, nodes: [], kubeGateways: [] });
    expect(found.map(({ address, port, network }) => `${network} ${address}:${port}`)).toEqual(['network2 10.0.0.9:15443']);
    const [gateway] = found;
    if (gateway === undefined) throw new Error('no gateway');
    const listed = { network: networkId('network2'), cluster: west, address: '10.0.0.9', port: 15443, hbonePort: 0 };
    expect(isListedAs(listed, gateway)).toBe(true);
    expect(isListedAs({ ...listed, port: 0 }, gateway)).toBe(false);
    expect(isListedAs({ ...listed, network: networkId('network1') }, gateway)).toBe(false);
  });

  test('endpoints of one host', () => {
    const lists = cluster('cluster2', 'network2', oneService('network2', '10.2.0.1'));
    expect(endpointsIn(istiod, west, host, lists).map(({ address, network, tlsMode }) => [address, network, tlsMode])).toEqual([
      ['10.2.0.1', 'network2', 'istio'],
    ]);
    const hidden = { ...lists, namespaces: [namespace('sample')], endpointSlices: [slice('other', 'abc', [endpoint('10.2.0.1')])] };
    expect(endpointsIn(istiod, west, host, hidden)).toEqual([]);
  });

  test('shards that a replica lists', () => {
    const own = { address: '10.2.0.1', port: 80, portName: 'http', network: 'network2', tlsMode: 'istio', health: 'healthy' };
    const shards = [{ host, clusters: [{ cluster: west, endpoints: [own] }] }];
    expect(listedEndpoints(shards, host, west)).toEqual([own]);
    expect(listedEndpoints(shards, host, clusterId('cluster1'))).toEqual([]);
    expect(servesEndpointsOf(replica('a', { shards: { answer: shards } }), west)).toBe(true);
    expect(servesEndpointsOf(replica('a', { shards: { failed: 'timeout', reason: 'no answer' } }), west)).toBe(false);
  });
});

describe('the answer that a caller should get', () => {
  const [here, there] = [clusterName('west'), clusterName('east')];
  const caller = { cluster: here, via: 'sidecar', namespace: 'shop' } as const;
  const plane = { cluster: there, namespace: 'istio-system', revision: revision('default'), ref: replica('istiod').pod };
  const couple = { controlPlane: plane, serves: { known: true, evidence: [] }, credentials: [], credentialGaps: [] };
  const couples = [
    { ...couple, member: there, kind: 'self' as const },
    { ...couple, member: here, kind: 'remote' as const },
  ];
  const abc = service('sample', 'abc', { clusterIP: '10.96.0.7' });

  test('the own Service first, whoever is asked', () => {
    const instances = new Map([
      [here, abc],
      [there, service('sample', 'abc', { clusterIP: '10.97.0.7' })],
    ]);
    for (const via of ['sidecar', 'cluster'] as const)
      expect(expectedAnswer(instances, { ...caller, via }, { couples })).toEqual({
        from: 'own',
        addresses: ['10.96.0.7'],
        holders: [here],
      });
  });

  test('that of another cluster by sidecars alone, and only if istiod reads it', () => {
    const instances = new Map([[there, abc]]);
    expect(expectedAnswer(instances, caller, { couples })).toEqual({ from: 'other', addresses: ['10.96.0.7'], holders: [there] });
    expect(expectedAnswer(instances, { ...caller, via: 'cluster' }, { couples })).toEqual({ from: 'nowhere' });
    expect(expectedAnswer(instances, caller, { couples: [] })).toEqual({ from: 'nowhere' });
  });

  test('headless, hidden and external names are not told by Services', () => {
    for (const more of [
      { clusterIP: 'None' },
      { type: 'ExternalName', clusterIP: '' },
      { annotations: { 'networking.istio.io/exportTo': '.' } },
    ])
      expect(expectedAnswer(new Map([[there, service('sample', 'abc', more)]]), caller, { couples })).toEqual({ from: 'untold' });
  });
});

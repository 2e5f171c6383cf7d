import { describe, expect, test } from 'vitest';
import { cluster, clusterId, endpoint, networkId, service, slice, view } from '../../test/support/mesh-facts.ts';
import { predict } from './endpoints.ts';
import type { ReadCluster } from './istiod-view.ts';
import { type NameTableClient, namesAnswered, nameTable } from './name-table.ts';

const client = (more: Partial<NameTableClient> = {}): NameTableClient => ({
  cluster: clusterId('cluster2'),
  network: networkId('n2'),
  namespace: 'sample',
  ips: ['10.2.1.9'],
  ...more,
});
const table = (clusters: readonly ReadCluster[], to = client(), env: Record<string, string> = {}, options = {}) =>
  [...nameTable(to, predict(view(clusters, { env })), options).values()].map(
    (record) => `${record.host} ${record.ips.join()} ${record.from}${record.alternatives.map((ip) => ` or ${ip}`).join('')}`,
  );
const abc = (clusterIP: string, more = {}) => service('sample', 'abc', { clusterIP, ...more });
const headless = (more = {}) => abc('None', more);

describe('nameTable', () => {
  test('the ClusterIP of the own cluster comes first, else that of another', () => {
    const one = cluster('cluster1', 'n1', { services: [abc('10.96.0.1'), service('sample', 'far', { clusterIP: '10.96.0.2' })] });
    const two = cluster('cluster2', 'n2', { services: [abc('10.97.0.1')] });
    expect(table([two, one])).toEqual(['abc.sample.svc.cluster.local 10.97.0.1 own', 'far.sample.svc.cluster.local 10.96.0.2 other']);
  });

  test('where several others have it and the configuration’s own has not, any may be first', () => {
    const at = (id: string, ip: string) => cluster(id, 'n3', { services: [abc(ip)] });
    expect(table([cluster('cluster1', 'n1'), at('cluster4', '10.4.0.1'), at('cluster3', '10.3.0.1')])).toEqual([
      'abc.sample.svc.cluster.local 10.3.0.1 other or 10.4.0.1',
    ]);
    expect(table([at('cluster1', '10.1.0.1'), at('cluster3', '10.3.0.1')])).toEqual(['abc.sample.svc.cluster.local 10.1.0.1 other']);
  });

  test('a headless Service has the ready pods of the own network', () => {
    const slices = (...addresses: string[]) => [
      slice('sample', 'abc', [...addresses.map((address) => endpoint(address)), endpoint('10.9.9.9', { ready: false })]),
    ];
    const one = cluster('cluster1', 'n1', { services: [headless()], endpointSlices: slices('10.1.1.4') });
    const two = cluster('cluster2', 'n2', { services: [headless()], endpointSlices: slices('10.2.1.4', '10.2.1.5') });
    expect(table([one, two])).toEqual(['abc.sample.svc.cluster.local 10.2.1.4,10.2.1.5 pods']);
    expect(table([one])).toEqual([]);
    expect(table([one], client({ network: networkId('n1') }))).toEqual(['abc.sample.svc.cluster.local 10.1.1.4 pods']);
    expect(table([one], client({ network: networkId('n1') }), { ENABLE_MULTICLUSTER_HEADLESS: 'false' })).toEqual([]);
    expect(table([{ ...two, services: [headless({ ports: [] })] }])).toEqual([]);
    expect(table([{ ...two, services: [headless({ publishNotReadyAddresses: true })] }])[0]).toContain('10.9.9.9');
  });

  test('mixed: the first copy says whether a Service is headless, the own copy gives the address', () => {
    const one = cluster('cluster1', 'n1', { services: [abc('10.96.0.1')] });
    expect(
      table([one, cluster('cluster2', 'n2', { services: [headless()], endpointSlices: [slice('sample', 'abc', [endpoint('10.2.1.4')])] })]),
    ).toEqual([]);
  });

  test('ExternalName, other IP families, exports and Sidecars leave names out', () => {
    const only = (service: ReturnType<typeof abc>) => [cluster('cluster2', 'n2', { services: [service] })];
    expect(table(only(abc('', { type: 'ExternalName' })))).toEqual([]);
    expect(table(only(abc('2001:db8::1')))).toEqual([]);
    expect(table(only(abc('2001:db8::1')), client({ ips: [] }))).toHaveLength(1);
    expect(
      table(only(abc('10.97.0.1', { clusterIPs: ['10.97.0.1', '2001:db8::1'] })), client({ ips: ['10.2.1.9', '2001:db8::9'] }))[0],
    ).toContain('10.97.0.1,2001:db8::1');
    expect(table(only(abc('10.97.0.1', { annotations: { 'networking.istio.io/exportTo': '.' } })), client({ namespace: 'other' }))).toEqual(
      [],
    );
    expect(table(only(abc('10.97.0.1')), client(), {}, { isVisible: () => false })).toEqual([]);
  });
});

describe('namesAnswered', () => {
  test('short names only inside the namespace', () => {
    expect(namesAnswered('abc.sample.svc.cluster.local', 'sample')).toEqual([
      'abc.sample.svc.cluster.local',
      'abc.sample.svc',
      'abc.sample',
      'abc',
    ]);
    expect(namesAnswered('abc.sample.svc.cluster.local', 'other')).not.toContain('abc');
    expect(namesAnswered('example.com', 'sample')).toEqual(['example.com']);
  });
});

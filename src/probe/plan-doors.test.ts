import { describe, expect, test } from 'vitest';
import { planInput } from '../../test/support/probe-mesh.ts';
import { mesh, type MeshBuilder } from '../builder/mesh.ts';
import { clusterName } from '../model/ids.ts';
import type { KubeObject } from '../model/kube.ts';
import { doorBehind } from './plan-doors.ts';

const east = clusterName('east');
const gateway = 'istio-eastwestgateway';
const shop = mesh().multiPrimary('east', 'west', { networks: 2 });
const ofService = { cluster: east, kind: 'Service', namespace: 'istio-system', name: gateway };
const at = { host: '10.200.1.1', port: 15443 };

function doorOf(built: MeshBuilder, of: Parameters<typeof doorBehind>[1] = ofService, place = at) {
  const facts = planInput(built).facts.get(east);
  return facts === undefined ? undefined : doorBehind(place, of, facts);
}

const [running] =
  shop
    .objects()
    .get('east')
    ?.filter(({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith(gateway)) ?? [];

/** The gateway's pod as `change` makes it, beside the one that there is. */
const withPod = (name: string, change: (pod: KubeObject) => KubeObject) =>
  shop.break((m) => m.cluster('east').add(change({ ...running!, metadata: { ...running!.metadata, name, uid: name } })));

const status = (phase: string, ready: string) => (pod: KubeObject) => ({
  ...pod,
  status: { ...(pod['status'] as object), phase, conditions: [{ type: 'Ready', status: ready }] },
});
const patched = (patch: Parameters<ReturnType<Parameters<Parameters<MeshBuilder['break']>[0]>[0]['cluster']>['patch']>[3]) =>
  shop.break((m) => m.cluster('east').patch('Service', 'istio-system', gateway, patch));

describe('the pod behind an address', () => {
  test('is one that the Service selects, at the port that stands behind the one called', () => {
    expect(doorOf(shop)).toEqual({
      service: expect.objectContaining(ofService) as object,
      pod: expect.objectContaining({ kind: 'Pod', name: running?.metadata.name }) as object,
      port: 15443,
    });
  });

  test('a ready one before others, the first by name; one that does not run is none', () => {
    expect(doorOf(withPod('a-not-ready', status('Running', 'False')))?.pod.name).toBe(running?.metadata.name);
    expect(doorOf(withPod('a-pending', status('Pending', 'False')))?.pod.name).toBe(running?.metadata.name);
    expect(doorOf(withPod('a-ready', (pod) => pod))?.pod.name).toBe('a-ready');
  });

  test('without a running pod there is none, nor without a Service', () => {
    expect(doorOf(shop.break((m) => m.cluster('east').remove('Pod', 'istio-system', running?.metadata.name ?? '')))).toBeUndefined();
    expect(doorOf(shop.break((m) => m.cluster('east').remove('Service', 'istio-system', gateway)))).toBeUndefined();
    expect(doorOf(shop, ofService, { ...at, port: 4711 })).toBeUndefined();
  });

  test('the port of the pods is what targetPort says, as a number or by its name in the slices', () => {
    const withPorts = (targetPort: unknown) => patched({ spec: { ports: [{ name: 'tls', port: 15443, targetPort, protocol: 'TCP' }] } });
    expect(doorOf(withPorts(8443))?.port).toBe(8443);
    const named = withPorts('sni').break((m) =>
      m.cluster('east').add({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'gateway-named', namespace: 'istio-system', labels: { 'kubernetes.io/service-name': gateway } },
        addressType: 'IPv4',
        endpoints: [],
        ports: [{ name: 'tls', port: 9443, protocol: 'TCP' }],
      }),
    );
    expect(
      named
        .objects()
        .get('east')
        ?.some(({ metadata }) => metadata.name === 'gateway-named'),
    ).toBe(true);
    // Slices that were there first are not of this name.
    expect([9443, 15443]).toContain(doorOf(named)?.port);
  });

  test('a port of nodes is found as one', () => {
    const nodePort = patched({
      spec: { type: 'NodePort', ports: [{ name: 'tls', port: 15443, targetPort: 15443, nodePort: 31443, protocol: 'TCP' }] },
    });
    expect(doorOf(nodePort, ofService, { host: '172.18.0.2', port: 31443 })?.port).toBe(15443);
  });

  test('of a Gateway it is behind the Service that was made for it; of other objects behind the one with that address', () => {
    const labelled = patched({ metadata: { labels: { 'gateway.networking.k8s.io/gateway-name': 'cross-network' } } });
    const ofGateway = { cluster: east, kind: 'Gateway', namespace: 'istio-system', name: 'cross-network' };
    expect(doorOf(labelled, ofGateway)?.service.name).toBe(gateway);
    const config = { cluster: east, kind: 'ConfigMap', namespace: 'istio-system', name: 'istio' };
    expect(doorOf(shop, config)?.service.name).toBe(gateway);
    expect(doorOf(shop, config, { host: '203.0.113.7', port: 15443 })).toBeUndefined();
  });
});

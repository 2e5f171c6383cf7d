import { describe, expect, test } from 'vitest';
import { planInput } from '../../test/support/probe-mesh.ts';
import { mesh, type MeshBuilder } from '../builder/mesh.ts';
import { type IstiodWay, istiodWays } from './istiod-ways.ts';
import { listOf } from './topology.ts';

/** How other clusters call the istiods of a mesh, in short. */
function waysOf(built: MeshBuilder): string[] {
  return fullWaysOf(built).map(({ host, port, purpose, sni, members }) => `${members.join('+')}: ${purpose} ${host}:${port} ${sni}`);
}

function fullWaysOf(built: MeshBuilder): IstiodWay[] {
  const { facts, topology } = planInput(built);
  return topology.meshes.flatMap((one) =>
    [...facts.values()].flatMap((own) => listOf(own.controlPlanes).flatMap((plane) => istiodWays(plane, one, facts))),
  );
}

const remote = mesh().primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' });
const service = 'istiod-1-31-0';

describe('how istiod is called from other clusters', () => {
  test('at the address behind its Service there, by the names that proxies and API servers ask for', () => {
    expect(waysOf(remote)).toEqual([
      'west: discovery 10.200.1.1:15012 istiod-1-31-0.istio-system.svc',
      'west: injection 10.200.1.1:15017 istiod-1-31-0.istio-system.svc',
    ]);
  });

  test('what names the address is told, and whose it is', () => {
    const [way] = fullWaysOf(remote);
    expect(way).toMatchObject({
      named: { cluster: 'west', kind: 'EndpointSlice', namespace: 'istio-system' },
      gateway: { cluster: 'east', kind: 'Service', name: 'istio-eastwestgateway' },
      controlPlane: { cluster: 'east', name: service },
    });
    const elsewhere = remote.break((m) =>
      m
        .cluster('west')
        .patch('EndpointSlice', 'istio-system', fullWaysOf(remote)[0]?.named.name ?? '', { endpoints: [{ addresses: ['203.0.113.9'] }] }),
    );
    const [stale] = fullWaysOf(elsewhere);
    expect(stale?.host).toBe('203.0.113.9');
    expect(stale).not.toHaveProperty('gateway');
  });

  test('one call for all remotes that make it', () => {
    expect(waysOf(mesh().primaryRemote('east', ['west', 'south'], { networks: 2 }))).toEqual([
      'south+west: discovery 10.200.1.1:15012 istiod.istio-system.svc',
      'south+west: injection 10.200.1.1:15017 istiod.istio-system.svc',
    ]);
  });

  test('not where every cluster has an istiod of its own', () => {
    expect(waysOf(mesh().multiPrimary('east', 'west', { networks: 2 }))).toEqual([]);
  });

  test('nor at addresses inside the cluster of istiod, which nobody else can reach', () => {
    const { facts } = planInput(remote);
    const east = [...facts.values()][0];
    const istiod = listOf(east!.pods).find(({ labels }) => labels['app'] === 'istiod');
    const clusterIP = listOf(east!.services).find(({ name }) => name === service)?.clusterIP;
    const slice = fullWaysOf(remote)[0]?.named.name ?? '';
    const addressed = (address: string) =>
      waysOf(
        remote.break((m) => m.cluster('west').patch('EndpointSlice', 'istio-system', slice, { endpoints: [{ addresses: [address] }] })),
      );
    expect(addressed(istiod?.ips[0] ?? '')).toEqual([]);
    expect(addressed(clusterIP ?? '')).toEqual([]);
  });

  test('a port that no slice serves is not called', () => {
    const slice = fullWaysOf(remote)[0]?.named.name ?? '';
    const half = remote.break((m) =>
      m.cluster('west').patch('EndpointSlice', 'istio-system', slice, { ports: [{ name: 'tls', port: 15012, protocol: 'TCP' }] }),
    );
    expect(waysOf(half)).toEqual(['west: discovery 10.200.1.1:15012 istiod-1-31-0.istio-system.svc']);
  });

  test('at a url of injectors, and at a discovery address, by the host that stands there', () => {
    const ways = waysOf(
      mesh()
        .externalControlPlane('outside', 'config')
        .namespace('shop', { injected: true })
        .workload('caller.shop', { in: ['config'] }),
    );
    expect(ways.map((way) => way.replace(/[\w.-]*\.example\.[\w.]*/g, 'HOST'))).toEqual([
      'config: discovery HOST:15012 HOST',
      'config: injection HOST:15017 HOST',
    ]);
  });

  test('IPv6 in a url loses its brackets, and a url without a port means 443', () => {
    const injector = 'istio-sidecar-injector-1-31-0';
    const ipv6 = remote.break((m) =>
      m.cluster('west').patch('MutatingWebhookConfiguration', undefined, injector, (object) => ({
        ...object,
        webhooks: [{ name: 'rev.namespace.sidecar-injector.istio.io', clientConfig: { url: 'https://[2001:db8::7]/inject' } }],
      })),
    );
    expect(waysOf(ipv6)).toContain('west: injection 2001:db8::7:443 2001:db8::7');
  });
});

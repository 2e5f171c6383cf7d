import { describe, expect, test } from 'vitest';
import { eastWest, endpoint, node, pod, port, service, slice } from '../../test/support/mesh-facts.ts';
import type { Endpoints, Injector } from '../model/facts.ts';
import { clusterName, revision } from '../model/ids.ts';
import { externalAddresses, isOwnAddress, leadsTo, pilotGateways, remotePilots } from './pilot-address.ts';

const system = 'istio-system';
const controlPlane = { revision: revision('default'), namespace: system };
const bare = (name: string, more: Parameters<typeof service>[2] = {}) =>
  service(system, name, { selector: {}, ports: [port(15012, 'tcp-istiod'), port(443, 'tcp-webhook', { targetPort: 15017 })], ...more });

function endpoints(name: string, ...addresses: string[]): Endpoints {
  return {
    ref: { cluster: clusterName('west'), kind: 'Endpoints', namespace: system, name },
    namespace: system,
    name,
    labels: {},
    annotations: {},
    managers: [],
    subsets: [{ addresses, notReadyAddresses: [], ports: [] }],
  };
}

function injector(of: string, target: Injector['target']): Injector {
  const ref = { cluster: clusterName('west'), kind: 'MutatingWebhookConfiguration', name: 'injector' };
  return { ref, name: 'injector', labels: {}, annotations: {}, managers: [], revision: revision(of), webhooks: [], target };
}

const calls = (name: string) => ({ service: { namespace: system, name, path: '/inject', port: 443 } });

describe('remotePilots', () => {
  const found = (...of: Parameters<typeof remotePilots>) =>
    remotePilots(...of).map(({ service: { name }, addresses }) => [
      name,
      ...[...addresses].map(([address, ref]) => `${address} by ${ref.kind} ${ref.name}`),
    ]);

  test('the Service of the revision, and those that its injectors call', () => {
    const services = [bare('istiod'), bare('elsewhere'), bare('istiod-1-31-0'), service(system, 'istiod-revision-tag-default')];
    expect(found(controlPlane, services, [], [], [])).toEqual([['istiod']]);
    expect(found({ ...controlPlane, revision: revision('1-31-0') }, services, [], [], [])).toEqual([['istiod-1-31-0']]);
    expect(found(controlPlane, services, [], [], [injector('default', calls('elsewhere'))])).toEqual([['istiod'], ['elsewhere']]);
    expect(found(controlPlane, services, [], [], [injector('1-31-0', calls('elsewhere'))])).toEqual([['istiod']]);
  });

  test('a Service with a selector stands for pods of its own cluster', () => {
    expect(found(controlPlane, [service(system, 'istiod')], [], [], [])).toEqual([]);
  });

  test('addresses of slices that carry its name', () => {
    const slices = [
      slice(system, 'istiod', [endpoint('192.0.2.1'), endpoint('192.0.2.2')]),
      slice(system, 'other', [endpoint('192.0.2.3')]),
      slice('other', 'istiod', [endpoint('192.0.2.4')]),
    ];
    expect(found(controlPlane, [bare('istiod')], slices, [], [])).toEqual([
      ['istiod', '192.0.2.1 by EndpointSlice istiod-x', '192.0.2.2 by EndpointSlice istiod-x'],
    ]);
  });

  test('Endpoints speak for the slices that Kubernetes copies from them', () => {
    const copy = slice(system, 'istiod', [endpoint('192.0.2.9')], {
      labels: { 'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io' },
    });
    expect(found(controlPlane, [bare('istiod')], [copy], [endpoints('istiod', '192.0.2.1')], [])).toEqual([
      ['istiod', '192.0.2.1 by Endpoints istiod'],
    ]);
    expect(found(controlPlane, [bare('istiod')], [copy], [], [])).toEqual([['istiod', '192.0.2.9 by EndpointSlice istiod-x']]);
  });

  test('a slice beside Endpoints counts as well when somebody else wrote it', () => {
    const own = slice(system, 'istiod', [endpoint('192.0.2.1'), endpoint('192.0.2.2')]);
    expect(found(controlPlane, [bare('istiod')], [own], [endpoints('istiod', '192.0.2.1')], [])).toEqual([
      ['istiod', '192.0.2.1 by Endpoints istiod', '192.0.2.2 by EndpointSlice istiod-x'],
    ]);
  });
});

describe('leadsTo', () => {
  const gateway = eastWest('n1', { ip: '203.0.113.5' }, { externalIPs: ['198.51.100.7'] });
  const istiod = service(system, 'istiod', { clusterIPs: ['10.96.0.9'], selector: { app: 'istiod' } });

  test('addresses of load balancers, external and cluster addresses, names', () => {
    expect(leadsTo('203.0.113.5', [istiod, gateway])).toBe(gateway);
    expect(leadsTo('198.51.100.7', [istiod, gateway])).toBe(gateway);
    expect(leadsTo('10.96.0.9', [istiod, gateway])).toBe(istiod);
    expect(leadsTo('203.0.113.6', [istiod, gateway])).toBeUndefined();
    const named = eastWest('n1', { hostname: 'lb.example.com' });
    expect(leadsTo('LB.example.com.', [named])).toBe(named);
  });

  test('an IPv6 address in another spelling', () => {
    const six = eastWest('n1', { ip: '2001:db8::5' });
    expect(leadsTo('2001:0DB8:0:0::5', [six])).toBe(six);
    expect(leadsTo('2001:db8::6', [six])).toBeUndefined();
  });

  test('nodes, for a gateway that is a NodePort', () => {
    const nodes = [node('one', [{ type: 'InternalIP', address: '10.0.0.4' }])];
    const ported = eastWest('n1', undefined, { type: 'NodePort' });
    expect(leadsTo('10.0.0.4', [ported], nodes)).toBe(ported);
    expect(leadsTo('10.0.0.4', [gateway], nodes)).toBeUndefined();
    expect(externalAddresses(ported, nodes)).toEqual(['10.0.0.4']);
  });
});

test('pilotGateways: what is offered to the outside with a port of istiod, or carries a network', () => {
  const inside = service(system, 'istiod', { ports: [port(15012)] });
  const plain = eastWest('', { ip: '203.0.113.5' }, { ports: [port(15012)], labels: {} });
  const dataOnly = eastWest('n1', undefined, { ports: [port(15443)] });
  const ingress = service(system, 'ingress', { type: 'LoadBalancer', ports: [port(443)] });
  expect(pilotGateways([inside, plain, dataOnly, ingress])).toEqual([plain, dataOnly]);
});

test('isOwnAddress: pods and nodes', () => {
  const pods = [pod(system, 'istiod-1', '10.1.0.5')];
  const nodes = [node('one', [{ type: 'InternalIP', address: 'fd00::4' }])];
  expect(isOwnAddress('10.1.0.5', pods, nodes)).toBe(true);
  expect(isOwnAddress('fd00:0::4', pods, nodes)).toBe(true);
  expect(isOwnAddress('10.1.0.6', pods, nodes)).toBe(false);
});

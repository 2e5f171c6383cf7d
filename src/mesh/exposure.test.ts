import { describe, expect, test } from 'vitest';
import { gateway, pod, port, server, service, virtualService } from '../../test/support/mesh-facts.ts';
import type { VirtualService } from '../model/facts.ts';
import { revision } from '../model/ids.ts';
import {
  crossNetworkExposure,
  type ExposedIstiod,
  type Exposure,
  type ExposureObjects,
  gatewayProxies,
  gatewayRevisions,
  isSeenBy,
  istiodExposure,
  istiodExposures,
} from './exposure.ts';
import { gatewayReference } from './gateway-rules.ts';

const of = revision('1-31-0');
const host = 'istiod-1-31-0.istio-system.svc';
const istiod: ExposedIstiod = { host, controlPlane: { revision: of, namespace: 'istio-system' } };
const gatewayPods = [
  {
    namespace: 'istio-system',
    labels: { istio: 'eastwestgateway', app: 'istio-eastwestgateway' },
    ref: pod('istio-system', 'gw', '10.1.1.2').ref,
  },
];
const istiodPorts = [port(15012, 'https-dns'), port(443, 'https-webhook', { targetPort: 15017 })];
const istiodService = (name = 'istiod-1-31-0', rev = '1-31-0') =>
  service('istio-system', name, { ports: istiodPorts, selector: { app: 'istiod', 'istio.io/rev': rev } });
const exposing = gateway('istio-system', 'istiod-gateway', [server(15012, 'PASSTHROUGH'), server(15017, 'PASSTHROUGH')]);

function routes(sniHosts: readonly string[], destination: string): VirtualService['tls'] {
  const to = (match: number, target: number) => ({
    matches: [{ port: match, sniHosts, gateways: [] }],
    destinations: [{ host: destination, port: target }],
  });
  return [to(15012, 15012), to(15017, 443)];
}
const fqdn = (name: string) => `${name}.istio-system.svc.cluster.local`;
const routing = (more: Partial<VirtualService> = {}) =>
  virtualService('istio-system', 'istiod-vs-1-31-0', {
    gateways: ['istiod-gateway'],
    tls: routes([host, fqdn('istiod-1-31-0')], fqdn('istiod-1-31-0')),
    ...more,
  });

const whole: ExposureObjects = {
  reader: { revision: of, env: {}, clusterDomain: 'cluster.local' },
  gateways: [exposing],
  virtualServices: [routing()],
  services: [istiodService(), istiodService('istiod-revision-tag-default')],
  proxies: gatewayPods,
};
const gap = (more: Partial<ExposureObjects>, to = istiod, number = 15012) => istiodExposure({ ...whole, ...more }, number, to);
const says = (exposure: Exposure) => [exposure.missing, exposure.nearest.map((ref) => `${ref.kind}/${ref.namespace}/${ref.name}`).join()];

describe('istiodExposure', () => {
  test('both ports of a whole installation lead to istiod', () => {
    const [discovery, webhook] = istiodExposures(whole, istiod);
    for (const one of [discovery, webhook]) expect(one?.missing).toBeUndefined();
    expect(webhook).toMatchObject({ port: 15017, mode: 'passthrough', destination: { port: 443, service: { name: 'istiod-1-31-0' } } });
    expect(discovery?.routedHosts).toEqual([host, fqdn('istiod-1-31-0')]);
  });

  test.each<[string, Partial<ExposureObjects>, string, string]>([
    ['nothing at all', { gateways: [], virtualServices: [] }, 'gateway', ''],
    ['no pods behind the Service', { proxies: [] }, 'gateway-pods', ''],
    ['a server on another port only', { gateways: [gateway('istio-system', 'other', [server(15443, 'AUTO_PASSTHROUGH')])] }, 'gateway', ''],
    [
      'a Gateway of another revision',
      { gateways: [{ ...exposing, labels: { 'istio.io/rev': '1-30-3' } }] },
      'gateway-revision',
      'Gateway/istio-system/istiod-gateway',
    ],
    [
      'a selector that matches nothing',
      { gateways: [{ ...exposing, selector: { istio: 'ingressgateway' } }] },
      'gateway-selector',
      'Gateway/istio-system/istiod-gateway',
    ],
    [
      'a server that terminates nothing',
      { gateways: [gateway('istio-system', 'istiod-gateway', [server(15012, '')])] },
      'gateway-mode',
      'Gateway/istio-system/istiod-gateway',
    ],
    [
      'a server for other hosts',
      { gateways: [gateway('istio-system', 'istiod-gateway', [server(15012, 'PASSTHROUGH', ['a.example.com'])])] },
      'gateway-hosts',
      'Gateway/istio-system/istiod-gateway',
    ],
    ['no VirtualService', { virtualServices: [] }, 'virtual-service', 'Gateway/istio-system/istiod-gateway'],
    [
      'a VirtualService of another revision',
      { virtualServices: [routing({ labels: { 'istio.io/rev': '1-30-3' } })] },
      'virtual-service-revision',
      'VirtualService/istio-system/istiod-vs-1-31-0',
    ],
    [
      'a VirtualService of another revision beside that of an older istiod',
      {
        virtualServices: [
          routing({ labels: { 'istio.io/rev': '1-30-3' } }),
          virtualService('istio-system', 'istiod-vs-1-29-6', {
            gateways: ['istiod-gateway'],
            tls: routes([fqdn('istiod-1-29-6')], fqdn('istiod-1-29-6')),
          }),
        ],
      },
      'virtual-service-revision',
      'VirtualService/istio-system/istiod-vs-1-31-0',
    ],
    [
      'a VirtualService for another Gateway',
      { virtualServices: [routing({ gateways: ['other'] })] },
      'virtual-service-gateway',
      'VirtualService/istio-system/istiod-vs-1-31-0',
    ],
    [
      'a VirtualService kept to its namespace',
      { virtualServices: [routing({ exportTo: ['other'] })] },
      'virtual-service-export',
      'VirtualService/istio-system/istiod-vs-1-31-0',
    ],
    [
      'the exposure of no revision',
      { virtualServices: [routing({ tls: routes([fqdn('istiod'), 'istiod.istio-system.svc'], fqdn('istiod')) })] },
      'virtual-service-hosts',
      'VirtualService/istio-system/istiod-vs-1-31-0',
    ],
    [
      'a destination that does not exist',
      { virtualServices: [routing({ tls: routes(['*'], fqdn('istiod')) })] },
      'destination',
      'VirtualService/istio-system/istiod-vs-1-31-0',
    ],
    [
      'another istiod',
      { virtualServices: [routing({ tls: routes(['*'], 'istiod-1-30-3') })], services: [istiodService('istiod-1-30-3', '1-30-3')] },
      'other-destination',
      'VirtualService/istio-system/istiod-vs-1-31-0',
    ],
    [
      'a port istiod’s Service lacks',
      { services: [service('istio-system', 'istiod-1-31-0', { ports: [port(443)] })] },
      'destination-port',
      'VirtualService/istio-system/istiod-vs-1-31-0',
    ],
  ])('%s', (_, more, missing, nearest) => expect(says(gap(more))).toEqual([missing, nearest]));

  test('another port of istiod is the wrong one', () => {
    const tls = [
      { matches: [{ port: 15017, sniHosts: ['*'], gateways: [] }], destinations: [{ host: fqdn('istiod-1-31-0'), port: 15012 }] },
    ];
    expect(gap({ virtualServices: [routing({ tls })] }, istiod, 15017).missing).toBe('destination-port');
  });

  test('Gateways may lie elsewhere unless they are scoped to the namespace of the pods', () => {
    const elsewhere = {
      gateways: [gateway('edge', 'istiod-gateway', exposing.servers)],
      virtualServices: [routing({ gateways: ['edge/istiod-gateway'] })],
    };
    expect(gap(elsewhere).missing).toBeUndefined();
    const scoped = { ...whole.reader, env: { PILOT_SCOPE_GATEWAY_TO_NAMESPACE: 'true' } };
    expect(gap({ ...elsewhere, reader: scoped }).missing).toBe('gateway-namespace');
    expect(gap({ reader: scoped }).missing).toBeUndefined();
  });

  test('a Gateway moved to another namespace leaves its VirtualService behind', () => {
    const moved = gap({ gateways: [gateway('default', 'istiod-gateway', exposing.servers)] });
    expect(moved).toMatchObject({
      missing: 'virtual-service-gateway',
      gateway: { namespace: 'default' },
      virtualService: { name: 'istiod-vs-1-31-0' },
    });
  });

  test('the exact SNI host wins over a catch-all, and either may lead through a tag’s Service', () => {
    const all = virtualService('istio-system', 'istiod-vs', { gateways: ['istiod-gateway'], tls: routes(['*'], fqdn('istiod')) });
    expect(gap({ virtualServices: [all, routing()] }).missing).toBeUndefined();
    expect(gap({ virtualServices: [routing({ tls: routes([host], fqdn('istiod-revision-tag-default')) })] }).missing).toBeUndefined();
  });

  test('what selects istiod’s pods is istiod, whatever its name', () => {
    const services = [service('istio-system', 'mine', { ports: istiodPorts, selector: { app: 'istiod' } })];
    const virtualServices = [routing({ tls: routes([host], fqdn('mine')) })];
    expect(gap({ services, virtualServices }).missing).toBe('other-destination');
    expect(
      gap({ services, virtualServices }, { ...istiod, podLabels: [{ app: 'istiod', 'istio.io/rev': '1-31-0' }] }).missing,
    ).toBeUndefined();
  });

  test('an unrelated VirtualService is not the nearest', () => {
    const app = virtualService('shop', 'tls-app', {
      gateways: ['shop/gw'],
      tls: [{ matches: [{ sniHosts: ['app.example.com'], gateways: [] }], destinations: [{ host: 'app' }] }],
    });
    expect(says(gap({ virtualServices: [app] }))).toEqual(['virtual-service', 'Gateway/istio-system/istiod-gateway']);
  });

  test('a gateway that terminates is followed through http routes, by the host of its server', () => {
    const name = 'istiod.mesh.example.com';
    const external = { host: name, controlPlane: { revision: revision('default'), namespace: 'external-istiod' } };
    const route = (match: number, target: number) => ({
      match: [{ port: match }],
      route: [{ destination: { host: 'istiod.external-istiod.svc.cluster.local', port: { number: target } } }],
    });
    const objects: ExposureObjects = {
      reader: { revision: revision('default'), env: {}, clusterDomain: 'cluster.local' },
      gateways: [gateway('external-istiod', 'external-istiod-gw', [server(15012, 'SIMPLE', [name]), server(15017, 'SIMPLE', [name])])],
      virtualServices: [
        virtualService('external-istiod', 'external-istiod-vs', {
          hosts: [name],
          gateways: ['external-istiod-gw'],
          spec: { http: [route(15012, 15012), route(15017, 443)] },
        }),
      ],
      services: [service('external-istiod', 'istiod', { ports: istiodPorts })],
      proxies: gatewayPods,
    };
    for (const one of istiodExposures(objects, external))
      expect(one).toMatchObject({ mode: 'terminating', destination: { service: { namespace: 'external-istiod' } } });
    expect(istiodExposure(objects, 15012, external).missing).toBeUndefined();
    expect(istiodExposure(objects, 15012, { ...external, host: 'other.example.com' }).missing).toBe('gateway-hosts');
    expect(istiodExposure({ ...objects, virtualServices: [] }, 15012, external).missing).toBe('virtual-service');
  });
});

describe('crossNetworkExposure', () => {
  const open = gateway('istio-system', 'cross-network-gateway', [server(15443, 'AUTO_PASSTHROUGH', ['*.local'])]);
  const of = (gateways: ExposureObjects['gateways'], more = {}) => crossNetworkExposure({ ...whole, ...more, gateways });

  test.each([['*.local'], ['*'], ['*.cluster.local'], ['*/*.local'], ['./*.svc.cluster.local']])('%s opens the domain', (pattern) =>
    expect(of([gateway('istio-system', 'g', [server(15443, 'AUTO_PASSTHROUGH', [pattern])])]).missing).toBeUndefined(),
  );

  test('a server on the port of the Service, or on the one that it leads to', () => {
    expect(crossNetworkExposure({ ...whole, gateways: [open] }, 443).missing).toBe('gateway');
    expect(crossNetworkExposure({ ...whole, gateways: [open] }, 443, 15443)).toMatchObject({ port: 443 });
    expect(crossNetworkExposure({ ...whole, gateways: [open] }, 443, 15443).missing).toBeUndefined();
  });

  test('what is missing, nearest first', () => {
    expect(of([open]).missing).toBeUndefined();
    expect(of([])).toMatchObject({ missing: 'gateway', nearest: [] });
    expect(of([exposing]).missing).toBe('gateway');
    expect(of([{ ...open, labels: { 'istio.io/rev': 'x' } }]).missing).toBe('gateway-revision');
    expect(of([{ ...open, selector: { istio: 'other' } }]).missing).toBe('gateway-selector');
    expect(of([gateway('istio-system', 'g', [server(15443, 'PASSTHROUGH')])]).missing).toBe('gateway-mode');
    expect(of([open], { proxies: [] }).missing).toBe('gateway-pods');
    expect(of([{ ...open, selector: { istio: 'other' } }, open]).missing).toBeUndefined();
  });

  test('narrow hosts let some services through, another domain none', () => {
    expect(of([gateway('istio-system', 'g', [server(15443, 'AUTO_PASSTHROUGH', ['*.sample.svc.cluster.local'])])])).toMatchObject({
      missing: 'gateway-hosts',
      isPartial: true,
    });
    expect(of([open], { reader: { ...whole.reader, clusterDomain: 'mesh.internal' } })).toMatchObject({
      missing: 'gateway-hosts',
      isPartial: false,
    });
  });
});

test('an object without revision label is seen by all, one with a label by exactly that revision', () => {
  expect(isSeenBy({ labels: {} }, { revision: of })).toBe(true);
  expect(isSeenBy({ labels: { 'istio.io/rev': '1-31-0' } }, { revision: of })).toBe(true);
  expect(isSeenBy({ labels: { 'istio.io/rev': 'default' } }, { revision: of })).toBe(false);
});

test.each([
  ['gw', 'a/gw'],
  ['b/gw', 'b/gw'],
  ['./gw', 'a/gw'],
  ['gw.b.svc.cluster.local', 'b/gw'],
  ['gw.b', 'b/gw'],
  ['mesh', 'mesh'],
])('reference %s of a VirtualService in a is %s', (reference, expected) => expect(gatewayReference(reference, 'a')).toBe(expected));

test('pods stand behind a gateway Service, else the Deployments that would make them', () => {
  const behind = service('istio-system', 'gw', { selector: { istio: 'eastwestgateway' } });
  const workload = { namespace: 'istio-system', podLabels: { istio: 'eastwestgateway' }, ref: behind.ref };
  expect(gatewayProxies(behind, [pod('istio-system', 'a', '10.1.1.2', { labels: { istio: 'eastwestgateway' } })], [workload])).toHaveLength(
    1,
  );
  expect(gatewayProxies(behind, [pod('other', 'a', '10.1.1.2', { labels: { istio: 'eastwestgateway' } })], [workload])[0]?.ref.kind).toBe(
    'Service',
  );
  expect(gatewayProxies(behind, [])).toEqual([]);
});

test('gatewayRevisions: what injected the pods behind a Service', () => {
  const behind = { selector: { istio: 'eastwestgateway' } };
  const injected = (name: string, by: string | undefined, labels = behind.selector) =>
    pod('istio-system', name, '10.1.1.9', {
      labels,
      proxy: { kind: 'gateway', requestedNetworkView: [], dnsCapture: false, ...(by === undefined ? {} : { revision: revision(by) }) },
    });
  const of = service('istio-system', 'istio-eastwestgateway', behind);
  const pods = [
    injected('one', '1-31-0'),
    injected('two', '1-30-3'),
    injected('three', undefined),
    injected('other', '1-29-0', { istio: 'x' }),
  ];
  expect(gatewayRevisions(of, pods)).toEqual(['1-30-3', '1-31-0']);
  expect(gatewayRevisions(of, [])).toEqual([]);
});

import { describe, expect, test } from 'vitest';
import { factsOf, only, type Raw, read, valueOf } from '../../test/support/read-objects.ts';

function resource(apiVersion: string, kind: string, spec: Raw, more: Raw = {}): Raw {
  return { apiVersion, kind, metadata: { name: 'a', namespace: 'istio-system' }, spec, ...more };
}

const networking = 'networking.istio.io/v1';

test('a Gateway of Istio', () => {
  const spec = {
    selector: { istio: 'eastwestgateway' },
    servers: [
      { port: { number: 15_443, name: 'tls', protocol: 'TLS' }, tls: { mode: 'AUTO_PASSTHROUGH' }, hosts: ['*.local'] },
      { port: { number: 15_012, protocol: 'tls' }, tls: {}, hosts: ['*'] },
      { port: { number: 80, protocol: 'HTTP' } },
    ],
  };
  expect(only(factsOf([resource('networking.istio.io/v1alpha3', 'Gateway', spec)]).gateways)).toMatchObject({
    selector: { istio: 'eastwestgateway' },
    servers: [
      { port: 15_443, protocol: 'TLS', tlsMode: 'AUTO_PASSTHROUGH', hosts: ['*.local'] },
      { port: 15_012, protocol: 'tls', tlsMode: 'PASSTHROUGH', hosts: ['*'] },
      { port: 80, protocol: 'HTTP', tlsMode: '', hosts: [] },
    ],
  });
});

test('a VirtualService: where TLS connections go', () => {
  const spec = {
    hosts: ['*'],
    gateways: ['istiod-gateway'],
    tls: [
      {
        match: [{ port: 15_012, sniHosts: ['istiod.istio-system.svc'] }],
        route: [{ destination: { host: 'istiod.istio-system.svc.cluster.local', port: { number: 15_012 } } }],
      },
    ],
  };
  expect(only(factsOf([resource(networking, 'VirtualService', spec)]).virtualServices)).toMatchObject({
    hosts: ['*'],
    gateways: ['istiod-gateway'],
    exportTo: [],
    tls: [
      {
        matches: [{ port: 15_012, sniHosts: ['istiod.istio-system.svc'], gateways: [] }],
        destinations: [{ host: 'istiod.istio-system.svc.cluster.local', port: 15_012 }],
      },
    ],
    spec,
  });
});

describe('other resources', () => {
  test('keep their spec, whatever their version', () => {
    const spec = { mtls: { mode: 'STRICT' }, portLevelMtls: { 8080: { mode: 'DISABLE' } } };
    expect(only(factsOf([resource('security.istio.io/v1beta1', 'PeerAuthentication', spec)]).istioResources)).toMatchObject({
      kind: 'PeerAuthentication',
      spec,
    });
  });

  test('are sorted by kind', () => {
    const facts = factsOf([
      resource(networking, 'Sidecar', {}),
      resource('security.istio.io/v1', 'AuthorizationPolicy', {}),
      resource(networking, 'DestinationRule', {}),
      resource('telemetry.istio.io/v1', 'Telemetry', {}),
    ]);
    expect(valueOf(facts.istioResources).map((found) => found.kind)).toEqual(['AuthorizationPolicy', 'DestinationRule', 'Sidecar']);
  });

  test.each([
    [
      'VirtualService',
      { http: [{ headers: { request: { set: { Authorization: 'hunter2' } } }, match: [{ headers: { 'x-key': { exact: 'hunter2' } } }] }] },
    ],
    ['VirtualService', { http: [{ directResponse: { status: 200, body: { string: 'hunter2' } } }] }],
    ['VirtualService', { http: [{ match: [{ queryParams: { token: { exact: 'hunter2' } } }] }] }],
    [
      'EnvoyFilter',
      { configPatches: [{ applyTo: 'HTTP_FILTER', match: { context: 'GATEWAY' }, patch: { value: { inlineCode: 'hunter2' } } }] },
    ],
    ['ProxyConfig', { environmentVariables: { ISTIO_META_DNS_CAPTURE: 'true', TOKEN: 'hunter2' } }],
    ['WorkloadGroup', { metadata: { annotations: { a: 'hunter2' } }, template: { labels: { app: 'a' } } }],
    ['ServiceEntry', { hosts: ['a'], location: 'https://u:hunter2@a.example/x?key=hunter2' }],
  ])('%s: values that may be credentials are left out', (kind, spec) => {
    const apiVersion = kind === 'ProxyConfig' ? 'networking.istio.io/v1beta1' : networking;
    const snapshot = read([resource(apiVersion, kind, spec)]);
    expect(JSON.stringify(snapshot)).not.toContain('hunter2');
    expect(Object.values(snapshot.kinds).filter((state) => state.status === 'read' && state.objects.length === 1)).toHaveLength(1);
  });

  test('conditions on headers keep what they look at, not what they expect', () => {
    const spec = {
      rules: [
        {
          when: [
            { key: 'request.headers[x-key]', values: ['hunter2'] },
            { key: 'source.namespace', values: ['shop'] },
          ],
        },
      ],
    };
    const found = only(factsOf([resource('security.istio.io/v1', 'AuthorizationPolicy', spec)]).istioResources);
    expect(found.spec).toEqual({
      rules: [
        {
          when: [
            { key: 'request.headers[x-key]', values: [''] },
            { key: 'source.namespace', values: ['shop'] },
          ],
        },
      ],
    });
  });

  test('of an EnvoyFilter what it touches is kept, of a ProxyConfig whether it captures DNS', () => {
    const filter = resource('networking.istio.io/v1alpha3', 'EnvoyFilter', {
      workloadSelector: { labels: { app: 'a' } },
      configPatches: [{ applyTo: 'CLUSTER', match: { context: 'ANY' }, patch: { operation: 'MERGE', value: { name: 'secret', alt: 1 } } }],
    });
    const config = resource('networking.istio.io/v1beta1', 'ProxyConfig', {
      selector: {},
      environmentVariables: { ISTIO_META_DNS_CAPTURE: 'true' },
    });
    expect(valueOf(factsOf([filter, config]).istioResources).map((found) => found.spec)).toEqual([
      {
        workloadSelector: { labels: { app: 'a' } },
        configPatches: [{ applyTo: 'CLUSTER', match: { context: 'ANY' }, patch: { operation: 'MERGE', fields: ['alt', 'name'] } }],
      },
      { selector: {}, environmentVariables: { ISTIO_META_DNS_CAPTURE: 'true' } },
    ]);
  });
});

test('a Gateway of the Gateway API is another kind', () => {
  const spec = {
    gatewayClassName: 'istio-east-west',
    listeners: [
      {
        name: 'mesh',
        port: 15_008,
        protocol: 'HBONE',
        tls: { mode: 'Terminate', options: { 'gateway.istio.io/tls-terminate-mode': 'ISTIO_MUTUAL', other: 'x' } },
      },
      { name: 'plain', port: 80, protocol: 'HTTP' },
      { name: 'tls', port: 443, protocol: 'TLS', tls: {} },
    ],
    addresses: [{ type: 'IPAddress', value: '192.0.2.1' }, {}],
  };
  const status = {
    addresses: [{ value: '192.0.2.2' }],
    conditions: [{ type: 'Programmed', status: 'True', reason: 'Programmed', message: 'long' }],
  };
  const facts = factsOf([resource('gateway.networking.k8s.io/v1beta1', 'Gateway', spec, { status })]);
  expect(valueOf(facts.gateways)).toEqual([]);
  const found = only(facts.kubeGateways);
  expect(found).toMatchObject({
    className: 'istio-east-west',
    listeners: [
      {
        name: 'mesh',
        port: 15_008,
        protocol: 'HBONE',
        tlsMode: 'Terminate',
        tlsOptions: { 'gateway.istio.io/tls-terminate-mode': 'ISTIO_MUTUAL' },
      },
      { name: 'plain', port: 80, protocol: 'HTTP', tlsOptions: {} },
      { name: 'tls', port: 443, protocol: 'TLS', tlsMode: 'Terminate' },
    ],
    specAddresses: [{ type: 'IPAddress', value: '192.0.2.1' }],
    statusAddresses: [{ value: '192.0.2.2' }],
    conditions: [{ type: 'Programmed', status: 'True', reason: 'Programmed' }],
  });
  expect(found.listeners[0]?.tlsOptions).not.toHaveProperty('other');
  expect(found.listeners[1]).not.toHaveProperty('tlsMode');
});

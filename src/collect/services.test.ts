import { describe, expect, test } from 'vitest';
import { factsOf, only, type Raw, read } from '../../test/support/read-objects.ts';

function service(spec: Raw, status?: Raw): Raw {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'abc', namespace: 'shop' },
    spec,
    ...(status === undefined ? {} : { status }),
  };
}

describe('services', () => {
  test('a load balancer', () => {
    const found = only(
      factsOf([
        service(
          {
            type: 'LoadBalancer',
            clusterIP: '10.96.0.1',
            clusterIPs: ['10.96.0.1', 'fd00::1'],
            externalIPs: ['192.0.2.7'],
            selector: { istio: 'eastwestgateway' },
            ports: [
              { name: 'tls', port: 15443, targetPort: 15443, protocol: 'TCP', nodePort: 30001 },
              { name: 'http', port: 80, targetPort: 'web', appProtocol: 'http' },
              { port: 53, protocol: 'UDP' },
            ],
            loadBalancerSourceRanges: ['10.0.0.0/8'],
            internalTrafficPolicy: 'Cluster',
            externalTrafficPolicy: 'Local',
            publishNotReadyAddresses: true,
          },
          { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { hostname: 'lb.example.com' }] } },
        ),
      ]).services,
    );
    expect(found).toMatchObject({
      type: 'LoadBalancer',
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1', 'fd00::1'],
      externalIPs: ['192.0.2.7'],
      selector: { istio: 'eastwestgateway' },
      ports: [
        { name: 'tls', port: 15443, targetPort: 15443, protocol: 'TCP', nodePort: 30001 },
        { name: 'http', port: 80, targetPort: 'web', protocol: 'TCP', appProtocol: 'http' },
        { name: '', port: 53, targetPort: 53, protocol: 'UDP' },
      ],
      loadBalancer: [{ ip: '192.0.2.1' }, { hostname: 'lb.example.com' }],
      loadBalancerSourceRanges: ['10.0.0.0/8'],
      internalTrafficPolicy: 'Cluster',
      externalTrafficPolicy: 'Local',
      publishNotReadyAddresses: true,
    });
    expect(found.withoutStatus).toBeUndefined();
  });

  test('defaults; and a manifest says nothing of addresses', () => {
    const found = only(factsOf([service({})]).services);
    expect(found).toMatchObject({
      type: 'ClusterIP',
      clusterIP: '',
      clusterIPs: [],
      selector: {},
      ports: [],
      loadBalancer: [],
      withoutStatus: true,
    });
    expect(only(factsOf([service({ clusterIP: 'None' }, { loadBalancer: {} })]).services)).toMatchObject({
      clusterIPs: ['None'],
      loadBalancer: [],
    });
    expect(only(factsOf([service({ type: 'ExternalName', externalName: 'a.example' })]).services).externalName).toBe('a.example');
  });

  test('absurd ports are dropped and counted', () => {
    const object = service({ ports: [{ port: 0 }, { port: '80' }, { port: 99_999 }, { port: 80, targetPort: {} }] });
    expect(only(factsOf([object]).services).ports).toEqual([{ name: '', port: 80, targetPort: 80, protocol: 'TCP' }]);
    expect(read([object]).oddities['services']).toBe(4);
  });
});

describe('endpoint slices', () => {
  const slice = (endpoints: readonly Raw[]): Raw => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'abc-x', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'abc' } },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }, { name: 'any' }],
  });

  test('service, ports, and the pod behind an address', () => {
    const found = only(
      factsOf([
        slice([
          {
            addresses: ['10.0.0.1'],
            conditions: { ready: true, serving: true, terminating: false },
            nodeName: 'n',
            targetRef: { kind: 'Pod', name: 'abc-1' },
          },
        ]),
      ]).endpointSlices,
    );
    expect(found).toMatchObject({
      service: 'abc',
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], ready: true, serving: true, terminating: false, nodeName: 'n', pod: 'abc-1' }],
      ports: [
        { name: 'http', port: 8080, protocol: 'TCP' },
        { name: 'any', protocol: 'TCP' },
      ],
    });
  });

  test.each([
    [{}, { ready: true, serving: true, terminating: false }],
    [{ conditions: {} }, { ready: true, serving: true, terminating: false }],
    [{ conditions: { ready: null } }, { ready: true, serving: true, terminating: false }],
    [{ conditions: { ready: false } }, { ready: false, serving: false, terminating: false }],
    [{ conditions: { ready: false, serving: true, terminating: true } }, { ready: false, serving: true, terminating: true }],
    [{ targetRef: { kind: 'Node', name: 'n' } }, { ready: true }],
  ])('an endpoint of %j', (more, expected) => {
    const [found] = only(factsOf([slice([{ addresses: ['10.0.0.1'], ...more }])]).endpointSlices).endpoints;
    expect(found).toMatchObject(expected);
    expect(found?.pod).toBeUndefined();
  });
});

test('endpoints of the old kind', () => {
  const object = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'istiod', namespace: 'istio-system' },
    subsets: [
      { addresses: [{ ip: '192.0.2.1' }, {}], notReadyAddresses: [{ ip: '192.0.2.2' }], ports: [{ name: 'tcp-istiod', port: 15012 }] },
    ],
  };
  expect(only(factsOf([object]).endpoints).subsets).toEqual([
    { addresses: ['192.0.2.1'], notReadyAddresses: ['192.0.2.2'], ports: [{ name: 'tcp-istiod', port: 15012 }] },
  ]);
});

import { describe, expect, test } from 'vitest';
import { planInput } from '../../test/support/probe-mesh.ts';
import { mesh, type MeshBuilder } from '../builder/mesh.ts';
import type { KubeObject } from '../model/kube.ts';
import { controlSni, type HandshakeTarget, planHandshakes } from './plan-handshakes.ts';
import type { ProbeOptions } from './probe.ts';

const shop = mesh()
  .multiPrimary('east', 'west', { networks: 2 })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'] })
  .service('xyz.shop', { in: ['west'] });

function plansOf(built: MeshBuilder, services: ProbeOptions['services'] = [], change?: Parameters<typeof planInput>[2], most?: number) {
  const input = planInput(built, services, change);
  return [...planHandshakes(input.facts.keys(), input, most)].map(
    ([cluster, plan]) => [cluster, 'targets' in plan ? plan.targets.map(inShort) : plan] as const,
  );
}

const inShort = ({ host, port, network, purpose, sni }: HandshakeTarget) => `${host}:${port} ${network} ${purpose} ${sni}`;
const target = (service: string, port = 80) => `target outbound_.${port}_._.${service}.svc.cluster.local`;
const control = `control ${controlSni}`;

const withService = (cluster: string, change: (object: KubeObject) => KubeObject) =>
  shop.break((m) => m.cluster(cluster).patch('Service', 'istio-system', 'istio-eastwestgateway', change));

describe('planHandshakes', () => {
  test('each gateway is called for a service behind it, and for a name that nobody knows', () => {
    expect(plansOf(shop)).toEqual([
      ['east', [`10.200.1.1:15443 network1 ${target('abc.shop')}`, `10.200.1.1:15443 network1 ${control}`]],
      ['west', [`10.200.2.1:15443 network2 ${target('xyz.shop')}`, `10.200.2.1:15443 network2 ${control}`]],
    ]);
  });

  test('certificates are held against the roots of every cluster of the mesh', () => {
    const input = planInput(shop);
    const [plan] = planHandshakes(input.facts.keys(), input).values();
    expect(
      plan !== undefined &&
        'targets' in plan &&
        plan.targets.map(({ roots }) => roots.map(({ cluster, namespace }) => `${cluster}/${namespace}`)),
    ).toEqual([
      ['east/istio-system', 'west/istio-system'],
      ['east/istio-system', 'west/istio-system'],
    ]);
  });

  test('named services are all asked for, with the port given; without an endpoint behind the gateway none', () => {
    const built = shop.service('more.shop', {
      in: ['east'],
      ports: [
        { name: 'http', port: 80, targetPort: 80 },
        { name: 'tcp', port: 9000, targetPort: 9000 },
      ],
    });
    const named = [
      { namespace: 'shop', name: 'more', port: 9000 },
      { namespace: 'shop', name: 'abc' },
    ];
    expect(plansOf(built, named)).toEqual([
      [
        'east',
        [
          `10.200.1.1:15443 network1 ${target('abc.shop')}`,
          `10.200.1.1:15443 network1 ${target('more.shop', 9000)}`,
          `10.200.1.1:15443 network1 ${control}`,
        ],
      ],
      // Nothing named stands behind it: any other service shows whether the gateway works.
      ['west', [`10.200.2.1:15443 network2 ${target('xyz.shop')}`, `10.200.2.1:15443 network2 ${control}`]],
    ]);
  });

  test('a gateway without a ready mTLS endpoint behind it is called for the control alone', () => {
    const bare = mesh().multiPrimary('east', 'west', { networks: 2 }).namespace('shop', { injected: false }).service('abc.shop');
    expect(plansOf(bare)).toEqual([
      ['east', [`10.200.1.1:15443 network1 ${control}`]],
      ['west', [`10.200.2.1:15443 network2 ${control}`]],
    ]);
  });

  test('services whose mTLS the configuration may turn off are not what is called for, unless somebody named them', () => {
    const off = {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'off', namespace: 'shop' },
      spec: { mtls: { mode: 'DISABLE' } },
    };
    const plain = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'plain', namespace: 'shop' },
      spec: { host: 'xyz', trafficPolicy: { tls: { mode: 'SIMPLE' } } },
    };
    const mutual = { ...plain, spec: { host: 'xyz', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } } };
    const behindWest = (object: KubeObject, named: ProbeOptions['services']) => {
      const plans = new Map<string, unknown>(
        plansOf(
          shop.edit((m) => new Map([...m].map(([c, own]) => [c, [...own, object]]))),
          named,
        ),
      );
      return plans.get('west');
    };
    const other = [{ namespace: 'shop', name: 'abc' }];
    const own = [{ namespace: 'shop', name: 'xyz' }];
    const both = [`10.200.2.1:15443 network2 ${target('xyz.shop')}`, `10.200.2.1:15443 network2 ${control}`];
    expect(behindWest(off, other)).toEqual([`10.200.2.1:15443 network2 ${control}`]);
    expect(behindWest(plain, other)).toEqual([`10.200.2.1:15443 network2 ${control}`]);
    expect(behindWest(mutual, other)).toEqual(both);
    expect(behindWest(off, own)).toEqual(both);
  });

  test('a host name is called as it stands, an address only once', () => {
    const hostname = withService('west', (object) => ({
      ...object,
      status: { loadBalancer: { ingress: [{ hostname: 'a1.elb.example.com' }] } },
    }));
    expect(plansOf(hostname)[1]?.[1]).toEqual([
      `a1.elb.example.com:15443 network2 ${target('xyz.shop')}`,
      `a1.elb.example.com:15443 network2 ${control}`,
    ]);
  });

  test('a gateway of ambient is called once, by no name, as ztunnels call it', () => {
    const ambient = mesh().ambient('east', 'west');
    expect(plansOf(ambient).map(([, plan]) => plan)).toEqual([['10.200.1.1:15008 network1 hbone '], ['10.200.2.1:15008 network2 hbone ']]);
  });

  test('one of ambient whose load balancer is pending is not called, nor is what nobody but sidecars could use', () => {
    const pending = mesh()
      .ambient('east', 'west')
      .break((m) =>
        m.cluster('west').patch('Gateway', 'istio-system', 'istio-eastwestgateway', (object) => ({
          ...object,
          status: { ...(object['status'] as object), conditions: [] },
        })),
      );
    expect(plansOf(pending)[1]?.[1]).toEqual({ status: 'not-asked', because: 'nothing to probe' });
    const only15008 = withService('west', (object) => ({
      ...object,
      spec: { ...(object['spec'] as object), ports: [{ name: 'hbone', port: 15008 }] },
    }));
    expect(plansOf(only15008)[1]?.[1]).toEqual({ status: 'not-asked', because: 'nothing to probe' });
  });

  test('a static gateway of meshNetworks belongs to the cluster of its network, and to the mesh config that names it', () => {
    const networks = 'networks:\n  network2:\n    endpoints: []\n    gateways:\n    - address: 203.0.113.7\n      port: 15443\n';
    const built = shop
      .break((m) => m.cluster('west').remove('Service', 'istio-system', 'istio-eastwestgateway'))
      .break((m) => m.cluster('east').patch('ConfigMap', 'istio-system', 'istio', { data: { meshNetworks: networks } }));
    expect(plansOf(built)[1]?.[1]).toEqual([`203.0.113.7:15443 network2 ${target('xyz.shop')}`, `203.0.113.7:15443 network2 ${control}`]);
    const input = planInput(built);
    const plan = [...planHandshakes(input.facts.keys(), input).values()][1];
    expect(plan !== undefined && 'targets' in plan && plan.targets[0]?.gateway).toMatchObject({
      cluster: 'east',
      kind: 'ConfigMap',
      name: 'istio',
    });
  });

  test('a cluster whose Services could not be read says so; one on a single network has nothing to probe', () => {
    const refused = { status: 'forbidden', verb: 'list', resource: 'services' } as const;
    const plans = plansOf(shop, [], (cluster, facts) => (cluster === 'west' ? { ...facts, services: refused } : facts));
    expect(plans[1]).toEqual(['west', refused]);
    expect(plans[0]?.[1]).toHaveLength(2);
    expect(plansOf(mesh().multiPrimary('east', 'west', { networks: 0 })).map(([, plan]) => plan)).toEqual([
      { status: 'not-asked', because: 'nothing to probe' },
      { status: 'not-asked', because: 'nothing to probe' },
    ]);
  });

  describe('as many services as the user says (--max-targets)', () => {
    const four = ['a', 'b', 'c', 'd'].reduce(
      (built, name) => built.service(`${name}.many`, { in: ['east'] }),
      shop.namespace('many', { injected: true }),
    );
    const behindEast = (most: number | undefined, named: readonly string[] = []) =>
      plansOf(
        four,
        named.map((name) => ({ namespace: 'many', name })),
        undefined,
        most,
      )[0]?.[1];
    const place = '10.200.1.1:15443 network1';
    const calls = (...names: readonly string[]) => [...names.map((name) => `${place} ${target(name)}`), `${place} ${control}`];

    test('without a word one stands for all, or those that were named', () => {
      expect(behindEast(undefined)).toHaveLength(2);
      expect(behindEast(undefined, ['c', 'b'])).toEqual(calls('b.many', 'c.many'));
    });

    test('the same ones each time, named ones before others; the control is made beside them', () => {
      expect(behindEast(1, ['c', 'b'])).toEqual(calls('b.many'));
      expect(behindEast(2, ['d', 'b', 'c'])).toEqual(calls('b.many', 'c.many'));
      expect(behindEast(3)).toEqual(behindEast(3));
      expect(behindEast(3)).toHaveLength(4);
    });

    test('no more than there are', () => {
      expect(new Set(behindEast(50) as readonly string[]).size).toBe((behindEast(50) as readonly string[]).length);
      expect((behindEast(50) as readonly string[]).length).toBeLessThanOrEqual(6);
      expect(behindEast(50, ['a'])).toContain(`${place} ${target('a.many')}`);
    });
  });

  test('a service that is kept from the namespace of the gateway is not called for', () => {
    const kept = shop.break((m) => m.cluster('west').annotate('Service', 'shop', 'xyz', { 'networking.istio.io/exportTo': '.' }));
    expect(plansOf(kept)[1]?.[1]).toEqual([`10.200.2.1:15443 network2 ${control}`]);
  });
});

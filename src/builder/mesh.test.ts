import { describe, expect, it } from 'vitest';
import type { KubeObject, MeshObjects } from '../model/kube.ts';
import { mesh, type MeshBuilder } from './mesh.ts';
import { applyPatch } from './patch.ts';

const healthy = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('sample', { injected: true })
  .service('abc.sample', { in: ['east'], port: 5000 })
  .workload('client.sample', { in: ['west'] });

const topologies: Readonly<Record<string, MeshBuilder>> = {
  'primary-remote on two networks': healthy,
  'primary-remote on one network': mesh()
    .primaryRemote('east', 'west', { networks: 1 })
    .namespace('sample', { injected: true })
    .service('abc.sample'),
  'primary-remote without networks': mesh().primaryRemote('east', ['west', 'north'], {
    networks: 0,
    revision: '1-24-6',
    release: '1.24.6',
  }),
  'multi-primary': mesh()
    .multiPrimary('east', 'west', { more: ['north'] })
    .namespace('sample', { injected: true })
    .service('abc.sample', { replicas: 3 }),
  'external control plane': mesh()
    .externalControlPlane('ctl', 'config', { remotes: ['far'] })
    .namespace('sample', { injected: true, clusters: ['config', 'far'] }),
  ambient: mesh().ambient('east', 'west').namespace('sample', { injected: true }).service('abc.sample'),
  canary: mesh().canary('east', 'west', { from: '1-24-6', to: '1-31-0' }).namespace('sample', { injected: true }).service('abc.sample'),
  'canary in both clusters': mesh()
    .canary('east', 'west', { from: '1-24-6', to: '1-31-0', stage: 'remote' })
    .namespace('sample', { injected: true }),
};

describe('a mesh', () => {
  it('is a value: a change gives another one', () => {
    const before = text(healthy.objects());
    const broken = healthy.break((m) => m.cluster('west').withoutNetworkLabel());
    expect(text(healthy.objects())).toBe(before);
    expect(text(broken.objects())).not.toBe(before);
  });

  it('is deeply frozen, what edits leave behind as well', () => {
    const edited = healthy.edit(
      (objects) =>
        new Map([...objects].map(([name, all]) => [name, all.map((object) => ({ ...object, metadata: { ...object.metadata } }))])),
    );
    for (const objects of edited.objects().values()) {
      expect(Object.isFrozen(objects)).toBe(true);
      expect(objects.every((object) => Object.isFrozen(object) && Object.isFrozen(object.metadata))).toBe(true);
    }
  });

  describe.each(Object.entries(topologies))('%s', (_name, builder) => {
    it('has every object once, every UID once, and every pod address once in its cluster', () => {
      const uids: string[] = [];
      for (const objects of builder.objects().values()) {
        expect(
          repeated(
            objects.map((object) => `${object.apiVersion}/${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`),
          ),
        ).toEqual([]);
        expect(repeated(objects.flatMap((object) => textOf(field(object, 'status', 'podIP')) || []))).toEqual([]);
        expect(
          repeated(objects.flatMap((object) => (object.kind === 'Service' ? textOf(field(object, 'spec', 'clusterIP')) : []))),
        ).toEqual([]);
        uids.push(...objects.map((object) => object.metadata.uid ?? ''));
      }
      expect(repeated(uids)).toEqual([]);
    });

    it('is JSON: nothing is undefined', () => {
      for (const objects of builder.objects().values()) expect(objects).toStrictEqual(JSON.parse(JSON.stringify(objects)));
    });

    it('holds no private key', () => {
      const secrets = [...builder.objects().values()].flat().filter((object) => object.kind === 'Secret');
      const values = secrets.flatMap((object) =>
        Object.values((object['data'] ?? {}) as Record<string, string>).map((value) => atob(value)),
      );
      expect(values.filter((value) => value.includes('PRIVATE KEY'))).toEqual([]);
    });

    it('is led: every election was renewed seconds before, by a pod that runs', () => {
      const pods = new Set([...builder.objects().values()].flat().flatMap((object) => (object.kind === 'Pod' ? object.metadata.name : [])));
      for (const object of [...builder.objects().values()].flat()) {
        const record = object.metadata.annotations?.['control-plane.alpha.kubernetes.io/leader'];
        if (record === undefined) continue;
        const { holderIdentity, renewTime } = JSON.parse(record) as Record<string, string>;
        expect(pods).toContain(holderIdentity);
        expect(Date.parse(builder.takenAt) - Date.parse(renewTime ?? '')).toBeLessThan(10_000);
      }
    });

    it('owners exist', () => {
      for (const objects of builder.objects().values()) {
        const known = new Set(objects.map((object) => object.metadata.uid));
        const owners = objects.flatMap((object) => (object.metadata['ownerReferences'] ?? []) as { uid: string; name: string }[]);
        expect(owners.filter(({ uid }) => !known.has(uid))).toEqual([]);
      }
    });
  });

  it('refuses a cluster that it does not have, and one that it has', () => {
    expect(() => healthy.namespace('shop', { clusters: ['north'] })).toThrow('The mesh has no cluster north, only east, west.');
    expect(() => healthy.break((m) => m.cluster('north').withoutNetworkLabel())).toThrow('The mesh has no cluster north, only east, west.');
    expect(() => healthy.multiPrimary('west', 'north')).toThrow('The mesh has a cluster west already.');
  });

  it('takes several meshes, with addresses of their own', () => {
    const two = mesh().primaryRemote('a', 'b').multiPrimary('c', 'd');
    expect([...two.objects().keys()]).toEqual(['a', 'b', 'c', 'd']);
    const nodes = [...two.objects().values()]
      .flat()
      .flatMap((object) => (object.kind === 'Node' ? JSON.stringify(field(object, 'status', 'addresses')) : []));
    expect(new Set(nodes).size).toBe(4);
  });
});

describe('primary-remote', () => {
  it('the names of clusters may differ from their IDs', () => {
    const named = mesh().primaryRemote('east', 'west', { clusterIds: { east: 'cluster1', west: 'cluster2' } });
    expect(named.objects().get('west')?.find(is('Namespace', 'istio-system'))?.metadata.annotations).toEqual({
      'topology.istio.io/controlPlaneClusters': 'cluster1',
    });
    expect(named.objects().get('east')?.find(is('Secret', 'istio-remote-secret-cluster2'))).toBeDefined();
    expect(text(named.objects())).toContain('/inject/cluster/cluster2/net/network2');
  });

  it('one network: nothing is labelled, services are not exposed, the remote has no gateway, yet proxies know the network', () => {
    const one = mesh()
      .primaryRemote('east', 'west', { networks: 1 })
      .namespace('sample', { injected: true })
      .workload('client.sample')
      .objects();
    expect(one.get('east')?.find(is('Namespace', 'istio-system'))?.metadata.labels).not.toHaveProperty('topology.istio.io/network');
    expect(one.get('east')?.some(is('Gateway', 'cross-network-gateway'))).toBe(false);
    expect(one.get('east')?.some(is('Gateway', 'istiod-gateway'))).toBe(true);
    expect(one.get('west')?.some(is('Deployment', 'istio-eastwestgateway'))).toBe(false);
    expect(one.get('west')?.find(podOf('client'))?.metadata.labels).toMatchObject({ 'topology.istio.io/network': 'network1' });
  });

  it('1.24.6 with a revision: no default tag, no validator in the remote, Endpoints with a mirrored slice, no newer ConfigMaps', () => {
    const old = mesh().primaryRemote('east', 'west', { revision: '1-24-6', release: '1.24.6' }).objects();
    const all = [...old.values()].flat().map((object) => `${object.kind}/${object.metadata.name}`);
    expect(
      all.filter((name) => /revision-tag|default-validator|ConfigMap\/(values|istio-ca-crl|istio-ip-autoallocate)/.test(name)),
    ).toEqual([]);
    expect(old.get('west')?.some(is('Endpoints', 'istiod-1-24-6'))).toBe(true);
    expect(
      old
        .get('west')
        ?.find((object) => object.kind === 'EndpointSlice' && object.metadata.labels?.['kubernetes.io/service-name'] === 'istiod-1-24-6')
        ?.metadata['generateName'],
    ).toBe('istiod-1-24-6-');
  });
});

describe('workloads', () => {
  const injected = (builder: MeshBuilder, cluster: string, app: string) =>
    builder.objects().get(cluster)?.find(podOf(app))?.metadata.annotations?.['sidecar.istio.io/status'] !== undefined;

  it.each([
    ['the revision', { injected: true }, true],
    ['a tag', { revision: 'default' }, true],
    ['istio-injection', { labels: { 'istio-injection': 'enabled' } }, true],
    ['istio-injection disabled beside a revision', { injected: true, labels: { 'istio-injection': 'disabled' } }, false],
    ['a revision that nobody serves', { revision: '1-30-3' }, false],
    ['nothing', {}, false],
  ] as const)('a namespace that asks for %s', (_what, options, expected) => {
    const shop = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', options).workload('app.shop');
    expect([injected(shop, 'east', 'app'), injected(shop, 'west', 'app')]).toEqual([expected, expected]);
  });

  it('pods may ask for themselves, or decline', () => {
    const plain = mesh().multiPrimary('east', 'west').namespace('plain').namespace('shop', { injected: true });
    expect(injected(plain.workload('app.plain', { inject: true }), 'east', 'app')).toBe(true);
    expect(injected(plain.workload('app.shop', { inject: false }), 'east', 'app')).toBe(false);
    expect(injected(plain.workload('app.shop', { hostNetwork: true }), 'east', 'app')).toBe(false);
  });

  it('what was broken before decides about what comes after', () => {
    const broken = healthy.break((m) => m.cluster('west').relabel('sample', { 'istio.io/rev': '1-30-3' })).workload('late.sample');
    expect([injected(broken, 'east', 'late'), injected(broken, 'west', 'late')]).toEqual([true, false]);
  });

  it('a Service has the pods behind it in its slice and its Endpoints', () => {
    const objects =
      mesh()
        .multiPrimary('east', 'west')
        .namespace('shop', { injected: true })
        .service('abc.shop', { replicas: 2, port: 80, targetPort: 8080, portName: 'http-web' })
        .objects()
        .get('west') ?? [];
    const slice = objects.find(
      (object) => object.kind === 'EndpointSlice' && object.metadata.labels?.['kubernetes.io/service-name'] === 'abc',
    );
    expect(slice).toMatchObject({ ports: [{ name: 'http-web', port: 8080, protocol: 'TCP' }] });
    const addresses = objects.flatMap((object) => (podOf('abc')(object) ? textOf(field(object, 'status', 'podIP')) : []));
    expect(addresses).toHaveLength(2);
    expect(slice?.['endpoints']).toMatchObject(addresses.map((address) => ({ addresses: [address] })));
    expect(field(objects.find(is('Endpoints', 'abc')), 'subsets')).toMatchObject([{ addresses: addresses.map((ip) => ({ ip })) }]);
  });

  it('a stub Service selects nobody; a headless one has no address', () => {
    const shop = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true });
    const stub =
      shop
        .service('abc.shop', { in: ['east'] })
        .service('abc.shop', { in: ['west'], withoutWorkload: true })
        .objects()
        .get('west') ?? [];
    expect(
      stub.find((object) => object.kind === 'EndpointSlice' && object.metadata.labels?.['kubernetes.io/service-name'] === 'abc'),
    ).toMatchObject({ endpoints: null, ports: null });
    expect(field(shop.service('abc.shop', { headless: true }).objects().get('east')?.find(is('Service', 'abc')), 'spec', 'clusterIP')).toBe(
      'None',
    );
  });

  it('DNS capture of a workload may differ from the mesh', () => {
    const off = healthy.workload('deaf.sample', { dnsCapture: false }).objects().get('west')?.find(podOf('deaf'));
    expect(JSON.stringify(off?.['spec'])).not.toContain('ISTIO_META_DNS_CAPTURE');
    expect(JSON.stringify(healthy.objects().get('west')?.find(podOf('client'))?.['spec'])).toContain(
      '{"name":"ISTIO_META_DNS_CAPTURE","value":"true"}',
    );
  });

  it('native sidecars are init containers that go on running', () => {
    const pod = mesh()
      .multiPrimary('east', 'west', { nativeSidecars: true })
      .namespace('shop', { injected: true })
      .workload('app.shop')
      .objects()
      .get('east')
      ?.find(podOf('app'));
    expect(field(pod, 'spec', 'containers')).toMatchObject([{ name: 'app' }]);
    expect(field(pod, 'spec', 'initContainers')).toMatchObject([{ name: 'istio-init' }, { name: 'istio-proxy', restartPolicy: 'Always' }]);
  });

  it('are named with their namespace', () => {
    expect(() => healthy.service('abc')).toThrow('A workload or service is named NAME.NAMESPACE, not abc.');
  });
});

describe('breaking', () => {
  it('cluster by cluster, in one chain', () => {
    const broken = healthy.break((m) =>
      m
        .cluster('west')
        .withoutNetworkLabel()
        .annotate('Namespace', undefined, 'istio-system', { 'topology.istio.io/controlPlaneClusters': null, note: 'x' })
        .cluster('east')
        .remove('Secret', 'istio-system', 'istio-remote-secret-west')
        .patch('Service', 'sample', 'abc', { spec: { ports: [{ name: 'tcp', port: 5000 }] } })
        .patch('Deployment', 'sample', 'abc', (object) => ({ ...object, spec: {} }))
        .add({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'more', namespace: 'sample' } })
        .apply(
          (cluster) => (objects) =>
            applyPatch(objects, {
              cluster,
              ref: { kind: 'Namespace', name: 'sample' },
              patch: { metadata: { labels: { seen: cluster } } },
            }),
        )
        .edit((objects) => objects),
    );
    const west = broken.objects().get('west')?.find(is('Namespace', 'istio-system'));
    expect(west?.metadata.labels).toEqual({ 'kubernetes.io/metadata.name': 'istio-system' });
    expect(west?.metadata.annotations).toEqual({ note: 'x' });
    const east = broken.objects().get('east') ?? [];
    expect(east.some(is('Secret', 'istio-remote-secret-west'))).toBe(false);
    expect(field(east.find(is('Service', 'abc')), 'spec', 'ports')).toEqual([{ name: 'tcp', port: 5000 }]);
    expect(east.find(is('Deployment', 'abc'))?.['spec']).toEqual({});
    expect(east.some(is('ConfigMap', 'more'))).toBe(true);
    expect(east.find(is('Namespace', 'sample'))?.metadata.labels).toMatchObject({ seen: 'east' });
  });

  it('a tag serves its name as the revision serves its own', () => {
    const tagged = healthy.break((m) => m.cluster('west').tag('prod', '1-31-0').relabel('sample', { 'istio.io/rev': 'prod' }));
    const tag = tagged.objects().get('west')?.find(is('MutatingWebhookConfiguration', 'istio-revision-tag-prod'));
    expect(tag?.metadata.labels).toMatchObject({ app: 'sidecar-injector', 'istio.io/rev': '1-31-0', 'istio.io/tag': 'prod' });
    expect(JSON.stringify(tag?.['webhooks'])).toContain('"key":"istio.io/rev","operator":"In","values":["prod"]');
    expect(tagged.workload('late.sample').objects().get('west')?.find(podOf('late'))?.metadata.annotations).toMatchObject({
      'istio.io/rev': '1-31-0',
    });
    expect(() => healthy.break((m) => m.cluster('west').tag('prod', '1-30-3'))).toThrow('Revision 1-30-3 has no injector in west.');
  });

  it('without its default tag a cluster has neither the webhook nor the Service', () => {
    const less =
      healthy
        .break((m) => m.cluster('west').withoutDefaultTag())
        .objects()
        .get('west') ?? [];
    expect(
      less.filter(
        (object) => object.metadata.name.startsWith('istiod-revision-tag') || object.metadata.name.startsWith('istio-revision-tag'),
      ),
    ).toEqual([]);
  });

  it('says what is missing', () => {
    expect(() => healthy.break((m) => m.cluster('west').relabel('shop', {}))).toThrow('There is no Namespace shop in west.');
    expect(() => healthy.break((m) => m.cluster('west').patch('Service', 'sample', 'abc', {}))).toThrow(
      'There is no Service sample/abc in west.',
    );
  });
});

describe('canary', () => {
  it('the new revision becomes the default one where there was none, leads the primary, and is not known to the remote', () => {
    const objects = mesh().canary('east', 'west', { from: '1-24-6', to: '1-31-0' }).objects();
    expect(objects.get('east')?.find(is('MutatingWebhookConfiguration', 'istio-revision-tag-default'))?.metadata.labels).toMatchObject({
      'istio.io/rev': '1-31-0',
    });
    expect(holder(objects.get('east'))).toMatch(/^1-31-0 istiod-1-31-0-/);
    expect(holder(objects.get('west'))).toMatch(/^\^1-24-6 istiod-1-24-6-/);
    expect(objects.get('west')?.filter((object) => object.metadata.name.includes('1-31-0'))).toEqual([]);
    expect(objects.get('east')?.some(is('VirtualService', 'istiod-vs-1-31-0'))).toBe(false);
  });

  it('in the remote it has an injector and the way to istiod, and takes over there', () => {
    const objects = mesh().canary('east', 'west', { from: '1-24-6', to: '1-31-0', stage: 'remote' }).objects();
    expect(objects.get('east')?.some(is('VirtualService', 'istiod-vs-1-31-0'))).toBe(true);
    expect(objects.get('west')?.some(is('Service', 'istiod-1-31-0'))).toBe(true);
    expect(holder(objects.get('west'))).toMatch(/^\^1-31-0 istiod-1-31-0-/);
  });

  function holder(objects: readonly KubeObject[] | undefined): string {
    const record =
      objects?.find(is('ConfigMap', 'istio-namespace-controller-election'))?.metadata.annotations?.[
        'control-plane.alpha.kubernetes.io/leader'
      ] ?? '{}';
    const { holderKey, holderIdentity } = JSON.parse(record) as Record<string, string>;
    return `${holderKey ?? ''} ${holderIdentity ?? ''}`;
  }
});

function is(kind: string, name: string): (object: KubeObject) => boolean {
  return (object) => object.kind === kind && object.metadata.name === name;
}

function podOf(app: string): (object: KubeObject) => boolean {
  return (object) => object.kind === 'Pod' && object.metadata.labels?.['app'] === app;
}

function field(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined),
    value,
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function repeated(values: readonly string[]): string[] {
  return values.filter((value, index) => value !== 'None' && values.indexOf(value) !== index);
}

function text(objects: MeshObjects): string {
  return JSON.stringify([...objects]);
}

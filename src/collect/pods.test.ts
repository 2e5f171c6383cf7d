import { describe, expect, test } from 'vitest';
import { factsOf, only, type Raw, read } from '../../test/support/read-objects.ts';
import type { Pod } from '../model/facts.ts';

function pod(spec: Raw, metadata: Raw = {}, status: Raw | undefined = { phase: 'Running' }): Pod {
  return only(factsOf([rawPod(spec, metadata, status)]).pods);
}

function rawPod(spec: Raw, metadata: Raw = {}, status: Raw | undefined = { phase: 'Running' }): Raw {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'shop-1', namespace: 'shop', ...metadata },
    spec,
    ...(status === undefined ? {} : { status }),
  };
}

const env = (values: Readonly<Record<string, string>>): readonly Raw[] => Object.entries(values).map(([name, value]) => ({ name, value }));

const app = { name: 'app', image: 'shop:1', env: env({ DB_PASSWORD: 'hunter2' }) };

const given = {
  ISTIO_META_CLUSTER_ID: 'east',
  ISTIO_META_NETWORK: 'network2',
  ISTIO_META_MESH_ID: 'mesh1',
  TRUST_DOMAIN: 'cluster.local',
  CA_ADDR: 'istiod.istio-system.svc:15012',
  PROXY_CONFIG: '{"discoveryAddress":"istiod-1-31-0.istio-system.svc:15012","proxyMetadata":{"MY_TOKEN":"hunter2"}}\n',
  ISTIO_META_DNS_CAPTURE: 'true',
  MY_TOKEN: 'hunter2',
};

const proxy = {
  name: 'istio-proxy',
  image: 'registry.istio.io/release/proxyv2:1.31.0-distroless',
  args: ['proxy', 'sidecar', '--domain', 'x'],
  env: env(given),
};

const status = (revision: string): Raw => ({
  'sidecar.istio.io/status': JSON.stringify({
    initContainers: ['istio-init'],
    containers: ['istio-proxy'],
    imagePullSecrets: null,
    revision,
  }),
});

describe('pods', () => {
  test('where and how it runs', () => {
    const found = pod(
      { nodeName: 'node-1', serviceAccountName: 'shop', hostNetwork: true, containers: [app] },
      {
        creationTimestamp: '2026-01-01T00:00:00Z',
        labels: { app: 'shop', 'pod-template-hash': '5f6d' },
        ownerReferences: [{ kind: 'ReplicaSet', name: 'shop-5f6d', controller: true }],
      },
      {
        phase: 'Pending',
        podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }],
        podIP: '10.0.0.1',
        startTime: '2026-01-01T00:00:01Z',
        conditions: [{ type: 'Ready', status: 'False' }],
        containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff' } } }, { state: { running: {} } }],
        initContainerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }],
      },
    );
    expect(found).toMatchObject({
      phase: 'Pending',
      ready: false,
      ips: ['10.0.0.1', 'fd00::1'],
      hostNetwork: true,
      nodeName: 'node-1',
      serviceAccount: 'shop',
      startedAt: '2026-01-01T00:00:01Z',
      owner: { kind: 'Deployment', name: 'shop' },
      waiting: ['ContainerCreating', 'ImagePullBackOff'],
      imageAuto: false,
    });
    expect(found.proxy).toBeUndefined();
  });

  test('how often containers were started again, and how the last one ended', () => {
    const ended = (reason: string, finishedAt?: string) => ({
      terminated: { reason, exitCode: 137, ...(finishedAt === undefined ? {} : { finishedAt }) },
    });
    const containerStatuses = [
      { name: 'app', restartCount: 2, lastState: ended('Error', '2026-01-01T00:00:01Z') },
      { name: 'istio-proxy', restartCount: 3, lastState: ended('OOMKilled', '2026-01-02T00:00:01Z') },
      { name: 'idle', restartCount: 0, lastState: {} },
    ];
    const found = pod({ containers: [app] }, {}, { phase: 'Running', containerStatuses });
    expect([found.restarts, found.lastEnd]).toEqual([5, { reason: 'OOMKilled', at: '2026-01-02T00:00:01Z' }]);
    const without = pod(
      { containers: [app] },
      {},
      { phase: 'Running', containerStatuses: [{ restartCount: 1, lastState: ended('OOMKilled') }] },
    );
    expect([without.restarts, without.lastEnd]).toEqual([1, { reason: 'OOMKilled' }]);
    const never = pod({ containers: [app] }, {}, { phase: 'Running', containerStatuses: [{ restartCount: 0 }] });
    expect('restarts' in never || 'lastEnd' in never).toBe(false);
  });

  test('what is not said has the defaults of the API', () => {
    const found = pod({ containers: [app] }, { creationTimestamp: '2026-01-01T00:00:00Z' });
    expect(found).toMatchObject({
      ready: false,
      ips: [],
      hostNetwork: false,
      serviceAccount: 'default',
      startedAt: '2026-01-01T00:00:00Z',
    });
    expect(found.owner).toBeUndefined();
    expect(found.withoutStatus).toBeUndefined();
  });

  test('a manifest without status is told from a pod without addresses', () => {
    const object = rawPod({ containers: [app] });
    const { status: _status, ...manifest } = object;
    expect(only(factsOf([manifest]).pods)).toMatchObject({ phase: '', withoutStatus: true });
  });

  test.each([
    [
      { kind: 'ReplicaSet', name: 'shop-5f6d' },
      { kind: 'ReplicaSet', name: 'shop-5f6d' },
    ],
    [
      { kind: 'DaemonSet', name: 'ztunnel' },
      { kind: 'DaemonSet', name: 'ztunnel' },
    ],
  ])('an owner whose own owner cannot be told stays: %j', (owner, expected) => {
    expect(pod({}, { ownerReferences: [{ ...owner, controller: true }] }).owner).toEqual(expected);
  });

  test('an image left for the injector to fill in', () => {
    expect(pod({ containers: [{ name: 'istio-proxy', image: 'auto' }] }).imageAuto).toBe(true);
  });
});

describe('proxies', () => {
  test('a sidecar, by what the injector gave it', () => {
    const found = pod({ containers: [app, proxy] }, { annotations: { ...status('1-31-0'), 'istio.io/rev': '1-31-0' } });
    expect(found.proxy).toEqual({
      kind: 'sidecar',
      clusterId: 'east',
      network: 'network2',
      revision: '1-31-0',
      requestedNetworkView: [],
      discoveryHost: 'istiod-1-31-0.istio-system.svc',
      trustDomain: 'cluster.local',
      meshId: 'mesh1',
      dnsCapture: true,
      version: '1.31.0',
    });
  });

  test('a native sidecar is an init container', () => {
    expect(pod({ containers: [app], initContainers: [{ name: 'istio-init' }, proxy] }, { annotations: status('a') }).proxy).toMatchObject({
      kind: 'sidecar',
      revision: 'a',
    });
  });

  test('an authority other than istiod says nothing of where configuration comes from', () => {
    const hostOf = (variables: Readonly<Record<string, string>>) =>
      pod({ containers: [{ ...proxy, env: env(variables) }] }, { annotations: status('default') }).proxy?.discoveryHost;
    const CA_ADDR = 'cert-manager-istio-csr.cert-manager.svc:443';
    expect(hostOf({ PROXY_CONFIG: '{}\n', CA_ADDR })).toBe('istiod.istio-system.svc');
    expect(hostOf({ PROXY_CONFIG: '{"discoveryAddress":"istiod-a.mesh.svc:15012"}', CA_ADDR })).toBe('istiod-a.mesh.svc');
    expect(hostOf({ CA_ADDR })).toBeUndefined();
    expect(hostOf({ PROXY_CONFIG: '{}\n', CA_ADDR: 'mesh.example.com:15012' })).toBe('mesh.example.com');
  });

  test('a gateway is the proxy alone', () => {
    const router = {
      ...proxy,
      args: ['proxy', 'router'],
      env: env({ ISTIO_META_REQUESTED_NETWORK_VIEW: 'network1,network2', CA_ADDR: 'https://[fd00::1]:15012' }),
    };
    const found = pod(
      { containers: [router] },
      { labels: { 'istio.io/rev': 'prod' }, annotations: { 'inject.istio.io/templates': 'gateway' } },
    ).proxy;
    expect(found).toMatchObject({
      kind: 'gateway',
      requestedNetworkView: ['network1', 'network2'],
      discoveryHost: 'fd00::1',
      revision: 'prod',
      dnsCapture: false,
    });
    expect(found?.clusterId).toBeUndefined();
    expect(found?.network).toBeUndefined();
  });

  test('a label on a pod with sidecar is what was asked for, not what injected it', () => {
    expect(pod({ containers: [app, proxy] }, { labels: { 'istio.io/rev': 'prod' } }).proxy?.revision).toBeUndefined();
  });

  test.each([
    [{ args: ['proxy', 'router'] }, {}, 'gateway'],
    [{ args: ['proxy', 'waypoint'] }, {}, 'waypoint'],
    [{ args: ['proxy', 'waypoint'] }, { 'gateway.istio.io/managed': 'istio.io-eastwest-controller' }, 'gateway'],
    [{ args: ['proxy', 'router'] }, { 'gateway.istio.io/managed': 'istio.io-mesh-controller' }, 'waypoint'],
    [{ args: ['proxy', 'ztunnel'] }, {}, 'ztunnel'],
    [{ args: undefined }, { app: 'ztunnel' }, 'ztunnel'],
    [{ args: undefined }, {}, 'gateway'],
  ])('%j with %j is a %s', (more, labels, kind) => {
    expect(pod({ containers: [{ ...proxy, ...more }] }, { labels }).proxy?.kind).toBe(kind);
  });

  test('ztunnel has names of its own for the same things', () => {
    const ztunnel = {
      ...proxy,
      args: ['proxy', 'ztunnel'],
      env: env({ NETWORK: 'network5', ISTIO_META_CLUSTER_ID: 'c5', XDS_ADDRESS: 'istiod.istio-system.svc:15012' }),
    };
    expect(pod({ containers: [ztunnel] }).proxy).toMatchObject({
      kind: 'ztunnel',
      network: 'network5',
      clusterId: 'c5',
      discoveryHost: 'istiod.istio-system.svc',
    });
  });

  test.each([
    ['proxyv2:1.31.0', '1.31.0'],
    ['localhost:5000/proxyv2:v1.30.2', '1.30.2'],
    ['proxyv2:1.32.0-alpha.0', '1.32.0-alpha.0'],
    ['proxyv2:1.20.8-asm.14-distroless', '1.20.8'],
    ['proxyv2:1.31.0@sha256:abcd', '1.31.0'],
    ['proxyv2@sha256:abcd', undefined],
    ['localhost:5000/proxyv2', undefined],
    ['proxyv2:latest', undefined],
    ['proxyv2:1.31', undefined],
  ])('version of %s: %s', (image, version) => {
    expect(pod({ containers: [app, { ...proxy, image }] }).proxy?.version).toBe(version);
  });

  test('variables that are looked up are no value', () => {
    const looked = [
      { name: 'ISTIO_META_CLUSTER_ID', valueFrom: { fieldRef: {} } },
      { name: 'ISTIO_META_NETWORK' },
      { name: 5, value: 'x' },
      'x',
    ];
    const object = rawPod({ containers: [app, { ...proxy, env: looked }] });
    const found = only(factsOf([object]).pods).proxy;
    expect(found?.clusterId).toBeUndefined();
    expect(found?.network).toBeUndefined();
    expect(read([object]).oddities['pods']).toBe(2);
  });

  test('no variable but the known ones is kept, of any container', () => {
    expect(JSON.stringify(read([rawPod({ containers: [app, proxy] })]))).not.toContain('hunter2');
  });
});

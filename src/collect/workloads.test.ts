import { describe, expect, test } from 'vitest';
import { base64, factsOf, only, type Raw, read, valueOf } from '../../test/support/read-objects.ts';

const discovery = {
  name: 'discovery',
  image: 'registry.istio.io/release/pilot:1.31.0',
  args: ['discovery', '--domain', 'mesh.internal', '--log_output_level=default:info'],
};

function deployment(
  name: string,
  pod: Raw,
  more: { labels?: Raw; podLabels?: Raw; podAnnotations?: Raw; replicas?: number; status?: Raw; kind?: string } = {},
): Raw {
  return {
    apiVersion: 'apps/v1',
    kind: more.kind ?? 'Deployment',
    metadata: { name, namespace: 'istio-system', labels: more.labels ?? {} },
    spec: {
      ...(more.replicas === undefined ? {} : { replicas: more.replicas }),
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: more.podLabels ?? { app: name }, annotations: more.podAnnotations ?? {} }, spec: pod },
    },
    status: more.status ?? { readyReplicas: 1 },
  };
}

function istiod(env: readonly Raw[], more: Parameters<typeof deployment>[2] & { container?: Raw; pod?: Raw } = {}): Raw {
  return deployment(
    'istiod',
    { containers: [{ ...discovery, env, ...more.container }], ...more.pod },
    { podLabels: { app: 'istiod' }, ...more },
  );
}

describe('control planes', () => {
  test('what istiod was told', () => {
    const env = [
      { name: 'REVISION', value: '1-31-0' },
      { name: 'CLUSTER_ID', value: 'west' },
      { name: 'EXTERNAL_ISTIOD', value: 'true' },
      { name: 'LOCAL_CLUSTER_SECRET_WATCHER', value: 'true' },
      { name: 'INJECTION_WEBHOOK_CONFIG_NAME' },
      { name: 'POD_NAME', valueFrom: { fieldRef: {} } },
      { name: 'VAULT_TOKEN', value: 'hunter2' },
    ];
    const object = istiod(env, {
      replicas: 3,
      status: { readyReplicas: 2 },
      labels: { 'istio.io/rev': 'other', 'operator.istio.io/version': '1.31.1' },
    });
    expect(only(factsOf([object]).controlPlanes)).toMatchObject({
      revision: '1-31-0',
      clusterId: 'west',
      version: '1.31.1',
      externalIstiod: true,
      localClusterSecretWatcher: true,
      env: {
        REVISION: '1-31-0',
        CLUSTER_ID: 'west',
        EXTERNAL_ISTIOD: 'true',
        LOCAL_CLUSTER_SECRET_WATCHER: 'true',
        INJECTION_WEBHOOK_CONFIG_NAME: '',
      },
      clusterDomain: 'mesh.internal',
      desiredReplicas: 3,
      readyReplicas: 2,
      selector: { app: 'istiod' },
    });
    expect(JSON.stringify(read([object]))).not.toContain('hunter2');
  });

  test('what it takes when it was told nothing', () => {
    expect(only(factsOf([istiod([], { container: { args: [] } })]).controlPlanes)).toMatchObject({
      revision: 'default',
      clusterId: 'Kubernetes',
      version: '1.31.0',
      externalIstiod: false,
      clusterDomain: 'cluster.local',
      desiredReplicas: 1,
    });
    expect(only(factsOf([istiod([], { labels: { 'istio.io/rev': 'a' } })]).controlPlanes).revision).toBe('a');
    expect(only(factsOf([istiod([], { container: { args: ['--domain=b'], image: 'pilot:latest' } })]).controlPlanes)).toMatchObject({
      clusterDomain: 'b',
    });
  });

  test('what it may take of its node', () => {
    const limited = istiod([], { container: { resources: { limits: { cpu: 2, memory: '4Gi' }, requests: { cpu: '500m' } } } });
    expect(only(factsOf([limited]).controlPlanes).limits).toEqual({ cpu: '2', memory: '4Gi' });
    expect(only(factsOf([istiod([])]).controlPlanes).limits).toEqual({});
  });

  test('only what runs istiod is one', () => {
    const facts = factsOf([
      istiod([]),
      deployment('by-label', { containers: [discovery] }, { labels: { app: 'istiod' }, podLabels: {} }),
      deployment('named-only', { containers: [{ name: 'app' }] }, { podLabels: { app: 'istiod' } }),
      deployment('container-only', { containers: [discovery] }, { podLabels: { app: 'x' } }),
    ]);
    expect(valueOf(facts.controlPlanes).map((found) => found.name)).toEqual(['by-label', 'istiod']);
    expect(valueOf(facts.workloads).map((found) => found.name)).toEqual(['container-only', 'named-only']);
  });

  describe('the kubeconfig of a config cluster', () => {
    const mounts = { volumeMounts: [{ name: 'kubeconfig', mountPath: '/var/run/secrets/remote' }] };
    const volume = (optional?: boolean): Raw => ({
      volumes: [{ name: 'kubeconfig', secret: { secretName: 'istio-kubeconfig', ...(optional === undefined ? {} : { optional }) } }],
    });
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'istio-kubeconfig', namespace: 'istio-system' },
      data: { config: base64('x') },
    };

    test.each([
      ['a required mount', volume(), [], 'istio-kubeconfig'],
      ['an optional mount without its Secret, as every istiod has it', volume(true), [], undefined],
      ['an optional mount whose Secret is there', volume(true), [secret], 'istio-kubeconfig'],
      [
        'an optional mount whose Secret is elsewhere',
        volume(true),
        [{ ...secret, metadata: { name: 'istio-kubeconfig', namespace: 'x' } }],
        undefined,
      ],
      ['no volume', {}, [secret], undefined],
    ])('%s', (_what, pod, others, expected) => {
      expect(only(factsOf([istiod([], { container: mounts, pod }), ...others]).controlPlanes).remoteKubeconfigSecret).toBe(expected);
    });
  });
});

describe('workloads', () => {
  test('a gateway: what its pods are asked to be, and how many are', () => {
    const proxy = {
      name: 'istio-proxy',
      image: 'auto',
      env: [
        { name: 'ISTIO_META_REQUESTED_NETWORK_VIEW', value: 'network1' },
        { name: 'MY_TOKEN', value: 'hunter2' },
      ],
    };
    const object = deployment(
      'istio-eastwestgateway',
      { hostNetwork: true, containers: [proxy] },
      {
        replicas: 2,
        podLabels: { istio: 'eastwestgateway' },
        podAnnotations: { 'inject.istio.io/templates': 'gateway', other: 'hunter2' },
        status: {
          conditions: [
            { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', message: 'too few' },
            { type: 'Progressing', status: 'True', reason: 'x', message: 'y' },
            { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'failed calling webhook' },
          ],
        },
      },
    );
    expect(only(factsOf([object]).workloads)).toMatchObject({
      kind: 'Deployment',
      desiredReplicas: 2,
      readyReplicas: 0,
      selector: { app: 'istio-eastwestgateway' },
      podLabels: { istio: 'eastwestgateway' },
      podAnnotations: { 'inject.istio.io/templates': 'gateway' },
      proxyEnv: { ISTIO_META_REQUESTED_NETWORK_VIEW: 'network1' },
      hostNetwork: true,
      conditions: [
        { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', message: 'too few' },
        { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'failed calling webhook' },
      ],
    });
    expect(JSON.stringify(read([object]))).not.toContain('hunter2');
  });

  test('DaemonSets count nodes, and come before Deployments', () => {
    const facts = factsOf([
      deployment('a', {}, { replicas: 0 }),
      deployment('ztunnel', {}, { kind: 'DaemonSet', status: { desiredNumberScheduled: 4, numberReady: 3 } }),
    ]);
    expect(valueOf(facts.workloads).map((found) => [found.kind, found.desiredReplicas, found.readyReplicas])).toEqual([
      ['DaemonSet', 4, 3],
      ['Deployment', 0, 1],
    ]);
  });
});

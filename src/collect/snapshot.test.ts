import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { base64, jwt, type Raw, read } from '../../test/support/read-objects.ts';
import type { Fields } from '../model/decode.ts';
import { clusterName } from '../model/ids.ts';
import type { ReducedObject } from '../model/snapshot.ts';
import { projectFacts } from './facts.ts';
import { kinds } from './kinds.ts';
import { openIntake, snapshotOf } from './snapshot.ts';

const service = (more: Raw = {}, metadata: Raw = {}): Raw => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'a', namespace: 'x', ...metadata },
  spec: {},
  ...more,
});

describe('a snapshot', () => {
  test('copies of an object that agree are one object', () => {
    const { services } = read([service(), service({}, { resourceVersion: '5' }), { ...service(), spec: { unknown: 1 } }]).kinds;
    expect(services).toMatchObject({ status: 'read', complete: true });
    expect(services?.status === 'read' && services.objects).toHaveLength(1);
  });

  test('copies that differ fail their kind and no other, naming both', () => {
    const intake = openIntake();
    intake.add({ object: service(), origin: { file: 'a.yaml', line: 1 } });
    intake.add({ object: service({ spec: { type: 'LoadBalancer' } }), origin: { file: 'b.yaml', line: 7 } });
    const { kinds: states } = intake.finish({ name: clusterName('west'), complete: true });
    expect(states['services']).toEqual({
      status: 'failed',
      code: 'contradicting-copies',
      reason: 'Service x/a differs between a.yaml:1 and b.yaml:7',
    });
    expect(states['pods']).toEqual({ status: 'read', objects: [], complete: true });
  });

  test('kinds that every cluster has were left out where none was met, whatever the source says', () => {
    const intake = openIntake();
    const bare = intake.finish({ name: clusterName('west'), complete: true }).kinds;
    expect(bare['clusterroles.rbac.authorization.k8s.io']).toMatchObject({ status: 'not-asked' });
    expect(bare['secrets']).toMatchObject({ status: 'read', complete: true });
    intake.add({
      object: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'istiod', labels: { app: 'istiod' } }, status: {} },
    });
    const own = intake.finish({ name: clusterName('west'), complete: true }).kinds;
    expect(own['secrets']).toMatchObject({ status: 'not-asked' });
    expect(own['pods']).toMatchObject({ status: 'read', complete: true });
    intake.add({ object: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shop' } } });
    expect(intake.finish({ name: clusterName('west'), complete: true }).kinds['pods']).toMatchObject({ status: 'not-asked' });
  });

  test('what could not be read ends completeness: seen kinds are incomplete, others failed', () => {
    const { kinds: states } = read([service()], { unread: [{ what: 'b.yaml:3', reason: 'not YAML' }] });
    expect(states['services']).toMatchObject({ status: 'read', complete: false });
    expect(states['pods']).toEqual({ status: 'failed', code: 'unreadable-file', reason: 'b.yaml:3: not YAML' });
    expect(read([], { interrupted: true }).kinds['pods']).toMatchObject({ status: 'failed', code: 'interrupted' });
  });

  test('objects that are none are counted', () => {
    expect(read([service({}, { name: '' }), service({ metadata: undefined }), service({ metadata: [] })]).oddities).toEqual({
      services: 4,
    });
  });

  test('a namespaced object without namespace is where kubectl would put it', () => {
    const state = read([service({}, { namespace: undefined })]).kinds['services'];
    expect(state?.status === 'read' && state.objects[0]?.metadata.namespace).toBe('default');
  });

  test('kinds nobody reads are passed over', () => {
    expect(read([{ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'a' } }]).oddities).toEqual({});
  });

  test('is frozen, serialisable, and leaves what it was made of alone', () => {
    const labels = { app: 'a' };
    const snapshot = snapshotOf(new Map([[clusterName('west'), [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', labels } }]]]));
    expect(Object.isFrozen(snapshot.clusters[0]?.kinds['services'])).toBe(true);
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
    expect(Object.isFrozen(labels)).toBe(false);
    expect(snapshot).toMatchObject({ schema: 1, source: { kind: 'manifests' }, observations: [] });
  });
});

const planted = 'pl4nted-s3cret';

/** Objects with a secret in every place where one has been seen. */
function secretive(): Raw[] {
  const applied = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ data: { token: planted } }) };
  const metadata = (name: string, more: Raw = {}): Raw => ({
    name,
    namespace: 'istio-system',
    annotations: {
      ...applied,
      'proxy.istio.io/config': `proxyMetadata:\n  ISTIO_META_DNS_CAPTURE: "true"\n  KEY: ${planted}`,
      'proxy.istio.io/overrides': JSON.stringify({ containers: [{ env: [{ name: 'A', value: planted }] }] }),
      'sidecar.istio.io/userVolume': planted,
      'sidecar.istio.io/status': JSON.stringify({ containers: ['istio-proxy'], other: planted }),
      'example.com/token': planted,
    },
    managedFields: [{ manager: 'm', operation: 'Update', fieldsV1: { 'f:data': { [`f:${planted}`]: {} } } }],
    ...more,
  });
  const token = jwt({ sub: 'system:serviceaccount:istio-system:r', nonce: planted });
  const kubeconfig = JSON.stringify({
    'current-context': 'a',
    clusters: [{ name: 'a', cluster: { server: `https://u:${planted}@192.0.2.1/?t=${planted}`, 'proxy-url': `http://${planted}@p:1` } }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    users: [
      {
        name: 'a',
        user: {
          token,
          username: planted,
          password: planted,
          'client-key-data': base64(planted),
          exec: { command: planted, env: [{ name: 'A', value: planted }] },
          'auth-provider': { name: planted, config: { 'id-token': planted } },
        },
      },
    ],
  });
  const env = ['PROXY_CONFIG', 'ISTIO_META_SECRET', 'TOKEN'].map((name) => ({
    name,
    value: name === 'PROXY_CONFIG' ? JSON.stringify({ proxyMetadata: { A: planted } }) : planted,
  }));
  const containers = ['app', 'istio-proxy', 'discovery'].map((name) => ({
    name,
    image: 'a',
    env,
    args: [planted, planted],
    command: [planted],
  }));
  const core = (kind: string, more: Raw): Raw => ({ apiVersion: 'v1', kind, metadata: metadata(kind.toLowerCase()), ...more });
  return [
    {
      ...core('Secret', { data: { a: base64(kubeconfig), b: base64(planted) } }),
      metadata: metadata('r', { labels: { 'istio/multiCluster': 'true' } }),
    },
    { ...core('Secret', { stringData: { a: kubeconfig } }), metadata: metadata('r2') },
    {
      ...core('Secret', { type: 'kubernetes.io/service-account-token', data: { token: base64(token), 'ca.crt': base64(planted) } }),
      metadata: metadata('t'),
    },
    {
      ...core('Secret', {
        data: {
          'ca-key.pem': base64(planted),
          'ca-cert.pem': base64(planted),
          'root-cert.pem': base64(`${planted}\n-----BEGIN RSA PRIVATE KEY-----\n${base64(planted)}\n-----END RSA PRIVATE KEY-----`),
        },
      }),
      metadata: metadata('cacerts'),
    },
    core('Secret', { data: { password: base64(planted) } }),
    {
      ...core('ConfigMap', {
        data: { mesh: `a: ${planted}\ndefaultConfig:\n  proxyMetadata:\n    A: ${planted}\nextensionProviders:\n- name: ${planted}` },
      }),
      metadata: metadata('istio'),
    },
    {
      ...core('ConfigMap', {
        data: { values: JSON.stringify({ global: { imagePullSecrets: [planted], proxy: { env: planted } } }), config: planted },
      }),
      metadata: metadata('istio-sidecar-injector'),
    },
    { ...core('ConfigMap', { data: { 'root-cert.pem': planted } }), metadata: metadata('istio-ca-root-cert') },
    core('ConfigMap', { data: { password: planted }, binaryData: { a: base64(planted) } }),
    core('Pod', { spec: { containers, initContainers: containers, imagePullSecrets: [{ name: planted }] } }),
    core('ServiceAccount', { secrets: [{ name: planted }] }),
    {
      ...core('Deployment', {
        spec: { template: { metadata: metadata('x'), spec: { containers } } },
        status: { conditions: [{ type: 'Available', status: 'False', message: `Bearer ${token}` }] },
      }),
      apiVersion: 'apps/v1',
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'a', annotations: applied },
      webhooks: [
        {
          name: 'a.sidecar-injector.istio.io',
          clientConfig: { url: `https://u:${planted}@a/inject?x=${planted}`, caBundle: base64(planted) },
        },
      ],
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: metadata('v'),
      spec: { http: [{ headers: { request: { set: { a: planted } } } }] },
    },
  ];
}

/** Every form in which the secret could be seen. */
const forms = [
  planted,
  base64(planted),
  base64(planted).slice(0, -2),
  jwt({ sub: 'system:serviceaccount:istio-system:r', nonce: planted }),
];

test('no secret has a place in a snapshot, nor in the facts made of it', () => {
  const snapshot = read(secretive().map((object) => structuredClone(object)));
  const written = JSON.stringify([snapshot, projectFacts(snapshot)]);
  for (const form of forms) expect(written).not.toContain(form);
  expect(written).toContain('system:serviceaccount:istio-system:r');
  expect(JSON.stringify(secretive())).toContain(planted);
});

/** Any value where a field was. */
const absurd = fc.oneof(
  fc.constantFrom(
    null,
    undefined,
    '',
    'text',
    0,
    -1,
    1e308,
    Number.NaN,
    true,
    [],
    {},
    [[]],
    [null],
    [{}],
    [1],
    { a: null },
    '\u0000',
    '__proto__',
  ),
  fc.jsonValue(),
);

function paths(value: unknown, at: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, item]) => paths(item, [...at, Array.isArray(value) ? Number(key) : key]))];
}

function withValue(value: unknown, path: readonly (string | number)[], put: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return put;
  if (Array.isArray(value)) return value.map((item: unknown, i) => (i === key ? withValue(item, rest, put) : item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, name === key ? withValue(item, rest, put) : item]));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** One object of every kind, with every field that some collector reads. */
const examples: readonly Raw[] = [
  ...secretive(),
  ...kinds.map((kind) => ({
    apiVersion: kind.group === '' ? 'v1' : `${kind.group}/v1`,
    kind: kind.kind,
    metadata: {
      name: 'a',
      namespace: 'x',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { a: 'b' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'a-b', controller: true }],
    },
    spec: {
      type: 'LoadBalancer',
      selector: { app: 'a' },
      ports: [{ name: 'a', port: 80, targetPort: 'x', nodePort: 30_000 }],
      servers: [{ port: { number: 80, protocol: 'TLS' }, tls: { mode: 'SIMPLE' }, hosts: ['*'] }],
      tls: [{ match: [{ port: 1, sniHosts: ['a'] }], route: [{ destination: { host: 'a', port: { number: 2 } } }] }],
      listeners: [{ name: 'a', port: 1, protocol: 'HBONE', tls: { mode: 'Terminate', options: { a: 'b' } } }],
      addresses: [{ type: 'IPAddress', value: 'a' }],
      versions: [{ name: 'v1', served: true }],
      names: { kind: 'A' },
      podCIDRs: ['10.0.0.0/8'],
      configPatches: [{ applyTo: 'A', match: {} }],
      environmentVariables: { ISTIO_META_DNS_CAPTURE: 'true' },
    },
    status: {
      conditions: [{ type: 'Ready', status: 'True', reason: 'a', message: 'b' }],
      addresses: [{ type: 'ExternalIP', address: 'a', value: 'b' }],
      loadBalancer: { ingress: [{ ip: '192.0.2.1' }] },
      podIPs: [{ ip: '10.0.0.1' }],
      containerStatuses: [{ state: { waiting: { reason: 'A' } } }],
      phase: 'Running',
    },
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'a' } }],
    subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ name: 'a', port: 1 }] }],
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    roleRef: { kind: 'ClusterRole', name: 'a' },
    subjects: [{ kind: 'ServiceAccount', name: 'a' }],
    webhooks: [
      {
        name: 'a.sidecar-injector.istio.io',
        clientConfig: { service: { namespace: 'a', name: 'b', path: '/inject' } },
        namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] },
      },
    ],
  })),
];

test('objects with absurd fields never stop a run', () => {
  const mutation = fc.nat(examples.length - 1).chain((i) => {
    const example = examples[i];
    return fc.tuple(fc.constant(example), fc.constantFrom(...paths(example)), absurd);
  });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
      const objects = mutations.map(([example, path, value]) => withValue(example, path, value)).filter(isFields);
      const snapshot = read(objects);
      expect(() => projectFacts(snapshot)).not.toThrow();
      expect(() => JSON.stringify(snapshot)).not.toThrow();
    }),
    { numRuns: 400 },
  );
});

test('nor do recordings that somebody edited', () => {
  const snapshot = read(examples.map((example) => structuredClone(example)));
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(snapshot.kinds)), fc.nat(), absurd, (kind, seed, value) => {
      const state = snapshot.kinds[kind];
      if (state?.status !== 'read' || state.objects.length === 0) return;
      const [object] = state.objects;
      const inside = paths(object).filter(
        ([first]) => first !== undefined && first !== 'metadata' && first !== 'kind' && first !== 'apiVersion' && first !== 'origin',
      );
      const path = inside[seed % inside.length];
      if (path === undefined) return;
      projectFacts({
        ...snapshot,
        kinds: { ...snapshot.kinds, [kind]: { ...state, objects: [withValue(object, path, value) as ReducedObject] } },
      });
    }),
    { numRuns: 400 },
  );
});

import { describe, expect, it } from 'vitest';
import { annotate, label, put } from '../../src/builder/edits/edit.ts';
import { controlPlaneClusters } from '../../src/builder/edits/topology-leadership.ts';
import { caBundleReset } from '../../src/builder/edits/injection.ts';
import { kubeconfigRejected, readerTokenRevoked, readerWithout } from '../../src/builder/edits/remote-secret.ts';
import { at, itemsAt, textAt } from '../../src/builder/edits/json.ts';
import { secondRoot } from '../../src/builder/certificates.ts';
import { mesh } from '../../src/builder/mesh.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import { syncStatus } from '../../src/sandbox/world/istiods.ts';
import { renewals } from '../../src/sandbox/world/reconcile.ts';
import { meshes } from '../breakage/meshes.ts';
import { rows } from '../broken/staged.ts';
import { stage, type Stage } from '../support/sandbox-world.ts';

const system = 'istio-system';
const election = 'istio-namespace-controller-election';
const leaderKey = 'control-plane.alpha.kubernetes.io/leader';

const shop = () =>
  mesh()
    .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
    .namespace('shop', { injected: true })
    .service('abc.shop', { in: ['east'] })
    .workload('client.shop', { in: ['west'] });

const record = (world: Stage, cluster: string): Record<string, unknown> =>
  JSON.parse(world.store(cluster).get('ConfigMap', system, election)?.metadata.annotations?.[leaderKey] ?? '{}') as Record<string, unknown>;
const rootIn = (world: Stage, cluster: string, namespace: string): string | undefined =>
  textAt(world.store(cluster).get('ConfigMap', namespace, 'istio-ca-root-cert'), 'data', 'root-cert.pem');
const process = (world: Stage) => [...world.memory().istiods.values()][0]!;
const registration = (world: Stage, id = 'west') => [...process(world).registrations.values()].find((one) => one.id === id);
const ready = (pod: KubeObject): boolean =>
  itemsAt(pod, 'status', 'conditions').some((one) => textAt(one, 'type') === 'Ready' && textAt(one, 'status') === 'True');

function change(
  world: Stage,
  cluster: string,
  kind: string,
  namespace: string | undefined,
  name: string,
  how: (object: KubeObject) => KubeObject,
) {
  const object = world.store(cluster).get(kind, namespace, name);
  if (object === undefined) throw new Error(`no ${kind} ${namespace ?? ''}/${name}`);
  world.store(cluster).put(how(object));
}

function restart(world: Stage, cluster: string, namespace: string, name: string): void {
  change(world, cluster, 'Deployment', namespace, name, (deployment) =>
    put(deployment, ['spec', 'template', 'metadata', 'annotations', 'kubectl.kubernetes.io/restartedAt'], world.state().now),
  );
}

function newNamespace(world: Stage, cluster: string, name: string, labels: Record<string, string> = {}): void {
  world.store(cluster).put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels }, status: { phase: 'Active' } });
}

describe('a mesh that nobody touches', () => {
  const healthy = {
    'primary-remote on two networks': shop(),
    'primary-remote of 1.24': mesh()
      .primaryRemote('east', 'west', { networks: 2, release: '1.24.6' })
      .namespace('shop', { injected: true }),
    'two remotes on one network': mesh().primaryRemote('east', ['west', 'south'], { networks: 1 }),
    'two primaries': mesh()
      .multiPrimary('east', 'west', { networks: 2, trust: 'self-signed' })
      .namespace('shop', { injected: true })
      .service('abc.shop'),
    'an external control plane': mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }),
    ambient: mesh().ambient('east', 'west'),
    'an upgrade in flight': mesh().canary('east', 'west', { from: '1-24-6', to: '1-31-0', stage: 'remote' }),
  };

  it.each(Object.entries(healthy))('healthy: %s is written to by nobody', (_name, built) => {
    expect(stage(built).settle()).toEqual([]);
  });

  it('healthy: locks of its istiods are renewed, and nothing else', () => {
    const world = stage(shop());
    world.settle();
    world.pass(7);
    const renewed = renewals(world.state(), world.memory());
    expect(renewed.map((one) => ('put' in one ? `${one.cluster} ${one.put.kind} ${one.put.metadata.name}` : one.cluster)).sort()).toEqual([
      'east ConfigMap istio-ip-autoallocate',
      'east ConfigMap istio-leader',
      `east ConfigMap ${election}`,
      'east Lease istio-gateway-deployment-1-31-0',
      'east Lease istio-gateway-status-leader-1-31-0',
      `west ConfigMap ${election}`,
    ]);
    for (const one of renewed) if ('put' in one) world.store(one.cluster).put(one.put);
    expect(record(world, 'west')).toMatchObject({ holderKey: '^1-31-0', renewTime: '2026-11-22T21:27:50Z' });
    expect(world.settle()).toEqual([]);
  });

  // A broken mesh is not mended by being looked at: what its edits leave behind is what controllers find right.
  it.each(rows.filter((_, index) => index % 5 === 0).map((row) => [row.mesh, row.name, row] as const))(
    'broken: %s, %s, stays as it is',
    (_mesh, _name, row) => {
      const written = stage(meshes[row.mesh], ...row.edits).settle();
      expect(written.filter((line) => !/ put (Deployment|ReplicaSet) /.test(line))).toEqual([]);
    },
  );
});

describe('who leads a remote is decided once', () => {
  it('the annotation taken away while the leader lives changes nothing; a new istiod does not lead', () => {
    const world = stage(shop());
    change(world, 'west', 'Namespace', undefined, system, (namespace) =>
      annotate(namespace, 'topology.istio.io/controlPlaneClusters', undefined),
    );
    newNamespace(world, 'west', 'first');
    world.settle();
    expect(rootIn(world, 'west', 'first')).toBe(rootIn(world, 'east', system));
    expect(textAt(world.store('west').get('ConfigMap', 'first', 'kube-root-ca.crt'), 'data', 'ca.crt')).toContain('BEGIN CERTIFICATE');

    restart(world, 'east', system, 'istiod-1-31-0');
    world.settle();
    newNamespace(world, 'west', 'second');
    world.settle();
    expect(rootIn(world, 'west', 'second')).toBeUndefined();
    expect(world.store('west').get('ConfigMap', 'second', 'kube-root-ca.crt')).toBeDefined();
    expect(record(world, 'west')).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    expect(record(world, 'east')).toMatchObject({ holderIdentity: process(world).pod, holderKey: '1-31-0', leaderTransitions: 1 });
    expect(syncStatus(process(world), registration(world)!, world.state().now)).toBe('synced');
  });

  it('a mesh in which the leader outlived the annotation goes on like that', () => {
    const world = stage(shop(), controlPlaneClusters({ cluster: 'west', primary: 'east', value: undefined, leader: 'lives' }));
    expect(registration(world)).toMatchObject({ joined: true, manages: true });
    newNamespace(world, 'west', 'first');
    world.settle();
    expect(rootIn(world, 'west', 'first')).toBeDefined();
  });

  it('the annotation added later is read when istiod starts anew, and then everything that waited comes', () => {
    const world = stage(shop(), controlPlaneClusters({ cluster: 'west', primary: 'east', value: undefined, leader: 'never' }));
    world.settle();
    expect(world.pods('west', 'shop', 'client')).toEqual([]);
    change(world, 'west', 'Namespace', undefined, system, (namespace) =>
      annotate(namespace, 'topology.istio.io/controlPlaneClusters', 'east'),
    );
    world.pass(60);
    world.settle();
    expect(rootIn(world, 'west', 'shop')).toBeUndefined();

    restart(world, 'east', system, 'istiod-1-31-0');
    world.settle();
    expect(rootIn(world, 'west', 'shop')).toBe(rootIn(world, 'east', system));
    expect(record(world, 'west')).toMatchObject({ holderIdentity: process(world).pod, holderKey: '^1-31-0' });
    expect(world.pods('west', 'shop', 'client').map(ready)).toEqual([true]);
    expect(world.store('west').get('Deployment', 'shop', 'client')?.['status']).toMatchObject({ readyReplicas: 1, updatedReplicas: 1 });
    expect(world.pods('west', system, 'istio-eastwestgateway').map(ready)).toEqual([true]);
  });

  it('other bytes in the remote secret are another cluster to istiod: it decides again', () => {
    const world = stage(shop(), controlPlaneClusters({ cluster: 'west', primary: 'east', value: undefined, leader: 'restarted' }));
    world.settle();
    change(world, 'west', 'Namespace', undefined, system, (namespace) =>
      annotate(namespace, 'topology.istio.io/controlPlaneClusters', '*'),
    );
    world.settle();
    expect(registration(world)?.joined).toBe(false);
    change(world, 'east', 'Secret', system, 'istio-remote-secret-west', (secret) =>
      put(secret, ['data', 'west'], btoa(`${atob(textAt(secret, 'data', 'west') ?? '')}\n`)),
    );
    world.settle();
    expect(registration(world)?.joined).toBe(true);
    expect(record(world, 'west')).toMatchObject({ holderIdentity: process(world).pod });
  });

  it('a caBundle that is wrong is repaired where somebody leads, unless somebody else keeps writing it', () => {
    const bundle = (world: Stage): string | undefined =>
      textAt(
        world.store('west').get('MutatingWebhookConfiguration', undefined, 'istio-sidecar-injector-1-31-0'),
        'webhooks',
        0,
        'clientConfig',
        'caBundle',
      );
    const world = stage(shop());
    const right = bundle(world);
    change(world, 'west', 'MutatingWebhookConfiguration', undefined, 'istio-sidecar-injector-1-31-0', (webhook) =>
      put(webhook, ['webhooks', '*', 'clientConfig', 'caBundle'], btoa(secondRoot)),
    );
    world.settle();
    expect(bundle(world)).toBe(right);

    const fought = stage(shop(), caBundleReset({ cluster: 'west', bundle: { pem: secondRoot }, manager: 'argocd' }));
    expect(fought.settle()).toEqual([]);
    expect(bundle(fought)).toBe(btoa(secondRoot));
    change(fought, 'west', 'MutatingWebhookConfiguration', undefined, 'istio-sidecar-injector-1-31-0', (webhook) =>
      label(webhook, 'touched', 'yes'),
    );
    fought.settle();
    expect(bundle(fought)).toBe(right);
  });

  it('rights that are lost: the cluster stays synced, its lock runs out, and is held again when they are back', () => {
    const world = stage(shop());
    const role = `istio-reader-clusterrole-1-31-0-${system}`;
    const before = world.store('west').get('ClusterRole', undefined, role)!;
    world.store('west').put(
      put(
        before,
        ['rules'],
        itemsAt(before, 'rules').filter((rule) => !itemsAt(rule, 'resources').includes('configmaps')),
      ),
    );
    world.settle();
    world.pass(300);
    expect(renewals(world.state(), world.memory()).map((one) => one.cluster)).not.toContain('west');
    expect(record(world, 'west')).toMatchObject({ holderIdentity: process(world).pod, renewTime: '2026-11-22T21:27:40Z' });
    world.store('west').put({ ...before });
    world.settle();
    expect(record(world, 'west')).toMatchObject({ holderIdentity: process(world).pod, renewTime: world.state().now });
  });

  it('a reader without ConfigMaps never synchronises, and its endpoints are known all the same', () => {
    const world = stage(shop(), readerWithout({ cluster: 'west', resource: 'configmaps' }));
    restart(world, 'east', system, 'istiod-1-31-0');
    world.settle();
    const now = (): string => world.state().now;
    expect(syncStatus(process(world), registration(world)!, now())).toBe('syncing');
    world.pass(31);
    world.settle();
    expect(syncStatus(process(world), registration(world)!, now())).toBe('timeout');
    expect(registration(world)).toMatchObject({ target: 'west', sees: 'present', manages: false });
  });

  it('a token that died is noticed at the next start of istiod; until then what was seen stays', () => {
    const world = stage(shop());
    world.store('west').remove('Secret', system, 'istio-reader-service-account-istio-remote-secret-token');
    world.settle();
    expect(registration(world)).toMatchObject({ isSynced: true, manages: false });
    expect(typeof registration(world)?.sees).toBe('object');
    restart(world, 'east', system, 'istiod-1-31-0');
    world.settle();
    expect(registration(world)).toMatchObject({ isSynced: false, sees: 'nothing' });
  });

  it.each([
    ['a kubeconfig that istiod refuses', kubeconfigRejected({ cluster: 'east', of: 'west', auth: 'exec', leader: 'loses' }), undefined],
    ['an account that was made again', readerTokenRevoked({ cluster: 'east', of: 'west', by: 'rotated' }), false],
  ] as const)('%s opens nothing', (_name, edit, synced) => {
    const world = stage(shop(), edit);
    world.settle();
    restart(world, 'east', system, 'istiod-1-31-0');
    world.settle();
    expect(registration(world)?.isSynced).toBe(synced);
  });
});

describe('pods', () => {
  it('come back after a restart with what the webhook says now', () => {
    const world = stage(shop());
    const [before] = world.pods('west', 'shop', 'client');
    change(world, 'west', 'MutatingWebhookConfiguration', undefined, 'istio-sidecar-injector-1-31-0', (webhook) =>
      put(webhook, ['webhooks', '*', 'clientConfig', 'service', 'path'], '/inject/cluster/west/net/other'),
    );
    expect(world.settle()).toEqual([]);
    restart(world, 'west', 'shop', 'client');
    world.settle();
    const [after, ...more] = world.pods('west', 'shop', 'client');
    expect(more).toEqual([]);
    expect(after?.metadata.name).not.toBe(before?.metadata.name);
    const proxy = itemsAt(after, 'spec', 'containers').find((container) => textAt(container, 'name') === 'istio-proxy');
    const env: Record<string, string | undefined> = {};
    for (const entry of itemsAt(proxy, 'env')) env[textAt(entry, 'name') ?? ''] = textAt(entry, 'value');
    expect(env).toMatchObject({ ISTIO_META_CLUSTER_ID: 'west', ISTIO_META_NETWORK: 'other', CA_ADDR: `istiod-1-31-0.${system}.svc:15012` });
    expect(after?.metadata.labels).toMatchObject({ 'topology.istio.io/network': 'other', 'security.istio.io/tlsMode': 'istio' });
    expect(itemsAt(before, 'spec', 'containers').map((one) => textAt(one, 'name'))).toEqual(
      itemsAt(after, 'spec', 'containers').map((one) => textAt(one, 'name')),
    );
    expect(ready(after!)).toBe(true);
    expect(world.settle()).toEqual([]);
  });

  it('are created and deleted as a Deployment is scaled, made anew when deleted, and Services follow', () => {
    const world = stage(shop());
    change(world, 'east', 'Deployment', 'shop', 'abc', (deployment) => put(deployment, ['spec', 'replicas'], 3));
    world.settle();
    const addresses = (): unknown[] =>
      world
        .store('east')
        .list('EndpointSlice')
        .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'abc')
        .flatMap((slice) => itemsAt(slice, 'endpoints').map((endpoint) => at(endpoint, 'addresses', 0)));
    expect(new Set(addresses())).toEqual(new Set(world.pods('east', 'shop', 'abc').map((pod) => textAt(pod, 'status', 'podIP'))));
    expect(addresses()).toHaveLength(3);
    const [gone] = world.pods('east', 'shop', 'abc');
    world.store('east').remove('Pod', 'shop', gone!.metadata.name);
    world.settle();
    expect(world.pods('east', 'shop', 'abc').map(ready)).toEqual([true, true, true]);
    change(world, 'east', 'Deployment', 'shop', 'abc', (deployment) => put(deployment, ['spec', 'replicas'], 0));
    world.settle();
    expect(world.pods('east', 'shop', 'abc')).toEqual([]);
    expect(addresses()).toEqual([]);
    expect(textAt(world.store('east').get('Endpoints', 'shop', 'abc'), 'subsets')).toBeUndefined();
  });

  it('are refused while the way to istiod is broken: the old one serves on, the Deployment says why', () => {
    const world = stage(shop());
    change(world, 'east', 'Deployment', system, 'istio-eastwestgateway', (deployment) => put(deployment, ['spec', 'replicas'], 0));
    world.settle();
    const [before] = world.pods('west', 'shop', 'client');
    restart(world, 'west', 'shop', 'client');
    world.settle();
    expect(world.pods('west', 'shop', 'client').map(({ metadata }) => metadata.name)).toEqual([before?.metadata.name]);
    const conditions = itemsAt(world.store('west').get('Deployment', 'shop', 'client'), 'status', 'conditions');
    expect(conditions.find((one) => textAt(one, 'type') === 'ReplicaFailure')).toMatchObject({
      status: 'True',
      reason: 'FailedCreate',
      message: expect.stringMatching(
        /failed calling webhook "rev\.namespace\.sidecar-injector\.istio\.io".*read: connection reset by peer$/,
      ) as string,
    });
    expect(conditions.find((one) => textAt(one, 'type') === 'Available')).toMatchObject({ status: 'True' });
    change(world, 'east', 'Deployment', system, 'istio-eastwestgateway', (deployment) => put(deployment, ['spec', 'replicas'], 1));
    world.settle();
    expect(world.pods('west', 'shop', 'client').map(ready)).toEqual([true]);
    expect(
      itemsAt(world.store('west').get('Deployment', 'shop', 'client'), 'status', 'conditions').map((one) => textAt(one, 'type')),
    ).not.toContain('ReplicaFailure');
  });

  it('wait for the root certificate of their namespace', () => {
    const world = stage(shop(), controlPlaneClusters({ cluster: 'west', primary: 'east', value: undefined, leader: 'restarted' }));
    const root = world.store('west').get('ConfigMap', 'shop', 'istio-ca-root-cert')!;
    world.store('west').remove('ConfigMap', 'shop', 'istio-ca-root-cert');
    restart(world, 'west', 'shop', 'client');
    world.settle();
    const waiting = world.pods('west', 'shop', 'client').find((pod) => !ready(pod));
    expect(waiting?.['status']).toMatchObject({ phase: 'Pending' });
    expect(itemsAt(waiting, 'status', 'containerStatuses').map((one) => textAt(one, 'state', 'waiting', 'reason'))).toEqual([
      'ContainerCreating',
      'ContainerCreating',
    ]);
    expect(world.pods('west', 'shop', 'client').filter(ready)).toHaveLength(1);
    world.store('west').put({ ...root });
    world.settle();
    expect(world.pods('west', 'shop', 'client').map((pod) => [ready(pod), pod.metadata.name])).toEqual([[true, waiting?.metadata.name]]);
  });

  it('are not ready while no istiod lets them in, and are as soon as one does', () => {
    const world = stage(shop());
    // Secret and webhook disagree about the name of the cluster: istiod asks another API server whose token it is.
    change(world, 'west', 'MutatingWebhookConfiguration', undefined, 'istio-sidecar-injector-1-31-0', (webhook) =>
      put(webhook, ['webhooks', '*', 'clientConfig', 'service', 'path'], '/inject/cluster/weast/net/network2'),
    );
    restart(world, 'west', 'shop', 'client');
    world.settle();
    const stuck = world.pods('west', 'shop', 'client').find((pod) => !ready(pod));
    const states = itemsAt(stuck, 'status', 'containerStatuses').map((one) => [textAt(one, 'name'), at(one, 'ready')]);
    expect(Object.fromEntries(states)).toEqual({ app: true, 'istio-proxy': false });
    expect(stuck?.['status']).toMatchObject({ phase: 'Running' });
    const secret = world.store('east').get('Secret', system, 'istio-remote-secret-west');
    world.store('east').put({ ...put(secret!, ['data'], { weast: textAt(secret, 'data', 'west') }) });
    world.settle();
    expect(world.pods('west', 'shop', 'client').map((pod) => [ready(pod), pod.metadata.name])).toEqual([[true, stuck?.metadata.name]]);
  });

  it('are refused when their istiod is away altogether', () => {
    const world = stage(shop());
    change(world, 'east', 'Deployment', system, 'istiod-1-31-0', (deployment) => put(deployment, ['spec', 'replicas'], 0));
    world.settle();
    expect(world.memory().istiods.size).toBe(0);
    expect(record(world, 'east')).toMatchObject({ holderIdentity: '' });
    expect(record(world, 'west')).toMatchObject({ holderIdentity: '' });
    restart(world, 'east', 'shop', 'abc');
    world.settle();
    const conditions = itemsAt(world.store('east').get('Deployment', 'shop', 'abc'), 'status', 'conditions');
    expect(
      textAt(
        conditions.find((one) => textAt(one, 'type') === 'ReplicaFailure'),
        'message',
      ),
    ).toContain('no endpoints available for service "istiod-1-31-0"');
    change(world, 'east', 'Deployment', system, 'istiod-1-31-0', (deployment) => put(deployment, ['spec', 'replicas'], 1));
    world.settle();
    expect(world.pods('east', 'shop', 'abc').map(ready)).toEqual([true]);
    expect(record(world, 'west')).toMatchObject({ holderIdentity: process(world).pod });
  });

  it('a gateway that nobody injects cannot pull its image and the old one stays', () => {
    const world = stage(shop());
    change(world, 'west', 'Deployment', system, 'istio-eastwestgateway', (deployment) =>
      put(deployment, ['spec', 'template', 'metadata', 'labels', 'istio.io/rev'], 'nobody'),
    );
    world.settle();
    const pods = world.pods('west', system, 'istio-eastwestgateway');
    const states = pods.map((pod) => (ready(pod) ? 'ready' : textAt(pod, 'status', 'containerStatuses', 0, 'state', 'waiting', 'reason')));
    expect(new Set(states)).toEqual(new Set(['ready', 'ImagePullBackOff']));
    expect(states).toHaveLength(2);
  });

  it.each([
    ['a primary of several, by its own istiod', mesh().multiPrimary('east', 'west', { networks: 2 }), 'west', 'west'],
    [
      'the config cluster of an external istiod, by its public name',
      mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }),
      'inside',
      'inside',
    ],
    ['a further remote of an external istiod', mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }), 'south', 'south'],
    ['a remote of 1.24, through Endpoints', mesh().primaryRemote('east', 'west', { networks: 2, release: '1.24.6' }), 'west', 'west'],
    ['a remote on one network', mesh().primaryRemote('east', 'west', { networks: 1 }), 'west', 'west'],
  ] as const)('are injected in %s', (_where, built, cluster, id) => {
    const world = stage(built.namespace('shop', { injected: true, clusters: [cluster] }).workload('app.shop', { in: [cluster] }));
    expect(world.settle()).toEqual([]);
    restart(world, cluster, 'shop', 'app');
    world.settle();
    const [pod, ...more] = world.pods(cluster, 'shop', 'app');
    expect(more).toEqual([]);
    const proxy = [...itemsAt(pod, 'spec', 'containers'), ...itemsAt(pod, 'spec', 'initContainers')].find(
      (container) => textAt(container, 'name') === 'istio-proxy',
    );
    expect(
      textAt(
        itemsAt(proxy, 'env').find((entry) => textAt(entry, 'name') === 'ISTIO_META_CLUSTER_ID'),
        'value',
      ),
    ).toBe(id);
    expect(ready(pod!)).toBe(true);
  });

  it('of DaemonSets are made anew when the template changes', () => {
    const world = stage(mesh().ambient('east', 'west'));
    const [before] = world.pods('east', system, 'ztunnel');
    change(world, 'east', 'DaemonSet', system, 'ztunnel', (set) =>
      put(set, ['spec', 'template', 'metadata', 'annotations', 'kubectl.kubernetes.io/restartedAt'], world.state().now),
    );
    world.settle();
    const [after, ...more] = world.pods('east', system, 'ztunnel');
    expect(more).toEqual([]);
    expect(after?.metadata.name).not.toBe(before?.metadata.name);
    expect(world.store('east').get('DaemonSet', system, 'ztunnel')?.['status']).toMatchObject({
      numberReady: 1,
      updatedNumberScheduled: 1,
    });
  });
});

describe('Kubernetes itself', () => {
  it('fills in tokens of service accounts, and deletes them with the account', () => {
    const world = stage(shop());
    world.store('west').put({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'extra', namespace: system, annotations: { 'kubernetes.io/service-account.name': 'istio-reader-service-account' } },
      type: 'kubernetes.io/service-account-token',
    });
    world.settle();
    const filled = world.store('west').get('Secret', system, 'extra');
    expect(atob(textAt(filled, 'data', 'token') ?? '').split('.')).toHaveLength(3);
    expect(atob(textAt(filled, 'data', 'ca.crt') ?? '')).toContain('BEGIN CERTIFICATE');
    world.store('west').remove('ServiceAccount', system, 'istio-reader-service-account');
    world.settle();
    expect(world.store('west').get('Secret', system, 'extra')).toBeUndefined();
  });

  it('gives a new Service its slices, by names of container ports too', () => {
    const world = stage(shop());
    world.store('east').put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'second', namespace: 'shop' },
      spec: {
        clusterIP: '10.96.77.7',
        clusterIPs: ['10.96.77.7'],
        ports: [{ name: 'http', port: 80, targetPort: 'http-envoy-prom', protocol: 'TCP' }],
        selector: { app: 'abc' },
        type: 'ClusterIP',
      },
    });
    world.settle();
    const slice = world
      .store('east')
      .list('EndpointSlice')
      .find(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'second');
    expect(slice?.['ports']).toEqual([{ name: 'http', port: 15090, protocol: 'TCP' }]);
    expect(itemsAt(slice, 'endpoints')).toHaveLength(1);
    expect(world.store('east').get('Endpoints', 'shop', 'second')?.['subsets']).toHaveLength(1);
  });
});

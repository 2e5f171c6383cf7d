import { describe, expect, test } from 'vitest';
import type { Edit } from '../../src/builder/cluster-editor.ts';
import { annotate, changed, label, put } from '../../src/builder/edits/edit.ts';
import { isEastWestService, isElection, isIstiod, isPod, isRemoteSecret, isSidecarPod } from '../../src/builder/edits/find.ts';
import { at, edited, itemsAt } from '../../src/builder/edits/json.ts';
import { plainData, withClaims, withKubeconfig, withPlainData } from '../../src/builder/edits/kubeconfig.ts';
import { readerWithout, tokenExpires } from '../../src/builder/edits/remote-secret.ts';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import { snapshotOf } from '../../src/collect/snapshot.ts';
import { observedIn } from '../../src/testkit/observed.ts';
import type { KubeObject, MeshObjects } from '../../src/model/kube.ts';
import type { DeclaredTopology } from '../../src/model/snapshot.ts';
import { crashes, loud, run, told } from '../corpus/corpus.ts';

/** Healthy meshes that look odd, as real companies have them. Nothing may be said about any of them at warning or above. */

interface Odd {
  readonly built: MeshBuilder;
  readonly declared?: DeclaredTopology;
  /** Only these clusters are given. */
  readonly only?: readonly string[];
  /** Cluster → when it was looked at, where that is not the mesh's own time. */
  readonly takenAt?: Readonly<Record<string, string>>;
}

type Change = (object: KubeObject) => KubeObject | readonly KubeObject[];
type Fits = (object: KubeObject) => boolean;

const network = 'topology.istio.io/network';
const system = 'istio-system';
const isKind =
  (kind: string, name?: string): Fits =>
  (object) =>
    object.kind === kind && (name === undefined || object.metadata.name === name);
const isNamespace = (name: string): Fits => isKind('Namespace', name);

/** Every object that fits, in one cluster or in all. */
function where(fits: Fits, change: Change, cluster?: string): Edit {
  return (objects) =>
    new Map(
      [...objects].map(([name, own]) => [
        name,
        cluster === undefined || cluster === name ? own.flatMap((object) => (fits(object) ? change(object) : object)) : own,
      ]),
    );
}

const without = (fits: Fits, cluster?: string): Edit => where(fits, () => [], cluster);
const and =
  (...edits: readonly Edit[]): Edit =>
  (objects) =>
    edits.reduce((before, edit) => edit(before), objects);
const adding =
  (cluster: string, ...more: readonly KubeObject[]): Edit =>
  (objects) =>
    new Map([...objects].map(([name, own]) => [name, name === cluster ? [...own, ...more] : own]));
/** Every object as text, with `from` replaced wherever it stands. */
const spelled = (from: RegExp | string, to: string, fits: Fits = () => true, cluster?: string): Edit =>
  where(fits, (object) => JSON.parse(JSON.stringify(object).replaceAll(from, to)) as KubeObject, cluster);
/** The objects of a cluster, changed as a whole. */
const cluster =
  (name: string, change: (own: readonly KubeObject[]) => readonly KubeObject[]): Edit =>
  (objects) =>
    new Map([...objects].map(([one, own]) => [one, one === name ? change(own) : own]));

const config = (namespace: string, name: string, data: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});

const shop = (built: MeshBuilder): MeshBuilder =>
  built.namespace('shop', { injected: true }).service('abc.shop').namespace('plain').workload('batch.plain');
const primaryRemote = shop(mesh().primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' }));
const unnamed = shop(mesh().primaryRemote('east', 'west', { networks: 2 }));
const oneNetwork = shop(mesh().primaryRemote('east', 'west', { networks: 1 }));
const multiPrimary = shop(mesh().multiPrimary('east', 'west'));
const multiPrimaryOne = shop(mesh().multiPrimary('east', 'west', { networks: 0 }));
const three = shop(mesh().multiPrimary('east', 'west', { more: ['south'] }));
const external = mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] });

const envOf =
  (name: string, value: string | undefined): Change =>
  (object) =>
    changed(object, ['spec', 'template', 'spec', 'containers', '*', 'env'], (old) => [
      ...itemsAt(old).filter((entry) => at(entry, 'name') !== name),
      ...(value === undefined ? [] : [{ name, value }]),
    ]);
const proxyEnvOf = (pod: KubeObject, name: string, value: string | undefined): KubeObject =>
  ['containers', 'initContainers'].reduce(
    (object, list) =>
      itemsAt(object, 'spec', list).length === 0
        ? object
        : changed(object, ['spec', list, '*'], (container) =>
            at(container, 'name') !== 'istio-proxy'
              ? container
              : edited(container, ['env'], (env) => [
                  ...itemsAt(env).filter((entry) => at(entry, 'name') !== name),
                  ...(value === undefined ? [] : [{ name, value }]),
                ]),
          ),
    pod,
  );
const mesheConfig = (change: (text: string) => string): Edit =>
  where(
    (object) => object.kind === 'ConfigMap' && at(object, 'data', 'mesh') !== undefined,
    (object) => changed(object, ['data', 'mesh'], (text) => change(String(text))),
  );
const isLock = (object: KubeObject): boolean => object.metadata.annotations?.['control-plane.alpha.kubernetes.io/leader'] !== undefined;
const renewed =
  (time: string): Change =>
  (object) =>
    changed(object, ['metadata', 'annotations', 'control-plane.alpha.kubernetes.io/leader'], (text) =>
      String(text).replace(/"renewTime":"[^"]*"/, `"renewTime":"${time}"`),
    );
/** A copy of an object under another name. */
const also =
  (name: string, change: (copy: KubeObject) => KubeObject = (copy) => copy): Change =>
  (object) => [object, change({ ...object, metadata: { ...object.metadata, name, uid: `${object.metadata.uid ?? ''}-${name}` } })];
const inSystemNamespace = (name: string): Edit =>
  and(
    where(isKind('Secret'), (object) =>
      withPlainData(object, (data) =>
        Object.fromEntries(
          Object.entries(data).map(([key, value]) => [
            key,
            value.replaceAll(/ey[\w-]+\.(ey[\w-]+)\.[\w-]+/g, (token) => retold(token, name)),
          ]),
        ),
      ),
    ),
    spelled('istio-system', name),
    where(
      (object) => object.kind === 'MutatingWebhookConfiguration' && object.metadata.name.startsWith('istio-sidecar-injector'),
      (object) => ({ ...object, metadata: { ...object.metadata, name: `${object.metadata.name}-${name}` } }),
    ),
  );
/** A token of the reader of another system namespace. */
function retold(token: string, namespace: string): string {
  const claims = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as Record<string, string>;
  return withClaims(
    token,
    Object.fromEntries(Object.entries(claims).map(([claim, value]) => [claim, value.replaceAll('istio-system', namespace)])),
  );
}
/** The east-west gateway as the Helm chart `gateway` installs it, in a namespace of its own. */
const helmGateway = (namespace: string, name: string, istio: string): Edit =>
  and(
    spelled('"istio-eastwestgateway', `"${name}`),
    spelled('"istio":"eastwestgateway"', `"istio":"${istio}"`),
    where(
      (object) => object.metadata.name.startsWith(name) && object.metadata.namespace === system,
      (object) => ({ ...object, metadata: { ...object.metadata, namespace } }),
    ),
    where(
      (object) => isElectionFree(object) && object.kind === 'Gateway' && itemsAt(object, 'spec', 'servers').length > 0,
      (object) => put(object, ['spec', 'selector'], { istio }),
    ),
    (objects) =>
      new Map(
        [...objects].map(([one, own]) => [
          one,
          [
            ...own,
            {
              apiVersion: 'v1',
              kind: 'Namespace',
              metadata: { name: namespace, labels: { 'istio-injection': 'enabled' } },
              status: { phase: 'Active' },
            },
            ...own.flatMap((object) =>
              object.kind === 'ConfigMap' && object.metadata.name === 'istio-ca-root-cert' && object.metadata.namespace === system
                ? [{ ...object, metadata: { ...object.metadata, namespace } }]
                : [],
            ),
          ],
        ]),
      ),
  );
const isElectionFree = (object: KubeObject): boolean => object.apiVersion.startsWith('networking.istio.io/');
const isPilotSlice = (object: KubeObject): boolean => object.kind === 'EndpointSlice' && /^istiod(-\d|$)/.test(object.metadata.name);
const mergedSecrets = (name: string): Edit =>
  cluster(name, (own) => {
    const secrets = own.filter(isRemoteSecret);
    const [first, ...rest] = secrets;
    if (first === undefined) return own;
    const data = Object.assign({}, ...secrets.map(plainData)) as Record<string, string>;
    return [
      ...own.filter((object) => !isRemoteSecret(object)),
      ...(rest.length === 0
        ? [first]
        : [withPlainData({ ...first, metadata: { ...first.metadata, name: 'peers', annotations: {} } }, () => data)]),
    ];
  });
const pod = (namespace: string, name: string, more: Readonly<Record<string, unknown>> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { app: name }, creationTimestamp: '2026-11-22T20:00:00Z' },
  spec: { containers: [{ name: 'app', image: 'x' }] },
  status: { phase: 'Running', podIP: '10.9.9.9', podIPs: [{ ip: '10.9.9.9' }] },
  ...more,
});
const plain = (namespace: string, labels: Readonly<Record<string, string>> = {}, phase = 'Active'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: namespace, labels },
  status: { phase },
});
const bindingOf = (subject: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'platform-readers' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [subject],
});
const adminRole: KubeObject = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'cluster-admin' },
  rules: [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ],
};
const isReader = (object: KubeObject): boolean =>
  (object.kind === 'ClusterRole' || object.kind === 'ClusterRoleBinding') && object.metadata.name.startsWith('istio-reader-clusterrole');
const asFromGit: Edit = where(
  () => true,
  (object) => {
    const { status: _status, ...rest } = object as KubeObject & { status?: unknown };
    const {
      uid: _uid,
      resourceVersion: _version,
      generation: _generation,
      creationTimestamp: _at,
      ...metadata
    } = object.metadata as KubeObject['metadata'] & {
      generation?: unknown;
    };
    return { ...rest, metadata };
  },
);
/** What no repository holds. */
const isMade = (object: KubeObject): boolean =>
  ['Pod', 'ReplicaSet', 'Endpoints', 'Node', 'Lease', 'Event', 'Secret'].includes(object.kind) ||
  (object.kind === 'EndpointSlice' && !isPilotSlice(object)) ||
  (object.kind === 'ConfigMap' && /election|leader|root-cert|-crl|autoallocate/.test(object.metadata.name));

const cases: Readonly<Record<string, () => Odd>> = {
  // Things that look wrong and are not, by the names that the list of them has; then more of their kind.
  'FP-1: one network, no label anywhere': () => ({ built: multiPrimaryOne }),
  'FP-2: one network with its name, and no gateway': () => ({ built: shop(mesh().multiPrimary('east', 'west', { networks: 1 })) }),
  'one network, the same label on every system namespace': () => ({
    built: oneNetwork.edit(where(isNamespace(system), (object) => label(object, network, 'network1'))),
  }),
  'one network, the label on one system namespace only, without gateways': () => ({
    built: multiPrimaryOne.edit(where(isNamespace(system), (object) => label(object, network, ''))),
  }),
  'one network: no gateway but the one for istiod': () => ({
    built: shop(mesh().primaryRemote('east', ['west', 'south'], { networks: 0 })),
  }),
  'FP-3: load balancers with host names': () => ({
    built: multiPrimary.edit(
      where(isEastWestService, (object) =>
        put(object, ['status'], { loadBalancer: { ingress: [{ hostname: `${object.metadata.uid ?? ''}.elb.eu-west-1.amazonaws.com` }] } }),
      ),
    ),
  }),
  'FP-4: free secret names': () => ({
    built: primaryRemote.edit(
      where(isRemoteSecret, (object) => ({ ...object, metadata: { ...object.metadata, name: 'reach-the-west', annotations: {} } })),
    ),
  }),
  'FP-4: all clusters in one secret': () => ({
    built: three.edit(and(mergedSecrets('east'), mergedSecrets('west'), mergedSecrets('south'))),
  }),
  'FP-4: kubeconfigs in mounted files': () => ({
    built: three.edit(and(without(isRemoteSecret), where(isIstiod, envOf('PILOT_MULTICLUSTER_KUBECONFIG_PATH', '/etc/kubeconfigs')))),
  }),
  'FP-5: a remote without mesh config and without injector values': () => ({
    built: primaryRemote.edit(
      without((object) => object.kind === 'ConfigMap' && /^istio(-sidecar-injector)?(-1-31-0)?$/.test(object.metadata.name), 'west'),
    ),
  }),
  'FP-6: a mirrored slice beside hand-made Endpoints': () => ({
    built: shop(mesh().primaryRemote('east', 'west', { release: '1.27.9' })),
  }),
  'hand-made Endpoints beside the slice, not mirrored': () => ({
    built: primaryRemote.edit(
      adding('west', {
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: { name: 'istiod-1-31-0', namespace: system, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
        subsets: [
          {
            addresses: [{ ip: '10.200.1.1' }],
            ports: [
              { name: 'tcp-istiod', port: 15012 },
              { name: 'tcp-webhook', port: 15017 },
            ],
          },
        ],
      }),
    ),
  }),
  'FP-7: webhooks of the remote trust the self-signed root of the primary': () => ({
    built: shop(mesh().primaryRemote('east', 'west', { networks: 2, trust: 'self-signed' })),
  }),
  'FP-8: two revisions, tags and proxies of both': () => ({
    built: shop(mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' }))
      .namespace('moved', { revision: '1-31-0' })
      .workload('n.moved')
      .break((m) => m.cluster('east').tag('stable', '1-30-3')),
  }),
  'FP-9: an intermediate for each cluster, under one root': () => ({
    built: shop(mesh().multiPrimary('east', 'west', { trust: 'plugged-in' })),
  }),
  'FP-10: trust domains with aliases both ways': () => ({
    built: multiPrimary.edit((objects) => {
      const named = spelled(
        'trustDomain: cluster.local',
        'trustDomain: west.example.com\\ntrustDomainAliases: [cluster.local]',
        isKind('ConfigMap'),
        'west',
      )(objects);
      return spelled(
        'trustDomain: cluster.local',
        'trustDomain: cluster.local\\ntrustDomainAliases: [west.example.com]',
        isKind('ConfigMap'),
        'east',
      )(named);
    }),
  }),
  'FP-11: a service that stays in its cluster, and one that prefers its locality': () => ({
    built: multiPrimary
      .edit(mesheConfig((text) => `serviceSettings:\n- settings:\n    clusterLocal: true\n  hosts: [abc.shop.svc.cluster.local]\n${text}`))
      .edit(and(...['east', 'west'].map((name) => adding(name, preferring)))),
  }),
  'FP-12: gateway pods without network label': () => ({
    built: primaryRemote.edit(
      and(
        where(
          (object) => isPod(object) && object.metadata.name.startsWith('istio-eastwest'),
          (object) => label(object, network, undefined),
        ),
        where(isEastWestService, (object) => put(object, ['spec', 'selector', network], undefined)),
      ),
    ),
  }),
  'FP-13: hub and spoke, declared': () => ({
    built: three
      .edit(without((object) => isRemoteSecret(object) && object.metadata.name.endsWith('-south'), 'west'))
      .edit(without((object) => isRemoteSecret(object) && object.metadata.name.endsWith('-west'), 'south')),
    declared: {
      withoutSecret: [
        { reader: 'west', read: 'south' },
        { reader: 'south', read: 'west' },
      ],
    },
  }),
  'FP-14: an HBONE gateway beside the classic one': () => ({ built: shop(mesh().ambient('east', 'west')) }),
  'FP-16: a secret for the own cluster': () => ({
    built: three.edit((objects) =>
      adding(
        'east',
        ...(objects.get('west') ?? []).filter((object) => isRemoteSecret(object) && object.metadata.name.endsWith('-east')),
      )(objects),
    ),
  }),
  'FP-18: NodePorts differ': () => ({
    built: multiPrimary.edit(spelled(/"nodePort":3\d+/g, '"nodePort":30001', isKind('Service'), 'west')),
  }),
  'FP-19: a namespace that only one cluster injects': () => ({
    built: multiPrimary
      .namespace('lab', { clusters: ['east'], injected: true })
      .workload('x.lab', { in: ['east'] })
      .namespace('lab', { clusters: ['west'] }),
  }),
  'FP-21: ExternalName istiod beside url webhooks': () => ({
    built: external.edit(
      adding('south', {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'istiod', namespace: 'external-istiod' },
        spec: {
          type: 'ExternalName',
          externalName: 'istiod.mesh.example.com',
          ports: [
            { name: 'tcp-istiod', port: 15012 },
            { name: 'tcp-webhook', port: 443 },
          ],
        },
      }),
    ),
  }),
  'FP-22: tokens that never expire': () => ({ built: shop(mesh().primaryRemote('east', 'west', { networks: 2 })) }),
  'FP-23: controlPlaneClusters is a list': () => ({
    built: primaryRemote.edit(
      where(isNamespace(system), (object) => annotate(object, 'topology.istio.io/controlPlaneClusters', 'dr,east,old'), 'west'),
    ),
  }),
  // System namespaces
  'FP-24: the reader may not list what only analyzers read': () => ({
    built: ['telemetries', 'wasmplugins'].reduce(
      (built, resource) => built.edit(readerWithout({ cluster: 'west', resource })),
      shop(mesh().primaryRemote('east', 'west', { networks: 2 })),
    ),
  }),
  'AKS: aks-istio-system with a revision of the add-on': () => ({
    built: shop(mesh().primaryRemote('east', 'west', { revision: 'asm-1-27', release: '1.27.9' })).edit(
      inSystemNamespace('aks-istio-system'),
    ),
  }),
  'a second mesh namespace: istio-system-2': () => ({ built: multiPrimary.edit(inSystemNamespace('istio-system-2')) }),
  // Revisions
  'a tag in one cluster only': () => ({ built: primaryRemote.break((m) => m.cluster('east').tag('stable', '1-31-0')) }),
  'no tag at all': () => ({ built: primaryRemote.break((m) => m.cluster('east').withoutDefaultTag().cluster('west').withoutDefaultTag()) }),
  'primaries on the default and on a named revision': () => ({
    built: shop(mesh().multiPrimary('east', 'west', { revisions: ['default', '1-30-3'] })),
  }),
  'canary: control plane only': () => ({
    built: shop(mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'control-plane' })),
  }),
  'canary: remote as well, one namespace moved': () => ({
    built: shop(mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' }))
      .namespace('new', { revision: '1-31-0' })
      .workload('n.new'),
  }),
  'canary on one network': () => ({
    built: shop(mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote', networks: 0 })),
  }),
  // Topologies
  'two remotes of one primary': () => ({ built: shop(mesh().primaryRemote('east', ['west', 'south'], { networks: 2 })) }),
  'a remote that shares the network of its primary, and its gateway': () => ({
    built: shop(mesh().primaryRemote('east', ['west', 'south'], { networks: 2, networkNames: { south: 'network1' } })).edit(
      without(
        (object) =>
          object.metadata.name.startsWith('istio-eastwestgateway') &&
          ['Deployment', 'Service', 'Pod', 'ReplicaSet', 'EndpointSlice', 'Endpoints', 'HorizontalPodAutoscaler'].includes(object.kind),
        'south',
      ),
    ),
  }),
  'two remotes that share a network and a gateway': () => ({
    built: shop(mesh().primaryRemote('east', ['west', 'south'], { networks: 2, networkNames: { south: 'network2' } })).edit(
      without(
        (object) =>
          object.metadata.name.startsWith('istio-eastwestgateway') &&
          ['Deployment', 'Service', 'Pod', 'ReplicaSet', 'EndpointSlice', 'Endpoints', 'HorizontalPodAutoscaler'].includes(object.kind),
        'south',
      ),
    ),
  }),
  'two primaries on one network with a gateway each, beside a third on another': () => ({
    built: shop(mesh().multiPrimary('east', 'west', { more: ['south'], networkNames: { west: 'network1' } })),
  }),
  'two meshes in one command': () => ({
    built: shop(
      mesh()
        .primaryRemote('east', 'west', { networks: 2 })
        .multiPrimary('north', 'south', { trust: 'plugged-in', clusterIds: { north: 'n1', south: 's1' }, meshId: 'mesh2' }),
    ),
  }),
  'two primary-remote meshes with the same cluster IDs': () => ({
    built: shop(
      mesh()
        .primaryRemote('prod-a', 'prod-b', { clusterIds: { 'prod-a': 'a', 'prod-b': 'b' }, meshId: 'prod' })
        .primaryRemote('test-a', 'test-b', { clusterIds: { 'test-a': 'a', 'test-b': 'b' }, meshId: 'test' }),
    ),
  }),
  'a cluster without Istio beside a mesh': () => ({
    built: primaryRemote.edit((objects) =>
      new Map(objects).set('bare', [plain('default'), plain('kube-system'), plain('apps'), pod('apps', 'web')]),
    ),
  }),
  'a remote without its primary': () => ({ built: primaryRemote, only: ['west'] }),
  'a primary without its remote': () => ({ built: primaryRemote, only: ['east'] }),
  'one primary of three missing': () => ({ built: three, only: ['east', 'west'] }),
  'an external control plane without its further remote': () => ({ built: external, only: ['outside', 'inside'] }),
  'a config cluster without the external cluster': () => ({ built: external, only: ['inside'] }),
  'the external cluster alone': () => ({ built: external, only: ['outside'] }),
  'an external remote without the config cluster': () => ({ built: external, only: ['outside', 'south'] }),
  'two primaries, and a remote of one of them that both read': () => ({ built: primariesWithRemote() }),
  'two primaries, and a remote of one of them, declared to be read by nobody else': () => ({
    built: primariesWithRemote().edit(without((object) => isRemoteSecret(object) && object.metadata.name.endsWith('-west'), 'north')),
    declared: { withoutSecret: [{ reader: 'north', read: 'west' }] },
  }),
  'two meshes of one cluster each, under one root of the company, with mesh IDs of their own': () => ({
    built: standalone('prod', 'test'),
    only: ['prod', 'test'],
  }),
  'two installations of one cluster each, made alike': () => ({
    built: shop(
      mesh()
        .multiPrimary('prod', 'x', { trust: 'self-signed', networks: 0 })
        .multiPrimary('test', 'y', { trust: 'self-signed', networks: 0 }),
    ).edit(without(isRemoteSecret)),
    only: ['prod', 'test'],
  }),
  'cluster IDs are ARNs': () => ({
    built: shop(
      mesh()
        .primaryRemote('east', 'west', {
          clusterIds: { east: 'arn:aws:eks:eu-west-1:123456789012:cluster/east', west: 'arn:aws:eks:eu-west-1:123456789012:cluster/west' },
        })
        .edit(spelled(/inject\/cluster\/(arn[^"]*?)cluster\/(east|west)\/net/g, 'inject/cluster/$1cluster--slash--$2/net')),
    ),
  }),
  'a cluster domain of the company': () => ({
    // The domain of DNS, not that of identities, which a remote without mesh config would not be known by.
    built: primaryRemote.edit(
      and(
        spelled('cluster.local', 'prod.corp.internal'),
        spelled('trustDomain: prod.corp.internal', 'trustDomain: cluster.local'),
        spelled('"*.local"', '"*.internal"'),
      ),
    ),
  }),
  'addresses of both families': () => ({
    built: multiPrimary.edit(
      where(
        (object) => isPod(object) && at(object, 'status', 'podIP') !== undefined,
        (object) =>
          put(
            object,
            ['status', 'podIPs'],
            [{ ip: at(object, 'status', 'podIP') }, { ip: `fd00:${object.metadata.uid?.slice(0, 4) ?? ''}::7` }],
          ),
      ),
    ),
  }),
  'a further ingress gateway that is injected, in a namespace of its own': () => ({
    built: primaryRemote.namespace('istio-ingress', { injected: true }).workload('public.istio-ingress', { labels: { istio: 'ingress' } }),
  }),
  'canary: namespaces moved, pods not restarted yet': () => ({
    built: shop(mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' })).edit(
      where(isNamespace('shop'), (object) => label(object, 'istio.io/rev', '1-31-0')),
    ),
  }),
  // Gateways
  'gateways by the Helm chart, in a namespace of their own': () => ({
    built: unnamed.edit(helmGateway('istio-ingress', 'cross-gw', 'cross-gw')),
  }),
  'multi-primary gateways by the Helm chart': () => ({
    built: multiPrimary.edit(helmGateway('istio-gateways', 'istio-eastwest', 'eastwest')),
  }),
  'two gateways per network': () => ({
    built: multiPrimary.edit(
      where(
        isEastWestService,
        also('istio-eastwestgateway-b', (copy) => put(copy, ['status'], { loadBalancer: { ingress: [{ ip: '10.200.7.7' }] } })),
      ),
    ),
  }),
  'an internal second Service of the gateway, ClusterIP': () => ({
    built: multiPrimary.edit(
      where(
        isEastWestService,
        also('istio-eastwestgateway-internal', (copy) => put(put(copy, ['spec', 'type'], 'ClusterIP'), ['status'], { loadBalancer: {} })),
      ),
    ),
  }),
  'NodePort gateways with external nodes': () => ({
    built: multiPrimary.edit(
      and(
        where(isEastWestService, (object) =>
          annotate(put(put(object, ['spec', 'type'], 'NodePort'), ['status'], { loadBalancer: {} }), 'traffic.istio.io/nodeSelector', '{}'),
        ),
        where(isKind('Node'), (object) =>
          changed(object, ['status', 'addresses'], (old) => [
            ...itemsAt(old),
            { type: 'ExternalIP', address: object.metadata.name.endsWith('east') ? '203.0.113.7' : '203.0.113.8' },
          ]),
        ),
      ),
    ),
  }),
  'gateways with externalIPs (bare metal)': () => ({
    built: primaryRemote.edit(
      where(isEastWestService, (object) =>
        put(
          put(
            put(object, ['spec', 'externalIPs'], [String(at(object, 'status', 'loadBalancer', 'ingress', 0, 'ip'))]),
            ['spec', 'type'],
            'ClusterIP',
          ),
          ['status'],
          { loadBalancer: {} },
        ),
      ),
    ),
  }),
  'a load balancer that stays pending beside externalIPs': () => ({
    built: multiPrimary.edit(
      where(isEastWestService, (object) =>
        put(put(object, ['spec', 'externalIPs'], [String(at(object, 'status', 'loadBalancer', 'ingress', 0, 'ip'))]), ['status'], {
          loadBalancer: {},
        }),
      ),
    ),
  }),
  'gateways on another port by gatewayPort': () => ({
    built: multiPrimary.edit(
      where(isEastWestService, (object) =>
        label(
          changed(object, ['spec', 'ports', '*'], (port) => (at(port, 'port') === 15443 ? edited(port, ['port'], () => 443) : port)),
          'networking.istio.io/gatewayPort',
          '443',
        ),
      ),
    ),
  }),
  'meshNetworks instead of labels': () => ({
    built: multiPrimary.edit(
      and(
        where(isNamespace(system), (object) => label(object, network, undefined)),
        where(isEastWestService, (object) => label(object, network, undefined)),
        where(
          (object) => object.kind === 'ConfigMap' && at(object, 'data', 'meshNetworks') !== undefined,
          (object) =>
            put(
              object,
              ['data', 'meshNetworks'],
              'networks:\n  network1:\n    endpoints:\n    - fromRegistry: east\n    gateways:\n    - address: 10.200.1.1\n      port: 15443\n  network2:\n    endpoints:\n    - fromRegistry: west\n    gateways:\n    - registryServiceName: istio-eastwestgateway.istio-system.svc.cluster.local\n      port: 15443\n',
            ),
        ),
      ),
    ),
  }),
  'an autoscaler keeps three gateways and three istiods': () => ({
    built: primaryRemote.edit(
      where(
        (object) => object.kind === 'Deployment' && object.metadata.namespace === system,
        (object) => {
          const { replicas: _replicas, ...spec } = at(object, 'spec') as Record<string, unknown>;
          return { ...object, spec, status: { replicas: 3, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 3 } };
        },
      ),
    ),
  }),
  'a gateway rolls: one pod of two is not ready yet': () => ({
    built: multiPrimary.edit(
      where(
        (object) => isPod(object) && object.metadata.name.startsWith('istio-eastwest'),
        also('istio-eastwestgateway-7d9-new', (copy) =>
          put(put(copy, ['status', 'conditions'], [{ type: 'Ready', status: 'False' }]), ['status', 'podIP'], '10.1.200.200'),
        ),
      ),
    ),
  }),
  // Pilot address
  'remotePilotAddress is a host name, webhooks call the url': () => ({
    built: unnamed.edit(
      and(
        where(isEastWestService, (object) =>
          put(object, ['status'], { loadBalancer: { ingress: [{ hostname: `${String(object.metadata.uid)}.elb.example.com` }] } }),
        ),
        (objects) => {
          const host = `${String((objects.get('east') ?? []).find(isEastWestService)?.metadata.uid)}.elb.example.com`;
          return and(
            without(isPilotSlice, 'west'),
            where(
              (object) => object.kind === 'Service' && object.metadata.name === 'istiod',
              (object) => ({
                ...object,
                spec: {
                  type: 'ExternalName',
                  externalName: host,
                  ports: [
                    { name: 'tcp-istiod', port: 15012 },
                    { name: 'tcp-webhook', port: 443, targetPort: 15017 },
                  ],
                },
              }),
              'west',
            ),
            where(
              isKind('MutatingWebhookConfiguration'),
              (object) =>
                changed(object, ['webhooks', '*', 'clientConfig'], (old) => ({
                  caBundle: at(old, 'caBundle'),
                  url: `https://${host}:15017${String(at(old, 'service', 'path'))}`,
                })),
              'west',
            ),
          )(objects);
        },
      ),
    ),
  }),
  'DNS in front of the gateway: the remote knows a name of the company': () => ({
    built: unnamed.edit(
      and(
        without(isPilotSlice, 'west'),
        where(
          (object) => object.kind === 'Service' && object.metadata.name === 'istiod',
          (object) => ({
            ...object,
            spec: { type: 'ExternalName', externalName: 'istiod.corp.example.com', ports: [{ name: 'tcp-istiod', port: 15012 }] },
          }),
          'west',
        ),
        where(
          isKind('MutatingWebhookConfiguration'),
          (object) =>
            changed(object, ['webhooks', '*', 'clientConfig'], (old) => ({
              caBundle: at(old, 'caBundle'),
              url: `https://istiod.corp.example.com:15017${String(at(old, 'service', 'path'))}`,
            })),
          'west',
        ),
      ),
    ),
  }),
  // Secrets
  'the token runs out later': () => ({ built: primaryRemote.edit(tokenExpires({ cluster: 'east', of: 'west', minutes: 60 * 24 * 30 })) }),
  'a service account of another name opens the remote': () => ({
    built: primaryRemote.edit(
      and(
        without((object) => object.kind === 'Secret' && object['type'] === 'kubernetes.io/service-account-token', 'west'),
        where(isRemoteSecret, (object) => withKubeconfig(object, /token: \S+/, 'token: bm90LWEtand0')),
      ),
    ),
  }),
  'tokens redacted by whoever made the dump': () => ({
    built: primaryRemote.edit(
      and(
        where(isRemoteSecret, (object) => withKubeconfig(object, /token: \S+/, 'token: REDACTED')),
        where(
          (object) => object.kind === 'Secret' && object['type'] === 'kubernetes.io/service-account-token',
          (object) => put(object, ['data', 'token'], 'UkVEQUNURUQ='),
        ),
      ),
    ),
  }),
  'Secrets without data': () => ({
    built: multiPrimary.edit(where(isKind('Secret'), (object) => changed(object, ['data'], () => undefined))),
  }),
  'Secrets without data, primary-remote': () => ({
    built: primaryRemote.edit(
      where(isKind('Secret'), (object) =>
        changed(annotate(object, 'kubectl.kubernetes.io/last-applied-configuration', undefined), ['data'], () => undefined),
      ),
    ),
  }),
  'Secrets whose values were replaced': () => ({
    built: primaryRemote.edit(
      where(isKind('Secret'), (object) =>
        changed(object, ['data'], (old) => Object.fromEntries(Object.keys(old ?? {}).map((key) => [key, 'KioqKioq']))),
      ),
    ),
  }),
  'Secrets that are decrypted when they are applied': () => ({
    built: primaryRemote.edit(
      where(isKind('Secret'), (object) =>
        changed(annotate(object, 'kubectl.kubernetes.io/last-applied-configuration', undefined), ['data'], (old) =>
          Object.fromEntries(Object.keys(old ?? {}).map((key) => [key, 'ENC[AES256_GCM,data:Zm9v,iv:YmFy,tag:YmF6,type:str]'])),
        ),
      ),
    ),
  }),
  'no Secrets in the dump': () => ({ built: primaryRemote.edit(without(isKind('Secret'))) }),
  'API servers behind a proxy of the company': () => ({
    built: primaryRemote.edit(
      where(isRemoteSecret, (object) =>
        withKubeconfig(object, /server: \S+/, 'server: https://rancher.corp.example.com/k8s/clusters/c-m-x7'),
      ),
    ),
  }),
  'kubeconfig with a client certificate': () => ({
    built: primaryRemote.edit(
      where(isRemoteSecret, (object) => withKubeconfig(object, /token: \S+/, 'client-certificate-data: Zm9v\n    client-key-data: YmFy')),
    ),
  }),
  'another tool keeps a kubeconfig of the same cluster': () => ({
    built: primaryRemote
      .edit(
        where(isRemoteSecret, (object) => [
          object,
          { ...object, metadata: { name: 'cluster-west', namespace: 'argocd', labels: { 'argocd.argoproj.io/secret-type': 'cluster' } } },
        ]),
      )
      .namespace('argocd'),
  }),
  // Reader roles
  'the reader is cluster-admin': () => ({
    built: primaryRemote.edit(
      and(
        without(isReader, 'west'),
        without(isKind('ClusterRole', 'cluster-admin')),
        adding('west', adminRole, bindingOf({ kind: 'ServiceAccount', name: 'istio-reader-service-account', namespace: system })),
      ),
    ),
  }),
  'the reader has its rights by a group': () => ({
    built: primaryRemote.edit(
      and(
        without(isReader, 'west'),
        without(isKind('ClusterRole', 'cluster-admin')),
        adding(
          'west',
          adminRole,
          bindingOf({ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:serviceaccounts:istio-system' }),
        ),
      ),
    ),
  }),
  'the role of the reader is aggregated': () => ({
    built: primaryRemote.edit(
      where(
        (object) => object.kind === 'ClusterRole' && isReader(object),
        (object) => [
          {
            ...object,
            aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'rbac.example.com/to-reader': 'true' } }] },
          },
          { ...object, metadata: { name: 'reader-part', labels: { 'rbac.example.com/to-reader': 'true' } } },
        ],
        'west',
      ),
    ),
  }),
  'no roles in the dump': () => ({ built: primaryRemote.edit(without((object) => /^(Cluster)?Role(Binding)?$/.test(object.kind))) }),
  // Trust
  'namespaces outside discoverySelectors have no root': () => ({
    built: multiPrimary
      .edit(mesheConfig((text) => `discoverySelectors:\n- matchLabels:\n    mesh: "on"\n${text}`))
      .edit(
        where(
          (object) => object.kind === 'Namespace' && ['shop', system].includes(object.metadata.name),
          (object) => label(object, 'mesh', 'on'),
        ),
      )
      .edit(
        without(
          (object) =>
            object.kind === 'ConfigMap' &&
            object.metadata.name === 'istio-ca-root-cert' &&
            !['shop', system].includes(String(object.metadata.namespace)),
        ),
      ),
  }),
  'a rotation of the root: bundles of two everywhere': () => ({
    built: mesh()
      .multiPrimary('north', 'south', { clusterIds: { north: 'n1', south: 's1' } })
      .edit((objects) => bundled(objects, shop(mesh().multiPrimary('o1', 'o2', { trust: 'self-signed' })).objects())),
  }),
  'a namespace that is being deleted': () => ({
    built: primaryRemote.edit(
      and(
        adding('west', {
          ...plain('gone', { 'istio.io/rev': '1-28-0' }, 'Terminating'),
          metadata: { name: 'gone', labels: { 'istio.io/rev': '1-28-0' }, deletionTimestamp: '2026-11-22T21:20:00Z' },
        }),
      ),
    ),
  }),
  // Injection
  'istio-injection=disabled, labels of both kinds, kube-system': () => ({
    built: primaryRemote.edit(
      and(
        adding(
          'west',
          plain('off', { 'istio-injection': 'disabled', 'istio.io/rev': '1-28-0' }),
          plain('both', { 'istio-injection': 'enabled', 'istio.io/rev': '1-31-0' }),
        ),
        where(isNamespace('kube-system'), (object) => label(label(object, 'istio.io/rev', '1-28-0'), 'istio-injection', 'disabled')),
      ),
    ),
  }),
  'pods join by labels of their own': () => ({
    built: unnamed.namespace('own').workload('one.own', { inject: true }).workload('two.own', { inject: false }),
  }),
  'native sidecars': () => ({ built: shop(mesh().primaryRemote('east', 'west', { nativeSidecars: true })) }),
  'finished jobs with the network and ID of old': () => ({
    built: primaryRemote.edit(
      where(
        (object) => isSidecarPod(object) && object.metadata.namespace === 'shop',
        (object) => [
          object,
          ...['Succeeded', 'Failed'].map((phase) =>
            put(
              proxyEnvOf(
                proxyEnvOf(
                  label(
                    { ...object, metadata: { ...object.metadata, name: `job-${phase.toLowerCase()}`, uid: phase } },
                    network,
                    'network9',
                  ),
                  'ISTIO_META_NETWORK',
                  'network9',
                ),
                'ISTIO_META_CLUSTER_ID',
                'old-name',
              ),
              ['status', 'phase'],
              phase,
            ),
          ),
        ],
        'west',
      ),
    ),
  }),
  'finished pods have addresses that others have now': () => ({
    built: multiPrimaryOne.edit((objects) => {
      const address = (objects.get('east') ?? []).flatMap((object) =>
        isSidecarPod(object) ? (at(object, 'status', 'podIP') as string) : [],
      )[0];
      return adding('west', pod('plain', 'job-1', { status: { phase: 'Succeeded', podIP: address, podIPs: [{ ip: address }] } }))(objects);
    }),
  }),
  'agents on the host network: nodes of both clusters have one address': () => ({
    built: multiPrimaryOne.edit((objects) => {
      const agent = (): KubeObject =>
        pod('kube-system', 'agent-x', {
          spec: { hostNetwork: true, containers: [{ name: 'a', image: 'x' }] },
          status: { phase: 'Running', hostIP: '10.1.0.10', podIP: '10.1.0.10', podIPs: [{ ip: '10.1.0.10' }] },
        });
      return and(adding('east', agent()), adding('west', agent()))(objects);
    }),
  }),
  'the same pod addresses on two networks': () => ({
    built: multiPrimary.edit(
      spelled(
        /10\.2\.(\d+\.\d+)/g,
        '10.1.$1',
        (object) => isPod(object) || object.kind === 'EndpointSlice' || object.kind === 'Endpoints',
        'west',
      ),
    ),
  }),
  'the same Service addresses in both clusters': () => ({
    built: multiPrimary.edit(spelled(/10\.97\./g, '10.96.', isKind('Service'), 'west')),
  }),
  'Pending pods': () => ({ built: primaryRemote.edit(adding('west', pod('shop', 'waits', { status: { phase: 'Pending' } }))) }),
  // Sources
  'manifests from Git: no status, no running objects': () => ({ built: multiPrimary.edit(and(without(isMade), asFromGit)) }),
  'manifests from Git, primary-remote': () => ({ built: primaryRemote.edit(and(without(isMade), asFromGit)) }),
  'manifests of an external control plane': () => ({ built: external.edit(and(without(isMade), asFromGit)) }),
  'objects that Argo manages': () => ({
    built: primaryRemote.edit(
      where(
        () => true,
        (object) => annotate(label(object, 'argocd.argoproj.io/instance', 'mesh'), 'argocd.argoproj.io/tracking-id', 'mesh:x'),
      ),
    ),
  }),
  // Time
  'one dump was made two minutes after the other': () => ({
    built: primaryRemote.edit(where(isElection, renewed('2026-11-22T21:29:41Z'), 'west')),
    takenAt: { west: '2026-11-22T21:29:43Z' },
  }),
  'the remote was dumped ten minutes before its primary': () => ({
    built: primaryRemote.edit(where(isElection, renewed('2026-11-22T21:17:41Z'), 'west')),
    takenAt: { west: '2026-11-22T21:17:43Z' },
  }),
  'the lock was renewed 40 seconds ago': () => ({ built: primaryRemote.edit(where(isElection, renewed('2026-11-22T21:27:03Z'), 'west')) }),
  'ConfigMaps were read minutes before the dump was done': () => ({
    built: primaryRemote.edit(where(isLock, renewed('2026-11-22T21:24:10Z'))),
  }),
  'the clock of istiod runs ahead': () => ({ built: primaryRemote.edit(where(isElection, renewed('2026-11-22T21:29:50Z'))) }),
  'istiod was rolled minutes ago, its successor leads': () => ({
    built: primaryRemote.edit(
      and(
        spelled('istiod-1-31-0-9dff47c8dd-2dt45', 'istiod-1-31-0-5c6b7d8f9c-abcde'),
        where(
          (object) => object.metadata.name.startsWith('istiod-1-31-0') && (isPod(object) || isIstiod(object)),
          (object) => put(object, ['metadata', 'creationTimestamp'], isPod(object) ? '2026-11-22T21:25:00Z' : '2026-11-20T08:10:14Z'),
        ),
      ),
    ),
  }),
  'istiod was rolled a minute ago, the lock still names the pod before it': () => ({
    built: primaryRemote.edit(
      and(
        where(
          isElection,
          (object) =>
            renewed('2026-11-22T21:27:20Z')(
              JSON.parse(JSON.stringify(object).replaceAll('9dff47c8dd-2dt45', '5c6b7d8f9c-older')) as KubeObject,
            ),
          'west',
        ),
      ),
    ),
  }),
  // Ambient
  ambient: () => ({ built: mesh().ambient('east', 'west').namespace('shop', { injected: true }).service('abc.shop') }),
  'ambient with sidecars in one namespace': () => ({
    built: mesh()
      .ambient('east', 'west')
      .namespace('shop', { injected: true })
      .service('abc.shop')
      .namespace('old', { labels: { 'istio-injection': 'enabled' } })
      .workload('side.old'),
  }),
  'gateways of the Kubernetes Gateway API beside the classic ones': () => ({
    built: multiPrimary.edit(
      adding('east', {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        metadata: { name: 'public', namespace: 'shop' },
        spec: { gatewayClassName: 'istio', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
        status: { addresses: [{ type: 'IPAddress', value: '10.200.1.30' }] },
      }),
    ),
  }),
  'names with a config the remote keeps for itself': () => ({
    built: primaryRemote.edit(adding('west', config(system, 'istio-1-31-0', { mesh: 'trustDomain: cluster.local' }))),
  }),
};

/** Prefers its own locality, and fails over. */
const preferring: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'abc', namespace: 'shop' },
  spec: {
    host: 'abc.shop.svc.cluster.local',
    trafficPolicy: { outlierDetection: {}, loadBalancer: { localityLbSetting: { enabled: true } } },
  },
};

/** Two clusters that have nothing in common but the root. */
function standalone(first: string, second: string): MeshBuilder {
  return shop(mesh().multiPrimary(first, 'x', { meshId: first }).multiPrimary(second, 'y', { meshId: second })).edit(
    without(isRemoteSecret),
  );
}

/** east and north read each other; east serves west. */
function primariesWithRemote(): MeshBuilder {
  const pair = mesh().multiPrimary('east', 'north').objects();
  const served = mesh()
    .primaryRemote('east', ['unused', 'west'], { networkNames: { west: 'network3' } })
    .objects();
  const keyOf = (object: KubeObject): string => `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  const isUnused = (object: KubeObject): boolean => isRemoteSecret(object) && object.metadata.name.endsWith('-unused');
  const own = (served.get('east') ?? []).filter((object) => !isUnused(object));
  const known = new Set(own.map(keyOf));
  const isReaderOf = (object: KubeObject): boolean => isRemoteSecret(object) && object.metadata.name.endsWith('-west');
  return shop(mesh().multiPrimary('east', 'north', { more: ['west'] })).edit(
    () =>
      new Map([
        ['east', [...own, ...(pair.get('east') ?? []).filter((object) => !known.has(keyOf(object)))]],
        ['north', [...(pair.get('north') ?? []), ...own.filter(isReaderOf)]],
        ['west', served.get('west') ?? []],
      ]),
  );
}

/** Two roots in every bundle: those of a mesh, and of another. */
function bundled(objects: MeshObjects, others: MeshObjects): MeshObjects {
  const other = [...others.values()].flat().find((object) => object.kind === 'ConfigMap' && object.metadata.name === 'istio-ca-root-cert');
  const pem = String(at(other, 'data', 'root-cert.pem'));
  return and(
    where(isKind('ConfigMap', 'istio-ca-root-cert'), (object) =>
      changed(object, ['data', 'root-cert.pem'], (own) => `${String(own)}\n${pem}`),
    ),
    where(isKind('MutatingWebhookConfiguration'), (object) =>
      changed(object, ['webhooks', '*', 'clientConfig', 'caBundle'], (own) => btoa(`${atob(String(own))}\n${pem}`)),
    ),
  )(objects);
}

async function heard(odd: Odd, options: { complete: boolean; hasTime: boolean }): Promise<readonly string[]> {
  const { built, only, takenAt = {}, declared } = odd;
  const given: MeshObjects = new Map([...built.objects()].filter(([name]) => only === undefined || only.includes(name)));
  const whole = snapshotOf(given, { complete: options.complete });
  const snapshot = {
    ...whole,
    ...(declared === undefined ? {} : { intent: declared }),
    clusters: whole.clusters.map((one) => (options.hasTime ? { ...one, takenAt: takenAt[one.name] ?? built.takenAt } : one)),
  };
  const { judgement, report } = await run(snapshot);
  return [
    ...crashes(judgement),
    ...loud(judgement.findings).map(told),
    ...(report.exit.code === 0 ? [] : [`exit ${report.exit.code}: ${report.exit.reason}`]),
  ];
}

/** What cannot look wrong here, since it is not read: metrics, logs. What looks wrong to a probe only is below. */
const unread: ReadonlySet<number> = new Set([15, 17, 20]);

test('everything that is known to look wrong without being so has a mesh', () => {
  const named = new Set(Object.keys(cases).map((name) => Number(/^FP-(\d+): /.exec(name)?.[1])));
  expect(Array.from({ length: 24 }, (_, index) => index + 1).filter((one) => !named.has(one) && !unread.has(one))).toEqual([]);
});

test('FP-20: debug endpoints that let nobody in are a gap, and no fault', async () => {
  const objects = primaryRemote.objects();
  const refused = { failed: 'unauthorized', reason: 'HTTP 401' } as const;
  const observations = observedIn(objects).map((one) =>
    one.istiods?.status !== 'observed'
      ? one
      : {
          ...one,
          istiods: {
            ...one.istiods,
            value: one.istiods.value.map((replica) => ({
              ...replica,
              clusters: refused,
              gateways: refused,
              shards: refused,
              nameTables: replica.nameTables.map(({ proxy }) => ({ proxy, table: refused })),
            })),
          },
        },
  );
  const { judgement } = await run({ ...snapshotOf(objects, { complete: true, takenAt: primaryRemote.takenAt }), observations });
  expect([...crashes(judgement), ...loud(judgement.findings).map(told)]).toEqual([]);
  expect(judgement.outcomes.some(({ kind }) => kind === 'inconclusive')).toBe(true);
});

describe('silent on healthy meshes that look odd', () => {
  test.each(Object.entries(cases))('%s', async (_name, make) => {
    const odd = make();
    const ways = {
      'as a whole': { complete: true, hasTime: true },
      'without a time': { complete: true, hasTime: false },
      'as a part': { complete: false, hasTime: true },
      'as a part without a time': { complete: false, hasTime: false },
    };
    const lines: string[] = [];
    for (const [way, options] of Object.entries(ways)) lines.push(...(await heard(odd, options)).map((line) => `${way}: ${line}`));
    expect(lines.join('\n')).toBe('');
  });
});

import type { Edit } from '../../../src/builder/cluster-editor.ts';
import { changed, put } from '../../../src/builder/edits/edit.ts';
import { isRemoteSecret } from '../../../src/builder/edits/find.ts';
import { at, edited, itemsAt } from '../../../src/builder/edits/json.ts';
import { plainData, withClaims, withPlainData } from '../../../src/builder/edits/kubeconfig.ts';
import { type MeshBuilder, mesh } from '../../../src/builder/mesh.ts';
import type { KubeObject, MeshObjects } from '../../../src/model/kube.ts';
import type { DeclaredTopology } from '../../../src/model/snapshot.ts';

export interface Odd {
  readonly built: MeshBuilder;
  readonly declared?: DeclaredTopology;
  /** Only these clusters are given. */
  readonly only?: readonly string[];
  /** Cluster → when it was looked at, where that is not the mesh's own time. */
  readonly takenAt?: Readonly<Record<string, string>>;
}

export type Change = (object: KubeObject) => KubeObject | readonly KubeObject[];
export type Fits = (object: KubeObject) => boolean;

export const network = 'topology.istio.io/network';
export const system = 'istio-system';
export const isKind =
  (kind: string, name?: string): Fits =>
  (object) =>
    object.kind === kind && (name === undefined || object.metadata.name === name);
export const isNamespace = (name: string): Fits => isKind('Namespace', name);

/** Every object that fits, in one cluster or in all. */
export function where(fits: Fits, change: Change, cluster?: string): Edit {
  return (objects) =>
    new Map(
      [...objects].map(([name, own]) => [
        name,
        cluster === undefined || cluster === name ? own.flatMap((object) => (fits(object) ? change(object) : object)) : own,
      ]),
    );
}

export const without = (fits: Fits, cluster?: string): Edit => where(fits, () => [], cluster);
export const and =
  (...edits: readonly Edit[]): Edit =>
  (objects) =>
    edits.reduce((before, edit) => edit(before), objects);
export const adding =
  (cluster: string, ...more: readonly KubeObject[]): Edit =>
  (objects) =>
    new Map([...objects].map(([name, own]) => [name, name === cluster ? [...own, ...more] : own]));
/** Every object as text, with `from` replaced wherever it stands. */
export const spelled = (from: RegExp | string, to: string, fits: Fits = () => true, cluster?: string): Edit =>
  where(fits, (object) => JSON.parse(JSON.stringify(object).replaceAll(from, to)) as KubeObject, cluster);
/** The objects of a cluster, changed as a whole. */
export const cluster =
  (name: string, change: (own: readonly KubeObject[]) => readonly KubeObject[]): Edit =>
  (objects) =>
    new Map([...objects].map(([one, own]) => [one, one === name ? change(own) : own]));

export const config = (namespace: string, name: string, data: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});

export const shop = (built: MeshBuilder): MeshBuilder =>
  built.namespace('shop', { injected: true }).service('abc.shop').namespace('plain').workload('batch.plain');
export const primaryRemote = shop(mesh().primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' }));
export const unnamed = shop(mesh().primaryRemote('east', 'west', { networks: 2 }));
export const oneNetwork = shop(mesh().primaryRemote('east', 'west', { networks: 1 }));
export const multiPrimary = shop(mesh().multiPrimary('east', 'west'));
export const multiPrimaryOne = shop(mesh().multiPrimary('east', 'west', { networks: 0 }));
export const three = shop(mesh().multiPrimary('east', 'west', { more: ['south'] }));
export const external = mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] });

export const envOf =
  (name: string, value: string | undefined): Change =>
  (object) =>
    changed(object, ['spec', 'template', 'spec', 'containers', '*', 'env'], (old) => [
      ...itemsAt(old).filter((entry) => at(entry, 'name') !== name),
      ...(value === undefined ? [] : [{ name, value }]),
    ]);
export const proxyEnvOf = (pod: KubeObject, name: string, value: string | undefined): KubeObject =>
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
export const mesheConfig = (change: (text: string) => string): Edit =>
  where(
    (object) => object.kind === 'ConfigMap' && at(object, 'data', 'mesh') !== undefined,
    (object) => changed(object, ['data', 'mesh'], (text) => change(String(text))),
  );
export const isLock = (object: KubeObject): boolean =>
  object.metadata.annotations?.['control-plane.alpha.kubernetes.io/leader'] !== undefined;
export const renewed =
  (time: string): Change =>
  (object) =>
    changed(object, ['metadata', 'annotations', 'control-plane.alpha.kubernetes.io/leader'], (text) =>
      String(text).replace(/"renewTime":"[^"]*"/, `"renewTime":"${time}"`),
    );
/** A copy of an object under another name. */
export const also =
  (name: string, change: (copy: KubeObject) => KubeObject = (copy) => copy): Change =>
  (object) => [object, change({ ...object, metadata: { ...object.metadata, name, uid: `${object.metadata.uid ?? ''}-${name}` } })];
export const inSystemNamespace = (name: string): Edit =>
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
export function retold(token: string, namespace: string): string {
  const claims = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as Record<string, string>;
  return withClaims(
    token,
    Object.fromEntries(Object.entries(claims).map(([claim, value]) => [claim, value.replaceAll('istio-system', namespace)])),
  );
}
/** The east-west gateway as the Helm chart `gateway` installs it, in a namespace of its own. */
export const helmGateway = (namespace: string, name: string, istio: string): Edit =>
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
export const isElectionFree = (object: KubeObject): boolean => object.apiVersion.startsWith('networking.istio.io/');
export const isPilotSlice = (object: KubeObject): boolean => object.kind === 'EndpointSlice' && /^istiod(-\d|$)/.test(object.metadata.name);
export const mergedSecrets = (name: string): Edit =>
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
export const pod = (namespace: string, name: string, more: Readonly<Record<string, unknown>> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { app: name }, creationTimestamp: '2026-11-22T20:00:00Z' },
  spec: { containers: [{ name: 'app', image: 'x' }] },
  status: { phase: 'Running', podIP: '10.9.9.9', podIPs: [{ ip: '10.9.9.9' }] },
  ...more,
});
export const plain = (namespace: string, labels: Readonly<Record<string, string>> = {}, phase = 'Active'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: namespace, labels },
  status: { phase },
});
export const bindingOf = (subject: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'platform-readers' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [subject],
});
export const adminRole: KubeObject = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'cluster-admin' },
  rules: [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ],
};
export const isReader = (object: KubeObject): boolean =>
  (object.kind === 'ClusterRole' || object.kind === 'ClusterRoleBinding') && object.metadata.name.startsWith('istio-reader-clusterrole');
export const asFromGit: Edit = where(
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
export const isMade = (object: KubeObject): boolean =>
  ['Pod', 'ReplicaSet', 'Endpoints', 'Node', 'Lease', 'Event', 'Secret'].includes(object.kind) ||
  (object.kind === 'EndpointSlice' && !isPilotSlice(object)) ||
  (object.kind === 'ConfigMap' && /election|leader|root-cert|-crl|autoallocate/.test(object.metadata.name));

/** Prefers its own locality, and fails over. */
export const preferring: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'abc', namespace: 'shop' },
  spec: {
    host: 'abc.shop.svc.cluster.local',
    trafficPolicy: { outlierDetection: {}, loadBalancer: { localityLbSetting: { enabled: true } } },
  },
};

/** Two clusters that have nothing in common but the root. */
export function standalone(first: string, second: string): MeshBuilder {
  return shop(mesh().multiPrimary(first, 'x', { meshId: first }).multiPrimary(second, 'y', { meshId: second })).edit(
    without(isRemoteSecret),
  );
}

/** east and north read each other; east serves west. */
export function primariesWithRemote(): MeshBuilder {
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
export function bundled(objects: MeshObjects, others: MeshObjects): MeshObjects {
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

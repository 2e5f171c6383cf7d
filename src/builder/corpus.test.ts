import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../model/kube.ts';
import { mesh, type MeshBuilder } from './mesh.ts';
import { applyMergePatch, isRecord } from './patch.ts';

/** Where real healthy meshes lie, if anywhere: one JSON List per kind and cluster. Without it this file is skipped. */
const corpus = process.env['MESHDOCTOR_CORPUS'] ?? '';

const global = { 'istio.io/global': 'true' };
const sample = (empty: MeshBuilder): MeshBuilder => empty.namespace('sample', { injected: true });

/** Each real mesh, and how the builder is asked for the same. */
const built: Readonly<Record<string, MeshBuilder>> = {
  'primary-remote-1.31': sample(mesh().primaryRemote('cluster1', 'cluster2', { revision: '1-31-0' }))
    .service('abc.sample', { in: ['cluster1'], port: 5000 })
    .workload('client.sample'),
  'primary-remote-1.24': sample(
    mesh().primaryRemote('cluster9', 'cluster10', { revision: '1-24-6', release: '1.24.6', trust: 'self-signed', dnsCapture: false }),
  )
    .service('abc.sample', { port: 5000 })
    .workload('client.sample'),
  'multi-primary-1.31': sample(
    mesh().multiPrimary('cluster3', 'cluster4', { networkNames: { cluster3: 'network3', cluster4: 'network4' } }),
  )
    .service('abc.sample', { in: ['cluster3'], port: 5000 })
    .workload('client.sample'),
  'ambient-1.31': sample(mesh().ambient('cluster5', 'cluster6', { networkNames: { cluster5: 'network5', cluster6: 'network6' } }))
    .service('abc.sample', { in: ['cluster5'], port: 5000, serviceLabels: { app: 'abc', ...global } })
    .service('helloworld.sample', { port: 5000, serviceLabels: { app: 'helloworld', ...global } })
    .service('local-only.sample', {
      in: ['cluster5'],
      port: 5000,
      serviceLabels: { app: 'abc' },
      selector: { app: 'abc' },
      withoutWorkload: true,
    })
    .workload('client.sample'),
  'external-1.31': mesh()
    .externalControlPlane('cluster7', 'cluster8', { dnsCapture: false })
    .namespace('sample', { injected: true, clusters: ['cluster8'] })
    .service('helloworld.sample', { in: ['cluster8'], port: 5000, serviceLabels: { app: 'helloworld' } })
    .workload('client.sample', { in: ['cluster8'] }),
};

interface LeftOut {
  readonly what: RegExp;
  readonly because: string;
}

/** Objects (`Kind/namespace/name`) that only one side has. */
const objectsLeftOut: readonly LeftOut[] = [
  { what: /^ClusterRole\/\/(admin|edit|view)$/, because: 'built-in roles of Kubernetes: no reader of a mesh is bound to them' },
  {
    what: /^CustomResourceDefinition\/\/\w+\.gateway\.networking\.(x-)?k8s\.io$/,
    because: 'the real mesh has the experimental channel of the Gateway API, the builder the standard one',
  },
];

/** Fields (`Kind.path`) of objects of both sides that differ. */
const fieldsLeftOut: readonly LeftOut[] = [
  {
    what: /\.metadata\.(uid|resourceVersion|creationTimestamp|generation|name|generateName)$/,
    because: 'made up by the API server; names are compared without their hashes',
  },
  { what: /\.observedGeneration$/, because: 'counts the edits since' },
  {
    what: /([tT]ime|[sS]ince|startedAt|finishedAt|last-change-trigger-time|restartedAt|legacy-token-last-used|leader)$/,
    because: 'times; elections have tests of their own',
  },
  { what: /(^|\.)(clusterIPs?|nodePort|podIPs?|hostIPs?|hostIP|ip|address|addresses)(\[|\.|$)/, because: 'addresses' },
  { what: /(pod-template-hash|controller-revision-hash)$/, because: 'hashes' },
  {
    what: /(\.uid|ownerReferences.*|targetRef\.(name|uid)|holderIdentity|leaseTransitions|^Secret.*networking\.istio\.io\/cluster|\.kubernetes\.io\/hostname)$/,
    because: 'identities of this one mesh',
  },
  { what: /^Deployment\.status\.conditions.*\.message$/, because: 'tells the name of the ReplicaSet' },
  {
    what: /(app\.kubernetes\.io\/version|helm\.sh\/chart)$/,
    because: 'the real charts were built from source: 1.0.0 where a release says its version',
  },
  {
    what: /(\.image|\.imagePullPolicy|\.CURRENT_AGENT_VERSION)$/,
    because: 'the real images were built from source; the builder names those of the release',
  },
  { what: /last-applied-configuration$/, because: 'follows from the object; absent where the real mesh was edited in another way' },
  {
    what: /^Secret\.data\.|(caBundle|root-cert\.pem|ca\.crt|client-ca-file)$/,
    because: 'certificates and tokens; what they say has tests of its own',
  },
  {
    what: /^ConfigMap\.data\.(config|values|merged-values|original-values)$/,
    because: 'long texts; the builder writes what somebody reads, without templates',
  },
  { what: /^ConfigMap\.data\.mesh$/, because: 'the real meshes lack defaultProviders; what is read is compared below' },
  { what: /proxy\.istio\.io\/overrides$/, because: 'holds the generated name of the token volume' },
  {
    what: /^(ConfigMap\.data\.(ENABLE_|ISTIO_OWNED|NATIVE_|REPAIR_)|ClusterRole\.rules)/,
    because: 'settings of the network plug-in that no check reads; rules of roles have a test of their own',
  },
  { what: /^Node\.status\.(nodeInfo|conditions|phase)/, because: 'the real nodes are simulated' },
  { what: /^HorizontalPodAutoscaler\.status\./, because: 'the real clusters have no metrics' },
  { what: /^Lease\.spec\.renewTime|example\.com\/|\[app\]\.image$/, because: 'of the simulation' },
  {
    what: /DNS_CAPTURE|\.env\[PROXY_CONFIG\]/,
    because: 'the real gateways of one mesh are older than its DNS capture; sidecars are compared below',
  },
  {
    what: /^(DaemonSet|Pod)\..*(mountPropagation|appArmorProfile|affinity|tolerations|tolerationSeconds)/,
    because: 'scheduling of node agents',
  },
  { what: /owning-resource$/, because: 'two unnamed installations share the objects of a tag, and the last one signs them' },
  { what: /^CustomResourceDefinition\.metadata\.(labels|annotations)/, because: 'the real list was written by hand' },
  { what: /^CustomResourceDefinition\.spec\.versions/, because: 'versions of the Gateway API' },
  { what: /^Gateway\.spec\.servers.*insecureSkipVerify$/, because: 'somebody tried it on the real gateway; it does nothing there' },
  { what: /^ClusterRoleBinding\.metadata\.labels\.(k8s-)?app$/, because: 'labels of the network plug-in' },
  {
    what: /^(Deployment|ReplicaSet)\.metadata\.annotations\.deployment\.kubernetes\.io\/revision$/,
    because: 'a workload that was restarted',
  },
  { what: /^ReplicaSet\.(spec\.replicas|status)/, because: 'of two ReplicaSets of a restarted workload, the old one' },
];

const used = new Set<RegExp>();

describe.skipIf(corpus === '')('the builder beside real meshes', () => {
  for (const [name, healthy] of Object.entries(built)) {
    for (const [cluster, own] of healthy.objects()) {
      it(`${name}/${cluster}: the same objects`, () => {
        const { real, made } = sides(name, cluster, own);
        const lonely = [...real.keys()].filter((key) => !made.has(key)).concat([...made.keys()].filter((key) => !real.has(key)));
        expect(lonely.filter((key) => !isLeftOut(objectsLeftOut, key))).toEqual([]);
      });

      it(`${name}/${cluster}: the same fields with the same values`, () => {
        const { real, made } = sides(name, cluster, own);
        const differences = [...real].flatMap(([key, object]) => {
          const other = made.get(key);
          return other === undefined ? [] : differencesOf(object, other).map((line) => `${key} ${line}`);
        });
        expect(differences).toEqual([]);
      });
    }
  }

  it('leaves nothing out without need', () => {
    expect([...objectsLeftOut, ...fieldsLeftOut].filter(({ what }) => !used.has(what))).toEqual([]);
  });
});

describe.skipIf(corpus === '')('what is left out of the comparison above', () => {
  const real = (name: string, cluster: string) => objectsOf(join(corpus, name, cluster));
  const own = (name: string, cluster: string) => built[name]?.objects().get(cluster) ?? [];

  it.each([
    ['primary-remote-1.31', 'cluster1'],
    ['primary-remote-1.31', 'cluster2'],
    ['primary-remote-1.24', 'cluster9'],
    ['primary-remote-1.24', 'cluster10'],
    ['multi-primary-1.31', 'cluster3'],
    ['external-1.31', 'cluster7'],
    ['external-1.31', 'cluster8'],
    ['ambient-1.31', 'cluster5'],
  ])('%s/%s: rules of Istio’s roles', (name, cluster) => {
    const rules = (objects: readonly KubeObject[]) =>
      new Map(
        objects
          .filter((object) => object.kind === 'ClusterRole' && /^istio(d|-reader)-/.test(object.metadata.name))
          .map((object) => [object.metadata.name, object['rules']]),
      );
    expect(rules(own(name, cluster))).toEqual(rules(real(name, cluster)));
  });

  it.each(['cluster1', 'cluster2'])('%s: environment of the sidecars', (cluster) => {
    const environment = (objects: readonly KubeObject[]) =>
      JSON.stringify(
        at(
          objects.find((object) => object.kind === 'Pod' && object.metadata.labels?.['app'] === 'client'),
          'spec',
          'containers',
          '1',
          'env',
        ),
      );
    expect(environment(own('primary-remote-1.31', cluster))).toBe(environment(real('primary-remote-1.31', cluster)));
  });

  it('mesh configuration, line by line', () => {
    const lines = (objects: readonly KubeObject[]) =>
      textOf(
        at(
          objects.find((object) => object.kind === 'ConfigMap' && object.metadata.name === 'istio-1-31-0'),
          'data',
          'mesh',
        ),
      )
        .replace(' {}', '')
        .split('\n');
    const extra = ['  metrics:', '  - prometheus'];
    expect(lines(own('primary-remote-1.31', 'cluster1')).filter((line) => !extra.includes(line))).toEqual(
      lines(real('primary-remote-1.31', 'cluster1')),
    );
  });

  it.each([
    ['cluster1', 'istio-sidecar-injector-1-31-0', 'values'],
    ['cluster1', 'values-1-31-0', 'original-values'],
    ['cluster2', 'values-1-31-0', 'original-values'],
  ])('%s: what %s says in %s, where the builder says something', (cluster, map, key) => {
    // Images are those of a release; DNS capture was switched on after the real installation.
    const besides = { global: { hub: null, tag: null }, meshConfig: null };
    const values = (objects: readonly KubeObject[]) =>
      applyMergePatch(
        JSON.parse(
          textOf(
            at(
              objects.find((object) => object.kind === 'ConfigMap' && object.metadata.name === map),
              'data',
              key,
            ),
          ),
        ),
        besides,
      );
    const told = values(own('primary-remote-1.31', cluster));
    expect(isRecord(told)).toBe(true);
    expect(values(real('primary-remote-1.31', cluster))).toMatchObject(isRecord(told) ? told : {});
  });
});

function sides(name: string, cluster: string, own: readonly KubeObject[]) {
  const named = (objects: readonly KubeObject[]) => new Map(objects.map((object) => [keyOf(object), object]));
  return { real: named(objectsOf(join(corpus, name, cluster))), made: named(own) };
}

function objectsOf(folder: string): KubeObject[] {
  return readdirSync(folder)
    .filter((file) => file !== 'version.json')
    .flatMap((file) => (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { items: KubeObject[] }).items);
}

/** Kind, namespace and name, without the hashes that Kubernetes gives. */
function keyOf(object: KubeObject): string {
  const { kind, apiVersion } = object;
  const { name, namespace, generateName } = object.metadata;
  const group = kind === 'Gateway' && apiVersion.startsWith('gateway.') ? 'Gateway (Kubernetes)' : kind;
  const plain =
    kind === 'Pod'
      ? name.replace(/(-[a-z0-9]{8,10})?-[a-z0-9]{5}$/, '')
      : kind === 'ReplicaSet'
        ? name.replace(/-[a-z0-9]{8,10}$/, '')
        : typeof generateName === 'string'
          ? generateName
          : name;
  return `${group}/${namespace ?? ''}/${plain.replace(/^apiserver-.*/, 'apiserver').replace(/^node-c(luster)?\d+/, 'node')}`;
}

function differencesOf(real: KubeObject, made: KubeObject): string[] {
  const a = new Map(flat(real, ''));
  const b = new Map(flat(made, ''));
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((path) => a.get(path) !== b.get(path) && !isLeftOut(fieldsLeftOut, `${real.kind}${path}`))
    .map((path) => `${path}: really ${a.get(path) ?? 'absent'}, built ${b.get(path) ?? 'absent'}`);
}

/** Every leaf under its path; items of lists go by their names where they have some. */
function* flat(value: unknown, path: string): Generator<[string, string]> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* flat(item, `${path}[${nameOf(item) ?? index}]`);
  } else if (isRecord(value) && Object.keys(value).length > 0) {
    for (const [key, item] of Object.entries(value)) yield* flat(item, `${path}.${key}`);
  } else yield [path, normal(JSON.stringify(value))];
}

function nameOf(item: unknown): string | undefined {
  const name = isRecord(item) ? (item['mountPath'] ?? item['name'] ?? item['type']) : undefined;
  return typeof name === 'string' ? name.replace(/^kube-api-access-\w+$/, 'kube-api-access') : undefined;
}

/** Names of nodes and zones count clusters in another way; revisions and the like are the same. */
function normal(text: string | undefined): string {
  return (text ?? '')
    .replace(/node-c(luster)?\d+/g, 'node')
    .replace(/region-\d+/g, 'region')
    .replace(/kube-api-access-\w+/g, 'kube-api-access');
}

function isLeftOut(list: readonly LeftOut[], text: string): boolean {
  const found = list.find(({ what }) => what.test(text));
  if (found !== undefined) used.add(found.what);
  return found !== undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (Array.isArray(inner) ? inner[Number(key)] : isRecord(inner) ? inner[key] : undefined),
    value,
  );
}

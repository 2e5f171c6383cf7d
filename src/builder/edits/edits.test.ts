import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Fault, faults } from '../../../test/corpus/faults.ts';
import { mayPair, overlaps, pairable, unobservable } from '../../../test/corpus/pairs.ts';
import { deepFreeze } from '../../base/freeze.ts';
import type { KubeObject, MeshObjects } from '../../model/kube.ts';
import { mesh, type MeshBuilder } from '../mesh.ts';
import { type Edit, EditError } from './edit.ts';
import { isIstiod } from './find.ts';
import { isRecord, itemsOf } from './json.ts';

const corpus = process.env['MESHDOCTOR_CORPUS'];

describe('the scripted faults', () => {
  test('have names of their own, and expectations that fit together', () => {
    expect(new Set(faults.map((fault) => fault.name)).size).toBe(faults.length);
    const odd = faults.filter(({ expect: { first, severity, certainty, exit }, touches, alsoFolded }) => {
      const fails = severity === 'error' && certainty !== 'possible';
      return exit !== (fails ? 1 : 0) || touches.length === 0 || alsoFolded?.includes(first) === true;
    });
    expect(odd.map((fault) => fault.name)).toEqual([]);
  });

  test('cover every check of the card', () => {
    const claimed = new Set(faults.flatMap((fault) => [fault.expect.first, ...(fault.alsoFolded ?? [])]));
    expect(checksOfTheCard.filter((id) => !claimed.has(id))).toEqual([]);
  });

  test('pairs name faults that exist', () => {
    const names = new Set(faults.map((fault) => fault.name));
    for (const pair of unobservable) expect([pair.hidden, pair.by].filter((name) => !names.has(name))).toEqual([]);
  });

  test('fields overlap with themselves and their parts only', () => {
    expect(overlaps('a:Secret/x/y', 'a:Secret/x/y:labels/z')).toBe(true);
    expect(overlaps('a:Secret/x/y:data/k', 'a:Secret/x/y:data')).toBe(true);
    expect(overlaps('a:Secret/x/y', 'b:Secret/x/y')).toBe(false);
    expect(overlaps('a:Secret/x/y', 'a:Secret/x/yy')).toBe(false);
    expect(overlaps('a:Secret/x/y:labels/k', 'a:Secret/x/y:labels/kk')).toBe(false);
  });

  test('leave enough pairs to draw a hundred from', () => {
    const pairs = pairable.flatMap((one, index) => pairable.slice(index + 1).filter((other) => mayPair(one, other)));
    expect(pairs.length).toBeGreaterThan(1000);
  });
});

describe("on the builder's meshes", () => {
  const ids = { clusterIds: { cluster1: 'east-id', cluster2: 'west-id' }, networkNames: { cluster1: 'net-east', cluster2: 'net-west' } };
  const used = (built: MeshBuilder): MeshObjects =>
    built
      .namespace('sample', { injected: true })
      .workload('client.sample')
      .service('abc.sample', { in: [...built.objects().keys()].slice(0, 1), port: 5000 })
      .objects();
  const built = {
    'primary-remote, default revision': used(mesh().primaryRemote('cluster1', 'cluster2', ids)),
    'primary-remote, a revision, native sidecars': used(
      mesh().primaryRemote('cluster1', 'cluster2', { ...ids, revision: '1-31-0', nativeSidecars: true }),
    ),
    'primary-remote, 1.24 with a revision': used(
      mesh().primaryRemote('cluster1', 'cluster2', { ...ids, revision: '1-24-6', release: '1.24.6' }),
    ),
    'multi-primary': used(mesh().multiPrimary('cluster3', 'cluster4')),
  };
  // The one does nothing where istiod has no revision, the other needs a tag that 1.24 does not make.
  const idle = ['the injectors of the remote call a Service without revision'];
  const impossible = ['a namespace of the remote asks for injection and the default tag is gone'];

  test.each(Object.entries(built))('%s: every fault changes something, and nothing of what it was given', (name, objects) => {
    const kind = name.startsWith('multi') ? 'multi-primary-1.31' : 'primary-remote-1.31';
    for (const fault of faults.filter((one) => one.mesh === kind)) {
      if (name.includes('1.24') && impossible.includes(fault.name)) continue;
      const changes = changedObjects(objects, applied(fault.edits, objects));
      if (name.includes('default') && idle.includes(fault.name)) expect(changes).toEqual([]);
      else expect({ fault: fault.name, changes: changes.length > 0 }).toEqual({ fault: fault.name, changes: true });
    }
  });
});

describe.skipIf(corpus === undefined)('on the real meshes of MESHDOCTOR_CORPUS', () => {
  const meshes = new Map<string, MeshObjects>();
  const meshOf = (fault: Fault): MeshObjects => {
    const objects = meshes.get(fault.mesh) ?? deepFreeze(readMesh(join(corpus ?? '', fault.mesh)));
    meshes.set(fault.mesh, objects);
    return objects;
  };

  test.each(faults.map((fault) => [fault.name, fault] as const))('%s', (_, fault) => {
    const before = meshOf(fault);
    const after = applied(fault.edits, before);
    expect(changedObjects(before, after)).not.toEqual([]);
    expect(applied(fault.edits, before)).toEqual(after);
    // Objects keep a name each, and what points at a pod points at one that runs.
    expect(
      [...after].flatMap(([cluster, objects]) =>
        [...doubled(objects), ...danglingEndpoints(objects)].map((problem) => `${cluster}:${problem}`),
      ),
    ).toEqual([]);
    const changes = changedObjects(before, after);
    expect(fault.touches.filter((field) => !before.has(field.slice(0, field.indexOf(':'))))).toEqual([]);
    expect(fault.touches.some((field) => changes.some((key) => isTouched(field, key)))).toBe(true);
  });

  // Another release, another revision, self-signed, other cluster IDs: what the edits look for is found by its meaning.
  describe('of an older release', () => {
    const older = corpus === undefined ? new Map<string, readonly KubeObject[]>() : readMesh(join(corpus, 'primary-remote-1.24'));
    const [primary = [], remote = []] = [...older.values()].sort((one, other) => istiodsOf(other) - istiodsOf(one));
    const old = deepFreeze(
      new Map([
        ['cluster1', primary],
        ['cluster2', remote],
      ]),
    );
    const without = new Set(missingInOlder);

    test.each(pairable.map((fault) => [fault.name, fault] as const))('%s', (name, fault) => {
      if (without.has(name)) expect(() => applied(fault.edits, old)).toThrow(EditError);
      else expect(changedObjects(old, applied(fault.edits, old))).not.toEqual([]);
    });
  });

  test('pairs can be applied in either order', () => {
    const pairs = pairable.flatMap((one, index) =>
      pairable
        .slice(index + 1)
        .filter((other) => mayPair(one, other))
        .map((other) => [one, other] as const),
    );
    const some = pairs.filter((_, index) => index % Math.ceil(pairs.length / 200) === 0);
    for (const [one, other] of some) {
      applied([...one.edits, ...other.edits], meshOf(one));
      applied([...other.edits, ...one.edits], meshOf(one));
    }
  });
});

function applied(edits: readonly Edit[], mesh: MeshObjects): MeshObjects {
  return edits.reduce((before, edit) => deepFreeze(edit(before)), mesh);
}

function readMesh(folder: string): MeshObjects {
  const clusters = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name.startsWith('cluster'));
  return new Map(clusters.map((entry) => [entry.name, readCluster(join(folder, entry.name))]));
}

function readCluster(folder: string): readonly KubeObject[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json') && file !== 'version.json')
    .flatMap((file) => {
      const list: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'));
      return itemsOf(isRecord(list) ? list['items'] : undefined).filter(isObject);
    });
}

function istiodsOf(objects: readonly KubeObject[]): number {
  return objects.filter(isIstiod).length;
}

function isObject(value: unknown): value is KubeObject {
  return isRecord(value) && typeof value['kind'] === 'string' && isRecord(value['metadata']);
}

function keyOf(object: KubeObject): string {
  return [object.kind, object.metadata.namespace, object.metadata.name].filter((part) => part !== undefined).join('/');
}

/** Whether the object called `key` is what a field of `touches` is of; `:pods` of a Deployment are the pods named after it. */
function isTouched(field: string, key: string): boolean {
  const end = field.indexOf(':', field.indexOf(':') + 1);
  const object = end === -1 ? field : field.slice(0, end);
  return field.endsWith(':pods') ? key.startsWith(`${object.replace(':Deployment/', ':Pod/')}-`) : overlaps(object, key);
}

function changedObjects(before: MeshObjects, after: MeshObjects): readonly string[] {
  return [...before].flatMap(([cluster, objects]) => {
    const was = new Map(objects.map((object) => [keyOf(object), object]));
    const is = new Map((after.get(cluster) ?? []).map((object) => [keyOf(object), object]));
    const keys = new Set([...was.keys(), ...is.keys()]);
    return [...keys].filter((key) => JSON.stringify(was.get(key)) !== JSON.stringify(is.get(key))).map((key) => `${cluster}:${key}`);
  });
}

function doubled(objects: readonly KubeObject[]): readonly string[] {
  const keys = objects.map(keyOf);
  return keys.filter((key, index) => keys.indexOf(key) !== index);
}

/** Endpoints of pods that are not there, or are there under another address. */
function danglingEndpoints(objects: readonly KubeObject[]): readonly string[] {
  const pods = new Map(
    objects.filter((object) => object.kind === 'Pod').map((pod) => [`${pod.metadata.namespace ?? ''}/${pod.metadata.name}`, pod]),
  );
  return objects
    .filter((object) => object.kind === 'EndpointSlice')
    .flatMap((slice) =>
      itemsOf(slice['endpoints']).flatMap((endpoint) => {
        if (!isRecord(endpoint) || !isRecord(endpoint['targetRef'])) return [];
        const target = endpoint['targetRef'];
        const pod = pods.get(`${String(target['namespace'])}/${String(target['name'])}`);
        const status = pod?.['status'];
        return isRecord(status) && itemsOf(endpoint['addresses']).includes(status['podIP'])
          ? []
          : [`${slice.metadata.name}: ${String(target['name'])}`];
      }),
    );
}

/** It has no default tag, and sets no DNS capture. */
const missingInOlder: readonly string[] = [
  'a namespace of the remote asks for injection and the default tag is gone',
  'DNS capture is off and only the primary has the service',
  'the workloads of the remote are older than DNS capture',
  'the workloads of the primary are older than DNS capture',
];

const checksOfTheCard = [
  'topology/missing-network-label',
  'topology/stale-proxy-network',
  'topology/shared-network',
  'topology/mismatched-gateway-network',
  'topology/duplicate-cluster-id',
  'topology/mismatched-cluster-id',
  'topology/unmatched-control-plane-clusters',
  'topology/unset-external-istiod',
  'topology/unled-remote',
  'topology/mismatched-injection-path',
  'injection/unserved-revision',
  'injection/unserved-injector',
  'injection/dangling-injector-service',
  'injection/unserved-gateway-revision',
  'injection/stale-ca-bundle',
  'control-plane-exposure/unexposed-istiod',
  'control-plane-exposure/mismatched-exposed-revision',
  'control-plane-exposure/missing-istiod-port',
  'control-plane-exposure/stale-pilot-address',
  'east-west/missing-east-west-gateway',
  'east-west/unready-east-west-gateway',
  'east-west/unaddressed-gateway',
  'east-west/unresolved-gateway-hostname',
  'east-west/missing-cross-network-port',
  'east-west/unexposed-services',
  'policy/inert-configuration',
  'remote-secret/missing-remote-secret',
  'remote-secret/unread-remote-secret',
  'remote-secret/rejected-kubeconfig',
  'remote-secret/expired-credential',
  'remote-secret/revoked-credential',
  'remote-secret/loopback-server',
  'remote-secret/mismatched-secret-key',
  'remote-secret/duplicate-remote-secret',
  'remote-secret/insufficient-reader-role',
  'trust/divergent-roots',
  'trust/foreign-root',
  'dns/unresolvable-service',
  'dns/stale-dns-capture',
];

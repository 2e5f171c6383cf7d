import { expect, test } from 'vitest';
import { isDeepEqual } from '../../base/equal.ts';
import { mesh } from '../../builder/mesh.ts';
import { kinds } from '../../collect/kinds.ts';
import type { KubeObject } from '../../model/kube.ts';
import { withDefaults } from './defaults.ts';
import { catalogueOf, definitionType, groupOf, typeOf } from './resources.ts';
import { validate } from './validate.ts';

const meshes = [
  mesh().primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' }).namespace('shop', { injected: true }).service('abc.shop'),
  mesh().multiPrimary('east', 'west', { networks: 1 }),
  mesh().externalControlPlane('outside', 'inside'),
  mesh().ambient('east', 'west').namespace('shop').service('abc.shop'),
];
const clusters = meshes.flatMap((one) => [...one.objects().values()]);
const definitionsOf = (objects: readonly KubeObject[]) => objects.filter(({ kind }) => kind === definitionType.kind);

test('everything a builder makes is served, in the version it is in', () => {
  for (const objects of clusters) {
    const catalogue = catalogueOf(definitionsOf(objects));
    for (const object of objects) {
      const resource = catalogue.ofType(typeOf(object));
      const version = object.apiVersion.split('/').at(-1) ?? '';
      expect(resource && catalogue.find(groupOf(object.apiVersion), version, resource.plural), `${object.apiVersion} ${object.kind}`).toBe(
        resource,
      );
      expect([object.kind, resource?.namespaced]).toEqual([object.kind, object.metadata.namespace !== undefined]);
    }
  }
});

test('every kind that is read is served under the name it is read by', () => {
  const catalogue = catalogueOf(clusters.flatMap(definitionsOf));
  for (const { group, kind, resource, versions, namespaced } of kinds) {
    const served = catalogue.ofType({ group, kind });
    expect([kind, served?.plural, served?.namespaced]).toEqual([kind, resource, namespaced]);
    expect(served?.versions).toContain(versions[0]);
  }
});

test('what a builder makes is what a server would have taken and filled in', () => {
  for (const objects of clusters) {
    const catalogue = catalogueOf(definitionsOf(objects));
    for (const object of objects) {
      const resource = catalogue.ofType(typeOf(object));
      if (resource === undefined) throw new Error(`${object.kind} is not served`);
      expect(() => validate(resource, object, undefined)).not.toThrow();
      expect(() => validate(resource, object, object)).not.toThrow();
      // Definitions of builders say nothing of conversion.
      const isSettled = isDeepEqual(withDefaults(resource, object), object) || object.kind === definitionType.kind;
      expect(isSettled, `${object.kind} ${object.metadata.name}`).toBe(true);
    }
  }
});

test('versions are ordered as Kubernetes does', () => {
  const definition = (versions: readonly string[]): KubeObject => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      names: { kind: 'Thing', plural: 'things' },
      scope: 'Cluster',
      versions: versions.map((name) => ({ name, served: name !== 'v9' })),
    },
  });
  const mixed = ['v1alpha1', 'v2', 'foo', 'v1beta2', 'v10', 'v9', 'v1beta10', 'v1'];
  expect(catalogueOf([definition(mixed)]).groups.get('example.com')).toEqual(['v10', 'v2', 'v1', 'v1beta10', 'v1beta2', 'v1alpha1', 'foo']);
});

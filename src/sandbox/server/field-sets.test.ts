import { expect, test } from 'vitest';
import { fieldName, fieldsV1, fieldValues, parsedFieldsV1, withoutFields } from './field-sets.ts';

const deployment = { group: 'apps', kind: 'Deployment' };
const object = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'a', namespace: 'b', labels: { 'x/y': 'z' }, finalizers: ['f'] },
  spec: { template: { spec: { containers: [{ name: 'c', ports: [{ containerPort: 80 }], args: ['1'] }], nodeSelector: {} } } },
};

test('fields of an object as managedFields tells them', () => {
  expect(fieldsV1(fieldValues(deployment, false, object).keys())).toEqual({
    'f:metadata': { 'f:labels': { 'f:x/y': {} }, 'f:finalizers': { 'v:"f"': {} } },
    'f:spec': {
      'f:template': {
        'f:spec': {
          'f:containers': {
            'k:{"name":"c"}': {
              '.': {},
              'f:name': {},
              'f:args': {},
              'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
            },
          },
          'f:nodeSelector': {},
        },
      },
    },
  });
});

test('reading and writing them are inverse', () => {
  const set = new Set(fieldValues(deployment, false, object).keys());
  expect(parsedFieldsV1(fieldsV1(set))).toEqual(set);
});

test('lists of kinds without a schema are one field', () => {
  const route = { metadata: { name: 'a' }, spec: { containers: [{ name: 'c' }] } };
  expect(fieldsV1(fieldValues({ group: 'example.com', kind: 'Thing' }, true, route).keys())).toEqual({ 'f:spec': { 'f:containers': {} } });
});

test('fields are taken out, and what they leave empty', () => {
  const paths = [...fieldValues(deployment, false, object).keys()];
  expect(withoutFields(object, paths)).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a', namespace: 'b' } });
  const ports = paths.filter((path) => path.includes('f:ports'));
  expect(withoutFields(object, ports)).toEqual({
    ...object,
    spec: { template: { spec: { ...object.spec.template.spec, containers: [{ name: 'c', args: ['1'] }] } } },
  });
  // Keys go with their item only.
  const keys = paths.filter((path) => path.endsWith('f:name') || path.endsWith('f:containerPort'));
  expect(withoutFields(object, keys)).toEqual(object);
  expect(object.metadata.finalizers).toEqual(['f']);
});

test('names of fields in conflicts', () => {
  const names = [...fieldValues(deployment, false, object).keys()].map(fieldName);
  expect(names).toContain('.spec.template.spec.containers[name="c"].ports[containerPort=80,protocol="TCP"].containerPort');
  expect(names).toContain('.metadata.finalizers[="f"]');
});

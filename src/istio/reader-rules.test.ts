import { describe, expect, test } from 'vitest';
import { grants, missingRights, readerRights, type Rule } from './reader-rules.ts';

const rule = (apiGroups: string[], resources: string[], verbs: string[], resourceNames: string[] = []): Rule => ({
  apiGroups,
  resources,
  verbs,
  resourceNames,
});
const read = ['get', 'list', 'watch'];
const base = [
  rule([''], ['endpoints', 'pods', 'services', 'nodes', 'namespaces', 'secrets'], read),
  rule(['networking.istio.io', 'security.istio.io'], ['*'], read),
  rule(['gateway.networking.k8s.io'], ['gateways'], read),
  rule(['apiextensions.k8s.io'], ['customresourcedefinitions'], read),
  rule(['discovery.k8s.io'], ['endpointslices'], read),
  rule(['authentication.k8s.io'], ['tokenreviews'], ['create']),
  rule(['authorization.k8s.io'], ['subjectaccessreviews'], ['create']),
];
const names = (missing: readonly { resource: string; verb: string }[]) => missing.map((right) => `${right.verb} ${right.resource}`);

describe('reader rules', () => {
  test('a plain reader suffices where ConfigMaps are not read', () => {
    expect(missingRights(base, { version: '1.28.4', isManaged: false })).toEqual([]);
    expect(missingRights(base, { version: undefined, isManaged: false })).toEqual([]);
    expect(missingRights(base, { version: '1.40.0', isManaged: false })).toEqual([]);
  });

  test('ConfigMaps are read since 1.29 and by 1.26: the cluster never counts as synced without', () => {
    for (const version of ['1.26.2', '1.29.0', '1.31.0']) {
      const missing = missingRights(base, { version, isManaged: false });
      expect(names(missing)).toEqual(['list configmaps', 'watch configmaps']);
      expect(missing[0]).toMatchObject({ effect: 'sync', severity: 'error' });
    }
  });

  test('a managed cluster needs write rights', () => {
    const missing = missingRights(base, { version: '1.24.6', isManaged: true });
    expect(missing.every((right) => right.effect === 'management' && right.severity === 'error')).toBe(true);
    expect(names(missing)).toContain('patch mutatingwebhookconfigurations');
    const managed = [
      ...base,
      rule([''], ['configmaps'], ['create', 'update', ...read]),
      rule(['admissionregistration.k8s.io'], ['mutatingwebhookconfigurations'], [...read, 'patch']),
    ];
    expect(missingRights(managed, { version: '1.31.0', isManaged: true })).toEqual([]);
  });

  test('tokenreviews come first', () => {
    expect(missingRights([], { version: '1.31.0', isManaged: true })[0]).toMatchObject({
      resource: 'tokenreviews',
      effect: 'authentication',
    });
  });

  test('rights on custom resources that are not served are not asked for', () => {
    const rights = readerRights({ version: '1.31.0', isManaged: false, served: new Set(['networking.istio.io']) });
    expect(rights.some((right) => right.resource === 'gateways')).toBe(false);
    expect(rights.some((right) => right.resource === 'workloadentries')).toBe(true);
  });

  test('wildcards grant, resourceNames do not', () => {
    const right = { group: '', resource: 'pods', verb: 'list' };
    expect(grants([rule(['*'], ['*'], ['*'])], right)).toBe(true);
    expect(grants([rule([''], ['pods'], ['list'], ['one'])], right)).toBe(false);
    expect(grants([rule(['apps'], ['pods'], ['list'])], right)).toBe(false);
  });
});

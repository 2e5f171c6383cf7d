import { describe, expect, test } from 'vitest';
import type { Role, RoleBinding } from '../model/facts.ts';
import { clusterName } from '../model/ids.ts';
import { accessOf, accountOf } from './access.ts';

const entity = { labels: {}, annotations: {}, managers: [] };
const role = (name: string, resource: string): Role => ({
  ...entity,
  ref: { cluster: clusterName('west'), kind: 'ClusterRole', name },
  name,
  rules: [{ apiGroups: [''], resources: [resource], verbs: ['list'], resourceNames: [] }],
});
const binding = (name: string, subject: RoleBinding['subjects'][number]): RoleBinding => ({
  ...entity,
  ref: { cluster: clusterName('west'), kind: 'ClusterRoleBinding', name },
  name,
  role: { kind: 'ClusterRole', name },
  subjects: [subject],
});
const account = { namespace: 'istio-system', name: 'reader' };
const roles = [role('own', 'pods'), role('shared', 'nodes')];

describe('the account of a token', () => {
  test.each([
    ['system:serviceaccount:istio-system:reader', account],
    ['system:serviceaccount:istio-system', undefined],
    ['kubernetes-admin', undefined],
    [undefined, undefined],
  ])('%s', (subject, expected) => expect(accountOf(subject)).toEqual(expected));
});

describe('what it may do', () => {
  test.each([
    ['itself', { kind: 'ServiceAccount', name: 'reader', namespace: 'istio-system' }],
    ['itself as a user', { kind: 'User', name: 'system:serviceaccount:istio-system:reader' }],
  ])('through a binding of %s', (_, subject) => {
    expect(accessOf(account, roles, [binding('own', subject)])).toMatchObject({ rules: roles[0]?.rules, ownRoles: [{ name: 'own' }] });
  });

  test.each(['system:serviceaccounts', 'system:serviceaccounts:istio-system', 'system:authenticated'])('through group %s', (name) => {
    expect(accessOf(account, roles, [binding('shared', { kind: 'Group', name })])).toMatchObject({ rules: roles[1]?.rules, ownRoles: [] });
  });

  test.each([
    { kind: 'ServiceAccount', name: 'reader', namespace: 'default' },
    { kind: 'ServiceAccount', name: 'other', namespace: 'istio-system' },
    { kind: 'Group', name: 'system:masters' },
  ])('not through $kind $name', (subject) => {
    expect(accessOf(account, roles, [binding('own', subject)])).toEqual({ rules: [], ownRoles: [], bindings: [] });
  });

  test('everything as cluster-admin, whose role a dump may lack', () => {
    const admin = binding('cluster-admin', { kind: 'ServiceAccount', name: 'reader', namespace: 'istio-system' });
    expect(accessOf(account, [], [admin]).rules).toMatchObject([{ verbs: ['*'] }]);
  });
});

import { describe, expect, test } from 'vitest';
import { factsOf, only, type Raw } from '../../test/support/read-objects.ts';

function object(apiVersion: string, kind: string, more: Raw, metadata: Raw = {}): Raw {
  return { apiVersion, kind, metadata: { name: 'a', ...metadata }, ...more };
}

describe('objects of the cluster itself', () => {
  test.each([
    [{}, {}, false],
    [{ status: { phase: 'Active' } }, {}, false],
    [{ status: { phase: 'Terminating' } }, {}, true],
    [{}, { deletionTimestamp: '2026-01-01T00:00:00Z' }, true],
  ])('a namespace of %j %j terminates: %s', (more, metadata, terminating) => {
    expect(only(factsOf([object('v1', 'Namespace', more, metadata)]).namespaces)).toMatchObject({ name: 'a', terminating });
  });

  test('labels and annotations that mean something', () => {
    const metadata = {
      uid: '9d',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'topology.istio.io/network': 'network1' },
      annotations: {
        'topology.istio.io/controlPlaneClusters': 'west',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
        'argocd.argoproj.io/tracking-id': 'mesh',
        'example.com/anything': 'x',
      },
    };
    const found = only(factsOf([object('v1', 'Namespace', {}, metadata)]).namespaces);
    expect(found.labels).toEqual({ 'topology.istio.io/network': 'network1' });
    expect(found.annotations).toEqual({ 'topology.istio.io/controlPlaneClusters': 'west', 'argocd.argoproj.io/tracking-id': 'mesh' });
    expect(found).toMatchObject({
      uid: '9d',
      createdAt: '2026-01-01T00:00:00Z',
      managers: [],
      ref: { cluster: 'west', kind: 'Namespace', name: 'a' },
    });
  });

  test('a node', () => {
    const status = {
      conditions: [{ type: 'Ready', status: 'True' }],
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }, { type: 'ExternalIP' }],
    };
    expect(only(factsOf([object('v1', 'Node', { spec: { podCIDR: '10.1.0.0/24' }, status })]).nodes)).toMatchObject({
      ready: true,
      podCidrs: ['10.1.0.0/24'],
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
    });
  });

  test.each([
    ['aws:///eu-west-1a/i-0f', 'aws'],
    ['azure:///subscriptions/0f/resourceGroups/mesh', 'azure'],
    ['', undefined],
    [undefined, undefined],
  ])('a node of provider ID %j', (providerID, provider) => {
    const found = only(factsOf([object('v1', 'Node', { spec: { providerID } })]).nodes);
    expect(found.provider).toBe(provider);
    expect(JSON.stringify(found)).not.toContain('0f');
  });

  test('roles and whom they are bound to', () => {
    const rules = [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
      { nonResourceURLs: ['/metrics'], verbs: ['get'] },
    ];
    const role = only(factsOf([object('rbac.authorization.k8s.io/v1', 'ClusterRole', { rules })]).clusterRoles);
    expect(role.rules).toEqual([
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'], resourceNames: [] },
      { apiGroups: [], resources: [], verbs: ['get'], resourceNames: [] },
    ]);
    const binding = object('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', {
      roleRef: { apiGroup: 'x', kind: 'ClusterRole', name: 'reader' },
      subjects: [
        { kind: 'ServiceAccount', name: 'r', namespace: 'istio-system' },
        { kind: 'Group', name: 'g' },
      ],
    });
    expect(only(factsOf([binding]).clusterRoleBindings)).toMatchObject({
      role: { kind: 'ClusterRole', name: 'reader' },
      subjects: [
        { kind: 'ServiceAccount', name: 'r', namespace: 'istio-system' },
        { kind: 'Group', name: 'g' },
      ],
    });
  });

  test('a service account is its name and metadata', () => {
    const account = object('v1', 'ServiceAccount', { secrets: [{ name: 'x' }] }, { namespace: 'istio-system' });
    expect(only(factsOf([account]).serviceAccounts)).toMatchObject({ namespace: 'istio-system', name: 'a' });
  });

  test('which versions of a custom resource are served', () => {
    const spec = {
      group: 'networking.istio.io',
      names: { kind: 'Gateway' },
      versions: [{ name: 'v1', served: true }, { name: 'v1alpha3', served: false }, { name: 'v1beta1' }],
    };
    expect(only(factsOf([object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', { spec })]).customResources)).toMatchObject({
      group: 'networking.istio.io',
      kind: 'Gateway',
      versions: ['v1', 'v1beta1'],
    });
  });
});

import { compareText } from '../base/sort.ts';
import { defined, type Fields, fields, filled, flag, objects, optionalFields, text, texts, type Tally } from '../model/decode.ts';
import type { CustomResource, Namespace, Node, PolicyRule, Role, RoleBinding, ServiceAccount } from '../model/facts.ts';
import { clusterEntity, defineFact, namespacedEntity, statusMark, uncounted } from './fact.ts';
import { defineKind, reduceStatusOf } from './kind.ts';

export const namespaces = defineKind({
  resource: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
  managedFields: 'fields',
  reduce: (object, odd) => {
    const phase = filled(odd, fields(odd, object['status'])['phase']);
    return phase === undefined ? {} : { status: { phase } };
  },
});

export const namespacesFact = defineFact({
  fact: 'namespaces',
  reads: [namespaces],
  place: 'all',
  project: (items, projection): readonly Namespace[] =>
    items.map((object) =>
      Object.assign(clusterEntity(projection, object), {
        terminating: object.metadata.deletionTimestamp !== undefined || fields(uncounted, object['status'])['phase'] === 'Terminating',
      }),
    ),
});

export const nodes = defineKind({
  resource: 'nodes',
  kind: 'Node',
  namespaced: false,
  reduce(object, odd) {
    const spec = fields(odd, object['spec']);
    const cidrs = texts(odd, spec['podCIDRs']);
    const cidr = filled(odd, spec['podCIDR']);
    const provider = /^([a-z0-9]+):\/\//.exec(filled(odd, spec['providerID']) ?? '')?.[1];
    return {
      spec: defined({ podCIDRs: cidrs.length > 0 || cidr === undefined ? cidrs : [cidr], provider }),
      ...reduceStatusOf(object, odd, (status) => ({
        ready: objects(odd, status['conditions']).some((condition) => condition['type'] === 'Ready' && condition['status'] === 'True'),
        addresses: objects(odd, status['addresses']).flatMap((entry) => {
          const address = filled(odd, entry['address']);
          return address === undefined ? [] : [{ type: text(odd, entry['type']) ?? '', address }];
        }),
        ...kubeletOf(odd, status),
      })),
    };
  },
});

function kubeletOf(odd: Tally, status: Fields): Fields {
  const kubelet = filled(odd, optionalFields(odd, status['nodeInfo'])?.['kubeletVersion']);
  return kubelet === undefined ? {} : { kubelet };
}

function kubeletVersionOf(status: Fields): Pick<Node, 'kubeletVersion'> {
  const kubeletVersion = filled(uncounted, status['kubelet']);
  return kubeletVersion === undefined ? {} : { kubeletVersion };
}

export const nodesFact = defineFact({
  fact: 'nodes',
  reads: [nodes],
  place: 'all',
  project: (items, projection): readonly Node[] =>
    items.map((object) => {
      const status = fields(uncounted, object['status']);
      const spec = fields(uncounted, object['spec']);
      const provider = filled(uncounted, spec['provider']);
      return Object.assign(clusterEntity(projection, object), statusMark(object), {
        ready: status['ready'] === true,
        ...kubeletVersionOf(status),
        podCidrs: texts(uncounted, spec['podCIDRs']),
        ...(provider === undefined ? {} : { provider }),
        addresses: objects(uncounted, status['addresses']).map((entry) => ({
          type: text(uncounted, entry['type']) ?? '',
          address: text(uncounted, entry['address']) ?? '',
        })),
      });
    }),
});

export const serviceAccounts = defineKind({
  resource: 'serviceaccounts',
  kind: 'ServiceAccount',
  asks: [{ metadataOnly: true }],
  reduce: () => ({}),
});

export const serviceAccountsFact = defineFact({
  fact: 'serviceAccounts',
  reads: [serviceAccounts],
  place: 'system',
  project: (items, projection): readonly ServiceAccount[] => items.map((object) => namespacedEntity(projection, object)),
});

const rbac = { group: 'rbac.authorization.k8s.io', namespaced: false } as const;

export const clusterRoles = defineKind({
  ...rbac,
  resource: 'clusterroles',
  kind: 'ClusterRole',
  reduce: (object, odd) => ({ rules: rulesOf(odd, object['rules']) }),
});

function rulesOf(odd: Tally, value: unknown): readonly PolicyRule[] {
  return objects(odd, value).map((rule) => ({
    apiGroups: texts(odd, rule['apiGroups']),
    resources: texts(odd, rule['resources']),
    verbs: texts(odd, rule['verbs']),
    resourceNames: texts(odd, rule['resourceNames']),
  }));
}

export const clusterRolesFact = defineFact({
  fact: 'clusterRoles',
  reads: [clusterRoles],
  place: 'all',
  project: (items, projection): readonly Role[] =>
    items.map((object) => Object.assign(clusterEntity(projection, object), { rules: rulesOf(uncounted, object['rules']) })),
});

export const clusterRoleBindings = defineKind({
  ...rbac,
  resource: 'clusterrolebindings',
  kind: 'ClusterRoleBinding',
  reduce: (object, odd) => ({ roleRef: roleOf(odd, object['roleRef']), subjects: subjectsOf(odd, object['subjects']) }),
});

function roleOf(odd: Tally, value: unknown): RoleBinding['role'] {
  const role = fields(odd, value);
  return { kind: text(odd, role['kind']) ?? '', name: text(odd, role['name']) ?? '' };
}

function subjectsOf(odd: Tally, value: unknown): RoleBinding['subjects'] {
  return objects(odd, value).map((subject) =>
    defined({
      kind: text(odd, subject['kind']) ?? '',
      name: text(odd, subject['name']) ?? '',
      namespace: filled(odd, subject['namespace']),
    }),
  );
}

export const clusterRoleBindingsFact = defineFact({
  fact: 'clusterRoleBindings',
  reads: [clusterRoleBindings],
  place: 'all',
  project: (items, projection): readonly RoleBinding[] =>
    items.map((object) =>
      Object.assign(clusterEntity(projection, object), {
        role: roleOf(uncounted, object['roleRef']),
        subjects: subjectsOf(uncounted, object['subjects']),
      }),
    ),
});

export const customResourceDefinitions = defineKind({
  resource: 'customresourcedefinitions',
  group: 'apiextensions.k8s.io',
  versions: ['v1', 'v1beta1'],
  kind: 'CustomResourceDefinition',
  namespaced: false,
  reduce(object, odd) {
    const spec = fields(odd, object['spec']);
    return {
      spec: {
        group: text(odd, spec['group']) ?? '',
        kind: text(odd, fields(odd, spec['names'])['kind']) ?? '',
        versions: servedVersions(odd, spec),
      },
    };
  },
});

function servedVersions(odd: Tally, spec: Fields): readonly string[] {
  return objects(odd, spec['versions'])
    .flatMap((version) => (flag(odd, version['served']) === false ? [] : (filled(odd, version['name']) ?? [])))
    .sort(compareText);
}

export const customResourcesFact = defineFact({
  fact: 'customResources',
  reads: [customResourceDefinitions],
  place: 'all',
  project: (items, projection): readonly CustomResource[] =>
    items.map((object) => {
      const spec = fields(uncounted, object['spec']);
      return Object.assign(clusterEntity(projection, object), {
        group: text(uncounted, spec['group']) ?? '',
        kind: text(uncounted, spec['kind']) ?? '',
        versions: texts(uncounted, spec['versions']),
      });
    }),
});

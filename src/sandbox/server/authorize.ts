import { type Fields, filled, objects, optionalFields, tally, texts } from '../../model/decode.ts';
import type { KubeObject } from '../../model/kube.ts';
import type { ObjectStore } from '../store.ts';
import type { RequestInfo, ResourceRequest } from './request.ts';
import { type ApiError, forbidden } from './status.ts';
import { superusers, type User, type Users } from './users.ts';

/** A rule as a role has it. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Empty: every name. */
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** What RBAC is asked. */
export type Attributes = Omit<ResourceRequest, 'kind' | 'version'>;

export interface Authorizer {
  allows(user: User, attributes: Attributes): boolean;
  allowsPath(user: User, verb: string, path: string): boolean;
  /** Every rule that holds for a user in a namespace. */
  rules(user: User, namespace: string): readonly Rule[];
}

const rbac = 'rbac.authorization.k8s.io';
const everything: Rule = { apiGroups: ['*'], resources: ['*'], verbs: ['*'], resourceNames: [], nonResourceURLs: ['*'] };

/** What every authenticated user may: look around and ask about itself. */
const basics: readonly Rule[] = [
  rule({ apiGroups: ['authorization.k8s.io'], resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], verbs: ['create'] }),
  rule({ apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] }),
  rule({
    nonResourceURLs: [
      '/api',
      '/api/*',
      '/apis',
      '/apis/*',
      '/healthz',
      '/livez',
      '/openapi',
      '/openapi/*',
      '/readyz',
      '/version',
      '/version/',
    ],
    verbs: ['get'],
  }),
];

/** RBAC: the rules that users were added with, and the roles and bindings in the store. */
export function openAuthorizer(store: ObjectStore, users: Users): Authorizer {
  const rules = (user: User, namespace: string): readonly Rule[] => {
    if (user.groups.includes(superusers)) return [everything];
    return [...basics, ...users.rulesOf(user.name).map(rule), ...boundRules(store, user, namespace)];
  };
  return {
    rules,
    allows: (user, attributes) => rules(user, attributes.namespace).some((one) => covers(one, attributes)),
    allowsPath: (user, verb, path) =>
      rules(user, '').some((one) => has(one.verbs, verb) && one.nonResourceURLs.some((pattern) => coversPath(pattern, path))),
  };
}

/** The answer to a request that is not allowed; nothing when it is. */
export function refusalOf(authorizer: Authorizer, user: User, info: RequestInfo): ApiError | undefined {
  if (info.kind === 'path') {
    if (authorizer.allowsPath(user, info.verb, info.path)) return undefined;
    return forbidden(`forbidden: User "${user.name}" cannot ${info.verb} path "${info.path}"`, {});
  }
  return authorizer.allows(user, info) ? undefined : forbiddenTo(user, info);
}

/** 403 in the words of Kubernetes. */
export function forbiddenTo(user: User, { verb, group, resource, subresource, namespace, name }: Attributes): ApiError {
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const subject = `${group === '' ? resource : `${resource}.${group}`}${name === '' ? '' : ` "${name}"`}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const message = `${subject} is forbidden: User "${user.name}" cannot ${verb} resource "${what}" in API group "${group}" ${where}`;
  return forbidden(message, { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource });
}

function covers({ apiGroups, resources, verbs, resourceNames }: Rule, asked: Attributes): boolean {
  const { resource, subresource } = asked;
  const wanted = subresource === '' ? ['*', resource] : ['*', `${resource}/${subresource}`, `*/${subresource}`];
  return (
    has(verbs, asked.verb) &&
    has(apiGroups, asked.group) &&
    resources.some((one) => wanted.includes(one)) &&
    (resourceNames.length === 0 || (asked.name !== '' && resourceNames.includes(asked.name)))
  );
}

function coversPath(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}

function has(list: readonly string[], word: string): boolean {
  return list.includes('*') || list.includes(word);
}

/** Rules of the roles that bindings in the store give to a user, in one namespace. */
function boundRules(store: ObjectStore, user: User, namespace: string): readonly Rule[] {
  const odd = tally();
  const bindings = [
    ...store.all({ group: rbac, kind: 'ClusterRoleBinding' }),
    ...store.all({ group: rbac, kind: 'RoleBinding' }).filter(({ metadata }) => namespace !== '' && metadata.namespace === namespace),
  ];
  return bindings
    .filter((binding) => objects(odd, binding['subjects']).some((subject) => isSubject(subject, user, binding)))
    .flatMap((binding) => {
      const reference = optionalFields(odd, binding['roleRef']);
      const kind = filled(odd, reference?.['kind']) ?? '';
      const role = store.find(
        { group: rbac, kind },
        kind === 'Role' ? binding.metadata.namespace : undefined,
        filled(odd, reference?.['name']) ?? '',
      );
      return objects(odd, role?.['rules']).map(rule);
    });
}

function isSubject(subject: Fields, user: User, binding: KubeObject): boolean {
  const odd = tally();
  const name = filled(odd, subject['name']) ?? '';
  const namespace = filled(odd, subject['namespace']) ?? binding.metadata.namespace ?? '';
  switch (subject['kind']) {
    case 'User':
      return name === user.name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount':
      return user.name === `system:serviceaccount:${namespace}:${name}`;
    default:
      return false;
  }
}

function rule(given: object): Rule {
  const odd = tally();
  const found: Fields = { ...given };
  return {
    apiGroups: texts(odd, found['apiGroups']),
    resources: texts(odd, found['resources']),
    verbs: texts(odd, found['verbs']),
    resourceNames: texts(odd, found['resourceNames']),
    nonResourceURLs: texts(odd, found['nonResourceURLs']),
  };
}

import type { PolicyRule, Role, RoleBinding } from '../model/facts.ts';

/** A service account by its place: `system:serviceaccount:<namespace>:<name>`. */
export interface AccountName {
  readonly namespace: string;
  readonly name: string;
}

/** What an account may do in the whole cluster, and which objects say so. */
export interface Access {
  readonly rules: readonly PolicyRule[];
  /** Roles bound to the account itself, not to a group that it shares with others. */
  readonly ownRoles: readonly Role[];
  readonly bindings: readonly RoleBinding[];
}

const prefix = 'system:serviceaccount:';

/** The account a token's subject names; nothing for users of certificates and identity providers. */
export function accountOf(subject: string | undefined): AccountName | undefined {
  if (subject?.startsWith(prefix) !== true) return undefined;
  const [namespace, name, ...rest] = subject.slice(prefix.length).split(':');
  return namespace === undefined || name === undefined || rest.length > 0 ? undefined : { namespace, name };
}

/** Rights of an account in the whole cluster: through bindings of itself, as a user, or of the groups every service account is in. */
export function accessOf(account: AccountName, roles: readonly Role[], bindings: readonly RoleBinding[]): Access {
  const bound = bindings.filter((binding) => isBound(binding, account));
  const names = new Set(bound.map((binding) => binding.role.name));
  const own = new Set(bound.filter((binding) => binding.subjects.some((subject) => isSelf(subject, account))).map(({ role }) => role.name));
  return {
    // Every cluster has this role, also where a dump leaves it out.
    rules: names.has('cluster-admin') ? [everything] : roles.filter((role) => names.has(role.name)).flatMap((role) => role.rules),
    ownRoles: roles.filter((role) => own.has(role.name)),
    bindings: bound,
  };
}

const everything: PolicyRule = { apiGroups: ['*'], resources: ['*'], verbs: ['*'], resourceNames: [] };

type Subject = RoleBinding['subjects'][number];

function isBound(binding: RoleBinding, account: AccountName): boolean {
  const groups = new Set(['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`, 'system:authenticated']);
  return binding.subjects.some((subject) => isSelf(subject, account) || (subject.kind === 'Group' && groups.has(subject.name)));
}

function isSelf(subject: Subject, { namespace, name }: AccountName): boolean {
  if (subject.kind === 'User') return subject.name === `${prefix}${namespace}:${name}`;
  return subject.kind === 'ServiceAccount' && subject.name === name && subject.namespace === namespace;
}

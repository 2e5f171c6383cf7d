import type { IncomingHttpHeaders } from 'node:http';
import type { Attributes } from './authorize.ts';
import type { User } from './users.ts';

/** Who a request is to be treated as: what `Impersonate-…` headers ask for, with the rights that takes. */
export interface Impersonation {
  readonly user: User;
  readonly rights: readonly Attributes[];
}

export function impersonationOf(headers: IncomingHttpHeaders): Impersonation | undefined {
  const one = (key: string): string => [headers[key] ?? ''].flat()[0] ?? '';
  const name = one('impersonate-user');
  const groups = [headers['impersonate-group'] ?? []].flat().flatMap((value) => value.split(', '));
  const uid = one('impersonate-uid');
  if (name === '') return undefined;
  const right = (resource: string, what: string, group = '', subresource = ''): Attributes => {
    return { verb: 'impersonate', group, resource, subresource, namespace: '', name: what };
  };
  const [, , accountNamespace, account] = name.startsWith('system:serviceaccount:') ? name.split(':') : [];
  const asAccount =
    accountNamespace === undefined || account === undefined
      ? undefined
      : { ...right('serviceaccounts', account), namespace: accountNamespace };
  const own = accountNamespace === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${accountNamespace}`];
  const extras = Object.keys(headers).filter((key) => key.startsWith('impersonate-extra-'));
  return {
    user: { name, groups: [...(groups.length === 0 ? own : groups), 'system:authenticated'], ...(uid === '' ? {} : { uid }) },
    rights: [
      asAccount ?? right('users', name),
      ...groups.map((group) => right('groups', group)),
      ...(uid === '' ? [] : [right('uids', uid, 'authentication.k8s.io')]),
      ...extras.map((key) => right('userextras', one(key), 'authentication.k8s.io', key.slice('impersonate-extra-'.length))),
    ],
  };
}

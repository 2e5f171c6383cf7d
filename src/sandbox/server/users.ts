import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { filled, optionalFields, tally, texts } from '../../model/decode.ts';
import type { KubeObject } from '../../model/kube.ts';
import type { PolicyRule } from '../sandbox.ts';
import type { ObjectStore } from '../store.ts';

/** Who a request comes from. */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
}

/** The users of one cluster: those that were added, by token or client certificate, and the service accounts of its token Secrets. */
export interface Users {
  /** Token by name. */
  readonly tokens: ReadonlyMap<string, string>;
  /** Adds a user, or gives an existing one these rules; answers with the token. */
  add(name: string, rules: readonly PolicyRule[], groups?: readonly string[]): string;
  /** A further token for a service account, as the token subresource gives it. */
  issue(namespace: string, serviceAccount: string): string;
  /** The rules a user was added with. They hold in the whole cluster. */
  rulesOf(name: string): readonly PolicyRule[];
  /** Whoever shows a token or a client certificate that is known; nothing for everybody else. */
  authenticate(message: IncomingMessage, store: ObjectStore): User | undefined;
}

/** Who may do everything, whatever the rules are. */
export const superusers = 'system:masters';

/** An empty directory but for `admin`, who may do everything. */
export function openUsers(): Users {
  const tokens = new Map<string, string>();
  const byToken = new Map<string, User>();
  const rules = new Map<string, readonly PolicyRule[]>();
  const add: Users['add'] = (name, allowed, groups = []) => {
    rules.set(name, allowed);
    const token = tokens.get(name) ?? randomBytes(24).toString('base64url');
    tokens.set(name, token);
    byToken.set(token, { name, groups });
    return token;
  };
  add('admin', [], [superusers]);
  return {
    tokens,
    add,
    issue: (namespace, serviceAccount) => {
      const token = randomBytes(24).toString('base64url');
      byToken.set(token, accountOf(namespace, serviceAccount));
      return token;
    },
    rulesOf: (name) => rules.get(name) ?? [],
    authenticate: (message, store) => {
      const named = ofCertificate(message) ?? ofToken(message, (token) => byToken.get(token) ?? accountByToken(store, token));
      return named === undefined ? undefined : { ...named, groups: [...named.groups, 'system:authenticated'] };
    },
  };
}

/** The user a client certificate is for: its CN, in the groups of its O. Only certificates of the cluster's own authority count. */
function ofCertificate({ socket }: IncomingMessage): User | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const odd = tally();
  // An attribute that occurs more than once is a list, whatever the types say.
  const subject = optionalFields(odd, socket.getPeerCertificate().subject);
  const [name] = texts(odd, [subject?.['CN']].flat());
  return name === undefined ? undefined : { name, groups: texts(odd, [subject?.['O']].flat()) };
}

function ofToken({ headers }: IncomingMessage, find: (token: string) => User | undefined): User | undefined {
  const match = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '');
  return match?.[1] === undefined ? undefined : find(match[1]);
}

/** Tokens of Secrets are good for as long as the Secret is there, and the service account it is for. */
function accountByToken(store: ObjectStore, token: string): User | undefined {
  const encoded = Buffer.from(token).toString('base64');
  for (const secret of store.all({ group: '', kind: 'Secret' })) {
    if (secret['type'] !== 'kubernetes.io/service-account-token' || tokenOf(secret) !== encoded) continue;
    const { namespace = '', annotations } = secret.metadata;
    const name = annotations?.['kubernetes.io/service-account.name'] ?? '';
    const account = store.find({ group: '', kind: 'ServiceAccount' }, namespace, name);
    return account === undefined ? undefined : accountOf(namespace, name);
  }
  return undefined;
}

function tokenOf(secret: KubeObject): string | undefined {
  const odd = tally();
  return filled(odd, optionalFields(odd, secret['data'])?.['token']);
}

function accountOf(namespace: string, name: string): User {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
  };
}

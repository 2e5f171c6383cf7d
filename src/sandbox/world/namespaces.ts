import { createHash } from 'node:crypto';
import { at, mapAt, textAt } from '../../builder/edits/json.ts';
import { names } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import type { Knowledge } from './knowledge.ts';
import type { Change, ClusterState } from './state.ts';

/** Service accounts there were, by `cluster/uid`: the tokens of one that goes are deleted with it. */
export type Accounts = ReadonlySet<string>;

export function firstAccounts({ state }: Knowledge): Accounts {
  return new Set(
    [...state.clusters.values()].flatMap((cluster) => cluster.objects.list('ServiceAccount').map((account) => keyOf(cluster, account))),
  );
}

/** What Kubernetes puts into every namespace, and the tokens it fills in. */
export function namespaceKeepers(
  { state }: Knowledge,
  before: Accounts,
): { readonly changes: readonly Change[]; readonly accounts: Accounts } {
  const accounts = firstAccounts({ state, istiods: new Map() });
  const gone = [...before].filter((key) => !accounts.has(key));
  const changes = [...state.clusters.values()].flatMap((cluster) => [
    ...usual(cluster),
    ...cluster.objects.list('Secret').flatMap((secret) => tokenChange(secret, cluster, gone)),
  ]);
  return { changes, accounts };
}

function usual(cluster: ClusterState): Change[] {
  const { objects } = cluster;
  const authority = authorityOf(cluster);
  return objects
    .list('Namespace')
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .flatMap(({ metadata: { name: namespace } }): Change[] => {
      const changes: Change[] = [];
      if (authority !== undefined && objects.get('ConfigMap', namespace, names.apiServerCaConfigMap) === undefined) {
        const { annotations } = authority.metadata;
        changes.push({
          cluster: cluster.name,
          put: {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name: names.apiServerCaConfigMap, namespace, ...(annotations === undefined ? {} : { annotations }) },
            data: authority['data'],
          },
        });
      }
      if (objects.get('ServiceAccount', namespace, 'default') === undefined)
        changes.push({
          cluster: cluster.name,
          put: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } },
        });
      return changes;
    });
}

/** The ConfigMap with the authority of the API server, of any namespace that has it. */
export function authorityOf({ objects }: ClusterState): KubeObject | undefined {
  return (
    objects.get('ConfigMap', 'kube-system', names.apiServerCaConfigMap) ??
    objects.list('ConfigMap').find(({ metadata }) => metadata.name === names.apiServerCaConfigMap)
  );
}

function tokenChange(secret: KubeObject, cluster: ClusterState, gone: readonly string[]): Change[] {
  if (textAt(secret, 'type') !== 'kubernetes.io/service-account-token') return [];
  const { name, namespace = '' } = secret.metadata;
  const accountName = secret.metadata.annotations?.['kubernetes.io/service-account.name'] ?? '';
  const account = cluster.objects.get('ServiceAccount', namespace, accountName);
  const told = secret.metadata.annotations?.['kubernetes.io/service-account.uid'];
  if (account === undefined || (told !== undefined && gone.includes(`${cluster.name}/${told}`))) {
    const isOrphan = told !== undefined && gone.includes(`${cluster.name}/${told}`);
    return isOrphan ? [{ cluster: cluster.name, remove: { kind: 'Secret', namespace, name } }] : [];
  }
  if (textAt(secret, 'data', 'token') !== undefined) return [];
  const uid = account.metadata.uid ?? '';
  const token = tokenOf(namespace, name, accountName, uid);
  const ca = textAt(authorityOf(cluster), 'data', 'ca.crt') ?? '';
  const encoded = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
  return [
    {
      cluster: cluster.name,
      put: {
        ...secret,
        metadata: { ...secret.metadata, annotations: { ...secret.metadata.annotations, 'kubernetes.io/service-account.uid': uid } },
        data: { ...mapAt(secret, 'data'), 'ca.crt': encoded(ca), namespace: encoded(namespace), token: encoded(token) },
      },
    },
  ];
}

/** A legacy token, signed by nobody: the API server of a sandbox knows its tokens by heart. */
function tokenOf(namespace: string, secret: string, account: string, uid: string): string {
  const claim = 'kubernetes.io/serviceaccount';
  const payload = {
    iss: 'kubernetes/serviceaccount',
    [`${claim}/namespace`]: namespace,
    [`${claim}/secret.name`]: secret,
    [`${claim}/service-account.name`]: account,
    [`${claim}/service-account.uid`]: uid,
    sub: `system:serviceaccount:${namespace}:${account}`,
  };
  const head = [{ alg: 'RS256', kid: 'sandbox' }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${head}.${createHash('sha256').update(`${uid}/${secret}`).digest('base64url')}`;
}

function keyOf(cluster: ClusterState, account: KubeObject): string {
  return `${cluster.name}/${String(at(account, 'metadata', 'uid'))}`;
}

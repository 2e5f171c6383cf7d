import { annotations, labels, names } from '../istio/labels.ts';
import type { KubeObject } from '../model/kube.ts';
import { apiServerCa, apiServerUrl } from './kubernetes.ts';
import { lastApplied, makerOf, objectUid } from './objects.ts';
import type { Cluster } from './plan.ts';
import { takenAt } from './timeline.ts';
import { base64Of, base64UrlOf } from './seeded.ts';

/** The service account by which a cluster is read. */
export interface ReaderAccount {
  readonly namespace: string;
  readonly name: string;
}

/** The usual one. */
export const readerOf = (systemNamespace: string): ReaderAccount => ({ namespace: systemNamespace, name: names.readerServiceAccount });

/** Secret in the cluster that is read: a token that never expires, made when the remote secret was. */
export function readerToken(cluster: Cluster, account: ReaderAccount, createdAt: string): KubeObject {
  return makerOf(cluster.name, createdAt)(
    'v1',
    'Secret',
    {
      name: tokenSecretName(account),
      namespace: account.namespace,
      annotations: {
        'kubernetes.io/service-account.name': account.name,
        'kubernetes.io/service-account.uid': accountUid(cluster, account),
      },
      labels: { 'kubernetes.io/legacy-token-last-used': takenAt.slice(0, 10) },
    },
    {
      data: {
        'ca.crt': base64Of(apiServerCa(cluster)),
        namespace: base64Of(account.namespace),
        token: base64Of(tokenOf(cluster, account)),
      },
      type: 'kubernetes.io/service-account-token',
    },
  );
}

/** Secret in the cluster of the istiod that reads `target`, as `istioctl create-remote-secret | kubectl apply` leaves it. */
export function remoteSecret(cluster: Cluster, namespace: string, target: Cluster, account: ReaderAccount, createdAt: string): KubeObject {
  const name = `istio-remote-secret-${target.id}`;
  const kubeconfig = kubeconfigOf(target, account, target.id);
  const meta = { annotations: { [annotations.networkingCluster]: target.id }, labels: { [labels.multiCluster]: 'true' }, name, namespace };
  return makerOf(cluster.name, createdAt)(
    'v1',
    'Secret',
    {
      ...meta,
      annotations: {
        ...lastApplied({ apiVersion: 'v1', kind: 'Secret', metadata: meta, stringData: { [target.id]: kubeconfig } }),
        ...meta.annotations,
      },
    },
    { data: { [target.id]: base64Of(kubeconfig) }, type: 'Opaque' },
  );
}

/** The kubeconfig istioctl writes: one cluster, one user, a token. */
export function kubeconfigOf(target: Cluster, account: ReaderAccount, contextName: string): string {
  return [
    'apiVersion: v1',
    'clusters:',
    '- cluster:',
    `    certificate-authority-data: ${base64Of(apiServerCa(target))}`,
    `    server: ${apiServerUrl(target)}`,
    `  name: ${contextName}`,
    'contexts:',
    '- context:',
    `    cluster: ${contextName}`,
    `    user: ${contextName}`,
    `  name: ${contextName}`,
    `current-context: ${contextName}`,
    'kind: Config',
    'users:',
    `- name: ${contextName}`,
    '  user:',
    `    token: ${tokenOf(target, account)}`,
    '',
  ].join('\n');
}

/** A legacy token of a service account: signed by nobody, without expiry. */
export function tokenOf(cluster: Cluster, account: ReaderAccount): string {
  const claim = 'kubernetes.io/serviceaccount';
  const payload = {
    iss: 'kubernetes/serviceaccount',
    [`${claim}/namespace`]: account.namespace,
    [`${claim}/secret.name`]: tokenSecretName(account),
    [`${claim}/service-account.name`]: account.name,
    [`${claim}/service-account.uid`]: accountUid(cluster, account),
    sub: `system:serviceaccount:${account.namespace}:${account.name}`,
  };
  return [{ alg: 'RS256', kid: `key-of-${cluster.name}` }, payload]
    .map((part) => base64UrlOf(JSON.stringify(part)))
    .concat(base64UrlOf('no-signature'))
    .join('.');
}

function tokenSecretName(account: ReaderAccount): string {
  return `${account.name}-istio-remote-secret-token`;
}

function accountUid(cluster: Cluster, account: ReaderAccount): string {
  return objectUid(cluster.name, 'ServiceAccount', account.namespace, account.name);
}

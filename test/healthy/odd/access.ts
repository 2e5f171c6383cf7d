import { annotate, changed, label, put } from '../../../src/builder/edits/edit.ts';
import { isRemoteSecret } from '../../../src/builder/edits/find.ts';
import { withKubeconfig } from '../../../src/builder/edits/kubeconfig.ts';
import { tokenExpires } from '../../../src/builder/edits/remote-secret.ts';
import { mesh } from '../../../src/builder/mesh.ts';
import {
  adding,
  adminRole,
  and,
  bindingOf,
  bundled,
  isKind,
  isReader,
  mesheConfig,
  multiPrimary,
  primaryRemote,
  shop,
  system,
  where,
  without,
  plain,
  type Odd,
} from './edits.ts';

/** Remote secrets, the rights of readers, roots. */
export const access: Readonly<Record<string, () => Odd>> = {
  'the token runs out later': () => ({ built: primaryRemote.edit(tokenExpires({ cluster: 'east', of: 'west', minutes: 60 * 24 * 30 })) }),
  'a service account of another name opens the remote': () => ({
    built: primaryRemote.edit(
      and(
        without((object) => object.kind === 'Secret' && object['type'] === 'kubernetes.io/service-account-token', 'west'),
        where(isRemoteSecret, (object) => withKubeconfig(object, /token: \S+/, 'token: bm90LWEtand0')),
      ),
    ),
  }),
  'tokens redacted by whoever made the dump': () => ({
    built: primaryRemote.edit(
      and(
        where(isRemoteSecret, (object) => withKubeconfig(object, /token: \S+/, 'token: REDACTED')),
        where(
          (object) => object.kind === 'Secret' && object['type'] === 'kubernetes.io/service-account-token',
          (object) => put(object, ['data', 'token'], 'UkVEQUNURUQ='),
        ),
      ),
    ),
  }),
  'Secrets without data': () => ({
    built: multiPrimary.edit(where(isKind('Secret'), (object) => changed(object, ['data'], () => undefined))),
  }),
  'Secrets without data, primary-remote': () => ({
    built: primaryRemote.edit(
      where(isKind('Secret'), (object) =>
        changed(annotate(object, 'kubectl.kubernetes.io/last-applied-configuration', undefined), ['data'], () => undefined),
      ),
    ),
  }),
  'Secrets whose values were replaced': () => ({
    built: primaryRemote.edit(
      where(isKind('Secret'), (object) =>
        changed(object, ['data'], (old) => Object.fromEntries(Object.keys(old ?? {}).map((key) => [key, 'KioqKioq']))),
      ),
    ),
  }),
  'Secrets that are decrypted when they are applied': () => ({
    built: primaryRemote.edit(
      where(isKind('Secret'), (object) =>
        changed(annotate(object, 'kubectl.kubernetes.io/last-applied-configuration', undefined), ['data'], (old) =>
          Object.fromEntries(Object.keys(old ?? {}).map((key) => [key, 'ENC[AES256_GCM,data:Zm9v,iv:YmFy,tag:YmF6,type:str]'])),
        ),
      ),
    ),
  }),
  'no Secrets in the dump': () => ({ built: primaryRemote.edit(without(isKind('Secret'))) }),
  'API servers behind a proxy of the company': () => ({
    built: primaryRemote.edit(
      where(isRemoteSecret, (object) =>
        withKubeconfig(object, /server: \S+/, 'server: https://rancher.corp.example.com/k8s/clusters/c-m-x7'),
      ),
    ),
  }),
  'kubeconfig with a client certificate': () => ({
    built: primaryRemote.edit(
      where(isRemoteSecret, (object) => withKubeconfig(object, /token: \S+/, 'client-certificate-data: Zm9v\n    client-key-data: YmFy')),
    ),
  }),
  'another tool keeps a kubeconfig of the same cluster': () => ({
    built: primaryRemote
      .edit(
        where(isRemoteSecret, (object) => [
          object,
          { ...object, metadata: { name: 'cluster-west', namespace: 'argocd', labels: { 'argocd.argoproj.io/secret-type': 'cluster' } } },
        ]),
      )
      .namespace('argocd'),
  }),
  // Reader roles
  'the reader is cluster-admin': () => ({
    built: primaryRemote.edit(
      and(
        without(isReader, 'west'),
        without(isKind('ClusterRole', 'cluster-admin')),
        adding('west', adminRole, bindingOf({ kind: 'ServiceAccount', name: 'istio-reader-service-account', namespace: system })),
      ),
    ),
  }),
  'the reader has its rights by a group': () => ({
    built: primaryRemote.edit(
      and(
        without(isReader, 'west'),
        without(isKind('ClusterRole', 'cluster-admin')),
        adding(
          'west',
          adminRole,
          bindingOf({ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:serviceaccounts:istio-system' }),
        ),
      ),
    ),
  }),
  'the role of the reader is aggregated': () => ({
    built: primaryRemote.edit(
      where(
        (object) => object.kind === 'ClusterRole' && isReader(object),
        (object) => [
          {
            ...object,
            aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'rbac.example.com/to-reader': 'true' } }] },
          },
          { ...object, metadata: { name: 'reader-part', labels: { 'rbac.example.com/to-reader': 'true' } } },
        ],
        'west',
      ),
    ),
  }),
  'no roles in the dump': () => ({ built: primaryRemote.edit(without((object) => /^(Cluster)?Role(Binding)?$/.test(object.kind))) }),
  // Trust
  'namespaces outside discoverySelectors have no root': () => ({
    built: multiPrimary
      .edit(mesheConfig((text) => `discoverySelectors:\n- matchLabels:\n    mesh: "on"\n${text}`))
      .edit(
        where(
          (object) => object.kind === 'Namespace' && ['shop', system].includes(object.metadata.name),
          (object) => label(object, 'mesh', 'on'),
        ),
      )
      .edit(
        without(
          (object) =>
            object.kind === 'ConfigMap' &&
            object.metadata.name === 'istio-ca-root-cert' &&
            !['shop', system].includes(String(object.metadata.namespace)),
        ),
      ),
  }),
  'a rotation of the root: bundles of two everywhere': () => ({
    built: mesh()
      .multiPrimary('north', 'south', { clusterIds: { north: 'n1', south: 's1' } })
      .edit((objects) => bundled(objects, shop(mesh().multiPrimary('o1', 'o2', { trust: 'self-signed' })).objects())),
  }),
  'a namespace that is being deleted': () => ({
    built: primaryRemote.edit(
      and(
        adding('west', {
          ...plain('gone', { 'istio.io/rev': '1-28-0' }, 'Terminating'),
          metadata: { name: 'gone', labels: { 'istio.io/rev': '1-28-0' }, deletionTimestamp: '2026-11-22T21:20:00Z' },
        }),
      ),
    ),
  }),
};

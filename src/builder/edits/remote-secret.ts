import { annotations, labels, names } from '../../istio/labels.ts';
import type { KubeObject, MeshObjects } from '../../model/kube.ts';
import { agoIn, generatedUid, presentOf, timeText } from './clock.ts';
import { abandoned, type Left, someMinutes } from './control-plane.ts';
import {
  annotate,
  change,
  changed,
  clusterOf,
  type Edit,
  find,
  inCluster,
  inOrder,
  isNamed,
  label,
  put,
  remove,
  withoutLastApplied,
} from './edit.ts';
import { isReaderRole, isReaderToken, isRemoteSecret, systemNamespaceOf } from './find.ts';
import { isRecord, itemsAt, itemsOf, textAt } from './json.ts';
import { encoded, plainData, toUrl, tokenOf, withClaims, withKubeconfig, withPlainData } from './kubeconfig.ts';

/** A remote secret: where it lies, and which cluster of the mesh it opens. */
export interface SecretOf {
  readonly cluster: string;
  readonly of: string;
}

/**
 * What becomes of the leadership of the cluster the secret opens. `keeps`: istiod leads on (it never noticed, or, since 1.30, it holds on to
 * the old connection until the new one synchronised). `loses`: it closed the connection, or was restarted since; the election runs out.
 */
export interface Leading {
  readonly leader: 'keeps' | 'loses';
  readonly left?: Left;
}

/** SEC-01: the remote secret deleted. istiod closes the connection at once: nobody leads the remote any more, and its endpoints and gateway are gone from every proxy. */
export function remoteSecretDeleted(options: SecretOf & { readonly left?: Left }): Edit {
  return inOrder(
    (mesh) => inCluster(options.cluster, (objects) => remove(objects, opens(mesh, options), `remote secret for ${options.of}`))(mesh),
    leadership({ ...options, leader: 'loses' }),
  );
}

/** SEC-11: the label that istiod's watch selects by is gone or has another value. To istiod the secret is deleted. */
export function remoteSecretLabelled(options: SecretOf & { readonly value: string | undefined; readonly left?: Left }): Edit {
  return inOrder(
    secret(options, (object) => label(object, labels.multiCluster, options.value)),
    leadership({ ...options, leader: 'loses' }),
  );
}

/** SEC-11: the secret lies in another namespace than istiod, the only one it watches. */
export function remoteSecretMoved(options: SecretOf & { readonly namespace: string; readonly left?: Left }): Edit {
  return inOrder(
    secret(options, (object) => put(withoutLastApplied(object), ['metadata', 'namespace'], options.namespace)),
    leadership({ ...options, leader: 'loses' }),
  );
}

/**
 * SEC-05: a kubeconfig that istiod refuses, or cannot read. A live change leaves the old connection standing (`keeps`); after a restart of
 * istiod there is none.
 */
export function kubeconfigRejected(
  options: SecretOf & Leading & { readonly auth: 'exec' | 'auth-provider' | 'client-key' | 'token-file' | 'unreadable' | 'empty' },
): Edit {
  const user = {
    exec: execUser,
    'auth-provider': providerUser,
    'client-key': fileUser,
    'token-file': '    tokenFile: /var/run/secrets/remote/token\n',
  };
  return inOrder(
    secret(options, (object) => {
      if (options.auth === 'empty') return withPlainData(object, (data) => Object.fromEntries(Object.keys(data).map((key) => [key, ''])));
      if (options.auth === 'unreadable')
        return withPlainData(object, (data) =>
          Object.fromEntries(
            Object.entries(data).map(([key, text]) => [key, text.slice(0, text.indexOf('users:')).replace('clusters:', 'clusters: [')]),
          ),
        );
      return withKubeconfig(object, /^\s*token:.*\n/m, user[options.auth]);
    }),
    leadership(options),
  );
}

/** SEC-02: the secret's server is an address of whoever made it. istiod cannot reach it. */
export function serverAddress(options: SecretOf & Leading & { readonly server: string }): Edit {
  return inOrder(
    secret(options, (object) => withKubeconfig(object, /^(\s*server:\s*).*$/m, `$1${options.server}`)),
    leadership(options),
  );
}

/** SEC-04: a hand-made token with an end. `minutes` from the present of the mesh, negative when it is over; then istiod can no longer renew its election, nor give it up. */
export function tokenExpires(options: SecretOf & { readonly minutes: number }): Edit {
  return (mesh) => {
    const end = presentOf(mesh) + options.minutes * 60_000;
    const legacy = ['namespace', 'secret.name', 'service-account.name', 'service-account.uid'].map((claim): [string, unknown] => [
      `kubernetes.io/serviceaccount/${claim}`,
      undefined,
    ]);
    const seconds = Math.floor(end / 1000);
    const requested = {
      iss: 'https://kubernetes.default.svc.cluster.local',
      aud: ['https://kubernetes.default.svc.cluster.local'],
      iat: seconds - 86_400,
      nbf: seconds - 86_400,
      exp: seconds,
    };
    const claims = { ...Object.fromEntries<unknown>(legacy), ...requested };
    const renewed = secret(options, (object) =>
      withPlainData(object, (data) =>
        Object.fromEntries(
          Object.entries(data).map(([key, kubeconfig]) => [
            key,
            kubeconfig.replace(/^(\s*token:\s*)(\S+)/m, (_, before: string, token: string) => before + withClaims(token, claims)),
          ]),
        ),
      ),
    );
    const expired = inCluster(options.of, (objects) => abandoned(objects, end));
    return options.minutes > 0 ? renewed(mesh) : inOrder(renewed, expired)(mesh);
  };
}

/** SEC-04: a token that `aws eks get-token` printed some minutes ago: a signed address in base64, good for a quarter of an hour. The connection that was made with it stands until istiod starts again. */
export function eksToken(options: SecretOf & { readonly minutesAgo: number }): Edit {
  return (mesh) => {
    const date = timeText(agoIn(mesh, options.minutesAgo)).replaceAll(/[-:]/g, '');
    const address = `https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=${date}&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature=0f`;
    const token = `k8s-aws-v1.${toUrl(encoded(address))}`;
    const renewed = secret(options, (object) => withKubeconfig(object, /^(\s*token:\s*)\S+/m, `$1${token}`));
    return inOrder(
      renewed,
      inCluster(options.of, (objects) => abandoned(objects, agoIn(mesh, options.minutesAgo - 15))),
    )(mesh);
  };
}

/**
 * SEC-04, S17: the reader's token changed in the cluster it opens, the secret still holds the old one. `'rotated'`: service account and
 * token Secret were made again (another UID, hence another token). `'secret'`: the token Secret was deleted. `'account'`: the service
 * account, and with it the token Secret. istiod can neither renew its election nor give it up.
 */
export function readerTokenRevoked(options: SecretOf & { readonly by: 'rotated' | 'secret' | 'account' }): Edit {
  const isAccount = (object: KubeObject): boolean =>
    object.kind === 'ServiceAccount' && object.metadata.name === names.readerServiceAccount;
  const revoked = inCluster(options.of, (objects, mesh) => {
    const born = timeText(agoIn(mesh, someMinutes));
    if (options.by === 'secret') return remove(objects, isReaderToken, 'token of the reader');
    if (options.by === 'account')
      return remove(remove(objects, isReaderToken, 'token of the reader'), isAccount, 'service account of the reader');
    const uid = generatedUid(`${options.of}/reader`);
    const accounts = change(
      objects,
      isAccount,
      (account) => put(put(account, ['metadata', 'uid'], uid), ['metadata', 'creationTimestamp'], born),
      'service account of the reader',
    );
    return change(
      accounts,
      isReaderToken,
      (token) => {
        const renewed = withPlainData(token, (data) => ({
          ...data,
          token: withClaims(data['token'] ?? '', { 'kubernetes.io/serviceaccount/service-account.uid': uid }),
        }));
        return put(annotate(renewed, 'kubernetes.io/service-account.uid', uid), ['metadata', 'creationTimestamp'], born);
      },
      'token of the reader',
    );
  });
  return inOrder(revoked, leadership({ ...options, leader: 'loses', left: 'expired' }));
}

/**
 * ID-08: the secret made under another name than the cluster's proxies claim: its key, its kubeconfig's names, its own name and
 * annotation. istiod reads and leads the cluster under that name; its proxies are not let in when they next connect.
 */
export function secretRekeyed(options: SecretOf & { readonly key: string }): Edit {
  return secret(options, (object) => {
    const [old = ''] = Object.keys(plainData(object));
    const named = put(object, ['metadata', 'name'], object.metadata.name.replace(old, options.key));
    return annotate(
      withPlainData(named, (data) =>
        Object.fromEntries(
          Object.entries(data).map(([key, text]) => [key === old ? options.key : key, text.replaceAll(`: ${old}\n`, `: ${options.key}\n`)]),
        ),
      ),
      annotations.networkingCluster,
      options.key,
    );
  });
}

/** ID-08: the secret made without a name. istioctl then takes the UID of the cluster's kube-system for one. */
export function secretUnnamed(options: SecretOf): Edit {
  return (mesh) => {
    const uid = find(clusterOf(mesh, options.of), isNamed('Namespace', 'kube-system'), 'namespace kube-system').metadata.uid;
    return secretRekeyed({ ...options, key: uid ?? generatedUid(options.of) })(mesh);
  };
}

/** SEC-09: a second secret with the same key, made later, for another address of that cluster. istiod takes whichever it meets first. */
export function remoteSecretDoubled(options: SecretOf & { readonly name: string; readonly server: string }): Edit {
  return (mesh) =>
    inCluster(options.cluster, (objects) => {
      const first = find(objects, opens(mesh, options), `remote secret for ${options.of}`);
      const second = put(
        put(put(first, ['metadata', 'name'], options.name), ['metadata', 'uid'], generatedUid(options.name)),
        ['metadata', 'creationTimestamp'],
        timeText(agoIn(mesh, someMinutes)),
      );
      return [...objects, withKubeconfig(second, /^(\s*server:\s*).*$/m, `$1${options.server}`)];
    })(mesh);
}

/**
 * SEC-06: a right taken from the reader's role, in every rule that grants it. `verbs` absent: the resource altogether. Without the right to
 * update configmaps nobody can renew the election; other rights are missed at the next list, watch or review.
 */
export function readerWithout(options: { readonly cluster: string; readonly resource: string; readonly verbs?: readonly string[] }): Edit {
  const role = inCluster(options.cluster, (objects) =>
    change(
      objects,
      isReaderRole,
      (object) => changed(object, ['rules'], (rules) => itemsOf(rules).flatMap((rule) => withoutRight(rule, options))),
      'role of the reader',
    ),
  );
  const cannotRenew = options.resource === 'configmaps' && (options.verbs === undefined || options.verbs.includes('update'));
  return cannotRenew
    ? inOrder(role, (mesh) => inCluster(options.cluster, (objects) => abandoned(objects, agoIn(mesh, someMinutes)))(mesh))
    : role;
}

/** SEC-06: the binding of the reader's role deleted, or bound to another service account: the token is valid and may do nothing. */
export function readerUnbound(options: { readonly cluster: string; readonly subject?: string }): Edit {
  const unbound = inCluster(options.cluster, (objects) => {
    const role = find(objects, isReaderRole, 'role of the reader').metadata.name;
    const binds = (object: KubeObject): boolean => object.kind === 'ClusterRoleBinding' && textAt(object, 'roleRef', 'name') === role;
    return change(
      objects,
      binds,
      (binding) => (options.subject === undefined ? undefined : put(binding, ['subjects', '*', 'name'], options.subject)),
      'binding of the reader',
    );
  });
  return inOrder(unbound, (mesh) => inCluster(options.cluster, (objects) => abandoned(objects, agoIn(mesh, someMinutes)))(mesh));
}

/** SEC-12: a cluster that is no more. Secrets that open it are left, in all other clusters; those named in `unless` were taken away with it. */
export function clusterGone(cluster: string, unless: readonly string[] = []): Edit {
  return (mesh) => {
    clusterOf(mesh, cluster);
    const isTaken = (object: KubeObject): boolean => object.kind === 'Secret' && unless.includes(object.metadata.name);
    return new Map(
      [...mesh].filter(([name]) => name !== cluster).map(([name, objects]) => [name, objects.filter((object) => !isTaken(object))]),
    );
  };
}

/** SEC-14: the base of Istio was never installed in a cluster: no account to be read as, and no token of it. */
export function readerAccountMissing(cluster: string): Edit {
  return inCluster(cluster, (objects) =>
    remove(
      objects,
      (object) => isReaderToken(object) || (object.kind === 'ServiceAccount' && object.metadata.name === names.readerServiceAccount),
      'service account of the reader',
    ),
  );
}

/** SEC-14: the Secret for the reader's token was made, and no controller filled it in. */
export function readerTokenUnfilled(cluster: string): Edit {
  return inCluster(cluster, (objects) =>
    change(objects, isReaderToken, (object) => put(object, ['data'], undefined), 'token of the reader'),
  );
}

/** Finds the secret that opens a cluster: the one whose token that cluster's reader has, else whose CA is that of its API server. */
function opens(mesh: MeshObjects, options: SecretOf): (object: KubeObject) => boolean {
  const opened = clusterOf(mesh, options.of);
  const token = opened.filter(isReaderToken).map((object) => plainData(object)['token'])[0];
  const ca = textAt(opened.find(isNamed('ConfigMap', names.apiServerCaConfigMap, systemNamespaceOf(opened))), 'data', 'ca.crt');
  const isIts = (kubeconfig: string): boolean =>
    (token !== undefined && tokenOf(kubeconfig) === token) || (ca !== undefined && kubeconfig.includes(btoa(ca)));
  const candidates = clusterOf(mesh, options.cluster).filter((object) => isRemoteSecret(object) && object.kind === 'Secret');
  const found = candidates.find((object) => Object.values(plainData(object)).some(isIts)) ?? (mesh.size === 2 ? candidates[0] : undefined);
  return (object) => object === found;
}

function secret(options: SecretOf, how: (object: KubeObject) => KubeObject): Edit {
  return (mesh) =>
    inCluster(options.cluster, (objects) => change(objects, opens(mesh, options), how, `remote secret for ${options.of}`))(mesh);
}

function leadership(options: SecretOf & Leading): Edit {
  if (options.leader === 'keeps') return (mesh) => mesh;
  return (mesh) => inCluster(options.of, (objects) => abandoned(objects, agoIn(mesh, someMinutes), options.left))(mesh);
}

function withoutRight(rule: unknown, right: { readonly resource: string; readonly verbs?: readonly string[] }): readonly unknown[] {
  const resources = itemsAt(rule, 'resources');
  if (!isRecord(rule) || !resources.includes(right.resource)) return [rule];
  const others = resources.filter((resource) => resource !== right.resource);
  const verbs = right.verbs === undefined ? [] : itemsAt(rule, 'verbs').filter((verb) => !right.verbs?.includes(String(verb)));
  return [
    ...(others.length > 0 ? [{ ...rule, resources: others }] : []),
    ...(verbs.length > 0 ? [{ ...rule, resources: [right.resource], verbs }] : []),
  ];
}

const execUser =
  '    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: aws\n      args: [eks, get-token, --cluster-name, west]\n      interactiveMode: Never\n';
const providerUser = '    auth-provider:\n      name: gcp\n';
const fileUser = '    client-certificate: /home/ops/.kube/client.crt\n    client-key: /home/ops/.kube/client.key\n';

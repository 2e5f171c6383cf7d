import { names } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import { agoIn, generatedUid, timeText } from './clock.ts';
import { istiodRestarted, rootOf, someMinutes } from './control-plane.ts';
import { change, changeAny, clusterOf, type Edit, EditError, find, inCluster, inOrder, type Objects, put } from './edit.ts';
import { isInjector, isRootConfigMap, systemNamespaceOf } from './find.ts';
import { isRecord, mapAt, textAt } from './json.ts';
import { decoded, encoded } from './kubeconfig.ts';

/**
 * TRU-01: another root in one primary of several. `'self-signed'`: no plugged-in CA, so istiod made its own (Secret istio-ca-secret).
 * `'plugged-in'`: cacerts of another root. istiod rolled out, distributes that root to every namespace of its cluster and patches it into
 * its webhooks, injecting and validating.
 */
export function anotherRoot(options: { readonly cluster: string; readonly root: string; readonly ca: 'self-signed' | 'plugged-in' }): Edit {
  return inOrder(
    inCluster(options.cluster, (objects, mesh) => {
      const old = rootOf(objects);
      if (old === options.root) throw new EditError(`${options.cluster} has that root already.`);
      const isCa = (object: KubeObject): boolean =>
        object.kind === 'Secret' &&
        (object.metadata.name === 'cacerts' || object.metadata.name === 'istio-ca-secret') &&
        object.metadata.namespace === systemNamespaceOf(objects);
      const system = systemNamespaceOf(objects);
      const pem = encoded(options.root);
      const key = encoded('no key');
      const ca: KubeObject = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: options.ca === 'self-signed' ? 'istio-ca-secret' : 'cacerts',
          namespace: system,
          uid: generatedUid(`${options.cluster}/ca`),
          creationTimestamp: timeText(agoIn(mesh, someMinutes)),
        },
        type: options.ca === 'self-signed' ? 'istio.io/ca-root' : 'Opaque',
        data:
          options.ca === 'self-signed'
            ? { 'ca-cert.pem': pem, 'ca-key.pem': key, 'cert-chain.pem': '', 'key.pem': '', 'root-cert.pem': pem }
            : { 'ca-cert.pem': pem, 'ca-key.pem': key, 'cert-chain.pem': pem, 'root-cert.pem': pem },
      };
      const others = objects.filter((object) => !isCa(object)).map((object) => withBundle(object, old, options.root));
      return [...changeAny(others, isRootConfigMap, (object) => put(object, ['data', 'root-cert.pem'], options.root)), ca];
    }),
    istiodRestarted({ cluster: options.cluster }),
  );
}

/** TRU-07: another root in istio-ca-root-cert of the namespaces named, or of all of them: left by a former installation, or copied by hand. */
export function foreignRoot(options: { readonly cluster: string; readonly root: string; readonly namespaces?: readonly string[] }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      (object) => isRootConfigMap(object) && options.namespaces?.includes(object.metadata.namespace ?? '') !== false,
      (object) => put(object, ['data', 'root-cert.pem'], options.root),
      names.rootConfigMap,
    ),
  );
}

/** A root that is certainly not the mesh's: the CA of the cluster's own API server, read from the mesh itself. */
export function apiServerCaOf(cluster: string): (mesh: ReadonlyMap<string, readonly KubeObject[]>) => string {
  return (mesh) =>
    textAt(
      find(
        clusterOf(mesh, cluster),
        (object) => object.kind === 'ConfigMap' && object.metadata.name === names.apiServerCaConfigMap,
        names.apiServerCaConfigMap,
      ),
      'data',
      'ca.crt',
    ) ?? '';
}

/** An edit whose PEM is the API server's CA of a cluster. */
export function withForeignRoot(from: string, edit: (root: string) => Edit): Edit {
  return (mesh) => edit(apiServerCaOf(from)(mesh))(mesh);
}

/**
 * TRU-05, TRU-10: one certificate in place of another wherever Secrets, ConfigMaps, kubeconfigs and webhooks hold it, in all clusters: a mesh
 * that was set up with it from the start.
 */
export function certificateReplaced(old: string, by: string): Edit {
  return (mesh) => {
    const after = new Map([...mesh].map(([name, objects]) => [name, objects.map((object) => withCertificate(object, old, by))]));
    if ([...after].every(([name, objects]) => objects.every((object, index) => object === mesh.get(name)?.[index])))
      throw new EditError('The mesh does not hold that certificate.');
    return after;
  };
}

/** Keys of Secret cacerts written anew, as by a tool or by hand; istiod goes on as it is. `minutes` before the present. */
export function caSecretWritten(options: {
  readonly cluster: string;
  readonly data: Readonly<Record<string, string>>;
  readonly minutes?: number;
}): Edit {
  return inCluster(options.cluster, (objects, mesh) =>
    change(
      objects,
      (object) =>
        object.kind === 'Secret' && object.metadata.name === 'cacerts' && object.metadata.namespace === systemNamespaceOf(objects),
      (object) => {
        const time = timeText(agoIn(mesh, options.minutes ?? someMinutes));
        const encodedData = Object.fromEntries(Object.entries(options.data).map(([key, pem]) => [key, encoded(pem)]));
        const written = {
          manager: 'kubectl-create',
          operation: 'Update',
          apiVersion: 'v1',
          time,
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:data': {} },
        };
        return put(put(object, ['data'], { ...mapAt(object, 'data'), ...encodedData }), ['metadata', 'managedFields'], [written]);
      },
      'Secret cacerts',
    ),
  );
}

/** TRU-04: a further root under caCertificates of the mesh configuration of a cluster. */
export function trustsRoot(options: { readonly cluster: string; readonly root: string }): Edit {
  const entry = `caCertificates:\n- pem: |\n${options.root.replaceAll(/^(?=.)/gm, '    ')}`;
  return inCluster(options.cluster, (objects) => changeMeshText(objects, (text) => `${entry}${text}`));
}

/** A setting of defaultConfig.proxyMetadata in the mesh configuration of a cluster. */
export function proxyMetadataSet(options: { readonly cluster: string; readonly name: string; readonly value: string }): Edit {
  const line = `    ${options.name}: "${options.value}"\n`;
  return inCluster(options.cluster, (objects) =>
    changeMeshText(objects, (text) =>
      text.includes('  proxyMetadata:\n')
        ? text.replace('  proxyMetadata:\n', `  proxyMetadata:\n${line}`)
        : text.replace('defaultConfig:\n', `defaultConfig:\n  proxyMetadata:\n${line}`),
    ),
  );
}

/** Key `mesh` of every ConfigMap `istio[-rev]` of the system namespace. */
function changeMeshText(objects: Objects, how: (text: string) => string): KubeObject[] {
  const isMeshConfig = (object: KubeObject): boolean =>
    object.kind === 'ConfigMap' &&
    /^istio(-|$)/.test(object.metadata.name) &&
    object.metadata.namespace === systemNamespaceOf(objects) &&
    textAt(object, 'data', 'mesh') !== undefined;
  return change(
    objects,
    isMeshConfig,
    (object) => put(object, ['data', 'mesh'], how(textAt(object, 'data', 'mesh') ?? '')),
    'mesh configuration',
  );
}

function withCertificate(object: KubeObject, old: string, by: string): KubeObject {
  // A kubeconfig holds it in base64.
  const replaced = (text: string): string => text.replaceAll(old.trim(), by.trim()).replaceAll(encoded(old), encoded(by));
  if (object.kind === 'ConfigMap' || object.kind === 'Secret') {
    const isSecret = object.kind === 'Secret';
    return Object.entries(mapAt(object, 'data')).reduce<KubeObject>((next, [key, value]) => {
      const before = isSecret ? decoded(value) : value;
      const after = replaced(before);
      return after === before ? next : put(next, ['data', key], isSecret ? encoded(after) : after);
    }, object);
  }
  return withBundle(object, old, by);
}

function withBundle(object: KubeObject, old: string, root: string): KubeObject {
  if (!isInjector(object) && object.kind !== 'ValidatingWebhookConfiguration') return object;
  return Array.isArray(object['webhooks'])
    ? put(
        object,
        ['webhooks'],
        object['webhooks'].map((webhook: unknown) => {
          const bundle = textAt(webhook, 'clientConfig', 'caBundle');
          if (bundle === undefined || decoded(bundle).trim() !== old.trim() || !isRecord(webhook) || !isRecord(webhook['clientConfig']))
            return webhook;
          return { ...webhook, clientConfig: { ...webhook['clientConfig'], caBundle: encoded(root) } };
        }),
      )
    : object;
}

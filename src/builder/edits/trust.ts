import { names } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import { agoIn, generatedUid, timeText } from './clock.ts';
import { istiodRestarted, rootOf, someMinutes } from './control-plane.ts';
import { change, changeAny, clusterOf, type Edit, EditError, find, inCluster, inOrder, put } from './edit.ts';
import { isInjector, isRootConfigMap, systemNamespaceOf } from './find.ts';
import { isRecord, textAt } from './json.ts';
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

import { annotations } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import { agoIn } from './clock.ts';
import { someMinutes } from './control-plane.ts';
import { annotate, change, changed, type Edit, inCluster, inOrder, type Objects } from './edit.ts';
import { isPod, isProxy, isSidecarPod, systemNamespaceOf } from './find.ts';
import { edited, isRecord, itemsOf, textAt } from './json.ts';
import { ownedBy, rollOut, setEnv } from './workload.ts';

const capture = 'ISTIO_META_DNS_CAPTURE';

/** The setting in the mesh config that a control plane injects with (`proxyMetadata` of `defaultConfig`), taken away or written. It says nothing about pods that already run. */
export function meshDnsCapture(options: { readonly cluster: string; readonly value: 'true' | 'false' | undefined }): Edit {
  return inCluster(options.cluster, (objects) => {
    const system = systemNamespaceOf(objects);
    return change(
      objects,
      (object) =>
        object.kind === 'ConfigMap' &&
        object.metadata.namespace === system &&
        textAt(object, 'data', 'mesh') !== undefined &&
        textAt(object, 'data', 'mesh')?.includes('proxyMetadata') === true,
      (object) => changed(object, ['data', 'mesh'], (text) => (typeof text === 'string' ? withMetadata(text, options.value) : text)),
      'mesh config with proxyMetadata',
    );
  });
}

/** Pods of a cluster injected while DNS capture was off: no variable on proxy and init container, none in PROXY_CONFIG. */
export function workloadsWithoutDnsCapture(options: { readonly cluster: string; readonly restarted?: boolean }): Edit {
  return inCluster(options.cluster, (objects, mesh) => {
    if (options.restarted !== true)
      return change(
        objects,
        (object) => isSidecarPod(object) && hasCapture(object['spec'], 'istio-proxy'),
        withoutCapture,
        'pod with DNS capture',
      );
    const injected = objects.filter((object) => object.kind === 'Deployment' && ownedBy(objects, object).pods.some(isSidecarPod));
    return injected.reduce<Objects>(
      (result, deployment) => rollOut(result, deployment, { at: agoIn(mesh, someMinutes), pod: withoutCapture }),
      objects,
    );
  });
}

/** DNS-01: DNS capture off for the whole control plane of `primary`, and every cluster it injects for restarted since. A name that only one cluster has is unknown in the others. */
export function dnsCaptureOff(options: { readonly primary: string; readonly clusters: readonly string[] }): Edit {
  return inOrder(
    meshDnsCapture({ cluster: options.primary, value: undefined }),
    ...options.clusters.map((cluster) =>
      inCluster(cluster, (objects) =>
        objects.map((object) =>
          isProxy(object) || object.kind === 'Deployment' || object.kind === 'ReplicaSet' ? withoutCapture(object) : object,
        ),
      ),
    ),
  );
}

/** DNS-01: DNS capture turned off by an annotation of the workload, whatever the mesh says; its pods were restarted with it. */
export function workloadsOptOutOfDnsCapture(options: { readonly cluster: string }): Edit {
  const annotation = `proxyMetadata:\n  ${capture}: "false"\n`;
  return inCluster(options.cluster, (objects, mesh) => {
    const injected = objects.filter((object) => object.kind === 'Deployment' && ownedBy(objects, object).pods.some(isSidecarPod));
    return injected.reduce<Objects>(
      (result, deployment) =>
        rollOut(result, deployment, {
          at: agoIn(mesh, someMinutes),
          template: (template) => edited(template, ['metadata', 'annotations', annotations.proxyConfig], () => annotation),
          pod: (pod) => annotate(withCapture(pod, 'false'), annotations.proxyConfig, annotation),
        }),
      objects,
    );
  });
}

function withoutCapture(object: KubeObject): KubeObject {
  return withCapture(object, undefined);
}

function withCapture(object: KubeObject, value: string | undefined): KubeObject {
  const path = isPod(object) ? ['spec'] : ['spec', 'template', 'spec'];
  const containers = ['istio-proxy', 'istio-init', 'istio-validation'];
  return changed(object, path, (spec) => {
    if (!isRecord(spec)) return spec;
    const set = containers.reduce<unknown>(
      (next, container) => (hasCapture(next, container) ? setEnv(next, container, capture, value) : next),
      spec,
    );
    return ['containers', 'initContainers'].reduce(
      (next, list) =>
        edited(next, [list, '*', 'env', '*'], (entry) =>
          isRecord(entry) && entry['name'] === 'PROXY_CONFIG' && typeof entry['value'] === 'string'
            ? { ...entry, value: withoutMetadata(entry['value'], value) }
            : entry,
        ),
      set,
    );
  });
}

function hasCapture(spec: unknown, container: string): boolean {
  return ['containers', 'initContainers'].some((list) =>
    itemsOf(isRecord(spec) ? spec[list] : undefined).some(
      (item) =>
        textAt(item, 'name') === container &&
        itemsOf(isRecord(item) ? item['env'] : undefined).some((entry) => textAt(entry, 'name') === capture),
    ),
  );
}

/** PROXY_CONFIG is JSON with the same metadata. */
function withoutMetadata(text: string, value: string | undefined): string {
  const pattern = /"proxyMetadata":\{"ISTIO_META_DNS_CAPTURE":"true"\},?/;
  return text.replace(pattern, value === undefined ? '' : `"proxyMetadata":{"${capture}":"${value}"},`);
}

/** The mesh config is YAML of istioctl's or Helm's making: one setting a line. */
function withMetadata(text: string, value: string | undefined): string {
  const line = new RegExp(`^(\\s*)${capture}:.*\\n?`, 'm');
  if (value !== undefined) return text.replace(line, `$1${capture}: "${value}"\n`);
  const without = text.replace(line, '');
  // An empty mapping is not written at all.
  return without.replace(/^(\s*)proxyMetadata:\n(?!\1\s)/m, '');
}

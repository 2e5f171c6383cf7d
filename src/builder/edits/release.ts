import { labels } from '../../istio/labels.ts';
import type { KubeObject, StringMap } from '../../model/kube.ts';
import { change, changeAny, type Edit, inCluster, labelsOf, put } from './edit.ts';
import { isIstiod, isPod } from './find.ts';
import { isRecord, itemsAt, textAt } from './json.ts';

// What installers and rollouts of another release leave behind.

const controlPlaneImage = /(\/pilot:)\d+\.\d+\.\d+/;
const proxyImage = /(\/(?:proxyv2|ztunnel):)\d+\.\d+\.\d+/;

/** istiod of one cluster runs another release, installed over the one before; its proxies and what was installed elsewhere are left. */
export function istiodOfRelease(options: { readonly cluster: string; readonly release: string; readonly revision?: string }): Edit {
  const { release } = options;
  return inCluster(options.cluster, (objects) => {
    const isOwn = (object: KubeObject): boolean =>
      options.revision === undefined ||
      labelsOf(object)[labels.revision] === options.revision ||
      object.kind === 'CustomResourceDefinition';
    const runsIstiod = (object: KubeObject): boolean => isOwn(object) && images(object).some((image) => controlPlaneImage.test(image));
    const renewed = change(objects, runsIstiod, (object) => withImage(object, controlPlaneImage, release), 'istiod');
    return changeAny(
      renewed,
      (object) => isOwn(object) && isInstalled(object) && object.kind !== 'Pod',
      (object) => withReleaseLabels(object, release),
    );
  });
}

/** Pods with a proxy of another release: injected by another istiod, or installed by hand. `in`: those of a namespace only. */
export function proxiesOfRelease(options: {
  readonly cluster: string;
  readonly release: string;
  readonly in?: string;
  readonly of?: 'gateways' | 'sidecars';
}): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      (object) =>
        isPod(object) &&
        (options.in === undefined || object.metadata.namespace === options.in) &&
        (options.of === undefined || (itemsAt(object, 'spec', 'containers').length === 1) === (options.of === 'gateways')) &&
        images(object).some((image) => proxyImage.test(image)),
      (object) => withImage(object, proxyImage, options.release),
      'proxy',
    ),
  );
}

/** What charts of another release installed into a cluster that runs no istiod of its own: labels of all of it. */
export function installedByRelease(options: { readonly cluster: string; readonly release: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      (object) => isInstalled(object) && object.kind !== 'Pod',
      (object) => withReleaseLabels(object, options.release),
      'object that an installer labelled',
    ),
  );
}

/** CustomResourceDefinitions of before 1.22: a chart's upgrade leaves them as they were. `kinds`: only these. */
export function crdsWithoutV1(options: { readonly cluster: string; readonly kinds?: readonly string[] }): Edit {
  const isOld = (object: KubeObject): boolean =>
    object.kind === 'CustomResourceDefinition' &&
    /\.(networking|security|telemetry)\.istio\.io$/.test(object.metadata.name) &&
    itemsAt(object, 'spec', 'versions').some((version) => textAt(version, 'name') === 'v1') &&
    (options.kinds === undefined || options.kinds.includes(textAt(object, 'spec', 'names', 'kind') ?? ''));
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      isOld,
      (object) =>
        put(
          object,
          ['spec', 'versions'],
          itemsAt(object, 'spec', 'versions').filter((version) => textAt(version, 'name') !== 'v1'),
        ),
      'custom resource with version v1',
    ),
  );
}

/** Nodes run another Kubernetes. */
export function nodesOfKubernetes(options: { readonly cluster: string; readonly version: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      (object) => object.kind === 'Node',
      (object) => put(object, ['status', 'nodeInfo', 'kubeletVersion'], options.version),
      'node',
    ),
  );
}

function isInstalled(object: KubeObject): boolean {
  return (
    labelsOf(object)[labels.operatorVersion] !== undefined || labelsOf(object)['app.kubernetes.io/part-of'] === 'istio' || isIstiod(object)
  );
}

function withReleaseLabels(object: KubeObject, release: string): KubeObject {
  const next: StringMap = Object.fromEntries(
    Object.entries(labelsOf(object)).map(([key, value]) => {
      if (key === labels.operatorVersion || key === labels.appVersion) return [key, release];
      return key === 'helm.sh/chart' ? [key, value.replace(/\d+\.\d+\.\d+$/, release)] : [key, value];
    }),
  );
  return put(object, ['metadata', 'labels'], next);
}

function images(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(images);
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => (key === 'image' && typeof item === 'string' ? [item] : images(item)));
}

function withImage(object: KubeObject, image: RegExp, release: string): KubeObject {
  const spec = retagged(object['spec'], image, release);
  return { ...object, spec };
}

function retagged(value: unknown, image: RegExp, release: string): unknown {
  if (Array.isArray(value)) return value.map((item) => retagged(item, image, release));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === 'image' && typeof item === 'string' ? item.replace(image, `$1${release}`) : retagged(item, image, release),
    ]),
  );
}

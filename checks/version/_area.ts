import { type ClusterName, type ControlPlane, count, distinct, injection, type Injector, list, type Mesh, type Pod } from 'meshdoctor/api';

export const title = 'Versions and upgrades';
export const order = 9;

/** A pod with a proxy, of which the version is known. */
export type VersionedPod = Pod & { readonly proxy: NonNullable<Pod['proxy']> & { readonly version: string } };

/**
 * Proxies that connect to this istiod: they name its revision, or a tag of it, and no istiod of another namespace. Where an istiod of
 * another cluster serves the same revision, nobody can tell which of the two a proxy is connected to: nothing.
 */
export function proxiesOf(
  controlPlane: ControlPlane,
  cluster: ClusterName,
  mesh: Mesh,
  pods: readonly Pod[],
  injectors: readonly Injector[],
): VersionedPod[] {
  const rivals = mesh.couples.filter(
    ({ kind, member, controlPlane: own }) => member === cluster && kind !== 'peer' && own.revision === controlPlane.revision,
  );
  if (rivals.length > 1) return [];
  return pods.filter((pod): pod is VersionedPod => {
    if (pod.proxy?.version === undefined || pod.proxy.revision === undefined || isOver(pod)) return false;
    const namespace = /^istiod[^.]*\.([^.]+)\.svc/.exec(pod.proxy.discoveryHost ?? '')?.[1];
    if (namespace !== undefined && namespace !== controlPlane.namespace) return false;
    const { revision } = pod.proxy;
    return (injection.revisionBehind(revision, injectors) ?? revision) === controlPlane.revision;
  });
}

function isOver(pod: Pod): boolean {
  return pod.phase === 'Succeeded' || pod.phase === 'Failed';
}

/** `3 pods of sample and shop`. */
export function podsIn(pods: readonly Pod[]): string {
  const namespaces = distinct(pods.map((pod) => pod.namespace));
  return `${count(pods.length, 'pod')} of ${namespaces.length > 3 ? count(namespaces.length, 'namespace') : list(namespaces)}`;
}

/** `istiod 1.31.0 of east` */
export function spelledIstiod({ ref, version }: ControlPlane): string {
  return `istiod ${version ?? 'of unknown version'} of ${ref.cluster}`;
}

/** Control planes by cluster, of clusters that have one. */
export function byCluster(clusters: readonly { readonly controlPlanes: readonly ControlPlane[] }[]): (readonly ControlPlane[])[] {
  return clusters.map(({ controlPlanes }) => controlPlanes.filter(({ version }) => version !== undefined)).filter((own) => own.length > 0);
}

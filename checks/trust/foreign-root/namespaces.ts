import {
  type ControlPlane,
  distinct,
  type Fact,
  listOf,
  type MeshConfig,
  type Namespace,
  type Pod,
  type RootConfigMap,
  selectors,
} from 'meshdoctor/api';
import { bundleOf, meets, rootMapOf } from '../_area.ts';

/** Several meshes may share a cluster: their namespaces, and those they look after, have their roots. */
export function isOfAnotherMesh(
  map: RootConfigMap,
  member: { readonly controlPlanes: readonly ControlPlane[]; readonly rootConfigMaps: readonly RootConfigMap[] },
  namespace: string,
): boolean {
  const others = distinct(member.controlPlanes.map((istiod) => istiod.namespace)).filter((other) => other !== namespace);
  return others.some((other) => {
    const root = rootMapOf(member.rootConfigMaps, other);
    // Without that root nothing is known of its namespaces.
    return root === undefined || meets(bundleOf(map.certificates), bundleOf(root.certificates));
  });
}

export function configOf(configs: Fact<readonly MeshConfig[]>, istiod: ControlPlane): Pick<MeshConfig, 'discoverySelectors'> | undefined {
  const own = listOf(configs).find((config) => config.namespace === istiod.namespace && config.revision === istiod.revision);
  if (own?.unreadable === false) return own;
  // istiod without a ConfigMap of its own sees everything.
  return configs.status === 'collected' && configs.partial !== true && own === undefined ? { discoverySelectors: [] } : undefined;
}

export function isSeen(name: string, config: Pick<MeshConfig, 'discoverySelectors'>, namespaces: readonly Namespace[]): boolean {
  const namespace = namespaces.find((candidate) => candidate.name === name);
  return (
    config.discoverySelectors.length === 0 || (namespace !== undefined && selectors.selectsAny(config.discoverySelectors, namespace.labels))
  );
}

export function countProxied(pods: readonly Pod[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const pod of pods) {
    if (pod.proxy === undefined || pod.phase === 'Succeeded' || pod.phase === 'Failed') continue;
    found.set(pod.namespace, (found.get(pod.namespace) ?? 0) + 1);
  }
  return found;
}

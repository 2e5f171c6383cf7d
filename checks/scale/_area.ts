import { type ControlPlane, type Mesh, type Pod, selectors } from 'meshdoctor/api';

export const title = 'Scale';
export const order = 12;

/** Pods of an istiod. */
export function podsOf(controlPlane: ControlPlane, pods: readonly Pod[]): Pod[] {
  return pods.filter((pod) => pod.namespace === controlPlane.namespace && selectors.selectsPods(controlPlane.selector, pod.labels));
}

/** How many clusters an istiod reads beside its own. */
export function readBy(controlPlane: ControlPlane, mesh: Mesh): number {
  return mesh.couples.filter(
    ({ kind, controlPlane: { ref } }) =>
      kind !== 'self' &&
      ref.cluster === controlPlane.ref.cluster &&
      ref.namespace === controlPlane.namespace &&
      ref.name === controlPlane.name,
  ).length;
}

/** Cores of a quantity of CPU: `1500m`, `2`, `0.5`; nothing for what is none. */
export function coresOf(quantity: string | undefined): number | undefined {
  const found = /^(\d+(?:\.\d+)?)(m?)$/.exec(quantity ?? '');
  return found === null ? undefined : Number(found[1]) / (found[2] === 'm' ? 1000 : 1);
}

import {
  type ControlPlane,
  type EndpointSlice,
  type Fact,
  type Injector,
  labels,
  type Namespace,
  type Remedy,
  remedy,
  type Service,
  type StringMap,
} from 'meshdoctor/api';

/**
 * Every istiod of the revision, where a Service of this cluster selects none of them and has no endpoint; nothing when all is well or
 * not known. A Service without selector stands for the istiod of another cluster, and its address is judged there.
 */
export function unselected(
  service: Service,
  { revision }: Injector,
  slices: Fact<readonly EndpointSlice[]>,
  controlPlanes: Fact<readonly ControlPlane[]>,
): readonly ControlPlane[] | undefined {
  if (Object.keys(service.selector).length === 0 || slices.status !== 'collected' || controlPlanes.status !== 'collected') return undefined;
  const own = slices.value.filter((slice) => slice.namespace === service.namespace && slice.service === service.name);
  if (own.some((slice) => slice.endpoints.some(({ addresses }) => addresses.length > 0))) return undefined;
  const istiods = controlPlanes.value.filter((istiod) => istiod.namespace === service.namespace && istiod.revision === revision);
  // One that is selected is without pods for reasons of its own.
  return istiods.some((istiod) => strange(service, istiod).length === 0) ? undefined : istiods;
}

/** Of the labels of its pods those are known that the Deployment selects by, and those that every istiod has. */
export function heldBy({ revision, selector }: ControlPlane): StringMap {
  return { app: 'istiod', [labels.revision]: revision, ...selector };
}

/** Pairs of a Service's selector that pods of this istiod have with another value. */
function strange({ selector }: Service, istiod: ControlPlane): [string, string][] {
  const held = heldBy(istiod);
  return Object.entries(selector).filter(([key, value]) => held[key] !== undefined && held[key] !== value);
}

/** The selector that fits; or, where nobody asks for a revision that is gone, its webhook taken away. */
export function mends(a: {
  injector: Injector;
  service: Service;
  istiod: ControlPlane | undefined;
  namespaces: readonly Namespace[];
}): Remedy[] {
  if (a.istiod === undefined)
    return a.namespaces.length > 0 ? [] : [remedy.delete(a.injector.ref, { note: 'when that revision is not to come back' })];
  const held = heldBy(a.istiod);
  const selector = Object.fromEntries(strange(a.service, a.istiod).map(([key]) => [key, held[key] ?? null]));
  return [remedy.patch(a.service.ref, { spec: { selector } })];
}

export function pairs(selector: StringMap): string {
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(', ');
}

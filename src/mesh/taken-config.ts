import type { Entity, Gateway, IstioResource, MeshConfig, Namespace, VirtualService } from '../model/facts.ts';
import type { Revision } from '../model/ids.ts';
import type { ObjectRef } from '../model/refs.ts';
import { isSeenBy } from './exposure.ts';
import { visibleNamespaces } from './istiod-view.ts';

/** What one istiod may take its configuration from: lists of the cluster whose configuration it reads. */
export interface ConfigLists {
  readonly gateways: readonly Gateway[];
  readonly virtualServices: readonly VirtualService[];
  readonly istioResources: readonly IstioResource[];
  readonly namespaces: readonly Namespace[];
}

/** Objects that an istiod takes: those of its revision or of none, in namespaces that it looks into. */
export function takenObjects(
  istiod: { readonly revision: Revision; readonly namespace: string },
  lists: ConfigLists,
  meshConfig: Pick<MeshConfig, 'discoverySelectors'> | undefined,
): readonly (Entity & { readonly namespace: string })[] {
  const isVisible = visibleNamespaces(lists.namespaces, meshConfig);
  const all = [...lists.gateways, ...lists.virtualServices, ...lists.istioResources];
  return all.filter((object) => isSeenBy(object, istiod) && isVisible(object.namespace));
}

/** An object as observations name it: `Kind/namespace/name`. */
export function configKey({ kind, namespace, name }: Pick<ObjectRef, 'kind' | 'namespace' | 'name'>): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}

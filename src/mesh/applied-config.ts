import { compareText, groupBy } from '../base/sort.ts';
import type { IstioResource, MeshConfig, VirtualService } from '../model/facts.ts';
import type { Revision } from '../model/ids.ts';
import { isSeenBy } from './exposure.ts';

/** Configuration that one istiod applies: the objects of its configuration's cluster, without those that are labelled for another revision. */
export interface AppliedConfig {
  readonly rootNamespace: string;
  readonly clusterDomain: string;
  /** Oldest first, as istiod orders them where one has to win. */
  readonly ofKind: (kind: string) => readonly IstioResource[];
  readonly virtualServices: readonly VirtualService[];
  readonly meshConfig: MeshConfig | undefined;
}

/** `resources` and `virtualServices` are those of the cluster whose configuration this istiod reads. */
export function appliedConfig(
  istiod: { readonly revision: Revision; readonly namespace: string; readonly clusterDomain: string },
  objects: { readonly istioResources?: readonly IstioResource[]; readonly virtualServices?: readonly VirtualService[] },
  meshConfig?: MeshConfig,
): AppliedConfig {
  const seen = (objects.istioResources ?? []).filter((object) => isSeenBy(object, istiod));
  const byKind = new Map([...groupBy(seen, ({ kind }) => kind)].map(([kind, found]) => [kind, oldestFirst(found)]));
  return {
    rootNamespace: meshConfig?.rootNamespace ?? istiod.namespace,
    clusterDomain: istiod.clusterDomain,
    ofKind: (kind) => byKind.get(kind) ?? [],
    virtualServices: oldestFirst((objects.virtualServices ?? []).filter((object) => isSeenBy(object, istiod))),
    meshConfig,
  };
}

/** By creation, then name, then namespace (pilot/pkg/model/config.go: sortConfigByCreationTime). Objects without a time, as in a repository, come first. */
export function oldestFirst<T extends { readonly createdAt?: string; readonly name: string; readonly namespace: string }>(
  objects: readonly T[],
): T[] {
  return [...objects].sort(
    (a, b) => compareText(a.createdAt ?? '', b.createdAt ?? '') || compareText(a.name, b.name) || compareText(a.namespace, b.namespace),
  );
}

import { kubeGateways } from '../collect/kube-gateways.ts';
import type { KindCollector } from '../collect/kind.ts';
import { kinds } from '../collect/kinds.ts';
import type { Remedy } from '../api/remedy.ts';
import { textAt } from '../model/json.ts';
import type { ObjectRef } from '../model/refs.ts';

/** How a kind is served. */
export type Served = Pick<KindCollector, 'id' | 'group' | 'versions' | 'resource' | 'kind' | 'namespaced'>;

/** Read by nobody, and restarted as Deployments are. */
export const statefulSets: Served = {
  id: 'statefulsets.apps',
  group: 'apps',
  versions: ['v1'],
  resource: 'statefulsets',
  kind: 'StatefulSet',
  namespaced: true,
};

/** Where an object is in the API of its cluster. */
export interface Place {
  /** Of the object. */
  readonly path: string;
  /** Of the list that it is, or would be, in. */
  readonly listPath: string;
  /** `gateways.networking.istio.io`, as rights name it. */
  readonly resource: string;
}

/** The kind of object that a remedy changes; nothing for kinds that nobody reads. Two kinds are called Gateway. */
export function kindOfRemedy({ ref, command, patch }: Pick<Remedy, 'ref' | 'command' | 'patch'>): KindCollector | undefined {
  if (ref === undefined) return undefined;
  const isKubeGateway =
    command.some((line) => line.includes(kubeGateways.id)) || textAt(patch, 'apiVersion')?.startsWith(`${kubeGateways.group}/`) === true;
  return ref.kind === kubeGateways.kind && isKubeGateway ? kubeGateways : kinds.find(({ kind }) => kind === ref.kind);
}

/** How the object that a remedy changes is served; nothing where nobody here knows. */
export function servedAs(remedy: Pick<Remedy, 'ref' | 'command' | 'patch'>): Served | undefined {
  return kindOfRemedy(remedy) ?? (remedy.ref?.kind === statefulSets.kind ? statefulSets : undefined);
}

/** `version`: as the object itself says it, else the one that is asked for first. */
export function placeOf(kind: Served, ref: Pick<ObjectRef, 'namespace' | 'name'>, version = kind.versions[0] ?? 'v1'): Place {
  const api = kind.group === '' ? `/api/${version}` : `/apis/${kind.group}/${version}`;
  const namespace = kind.namespaced ? `/namespaces/${encodeURIComponent(ref.namespace ?? 'default')}` : '';
  const listPath = `${api}${namespace}/${kind.resource}`;
  return { listPath, path: `${listPath}/${encodeURIComponent(ref.name)}`, resource: kind.id };
}

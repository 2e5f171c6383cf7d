import type { Entity, FieldManager } from '../model/facts.ts';
import type { StringMap } from '../model/kube.ts';

/** A GitOps controller that keeps an object as its repository has it: what is changed by hand it changes back. */
export interface Keeper {
  readonly tool: 'Argo CD' | 'Config Sync' | 'Flux' | 'Fleet';
  /** What of the tool holds the object, in its own words: `application mesh`, `Kustomization flux-system/mesh`. */
  readonly by?: string;
}

/** What a tool writes under: whole names, or the beginning of one that ends in the name of a controller's replica or version. */
const managers: readonly { readonly tool: Keeper['tool']; readonly name: RegExp }[] = [
  { tool: 'Argo CD', name: /^argocd(-application)?(-controller|-server)?$/ },
  { tool: 'Flux', name: /^(kustomize-controller|helm-controller|flux|fluxd|helm-operator)$/ },
  { tool: 'Fleet', name: /^fleet-?(agent|apply)$/ },
  { tool: 'Config Sync', name: /^(configsync|configsync\.gke\.io.*|reconciler-manager)$/ },
];

/**
 * Who keeps an object. What the tool marks its objects with comes first, since it says more; fields that it manages are proof without
 * a mark. A tool whose only trace is in the status keeps nothing.
 */
export function keeperOf({
  labels,
  annotations,
  managers: writers,
}: Pick<Entity, 'labels' | 'annotations' | 'managers'>): Keeper | undefined {
  return argo(labels, annotations) ?? flux(labels) ?? configSync(labels, annotations) ?? writerOf(writers);
}

/** `Argo CD (application mesh)` */
export function spelledKeeper({ tool, by }: Keeper): string {
  return by === undefined ? tool : `${tool} (${by})`;
}

function argo(labels: StringMap, annotations: StringMap): Keeper | undefined {
  const tracked = annotations['argocd.argoproj.io/tracking-id']?.split(':')[0] || labels['argocd.argoproj.io/instance'];
  return tracked ? { tool: 'Argo CD', by: `application ${tracked}` } : undefined;
}

function flux(labels: StringMap): Keeper | undefined {
  for (const [kind, prefix] of [
    ['HelmRelease', 'helm.toolkit.fluxcd.io'],
    ['Kustomization', 'kustomize.toolkit.fluxcd.io'],
  ] as const) {
    const name = labels[`${prefix}/name`];
    const namespace = labels[`${prefix}/namespace`];
    if (name) return { tool: 'Flux', by: `${kind} ${namespace ? `${namespace}/` : ''}${name}` };
  }
  return undefined;
}

function configSync(labels: StringMap, annotations: StringMap): Keeper | undefined {
  const isManaged =
    labels['app.kubernetes.io/managed-by'] === 'configmanagement.gke.io' || annotations['configmanagement.gke.io/managed'] === 'enabled';
  return isManaged ? { tool: 'Config Sync' } : undefined;
}

function writerOf(writers: readonly FieldManager[]): Keeper | undefined {
  for (const writer of writers) {
    const known = managers.find(({ name }) => name.test(writer.manager));
    if (known !== undefined && !isStatusOnly(writer)) return { tool: known.tool };
  }
  return undefined;
}

function isStatusOnly({ fields }: FieldManager): boolean {
  return fields.length > 0 && fields.every((field) => field.startsWith('.status'));
}

import { distinct, sortedBy } from '../base/sort.ts';
import { labels, names } from '../istio/labels.ts';
import type { Injector, Namespace, Pod, WebhookEntry } from '../model/facts.ts';
import { revision, type Revision } from '../model/ids.ts';
import type { StringMap } from '../model/kube.ts';
import { refKey } from '../model/refs.ts';
import { selects } from './selectors.ts';

/** Namespaces whose pods no injector touches, whatever their labels (pkg/kube/inject/initializer.go). */
export const ignoredNamespaces: readonly string[] = ['kube-node-lease', 'kube-public', 'kube-system', 'local-path-storage'];

/** What labels of a namespace need of it. */
export type Labelled = Pick<Namespace, 'name' | 'labels'>;

/** What injection needs of a pod; `labels` are those of its template. */
export type Injectable = Pick<Pod, 'labels' | 'annotations' | 'hostNetwork'>;

/**
 * The revision or tag a namespace asks for by label. `istio-injection` comes before `istio.io/rev` (the selectors of every webhook
 * say so): `enabled` asks for `default`, any other value for nothing.
 */
export function wantedRevision(namespace: Labelled): Revision | undefined {
  if (ignoredNamespaces.includes(namespace.name)) return undefined;
  const injection = namespace.labels[labels.injection];
  if (injection !== undefined) return injection === 'enabled' ? revision(names.defaultRevision) : undefined;
  const asked = namespace.labels[labels.revision];
  return asked === undefined || asked === '' ? undefined : revision(asked);
}

/** JSON path of the label that decides `wantedRevision`. */
export function labelField(namespace: Labelled): string {
  const key = namespace.labels[labels.injection] === undefined ? labels.revision : labels.injection;
  return `.metadata.labels[${JSON.stringify(key)}]`;
}

/** Whether both injection labels are set, so that `istio.io/rev` is ignored. */
export function hasBothLabels(namespace: Labelled): boolean {
  return namespace.labels[labels.injection] !== undefined && (namespace.labels[labels.revision] ?? '') !== '';
}

/** The injector that takes an ordinary pod (one without labels of its own) of this namespace; tags are injectors too. */
export function serverOf(namespace: Labelled, injectors: readonly Injector[]): Injector | undefined {
  return injectorsOf(namespace, {}, injectors)[0];
}

/** The injector whose webhook takes this pod, by the selectors as they stand; nothing when none does or the pod is never injected. */
export function serverOfPod(namespace: Labelled, pod: Injectable, injectors: readonly Injector[]): Injector | undefined {
  return isExempt(namespace, pod) ? undefined : injectorsOf(namespace, pod.labels, injectors)[0];
}

/** Every injector with a webhook that selects these labels, in order of name, as the API server calls them. More than one injects twice. */
export function injectorsOf(namespace: Labelled, podLabels: StringMap, injectors: readonly Injector[]): readonly Injector[] {
  if (ignoredNamespaces.includes(namespace.name)) return [];
  const namespaceLabels = withName(namespace);
  const serving = injectors.filter((injector) => injector.webhooks.some((webhook) => takes(webhook, namespaceLabels, podLabels)));
  return serving.length > 1 ? sortedBy(serving, (injector) => injector.name) : serving;
}

/** The revision or tag a pod asks for, its own labels and its namespace's together; nothing when it asks for none or may not be injected. */
export function wantedByPod(namespace: Labelled, pod: Injectable): Revision | undefined {
  if (isExempt(namespace, pod)) return undefined;
  const byNamespace = wantedRevision(namespace);
  if (byNamespace !== undefined || namespace.labels[labels.injection] !== undefined) return byNamespace;
  const asked = pod.labels[labels.revision];
  if (asked !== undefined && asked !== '') return revision(asked);
  return pod.labels[labels.inject] === 'true' ? revision(names.defaultRevision) : undefined;
}

/** Revisions the injectors of a cluster serve, tags folded into the revision they point at, sorted. Deactivated injectors are left out. */
export function offered(injectors: readonly Injector[]): Revision[] {
  return distinct(injectors.filter(isActive).map((injector) => injector.revision));
}

/** Values of `istio.io/rev` (and `default` for `istio-injection=enabled`) that some webhook of these injectors answers to, sorted. */
export function answeredNames(injectors: readonly Injector[]): Revision[] {
  const found: Revision[] = [];
  for (const injector of injectors) {
    for (const webhook of injector.webhooks) {
      const selectors = [webhook.namespaceSelector, webhook.objectSelector];
      for (const selector of selectors) {
        const label = selector.matchLabels[labels.revision];
        if (label !== undefined) found.push(revision(label));
        for (const expression of selector.matchExpressions) {
          if (expression.key === labels.revision && expression.operator === 'In') found.push(...expression.values.map(revision));
        }
      }
      if (takes(webhook, { [labels.injection]: 'enabled' }, {})) found.push(revision(names.defaultRevision));
    }
  }
  return distinct(found);
}

/**
 * The revision behind a name: itself where an injector of that revision answers, else the revision a tag of that name points at;
 * nothing when no injector of the cluster knows it. `default` is the tag `default` before the revision `default`.
 */
export function revisionBehind(name: Revision, injectors: readonly Injector[]): Revision | undefined {
  const tag = injectors.find((injector) => injector.tag === name);
  return tag?.revision ?? injectors.find((injector) => injector.tag === undefined && injector.revision === name)?.revision;
}

/** Whether some webhook can ever select a pod. `istioctl tag set default` deactivates the default revision's own injector by a selector nothing matches. */
export function isActive(injector: Injector): boolean {
  return injector.webhooks.some((webhook) => !isDeactivated(webhook));
}

/** Two injectors that both take a pod of one namespace: it is injected twice. */
export interface InjectorConflict {
  readonly namespace: string;
  /** Labels of a pod that both take; empty = every ordinary pod of the namespace. */
  readonly podLabels: StringMap;
  /** Sorted by name. */
  readonly injectors: readonly Injector[];
}

/** Namespaces and pod labels that more than one injector takes, at most one row per namespace, sorted by namespace. */
export function conflicts(namespaces: readonly Labelled[], injectors: readonly Injector[]): InjectorConflict[] {
  const active = injectors.filter(isActive);
  if (active.length < 2) return [];
  const candidates: StringMap[] = [{}, { [labels.inject]: 'true' }, ...answeredNames(active).map((name) => ({ [labels.revision]: name }))];
  const found: InjectorConflict[] = [];
  const seen = new Map<string, Omit<InjectorConflict, 'namespace'> | undefined>();
  for (const namespace of namespaces) {
    const key = JSON.stringify([sortedBy(Object.entries(namespace.labels), ([name]) => name), ignoredNamespaces.includes(namespace.name)]);
    let conflict = seen.get(key);
    if (!seen.has(key)) {
      conflict = conflictOf(namespace, active, candidates);
      seen.set(key, conflict);
    }
    if (conflict !== undefined) found.push({ namespace: namespace.name, ...conflict });
  }
  return sortedBy(found, (conflict) => conflict.namespace);
}

/** Whether a pod is never injected, whatever the webhooks say: host network, an ignored namespace, or switched off by label or (older) annotation. */
export function isExempt(namespace: Labelled, pod: Injectable): boolean {
  if (pod.hostNetwork || ignoredNamespaces.includes(namespace.name)) return true;
  return (pod.labels[labels.inject] ?? pod.annotations[labels.inject]) === 'false';
}

/** Stable key of an injector, for maps. */
export function injectorKey(injector: Injector): string {
  return refKey(injector.ref);
}

function conflictOf(
  namespace: Labelled,
  injectors: readonly Injector[],
  candidates: readonly StringMap[],
): Omit<InjectorConflict, 'namespace'> | undefined {
  for (const podLabels of candidates) {
    const serving = injectorsOf(namespace, podLabels, injectors);
    if (serving.length > 1) return { podLabels, injectors: serving };
  }
  return undefined;
}

function takes(webhook: WebhookEntry, namespaceLabels: StringMap, podLabels: StringMap): boolean {
  return selects(webhook.namespaceSelector, namespaceLabels) && selects(webhook.objectSelector, podLabels);
}

function isDeactivated(webhook: WebhookEntry): boolean {
  return labels.deactivated in webhook.namespaceSelector.matchLabels || labels.deactivated in webhook.objectSelector.matchLabels;
}

/** The API server gives every namespace this label; manifests often lack it. */
function withName(namespace: Labelled): StringMap {
  const key = 'kubernetes.io/metadata.name';
  return key in namespace.labels ? namespace.labels : { ...namespace.labels, [key]: namespace.name };
}

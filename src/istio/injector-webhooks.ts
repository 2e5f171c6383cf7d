import { labels } from './labels.ts';

export interface WebhookSelector {
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[];
  readonly matchLabels?: Readonly<Record<string, string>>;
}

/** One webhook of an injector: whom it asks for. */
export interface InjectorEntry {
  readonly name: string;
  readonly namespaceSelector: WebhookSelector;
  readonly objectSelector: WebhookSelector;
}

const inside = (key: string, value: string) => ({ key, operator: 'In', values: [value] });
const outside = (key: string, ...values: readonly string[]) => ({ key, operator: 'NotIn', values });
const absent = (key: string) => ({ key, operator: 'DoesNotExist' });

/** Webhooks for namespaces and pods that name a revision or tag. */
export function revisionEntries(name: string): InjectorEntry[] {
  return [
    {
      name: 'rev.namespace.sidecar-injector.istio.io',
      namespaceSelector: { matchExpressions: [inside(labels.revision, name), absent(labels.injection)] },
      objectSelector: { matchExpressions: [outside(labels.inject, 'false')] },
    },
    {
      name: 'rev.object.sidecar-injector.istio.io',
      namespaceSelector: { matchExpressions: [absent(labels.revision), absent(labels.injection)] },
      objectSelector: { matchExpressions: [outside(labels.inject, 'false'), inside(labels.revision, name)] },
    },
  ];
}

/** Webhooks for namespaces and pods that want injection and name nobody. */
export const unnamedEntries: readonly InjectorEntry[] = [
  {
    name: 'namespace.sidecar-injector.istio.io',
    namespaceSelector: { matchExpressions: [inside(labels.injection, 'enabled')] },
    objectSelector: { matchExpressions: [outside(labels.inject, 'false')] },
  },
  {
    name: 'object.sidecar-injector.istio.io',
    namespaceSelector: { matchExpressions: [absent(labels.injection), absent(labels.revision)] },
    objectSelector: { matchExpressions: [inside(labels.inject, 'true'), absent(labels.revision)] },
  },
];

/** The webhook for whatever says nothing, with `enableNamespacesByDefault`. */
export const everywhereEntry: InjectorEntry = {
  name: 'auto.sidecar-injector.istio.io',
  namespaceSelector: {
    matchExpressions: [
      absent(labels.injection),
      absent(labels.revision),
      outside('kubernetes.io/metadata.name', 'kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'),
    ],
  },
  objectSelector: { matchExpressions: [absent(labels.inject), absent(labels.revision)] },
};

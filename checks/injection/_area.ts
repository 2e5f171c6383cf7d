import {
  type Certificate,
  count,
  injection,
  type Injector,
  list,
  type Namespace,
  type RootConfigMap,
  type WebhookEntry,
} from 'meshdoctor/api';

export const title = 'Revisions and injection';
export const order = 2;

/** Namespaces whose ordinary pods an injector takes. */
export function namespacesOf(injector: Injector, namespaces: readonly Namespace[], injectors: readonly Injector[]): Namespace[] {
  return namespaces.filter((namespace) => injection.injectorsOf(namespace, {}, injectors).includes(injector));
}

/** What an injector that cannot be called does to those that ask for it: with failurePolicy Fail no pod comes up. Nobody asks = a warning. */
export function refusal(namespaces: readonly Namespace[]): { readonly effect: string; readonly severity?: 'warning' } {
  if (namespaces.length === 0) return { effect: 'no namespace asks for it yet', severity: 'warning' };
  const names = namespaces.map((namespace) => namespace.name);
  return { effect: `no pod can be created in ${count(names.length, 'namespace')}: ${list(names, 'none', 3)}` };
}

/** Roots in istiod's own namespace; where all other namespaces hold others, that one was changed, and theirs are istiod's. */
export function rootsOf(maps: readonly RootConfigMap[], namespace: string): readonly Certificate[] {
  const own = maps.find((map) => map.namespace === namespace)?.certificates ?? [];
  const held = new Set(own.map((root) => root.fingerprint));
  const others = maps.filter((map) => map.namespace !== namespace && map.certificates.length > 0);
  const isAlone = others.every((map) => map.certificates.every((root) => !held.has(root.fingerprint)));
  return isAlone && others.length > 0 ? others.flatMap((map) => map.certificates) : own;
}

/** What the entries hold instead of one of the roots; nothing when all of them hold one. */
export function wrongBundle(
  { webhooks }: { readonly webhooks: readonly WebhookEntry[] },
  roots: readonly Certificate[],
): string | undefined {
  const fingerprints = new Set(roots.map((root) => root.fingerprint));
  for (const { caBundle } of webhooks) {
    if (caBundle.state === 'empty') return 'an empty caBundle';
    if (caBundle.state === 'unreadable') return 'a caBundle without a certificate';
    const [first] = caBundle.certificates;
    if (!caBundle.certificates.some((certificate) => fingerprints.has(certificate.fingerprint)))
      return `a caBundle with another root (${first?.subject.replaceAll('\n', ', ')}, SHA-256 ${first?.fingerprint.slice(0, 12)}…)`;
  }
  return undefined;
}

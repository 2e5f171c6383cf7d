import type { Certificate, Injector, RootConfigMap } from 'meshdoctor/api';

/** Roots in istiod's own namespace; where all other namespaces hold others, that one was changed, and theirs are istiod's. */
export function rootsOf(maps: readonly RootConfigMap[], namespace: string): readonly Certificate[] {
  const own = maps.find((map) => map.namespace === namespace)?.certificates ?? [];
  const held = new Set(own.map((root) => root.fingerprint));
  const others = maps.filter((map) => map.namespace !== namespace && map.certificates.length > 0);
  const isAlone = others.every((map) => map.certificates.every((root) => !held.has(root.fingerprint)));
  return isAlone && others.length > 0 ? others.flatMap((map) => map.certificates) : own;
}

/** What the entries hold instead of one of the roots; nothing when all of them hold one. */
export function wrongBundle(injector: Injector, roots: readonly Certificate[]): string | undefined {
  const fingerprints = new Set(roots.map((root) => root.fingerprint));
  for (const { caBundle } of injector.webhooks) {
    if (caBundle.state === 'empty') return 'an empty caBundle';
    if (caBundle.state === 'unreadable') return 'a caBundle without a certificate';
    const [first] = caBundle.certificates;
    if (!caBundle.certificates.some((certificate) => fingerprints.has(certificate.fingerprint)))
      return `a caBundle with another root (${first?.subject.replaceAll('\n', ', ')}, SHA-256 ${first?.fingerprint.slice(0, 12)}…)`;
  }
  return undefined;
}

import { count, injection, type Injector, list, type Namespace } from 'meshdoctor/api';

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

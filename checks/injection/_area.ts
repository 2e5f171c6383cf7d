import { injection, type Injector, type Namespace } from 'meshdoctor/api';

export const title = 'Revisions and injection';
export const order = 2;

/** Namespaces whose ordinary pods an injector takes. */
export function namespacesOf(injector: Injector, namespaces: readonly Namespace[], injectors: readonly Injector[]): Namespace[] {
  return namespaces.filter((namespace) => injection.injectorsOf(namespace, {}, injectors).includes(injector));
}

import { groupBy } from '../base/sort.ts';
import { kinds } from '../collect/kinds.ts';
import { statefulSets } from './places.ts';

/** Kinds whose objects Kubernetes makes itself, and those that no remedy touches. */
const untouched: ReadonlySet<string> = new Set([
  'pods',
  'endpointslices.discovery.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
]);

/** Of a Secret only labels and annotations are ever changed; a StatefulSet is restarted, and nothing else. */
const patchedOnly: ReadonlySet<string> = new Set(['secrets', 'nodes', 'namespaces', 'statefulsets.apps']);

/** The rights that `fix --apply` and `--undo` take beside those to read, one rule per group and set of verbs. */
export function fixRules(): readonly {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}[] {
  const rights = [...kinds, statefulSets]
    .filter(({ id }) => !untouched.has(id))
    .map(({ id, group, resource }) => ({
      group,
      resource,
      verbs: patchedOnly.has(id) ? ['get', 'patch'] : ['create', 'delete', 'get', 'patch'],
    }));
  return [...groupBy(rights, ({ group, verbs }) => `${group} ${verbs.join()}`).values()].map((own) => ({
    apiGroups: [own[0]?.group ?? ''],
    resources: own.map(({ resource }) => resource).sort(),
    verbs: own[0]?.verbs ?? [],
  }));
}

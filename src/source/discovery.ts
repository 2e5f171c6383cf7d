import { fields, filled, objects, tally, text } from '../model/decode.ts';

/** Aggregated discovery (on by default since Kubernetes 1.27), else the list of groups that every server has. */
export const discoveryAccept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

/** What an API server serves outside the core group. */
export interface Served {
  /** Group → versions. */
  readonly groups: ReadonlyMap<string, ReadonlySet<string>>;
  /** `group/version/Kind`; absent when the server lists only its groups. */
  readonly kinds?: ReadonlySet<string>;
  /** `resource.group` → kind and versions, preferred first, as CustomResourceDefinitions are named; absent as above. */
  readonly resources?: ReadonlyMap<string, { readonly kind: string; readonly versions: readonly string[] }>;
}

/** The answer of `/apis` in either form; nothing when it is neither. */
export function servedApis(answer: unknown): Served | undefined {
  const odd = tally();
  const document = fields(odd, answer);
  if (document['kind'] === 'APIGroupList') {
    const groups = objects(odd, document['groups']).flatMap((group): [string, ReadonlySet<string>][] => {
      const name = filled(odd, group['name']);
      const versions = objects(odd, group['versions']).flatMap((version) => filled(odd, version['version']) ?? []);
      return name === undefined ? [] : [[name, new Set(versions)]];
    });
    return { groups: new Map(groups) };
  }
  if (document['kind'] !== 'APIGroupDiscoveryList') return undefined;
  const groups = new Map<string, Set<string>>();
  const kinds = new Set<string>();
  const resources = new Map<string, { kind: string; versions: string[] }>();
  for (const item of objects(odd, document['items'])) {
    const group = filled(odd, fields(odd, item['metadata'])['name']);
    if (group === undefined) continue;
    const versions = new Set<string>();
    groups.set(group, versions);
    for (const version of objects(odd, item['versions'])) {
      const name = filled(odd, version['version']);
      if (name === undefined) continue;
      versions.add(name);
      // A stale version is one whose server could not be asked: what it serves is not known, only that it is registered.
      for (const resource of objects(odd, version['resources'])) {
        const kind = text(odd, fields(odd, resource['responseKind'])['kind']);
        const plural = filled(odd, resource['resource']);
        if (kind === undefined || plural === undefined) continue;
        kinds.add(`${group}/${name}/${kind}`);
        const known = resources.get(`${plural}.${group}`);
        if (known === undefined) resources.set(`${plural}.${group}`, { kind, versions: [name] });
        else known.versions.push(name);
      }
    }
  }
  return { groups, kinds, resources };
}

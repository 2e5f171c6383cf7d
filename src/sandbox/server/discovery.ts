import { createHash } from 'node:crypto';
import { type Answer, type Context, jsonAnswer } from './context.ts';
import { discoveryVersionOf } from './negotiate.ts';
import { apiVersionOf, type Catalogue, type Resource, reviews, type Subresource, type Verb } from './resources.ts';

/** Answers to `/api`, `/apis`, `/api/v1`, `/apis/GROUP` and `/apis/GROUP/VERSION`, aggregated where that is asked for; nothing for other paths. */
export function discoveryAnswer(context: Context, path: string, accept: string | undefined): Answer | undefined {
  const catalogue = context.catalogue();
  const [root, group, version, ...more] = path.split('/').filter((part) => part !== '');
  if (more.length > 0) return undefined;
  if (root === 'api') return coreAnswer(catalogue, group, version, accept);
  if (root !== 'apis') return undefined;
  if (group === undefined) return groupsAnswer(catalogue, accept);
  const versions = group === '' ? undefined : catalogue.groups.get(group);
  if (versions === undefined) return undefined;
  if (version === undefined) return jsonAnswer({ kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group, versions) });
  return versions.includes(version) ? jsonAnswer(resourceList(catalogue, group, version)) : undefined;
}

function coreAnswer(
  catalogue: Catalogue,
  version: string | undefined,
  more: string | undefined,
  accept: string | undefined,
): Answer | undefined {
  const aggregated = discoveryVersionOf(accept);
  if (version === undefined && aggregated !== undefined) return aggregatedAnswer(catalogue, [''], aggregated);
  if (version === undefined) return jsonAnswer({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] });
  return version === 'v1' && more === undefined ? jsonAnswer(resourceList(catalogue, '', 'v1')) : undefined;
}

function groupsAnswer(catalogue: Catalogue, accept: string | undefined): Answer {
  const names = [...catalogue.groups.keys()].filter((name) => name !== '');
  const aggregated = discoveryVersionOf(accept);
  if (aggregated !== undefined) return aggregatedAnswer(catalogue, names, aggregated);
  const groups = names.map((name) => groupOf(name, catalogue.groups.get(name) ?? []));
  return jsonAnswer({ kind: 'APIGroupList', apiVersion: 'v1', groups });
}

function groupOf(name: string, versions: readonly string[]): object {
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

interface Entry {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

function resourceList(catalogue: Catalogue, group: string, version: string): object {
  const resources = [
    ...served(catalogue, group, version).flatMap((resource) => [entryOf(resource), ...subresourcesOf(resource)]),
    ...reviewsOf(group),
  ];
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersionOf(group, version), resources };
}

function served({ resources }: Catalogue, group: string, version: string): readonly Resource[] {
  return resources.filter((resource) => resource.group === group && resource.versions.includes(version));
}

function entryOf({ plural, singular, namespaced, kind, verbs, shortNames, categories }: Resource): Entry {
  return {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: sorted(verbs),
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
  };
}

function sorted(verbs: readonly Verb[]): readonly string[] {
  return [...verbs].sort();
}

interface SubresourceKind {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly verbs: readonly string[];
}

const subresourceKinds: Readonly<Record<Subresource, SubresourceKind>> = {
  status: { verbs: ['get', 'patch', 'update'] },
  scale: { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] },
  log: { kind: 'Pod', verbs: ['get'] },
  portforward: { kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
  token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', verbs: ['create'] },
};

function subresourcesOf({ plural, namespaced, kind, subresources }: Resource): readonly Entry[] {
  return subresources.map((name) => ({ name: `${plural}/${name}`, singularName: '', namespaced, kind, ...subresourceKinds[name] }));
}

function reviewsOf(group: string): readonly Entry[] {
  return reviews
    .filter((review) => review.group === group)
    .map(({ kind, plural }) => ({ name: plural, singularName: kind.toLowerCase(), namespaced: false, kind, verbs: ['create'] }));
}

function aggregatedAnswer(catalogue: Catalogue, names: readonly string[], discoveryVersion: string): Answer {
  const items = names.map((name) => ({
    metadata: name === '' ? {} : { name },
    versions: (catalogue.groups.get(name) ?? []).map((version) => ({
      version,
      resources: aggregatedResources(catalogue, name, version),
      freshness: 'Current',
    })),
  }));
  const body = { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${discoveryVersion}`, metadata: {}, items };
  const answer = jsonAnswer(body);
  const tag = createHash('sha512').update(answer.body).digest('hex').toUpperCase();
  return {
    ...answer,
    contentType: `application/json;g=apidiscovery.k8s.io;v=${discoveryVersion};as=APIGroupDiscoveryList`,
    headers: { Vary: 'Accept', 'Cache-Control': 'public', ETag: `"${tag}"` },
  };
}

function aggregatedResources(catalogue: Catalogue, group: string, version: string): readonly object[] {
  const resources = served(catalogue, group, version).map((resource) => ({
    ...aggregatedEntry(entryOf(resource), group, version),
    ...(resource.subresources.length === 0
      ? {}
      : {
          subresources: resource.subresources.map((name) => {
            const { verbs, ...kind } = subresourceKinds[name];
            return { subresource: name, responseKind: { group, version, kind: resource.kind, ...kind }, verbs };
          }),
        }),
  }));
  return [...resources, ...reviewsOf(group).map((entry) => aggregatedEntry(entry, group, version))];
}

function aggregatedEntry(
  { name, singularName, namespaced, kind, verbs, shortNames, categories }: Entry,
  group: string,
  version: string,
): object {
  return {
    resource: name,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singularName,
    verbs,
    ...(shortNames === undefined ? {} : { shortNames }),
    ...(categories === undefined ? {} : { categories }),
  };
}

import { kindOf } from '../../src/collect/kinds.ts';
import type { Connection, ListRequest, Read } from '../../src/kube/connection.ts';
import { clusterName } from '../../src/model/ids.ts';
import type { KubeObject } from '../../src/model/kube.ts';

/** What a fake connection does besides answering from its objects. */
export interface FakeOptions {
  /** Answers instead of the list. */
  readonly refuse?: (request: ListRequest) => Exclude<Read<never>, { status: 'read' }> | undefined;
  /** Answers to GET of anything. */
  readonly get?: (path: string) => Read<unknown> | undefined;
  readonly now?: string;
  /** Called for every list, before it answers. */
  readonly onList?: (request: ListRequest) => void;
}

/** A connection that answers lists from objects, as an API server would, without any. */
export function fakeConnection(name: string, objects: readonly KubeObject[], options: FakeOptions = {}): Connection {
  const none = { status: 'absent' } as const;
  return {
    name: clusterName(name),
    server: `https://${name}.invalid`,
    async get(path) {
      const given = options.get?.(path);
      if (given !== undefined) return await Promise.resolve(given);
      if (path === '/version') return { status: 'read', value: { major: '1', minor: '34', gitVersion: 'v1.34.4' } };
      return path === '/apis' ? { status: 'read', value: discovery(objects) } : none;
    },
    async list(request, sink) {
      await Promise.resolve();
      options.onList?.(request);
      const refused = options.refuse?.(request);
      if (refused !== undefined) return refused;
      const found = objects.filter((object) => isAsked(object, request));
      for (const object of found) sink.item(request.metadataOnly === true ? { ...envelope(object) } : object);
      return { status: 'read', value: { items: found.length, pages: 1 } };
    },
    text: () => Promise.reject(new Error('no log')),
    mayI: async () => await Promise.resolve({ status: 'read', value: true }),
    forward: async () => await Promise.resolve(none),
    clock: () => (options.now === undefined ? undefined : { now: options.now, aheadSeconds: 0 }),
    close: async () => await Promise.resolve(),
  };
}

function envelope({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata };
}

function isAsked(object: KubeObject, request: ListRequest): boolean {
  const kind = kindOf(object);
  if (kind?.resource !== request.resource || kind.group !== request.group) return false;
  if (request.namespace !== undefined && object.metadata.namespace !== request.namespace) return false;
  const labels = object.metadata.labels ?? {};
  const label = request.labelSelector;
  if (
    label !== undefined &&
    !label.split(',').every((term) => (term.includes('=') ? labels[term.split('=')[0]!] === term.split('=')[1] : term in labels))
  )
    return false;
  return (request.fieldSelector ?? '').split(',').every((term) => {
    if (term === '') return true;
    const [, path, operator, value] = /^([^=!]+)(!=|=)(.*)$/.exec(term) ?? [];
    const own = path === 'metadata.name' ? object.metadata.name : path === 'type' ? object['type'] : undefined;
    return (own === value) === (operator === '=');
  });
}

/** Aggregated discovery of what the definitions among the objects and the built-in groups serve. */
function discovery(objects: readonly KubeObject[]): unknown {
  const groups = new Map<string, Map<string, unknown[]>>();
  const add = (group: string, version: string, kind: string, resource: string): void => {
    const versions = groups.get(group) ?? new Map<string, unknown[]>();
    groups.set(group, versions.set(version, [...(versions.get(version) ?? []), { resource, responseKind: { group, version, kind } }]));
  };
  for (const object of objects) {
    if (object.kind === 'CustomResourceDefinition') {
      const spec = object['spec'] as {
        group: string;
        names: { kind: string; plural?: string };
        versions: { name: string; served: boolean }[];
      };
      for (const version of spec.versions)
        if (version.served) add(spec.group, version.name, spec.names.kind, object.metadata.name.split('.')[0]!);
    }
  }
  for (const [group, kinds] of Object.entries(builtIn))
    for (const [kind, resource] of Object.entries(kinds)) add(group, 'v1', kind, resource);
  return {
    kind: 'APIGroupDiscoveryList',
    items: [...groups].map(([name, versions]) => ({
      metadata: { name },
      versions: [...versions].map(([version, resources]) => ({ version, resources })),
    })),
  };
}

const builtIn: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  apps: { Deployment: 'deployments', DaemonSet: 'daemonsets' },
  'discovery.k8s.io': { EndpointSlice: 'endpointslices' },
  'admissionregistration.k8s.io': {
    MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
    ValidatingWebhookConfiguration: 'validatingwebhookconfigurations',
  },
  'rbac.authorization.k8s.io': { ClusterRole: 'clusterroles', ClusterRoleBinding: 'clusterrolebindings' },
  'apiextensions.k8s.io': { CustomResourceDefinition: 'customresourcedefinitions' },
};

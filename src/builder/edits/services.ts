import { annotations } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import { makerOf } from '../objects.ts';
import { times } from '../timeline.ts';
import { annotate, change, changeAny, changed, type Edit, EditError, find, inCluster, isNamed, label, type Objects, put } from './edit.ts';
import { isBackendOf, isIstiod, isSidecarPod, systemNamespaceOf } from './find.ts';
import { at, isRecord, itemsAt, itemsOf, textAt } from './json.ts';
import { setEnv } from './workload.ts';

/** `abc.shop` in one cluster. */
export interface ServiceAt {
  readonly cluster: string;
  readonly service: string;
}

function namesOf({ service }: ServiceAt): { readonly name: string; readonly namespace: string } {
  const [name = '', namespace = ''] = service.split('.');
  return { name, namespace };
}

/** A change of a Service, and the same change of what Kubernetes keeps behind it. */
function changedAt(
  place: ServiceAt,
  how: (service: KubeObject) => KubeObject,
  behind?: (object: KubeObject) => KubeObject | undefined,
): Edit {
  const { name, namespace } = namesOf(place);
  return inCluster(place.cluster, (objects) => {
    const service = find(objects, isNamed('Service', name, namespace), `Service ${namespace}/${name}`);
    const next = change(objects, (object) => object === service, how, `Service ${namespace}/${name}`);
    return behind === undefined ? next : changeAny(next, isBackendOf(service), behind);
  });
}

/** A port of a Service gets another name, or none; its slices follow. */
export function portRenamed(options: ServiceAt & { readonly port?: number; readonly name: string }): Edit {
  let old: string | undefined;
  const renamed = (port: unknown): unknown => {
    if (!isRecord(port)) return port;
    const { name: _name, ...rest } = port;
    return options.name === '' ? rest : { ...rest, name: options.name };
  };
  const isMeant = (port: unknown): boolean => isRecord(port) && (options.port === undefined || port['port'] === options.port);
  return changedAt(
    options,
    (service) => {
      const before = itemsAt(service, 'spec', 'ports');
      old = textAt(before.find(isMeant), 'name') ?? '';
      return put(
        service,
        ['spec', 'ports'],
        before.map((port) => (isMeant(port) ? renamed(port) : port)),
      );
    },
    (object) => {
      const follow = (ports: unknown): unknown =>
        Array.isArray(ports) ? ports.map((port: unknown) => ((textAt(port, 'name') ?? '') === old ? renamed(port) : port)) : ports;
      return object.kind === 'EndpointSlice' ? changed(object, ['ports'], follow) : changed(object, ['subsets', '*', 'ports'], follow);
    },
  );
}

/** A Service gets one more port, and its endpoints with it. */
export function portAdded(options: ServiceAt & { readonly port: number; readonly name: string }): Edit {
  const { port, name } = options;
  return changedAt(
    options,
    (service) => put(service, ['spec', 'ports'], [...itemsAt(service, 'spec', 'ports'), { name, port, protocol: 'TCP', targetPort: port }]),
    (object) => {
      const added = (ports: unknown): unknown => (Array.isArray(ports) ? [...itemsOf(ports), { name, port, protocol: 'TCP' }] : ports);
      return object.kind === 'EndpointSlice' ? changed(object, ['ports'], added) : changed(object, ['subsets', '*', 'ports'], added);
    },
  );
}

/** The only port of a Service gets another number; what it leads to stays. */
export function portMoved(options: ServiceAt & { readonly port: number }): Edit {
  return changedAt(options, (service) => put(service, ['spec', 'ports', '*', 'port'], options.port));
}

/** A Service made again without address of its own. */
export function madeHeadless(options: ServiceAt): Edit {
  return changedAt(
    options,
    (service) => put(put(service, ['spec', 'clusterIP'], 'None'), ['spec', 'clusterIPs'], ['None']),
    (object) => label(object, 'service.kubernetes.io/headless', ''),
  );
}

/** A Service that selects nothing any more: Kubernetes takes away what it kept behind it. */
export function selectorRemoved(options: ServiceAt): Edit {
  return changedAt(
    options,
    (service) => put(service, ['spec', 'selector'], undefined),
    () => undefined,
  );
}

/** Annotation `networking.istio.io/exportTo`. */
export function exportedTo(options: ServiceAt & { readonly to: string }): Edit {
  return changedAt(options, (service) => annotate(service, annotations.exportTo, options.to));
}

/** Lines of YAML added to the mesh configuration of every revision of a cluster, which istiod takes up at once. */
export function meshConfigWith(options: { readonly cluster: string; readonly lines: readonly string[] }): Edit {
  return inCluster(options.cluster, (objects) => {
    const system = systemNamespaceOf(objects);
    return change(
      objects,
      (object) => object.kind === 'ConfigMap' && object.metadata.namespace === system && textAt(object, 'data', 'mesh') !== undefined,
      (object) =>
        changed(object, ['data', 'mesh'], (text) => `${typeof text === 'string' ? text.trimEnd() : ''}\n${options.lines.join('\n')}\n`),
      'mesh config',
    );
  });
}

/** Namespaces that one of the labels selects are seen by istiod, and no others. */
export function discoverySelectors(options: { readonly cluster: string; readonly labels: Readonly<Record<string, string>> }): Edit {
  const lines = Object.entries(options.labels).map(([key, value]) => `- matchLabels:\n    ${key}: "${value}"`);
  return meshConfigWith({ cluster: options.cluster, lines: ['discoverySelectors:', ...lines] });
}

/** Labels of a Namespace; null takes one away. */
export function namespaceRelabelled(options: {
  readonly cluster: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string | null>>;
}): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      isNamed('Namespace', options.namespace),
      (namespace) => Object.entries(options.labels).reduce((next, [key, value]) => label(next, key, value ?? undefined), namespace),
      `Namespace ${options.namespace}`,
    ),
  );
}

/** Somebody applies an object of Istio. */
export function applied(options: {
  readonly cluster: string;
  readonly apiVersion?: string;
  readonly kind: string;
  /** Absent for what belongs to the whole cluster. */
  readonly namespace?: string;
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
}): Edit {
  const { cluster, apiVersion = 'networking.istio.io/v1', kind, namespace, name, spec } = options;
  return inCluster(cluster, (objects): Objects => {
    if (objects.some((object) => object.apiVersion === apiVersion && isNamed(kind, name, namespace)(object)))
      throw new EditError(`The cluster has a ${kind} ${namespace ?? ''}/${name} already.`);
    return [
      ...objects,
      makerOf(cluster, times.applications)(apiVersion, kind, namespace === undefined ? { name } : { name, namespace }, { spec }),
    ];
  });
}

/**
 * The pods of a StatefulSet, of which some do not declare a port that the headless Service in front of them names as target:
 * Kubernetes keeps those in an EndpointSlice of their own, with the ports that they have. `without` of `replicas` pods lack the first
 * port.
 */
export function statefulPodsWithoutFirstPort(
  options: ServiceAt & { readonly first: { readonly name: string; readonly port: number }; readonly without?: number },
): Edit {
  const { name, namespace } = namesOf(options);
  const { first, without = 1 } = options;
  return inCluster(options.cluster, (objects) => {
    const service = find(objects, isNamed('Service', name, namespace), `Service ${namespace}/${name}`);
    const slice = find(objects, (object) => object.kind === 'EndpointSlice' && isBackendOf(service)(object), `EndpointSlice of ${name}`);
    const endpoints = itemsAt(slice, 'endpoints');
    const lacking = endpoints.slice(0, without);
    const podNames = new Set(endpoints.map((endpoint) => textAt(endpoint, 'targetRef', 'name')));
    const own = { name: first.name, port: first.port, protocol: 'TCP' };
    const all = change(
      objects,
      (object) => object === service,
      (object) => put(object, ['spec', 'ports'], [{ ...own, targetPort: first.name }, ...itemsAt(object, 'spec', 'ports')]),
      `Service ${namespace}/${name}`,
    );
    const owned = changeAny(
      all,
      (object) => object.kind === 'Pod' && object.metadata.namespace === namespace && podNames.has(object.metadata.name),
      (pod) =>
        changed(put(pod, ['spec', 'subdomain'], name), ['metadata', 'ownerReferences'], () => [
          { apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid: `statefulset-${name}`, controller: true, blockOwnerDeletion: true },
        ]),
    );
    return owned.flatMap((object) =>
      object !== slice
        ? [object]
        : [
            put(put(slice, ['endpoints'], endpoints.slice(without)), ['ports'], [own, ...itemsAt(slice, 'ports')]),
            put(put(slice, ['endpoints'], lacking), ['metadata', 'name'], `${slice.metadata.name}-b`),
          ],
    );
  });
}

/** The domain an istiod spells services with, given to it at its installation. */
export function istiodDomain(options: { readonly cluster: string; readonly domain: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      (object) => isIstiod(object) && at(object, 'spec', 'template', 'spec', 'containers') !== undefined,
      (object) =>
        changed(object, ['spec', 'template', 'spec', 'containers', '*', 'args'], (args) => {
          const words = itemsOf(args);
          return words.map((word, index) => (words[index - 1] === '--domain' ? options.domain : word));
        }),
      'istiod',
    ),
  );
}

/** An environment variable of istiod, which was restarted with it. */
export function istiodFlag(options: { readonly cluster: string; readonly name: string; readonly value: string | undefined }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      isIstiod,
      (object) => changed(object, ['spec', 'template', 'spec'], (spec) => setEnv(spec, 'discovery', options.name, options.value)),
      'istiod',
    ),
  );
}

/** Pods of a namespace were made with annotations. */
export function podsAnnotated(options: {
  readonly cluster: string;
  readonly namespace: string;
  readonly annotations: Readonly<Record<string, string>>;
}): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      (object) => object.kind === 'Pod' && object.metadata.namespace === options.namespace,
      (pod) => Object.entries(options.annotations).reduce((before, [key, value]) => annotate(before, key, value), pod),
      `pods of ${options.namespace}`,
    ),
  );
}

/** Pods that were injected with another argument of `istio-iptables` than the usual, as values of the injector say it. */
export function injectedWith(options: {
  readonly cluster: string;
  readonly namespace: string;
  readonly flag: string;
  readonly value: string;
}): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      (object) => isSidecarPod(object) && object.metadata.namespace === options.namespace,
      (pod) =>
        changed(pod, ['spec', 'initContainers', '*', 'args'], (args) =>
          itemsOf(args).map((word, index, all) => (all[index - 1] === options.flag ? options.value : word)),
        ),
      `injected pods of ${options.namespace}`,
    ),
  );
}

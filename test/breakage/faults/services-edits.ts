import { makerOf } from '../../../src/builder/objects.ts';
import { times } from '../../../src/builder/timeline.ts';
import { change, changeAny, changed, type Edit, find, inCluster, isNamed, labelsOf, put } from '../../../src/builder/edits/edit.ts';
import { isBackendOf } from '../../../src/builder/edits/find.ts';
import type { KubeObject } from '../../../src/model/kube.ts';
import { uninjected } from './policy-edits.ts';

interface ServiceAt {
  readonly cluster: string;
  /** `abc.shop`. */
  readonly service: string;
}

function namesOf({ service }: ServiceAt): { readonly name: string; readonly namespace: string } {
  const [name = '', namespace = ''] = service.split('.');
  return { name, namespace };
}

/** The workload behind a Service never was in this cluster, nor was the Service: it is called from there by name. */
export function podsOfService(options: ServiceAt & { readonly gone: true }): Edit {
  const { name, namespace } = namesOf(options);
  return inCluster(options.cluster, (objects) => {
    const service = find(objects, isNamed('Service', name, namespace), `Service ${namespace}/${name}`);
    return changeAny(
      objects,
      (object) => object === service || isBackendOf(service)(object),
      () => undefined,
    );
  });
}

/** The namespace was created without a label for injection, before anything ran there. */
export const namespaceUnlabelled: (options: { cluster: string; namespace: string }) => Edit = uninjected;

/** The namespace never existed in this cluster. */
export function namespaceGone({ cluster, namespace }: { readonly cluster: string; readonly namespace: string }): Edit {
  return inCluster(cluster, (objects) =>
    objects.filter(({ kind, metadata }) => metadata.namespace !== namespace && !(kind === 'Namespace' && metadata.name === namespace)),
  );
}

/** A Service without selector: a name, and an address. */
export function stubAdded(options: ServiceAt): Edit {
  const { name, namespace } = namesOf(options);
  return inCluster(options.cluster, (objects) => [
    ...objects,
    makerOf(options.cluster, times.applications)(
      'v1',
      'Service',
      { name, namespace },
      {
        spec: {
          clusterIP: '10.111.0.99',
          clusterIPs: ['10.111.0.99'],
          ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 80 }],
          type: 'ClusterIP',
        },
      },
    ),
  ]);
}

/** In this cluster the Service stands for another application, deployed under a name of its own. */
export function anotherApplication(options: ServiceAt & { readonly app: string }): Edit {
  const { name, namespace } = namesOf(options);
  const { app } = options;
  const renamed = (text: unknown): unknown =>
    typeof text === 'string' && text.startsWith(`${name}-`) ? `${app}${text.slice(name.length)}` : text;
  return inCluster(options.cluster, (objects) => {
    const service = find(objects, isNamed('Service', name, namespace), `Service ${namespace}/${name}`);
    const isWorkload = (object: KubeObject): boolean =>
      object.metadata.namespace === namespace &&
      (object.kind === 'Deployment' ? object.metadata.name === name : labelsOf(object)['app'] === name);
    return objects.map((object) => {
      if (object === service) return put(object, ['spec', 'selector'], { app });
      if (isBackendOf(service)(object)) {
        const slice = changed(object, ['endpoints', '*', 'targetRef', 'name'], renamed);
        return changed(slice, ['subsets', '*', 'addresses', '*', 'targetRef', 'name'], renamed);
      }
      if (!isWorkload(object)) return object;
      const named = changed(object, ['metadata', 'name'], (text) => (text === name ? app : renamed(text)));
      const owned = changed(named, ['metadata', 'ownerReferences', '*', 'name'], (text) => (text === name ? app : renamed(text)));
      const labelled = object.kind === 'Deployment' ? owned : put(owned, ['metadata', 'labels', 'app'], app);
      if (object.kind === 'Pod') return labelled;
      return put(put(labelled, ['spec', 'selector', 'matchLabels', 'app'], app), ['spec', 'template', 'metadata', 'labels', 'app'], app);
    });
  });
}

/** Fields of the spec of a Service are set. */
export function servicePatched(options: { cluster: string; service: string; spec: Readonly<Record<string, unknown>> }): Edit {
  const [name = '', namespace = ''] = options.service.split('.');
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      isNamed('Service', name, namespace),
      (service) => Object.entries(options.spec).reduce((before, [key, value]) => put(before, ['spec', key], value), service),
      `Service ${namespace}/${name}`,
    ),
  );
}

import { annotations, labels, names } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import { agoIn, generatedUid, timeText } from './clock.ts';
import { istiodRestarted, type Left, neverLed, withIstiodEnv } from './control-plane.ts';
import { annotate, change, clusterOf, type Edit, find, inCluster, inOrder, isNamed, put } from './edit.ts';
import { isSystemNamespace } from './find.ts';
import { withValue } from './topology-networks.ts';

/**
 * ID-09: the annotation of a remote set to `value`, or taken away. `leader: 'lives'`: nothing else changes, because istiod read it once
 * and leads on. `'restarted'`: istiod rolled out since, was not chosen, and nobody renews the election; roots and caBundles stay.
 * `'never'`: it was like that from the installation on, so nothing that needs a leader or the injector ever appeared.
 */
export function controlPlaneClusters(options: {
  cluster: string;
  primary: string;
  value: string | undefined;
  leader: 'lives' | 'restarted' | 'never';
  left?: Left;
}): Edit {
  const annotated = inCluster(options.cluster, (objects) =>
    change(
      objects,
      isSystemNamespace(objects),
      (namespace) => annotate(namespace, annotations.controlPlaneClusters, options.value),
      'system namespace',
    ),
  );
  if (options.leader === 'lives') return annotated;
  if (options.leader === 'never') return inOrder(annotated, inCluster(options.cluster, neverLed));
  return inOrder(annotated, istiodRestarted({ cluster: options.primary, ...(options.left === undefined ? {} : { left: options.left }) }));
}

/**
 * ID-10: EXTERNAL_ISTIOD taken away from the primary's istiod, or set to something that is not true. The Deployment's environment and
 * the values change, istiod rolls out, the annotations of its remotes are no longer read: nobody leads them.
 */
export function externalIstiodUnset(options: { cluster: string; value?: string; left?: Left }): Edit {
  return inOrder(
    inCluster(options.cluster, (objects) =>
      objects.map((object) => (object.kind === 'ConfigMap' ? withValue(object, ['global', 'externalIstiod'], false) : object)),
    ),
    withIstiodEnv(options.cluster, { EXTERNAL_ISTIOD: options.value }, options.left === undefined ? {} : { left: options.left }),
  );
}

/** ID-10 from the installation on: istiod never was external, the remote never had a leader. */
export function neverExternal(options: { cluster: string; remote: string }): Edit {
  return inOrder(inCluster(options.remote, neverLed), externalIstiodUnset({ cluster: options.cluster }));
}

/**
 * T10: the annotation is right, istiod is external, and nobody leads all the same, because the annotation came after istiod's decision.
 * `'never'`: it was added after the first installation; election, roots, caBundles and every injected pod are missing.
 * `'lost'`: istiod restarted while the annotation was gone, and it was put back afterwards; roots and caBundles are those of before.
 */
export function annotatedTooLate(options: { cluster: string; primary: string; leader: 'never' | 'lost'; left?: Left }): Edit {
  if (options.leader === 'never') return inCluster(options.cluster, neverLed);
  return (mesh) => {
    const objects = clusterOf(mesh, options.cluster);
    const right = find(objects, isSystemNamespace(objects), 'system namespace');
    const value = right.metadata.annotations?.[annotations.controlPlaneClusters];
    const put = (text: string | undefined): Edit => controlPlaneClusters({ ...options, value: text, leader: 'lives' });
    return inOrder(
      put(undefined),
      istiodRestarted({ cluster: options.primary, ...(options.left === undefined ? {} : { left: options.left }) }),
      put(value),
    )(mesh);
  };
}

/**
 * A namespace made while nobody leads: with what every API server puts into one (kube-root-ca.crt, the default service account), but
 * without Istio's root. It asks for injection as `like` does.
 */
export function namespaceCreatedSince(options: { cluster: string; name: string; like: string }): Edit {
  return inCluster(options.cluster, (objects, mesh) => {
    const born = timeText(agoIn(mesh, 1));
    const uid = (seed: string): string => generatedUid(`${options.cluster}/${options.name}/${seed}`);
    const model = find(objects, isNamed('Namespace', options.like), `namespace ${options.like}`);
    const copyInto = (object: KubeObject): KubeObject =>
      put(
        put(put(object, ['metadata', 'namespace'], options.name), ['metadata', 'uid'], uid(object.kind)),
        ['metadata', 'creationTimestamp'],
        born,
      );
    const inside = objects.filter(
      (object) =>
        object.metadata.namespace === options.like &&
        (isNamed('ConfigMap', names.apiServerCaConfigMap, options.like)(object) ||
          isNamed('ServiceAccount', 'default', options.like)(object)),
    );
    const wanted = Object.fromEntries(
      Object.entries(model.metadata.labels ?? {}).filter(([key]) => key === labels.revision || key === labels.injection),
    );
    const namespace: KubeObject = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: options.name,
        uid: uid('Namespace'),
        creationTimestamp: born,
        labels: { ...wanted, 'kubernetes.io/metadata.name': options.name },
      },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    };
    return [...objects, namespace, ...inside.map(copyInto)];
  });
}

import { neverLed } from '../../../src/builder/edits/control-plane.ts';
import { type Edit, inCluster, inOrder, put } from '../../../src/builder/edits/edit.ts';
import { isRecord, itemsOf } from '../../../src/builder/edits/json.ts';
import { patched } from '../../broken/edits.ts';

// The mesh of an external control plane: istiod in namespace external-istiod of another cluster.

const namespace = 'external-istiod';

/** The annotation of a cluster as it was from its installation on: nobody ever led it. */
export function externalAnnotation(options: { readonly cluster: string; readonly value: string | undefined }): Edit {
  return inOrder(
    patched(options.cluster, 'Namespace', undefined, namespace, (object) =>
      put(object, ['metadata', 'annotations', 'topology.istio.io/controlPlaneClusters'], options.value),
    ),
    inCluster(options.cluster, neverLed),
  );
}

/** EXTERNAL_ISTIOD is not among the variables of the external istiod. */
export function externalUnset(options: { readonly cluster: string; readonly remotes: readonly string[] }): Edit {
  return inOrder(
    inCluster(options.cluster, (objects) =>
      objects.map((object) =>
        object.kind === 'Deployment' && object.metadata.namespace === namespace ? withoutVariable(object, 'EXTERNAL_ISTIOD') : object,
      ),
    ),
    ...options.remotes.map((remote) => inCluster(remote, neverLed)),
  );
}

function withoutVariable(object: Parameters<typeof put>[0], name: string): ReturnType<typeof put> {
  return put(
    object,
    ['spec', 'template', 'spec', 'containers'],
    containersOf(object).map((container) =>
      isRecord(container)
        ? { ...container, env: itemsOf(container['env']).filter((entry) => !isRecord(entry) || entry['name'] !== name) }
        : container,
    ),
  );
}

function containersOf(object: unknown): readonly unknown[] {
  const spec = isRecord(object) && isRecord(object['spec']) ? object['spec'] : {};
  const template = isRecord(spec['template']) && isRecord(spec['template']['spec']) ? spec['template']['spec'] : {};
  return itemsOf(template['containers']);
}

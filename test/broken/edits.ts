import { annotations, labels } from '../../src/istio/labels.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import { agoIn } from '../../src/builder/edits/clock.ts';
import { abandoned, istiodRestarted, someMinutes } from '../../src/builder/edits/control-plane.ts';
import { annotate, change, changeAny, type Edit, find, inCluster, inOrder, isNamed, put, remove } from '../../src/builder/edits/edit.ts';
import {
  deploymentsBehind,
  isBackendOf,
  isEastWestService,
  isIstiod,
  isReaderRole,
  isRemoteSecret,
  isRootConfigMap,
  isSystemNamespace,
  systemNamespaceOf,
} from '../../src/builder/edits/find.ts';
import { encoded, plainData, withKubeconfig, withPlainData } from '../../src/builder/edits/kubeconfig.ts';
import { itemsAt, textAt } from '../../src/builder/edits/json.ts';
import { ownedBy, removePod, scaleToZero, unready } from '../../src/builder/edits/workload.ts';

// Faults that the scripted list of the real meshes does not have: more clusters, other topologies, steps nobody took.

/** Nobody renews what an istiod that is gone held: its own elections and those in its remotes. */
function elections(cluster: string, remotes: readonly string[]): Edit {
  return inOrder(
    ...remotes.map((remote) => inCluster(remote, (objects, mesh) => abandoned(objects, agoIn(mesh, someMinutes * 3)))),
    inCluster(cluster, (objects, mesh) => {
      const late = new Date(agoIn(mesh, someMinutes * 3)).toISOString().replace('.000', '');
      return objects.map((object) => {
        const record = object.metadata.annotations?.[annotations.leader];
        return object.kind === 'ConfigMap' && record !== undefined
          ? annotate(object, annotations.leader, record.replace(/"renewTime":"[^"]*"/, `"renewTime":"${late}"`))
          : object;
      });
    }),
  );
}

/** istiod scaled to nothing, deleted with its pods, or up without ever becoming ready. */
export function istiodDown(options: { cluster: string; remotes: readonly string[]; how: 'scaled' | 'crashing' }): Edit {
  return inOrder(
    inCluster(options.cluster, (objects) => {
      const istiod = find(objects, isIstiod, 'istiod');
      return options.how === 'scaled' ? scaleToZero(objects, istiod) : unready(objects, istiod);
    }),
    elections(options.cluster, options.remotes),
  );
}

/** The Service of istiod in its own cluster deleted, with its slices and Endpoints. */
export function istiodServiceDeleted(options: { cluster: string; name: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const service = find(objects, isNamed('Service', options.name, systemNamespaceOf(objects)), 'Service of istiod');
    const behind = isBackendOf(service);
    return objects.filter((object) => object !== service && !behind(object));
  });
}

/** The gateway's Deployment deleted: ReplicaSets, pods and endpoints go with it, Service and load balancer stay. */
export function gatewayDeploymentDeleted(options: { cluster: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const service = find(objects, isEastWestService, 'east-west gateway');
    return deploymentsBehind(objects, service).reduce<readonly KubeObject[]>((rest, deployment) => {
      const owned = ownedBy(rest, deployment);
      const bare = owned.pods.reduce<readonly KubeObject[]>(removePod, rest);
      return bare.filter((object) => object !== deployment && !owned.replicaSets.includes(object));
    }, objects);
  });
}

/** Two remote secrets whose kubeconfigs were exchanged: each key opens the other cluster. */
export function secretsSwapped(options: { cluster: string; keys: readonly [string, string] }): Edit {
  const [a, b] = options.keys;
  return inCluster(options.cluster, (objects) => {
    const holds = (key: string) => (object: KubeObject) =>
      isRemoteSecret(object) && object.kind === 'Secret' && plainData(object)[key] !== undefined;
    const first = find(objects, holds(a), `secret for ${a}`);
    const second = find(objects, holds(b), `secret for ${b}`);
    const one = plainData(first)[a] ?? '';
    const two = plainData(second)[b] ?? '';
    return objects.map((object) =>
      object === first
        ? withPlainData(object, () => ({ [a]: two.replaceAll(`: ${b}\n`, `: ${a}\n`) }))
        : object === second
          ? withPlainData(object, () => ({ [b]: one.replaceAll(`: ${a}\n`, `: ${b}\n`) }))
          : object,
    );
  });
}

/** A remote secret made in the wrong context: applied in the remote instead of the primary. */
export function secretAppliedIn(options: { cluster: string; key: string; instead: string }): Edit {
  return (mesh) => {
    const isIt = (object: KubeObject): boolean =>
      object.kind === 'Secret' && isRemoteSecret(object) && plainData(object)[options.key] !== undefined;
    const moved = find(mesh.get(options.cluster) ?? [], isIt, `secret for ${options.key}`);
    return inOrder(
      inCluster(options.cluster, (objects) => remove(objects, isIt, 'secret')),
      inCluster(options.instead, (objects) => [...objects, moved]),
      inCluster(options.instead, (objects, now) => abandoned(objects, agoIn(now, someMinutes))),
    )(mesh);
  };
}

/** The secret of `key` holds the token (and all else) of another cluster: written with the wrong `--context`. */
export function secretOpens(options: { cluster: string; key: string; instead: string; secretOf: string }): Edit {
  return (mesh) =>
    inCluster(options.cluster, (objects) => {
      const holds = (key: string) => (object: KubeObject) =>
        isRemoteSecret(object) && object.kind === 'Secret' && plainData(object)[key] !== undefined;
      const other = plainData(find(mesh.get(options.secretOf) ?? [], holds(options.instead), 'secret'))[options.instead] ?? '';
      return change(
        objects,
        holds(options.key),
        (object) => withPlainData(object, () => ({ [options.key]: other.replaceAll(`: ${options.instead}\n`, `: ${options.key}\n`) })),
        'secret',
      );
    })(mesh);
}

/** The kubeconfig's authority is not the one of the API server. */
export function kubeconfigAuthority(options: { cluster: string; key: string; pem: string; remote: string; keeps?: boolean }): Edit {
  return inOrder(
    inCluster(options.cluster, (objects) =>
      change(
        objects,
        (object) => object.kind === 'Secret' && isRemoteSecret(object) && plainData(object)[options.key] !== undefined,
        (object) => withKubeconfig(object, /^(\s*certificate-authority-data:\s*).*$/m, `$1${encoded(options.pem)}`),
        'secret',
      ),
    ),
    options.keeps === true ? (mesh) => mesh : inCluster(options.remote, (objects, mesh) => abandoned(objects, agoIn(mesh, someMinutes))),
  );
}

/** The annotation on the primary's own system namespace instead of the remote's; the remote was never led. */
export function annotationOn(options: { cluster: string; value: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      isSystemNamespace(objects),
      (namespace) => annotate(namespace, annotations.controlPlaneClusters, options.value),
      'namespace',
    ),
  );
}

/** The binding of the reader names an account of another namespace. */
export function readerBoundTo(options: { cluster: string; namespace: string }): Edit {
  return inOrder(
    inCluster(options.cluster, (objects) => {
      const role = find(objects, isReaderRole, 'role').metadata.name;
      return change(
        objects,
        (object) => object.kind === 'ClusterRoleBinding' && textAt(object, 'roleRef', 'name') === role,
        (object) => put(object, ['subjects', '*', 'namespace'], options.namespace),
        'binding',
      );
    }),
    inCluster(options.cluster, (objects, mesh) => abandoned(objects, agoIn(mesh, someMinutes))),
  );
}

/** cacerts made for another mesh, and istiod not restarted since: the root in use is the old one. */
export function cacertsReplaced(options: { cluster: string; root: string; restarted: boolean }): Edit {
  const replaced = inCluster(options.cluster, (objects) =>
    change(
      objects,
      (object) => object.kind === 'Secret' && object.metadata.name === 'cacerts',
      (object) =>
        withPlainData(object, (data) => ({
          ...data,
          'root-cert.pem': options.root,
          'ca-cert.pem': options.root,
          'cert-chain.pem': options.root,
        })),
      'cacerts',
    ),
  );
  return options.restarted ? inOrder(replaced, istiodRestarted({ cluster: options.cluster })) : replaced;
}

/** Root ConfigMaps of some namespaces are gone. */
export function rootsMissing(options: { cluster: string; namespaces: readonly string[] }): Edit {
  return inCluster(options.cluster, (objects) =>
    changeAny(
      objects,
      (object) => isRootConfigMap(object) && options.namespaces.includes(object.metadata.namespace ?? ''),
      () => undefined,
    ),
  );
}

export function without(cluster: string, kind: string, namespace: string | undefined, name: string): Edit {
  return inCluster(cluster, (objects) => remove(objects, isNamed(kind, name, namespace), `${kind} ${name}`));
}

export function patched(
  cluster: string,
  kind: string,
  namespace: string | undefined,
  name: string,
  how: (object: KubeObject) => KubeObject,
): Edit {
  return inCluster(cluster, (objects) => change(objects, isNamed(kind, name, namespace), how, `${kind} ${name}`));
}

/** The ambient gateway as long as its load balancer has no address: the ClusterIP stands in for it. */
export function ambientGatewayPending(options: { cluster: string }): Edit {
  return inCluster(options.cluster, (objects) =>
    objects.map((object) => {
      if (object.kind === 'Service' && object.metadata.labels?.[labels.network] !== undefined)
        return put(object, ['status', 'loadBalancer'], {});
      if (object.kind !== 'Gateway' || !object.apiVersion.startsWith('gateway.networking.k8s.io')) return object;
      const conditions = itemsAt(object, 'status', 'conditions').map((condition) =>
        typeof condition === 'object' && condition !== null && 'type' in condition && condition.type === 'Programmed'
          ? { ...condition, status: 'False', reason: 'AddressNotAssigned' }
          : condition,
      );
      return put(object, ['status', 'conditions'], conditions);
    }),
  );
}

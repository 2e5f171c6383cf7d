import { annotations } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import { agoIn } from './clock.ts';
import { type Left, someMinutes, withIstiodEnv } from './control-plane.ts';
import { annotate, change, changeAny, changed, clusterOf, type Edit, find, inCluster, inOrder, type Objects } from './edit.ts';
import { clusterIdOf, injectionOf, isInjector, isPod, isProxy, isSidecarPod, isSystemNamespace, proxyEnv } from './find.ts';
import { isRecord, textAt } from './json.ts';
import { secretRekeyed } from './remote-secret.ts';
import { withProxyNetwork, withValue } from './topology-networks.ts';
import { ownedBy, rollOut, setEnv, unready } from './workload.ts';

export interface Renaming {
  readonly cluster: string;
  readonly id: string;
}

/**
 * ID-07: a primary reinstalled under the ID of another cluster. istiod's CLUSTER_ID and the values it injects with change, istiod rolls
 * out, and its workloads and gateways were restarted, so that all of them claim the ID. Remote secrets stay; one whose key equals the
 * new ID is ignored by istiod from now on. Annotations in remotes still name the old ID, so nobody leads them.
 */
export function primaryReinstalledAs(options: Renaming & { readonly left?: Left; readonly lost?: readonly string[] }): Edit {
  return inOrder(
    inCluster(options.cluster, (objects) => renamed(objects, clusterIdOf(objects), options.id)),
    withIstiodEnv(
      options.cluster,
      { CLUSTER_ID: options.id },
      { ...(options.left === undefined ? {} : { left: options.left }), ...(options.lost === undefined ? {} : { lost: options.lost }) },
    ),
  );
}

/**
 * ID-07: nobody gave a name at any installation: both clusters are `Kubernetes`. The primary's istiod and its proxies, the remote's
 * injection path, values and proxies, the key of the remote secret and the annotation all say so. istiod ignores a secret with its own
 * ID, so it neither reads nor leads the remote.
 */
export function bothInstalledAs(options: {
  readonly primary: string;
  readonly remote: string;
  readonly id: string;
  readonly left?: Left;
}): Edit {
  return inOrder(
    secretRekeyed({ cluster: options.primary, of: options.remote, key: options.id }),
    inCluster(options.remote, (objects) => renamed(objects, injectionOf(objects).cluster ?? '', options.id)),
    inCluster(options.remote, (objects) =>
      changeAny(objects, isSystemNamespace(objects), (namespace) => annotate(namespace, annotations.controlPlaneClusters, options.id)),
    ),
    primaryReinstalledAs({
      cluster: options.primary,
      id: options.id,
      lost: [options.remote],
      ...(options.left === undefined ? {} : { left: options.left }),
    }),
  );
}

/**
 * ID-08: a primary reinstalled under another ID, annotations of its remotes brought up to date before istiod rolled out (it leads them),
 * but its own workloads and gateways not restarted: they claim an ID that istiod knows neither as its own nor from a secret.
 */
export function primaryRenamedWithoutRestart(options: Renaming): Edit {
  return (mesh) => {
    const old = clusterIdOf(clusterOf(mesh, options.cluster));
    const annotated = [...mesh.keys()].filter((name) => name !== options.cluster);
    const remotes = annotated.map((name) =>
      inCluster(name, (objects) =>
        changeAny(objects, isSystemNamespace(objects), (namespace) =>
          changed(namespace, ['metadata', 'annotations', annotations.controlPlaneClusters], (value) =>
            typeof value === 'string'
              ? value
                  .split(',')
                  .map((part) => (part === old ? options.id : part))
                  .join(',')
              : value,
          ),
        ),
      ),
    );
    const values = inCluster(options.cluster, (objects) =>
      objects.map((object) =>
        object.kind === 'ConfigMap' ? withValue(object, ['global', 'multiCluster', 'clusterName'], options.id) : object,
      ),
    );
    return inOrder(...remotes, values, withIstiodEnv(options.cluster, { CLUSTER_ID: options.id }))(mesh);
  };
}

/** ID-08: sidecars injected before their cluster was renamed: they claim an ID that istiod does not know, while injection path and secret agree. They lost their control plane. */
export function workloadsClaim(options: Renaming): Edit {
  return inCluster(options.cluster, (objects) => {
    const claiming = change(objects, isSidecarPod, (pod) => withClusterId(pod, options.id), 'injected pod');
    return deploymentsOf(claiming, isSidecarPod).reduce(unready, claiming);
  });
}

/**
 * ID-08: a remote reinstalled under another ID (injection path, values, every pod created since), while the secret of the primary keeps
 * the old key. istiod still reads the cluster and leads it, but no proxy of it is let in: all of them stay unready.
 */
export function remoteReinstalledAs(options: Renaming): Edit {
  return inCluster(options.cluster, (objects) => {
    const claiming = renamed(objects, injectionOf(objects).cluster ?? '', options.id);
    return deploymentsOf(claiming, isProxy).reduce(unready, claiming);
  });
}

/**
 * ID-11: a wrong injection path in a remote. `since: 'edited'`: only the webhooks changed, the pods are older and right.
 * `since: 'restarted'`: workloads were restarted and claim what the path says, or, where it says nothing, what istiod's own values say;
 * those that claim a cluster whose API server does not know their token never become ready.
 */
export function injectionPath(options: {
  readonly cluster: string;
  readonly primary: string;
  readonly path: { readonly cluster?: string; readonly network?: string };
  readonly since: 'edited' | 'restarted';
}): Edit {
  return inCluster(options.cluster, (objects, mesh) => {
    const right = injectionOf(objects);
    const primary = clusterOf(mesh, options.primary);
    const said = { cluster: options.path.cluster ?? clusterIdOf(primary), network: options.path.network ?? primaryNetwork(primary) };
    const path = `/inject${options.path.cluster === undefined ? '' : `/cluster/${options.path.cluster}`}${options.path.network === undefined ? '' : `/net/${options.path.network}`}`;
    const edited = change(
      objects,
      isInjector,
      (injector) => changed(injector, ['webhooks', '*', 'clientConfig', 'service', 'path'], () => path),
      'injector',
    ).map((object) => (object.kind === 'ConfigMap' ? withValue(object, ['istiodRemote', 'injectionPath'], path) : object));
    if (options.since === 'edited') return edited;
    const restarted = deploymentsOf(edited, isSidecarPod).reduce<Objects>(
      (result, deployment) =>
        rollOut(result, deployment, {
          at: agoIn(mesh, someMinutes),
          pod: (pod) => withProxyNetwork(withClusterId(pod, said.cluster), said.network),
        }),
      edited,
    );
    return said.cluster === right.cluster ? restarted : deploymentsOf(restarted, isSidecarPod).reduce(unready, restarted);
  });
}

/** One cluster under another ID, as its installer writes it: values, injection path, and every proxy. istiod itself is left to its rollout. */
function renamed(objects: Objects, from: string, to: string): Objects {
  return objects.map((object) => {
    if (isInjector(object))
      return changed(object, ['webhooks', '*', 'clientConfig', 'service', 'path'], (path) =>
        typeof path === 'string' ? path.replace(`/cluster/${from}`, `/cluster/${to}`) : path,
      );
    if (object.kind === 'ConfigMap') {
      const named = withValue(object, ['global', 'multiCluster', 'clusterName'], to);
      return withValue(named, ['istiodRemote', 'injectionPath'], (old) =>
        typeof old === 'string' ? old.replace(`/cluster/${from}`, `/cluster/${to}`) : old,
      );
    }
    if (object.kind === 'Deployment' || object.kind === 'ReplicaSet' || isPod(object)) return withClusterId(object, to);
    return object;
  });
}

function withClusterId(object: KubeObject, id: string): KubeObject {
  const path = isPod(object) ? ['spec'] : ['spec', 'template', 'spec'];
  return changed(object, path, (spec) =>
    isRecord(spec) && proxyEnv({ spec }, 'ISTIO_META_CLUSTER_ID') !== undefined
      ? setEnv(spec, 'istio-proxy', 'ISTIO_META_CLUSTER_ID', id)
      : spec,
  );
}

function deploymentsOf(objects: Objects, fits: (pod: KubeObject) => boolean): readonly KubeObject[] {
  return objects.filter((object) => object.kind === 'Deployment' && ownedBy(objects, object).pods.some(fits));
}

function primaryNetwork(objects: Objects): string | undefined {
  const namespace = find(objects, isSystemNamespace(objects), 'system namespace');
  return textAt(namespace, 'metadata', 'labels', 'topology.istio.io/network');
}

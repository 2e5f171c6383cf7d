import { labels } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import {
  change,
  changeAny,
  changed,
  clusterOf,
  type Edit,
  EditError,
  find,
  inCluster,
  inOrder,
  isNamed,
  label,
  labelsOf,
  type Objects,
  put,
} from './edit.ts';
import {
  deploymentsBehind,
  isBackendOf,
  isEastWestService,
  isIstiod,
  isInjector,
  isPod,
  isProxy,
  isSidecarPod,
  isSystemNamespace,
  proxyEnv,
} from './find.ts';
import { edited, editedText, isRecord, itemsAt, textAt } from './json.ts';
import { ownedBy, relabelled, setEnv } from './workload.ts';

/**
 * ID-01: the network label taken off a system namespace while everything runs. Nothing else changes: injected pods keep the label and
 * environment they were created with, the gateway's Service has a label of its own. istiod gives pods without label no network at once.
 */
export function networkLabelRemoved(options: { cluster: string }): Edit {
  return networkLabelled({ cluster: options.cluster, network: undefined });
}

/** ID-02, live: another network's name written on a system namespace, say with a command copied from the other cluster. Nothing else changes. */
export function networkLabelled(options: { cluster: string; network: string | undefined }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(objects, isSystemNamespace(objects), (namespace) => label(namespace, labels.network, options.network), 'system namespace'),
  );
}

/**
 * ID-01, from the start: a primary installed without `global.network`. The namespace has no label and the values that istiod injects with
 * have none, so no pod of that cluster, ingress gateway included, has a network; only what the east-west gateway's generator was told
 * (Service, Deployment and pod of the gateway) has one. Not for a remote: without `/net/` in its path its pods get the primary's network (ID-11).
 */
export function installedWithoutNetwork(options: { cluster: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const gateways = gatewayPods(objects);
    const unlabelled = change(
      objects,
      isSystemNamespace(objects),
      (namespace) => label(namespace, labels.network, undefined),
      'system namespace',
    );
    return unlabelled.map((object) => {
      if (object.kind === 'ConfigMap') return withValue(object, ['global', 'network'], '');
      if (gateways.has(object.metadata.name)) return object;
      return isPod(object) || object.kind === 'Deployment' || object.kind === 'ReplicaSet' ? withProxyNetwork(object, undefined) : object;
    });
  });
}

/**
 * ID-04: workloads that were injected before their cluster got its network: no ISTIO_META_NETWORK, no network label on the pod.
 * Namespace, injection path and gateway are right, and pods created from now on will be.
 */
export function workloadsWithoutNetwork(options: { cluster: string }): Edit {
  return inCluster(options.cluster, (objects) => change(objects, isSidecarPod, (pod) => withProxyNetwork(pod, undefined), 'injected pod'));
}

/**
 * ID-15: running pods of one workload labelled for another network, by hand or by a tool that labels what it finds. Template, proxy and
 * namespace are as they were; istiod goes by the label at once.
 */
export function podsLabelledForNetwork(options: { cluster: string; namespace: string; app: string; network: string | undefined }): Edit {
  return inCluster(options.cluster, (objects) =>
    change(
      objects,
      (object) => isSidecarPod(object) && object.metadata.namespace === options.namespace && labelsOf(object)['app'] === options.app,
      (pod) => label(pod, labels.network, options.network),
      'injected pod',
    ),
  );
}

/**
 * ID-04: the network of a cluster renamed as it should be (namespace, gateway, injection path and istiod's values, gateway generated anew),
 * but the workloads never restarted: their pods still claim the old network, for which there is no gateway any more.
 */
export function networkRenamedWithoutRestart(options: { cluster: string; network: string }): Edit {
  return networkReinstalled(options);
}

/**
 * ID-02: a cluster installed with the network name of another: namespace label, gateway (Service, selector, Deployment, pods, network
 * view), injection path, istiod's values, and every workload created since. With `samePodIp` one pod of it also has an address that a
 * pod of `samePodIp.with` has, which proves that the pod networks are not one.
 */
export function installedOnNetwork(options: { cluster: string; network: string; samePodIp?: { with: string } }): Edit {
  const reinstalled = inOrder(
    networkReinstalled(options),
    inCluster(options.cluster, (objects) =>
      changeAny(objects, isProxy, (pod) => withProxyNetwork(pod, options.network)).map((object) =>
        isWorkload(object) ? withTemplateNetwork(object, options.network) : object,
      ),
    ),
  );
  const other = options.samePodIp?.with;
  return other === undefined ? reinstalled : inOrder(reinstalled, podIpShared({ cluster: options.cluster, with: other }));
}

/** ID-02: one address given to a pod in each of two clusters. Slices and Endpoints of the pod that moves follow it. */
export function podIpShared(options: { cluster: string; with: string }): Edit {
  return inCluster(options.cluster, (objects, mesh) => {
    const taken = textAt(find(clusterOf(mesh, options.with), isSidecarPod, 'injected pod'), 'status', 'podIP');
    const pod = find(objects, isSidecarPod, 'injected pod');
    const previous = textAt(pod, 'status', 'podIP');
    if (taken === undefined || previous === undefined) throw new EditError('A pod without an address cannot share it.');
    const moved = change(
      objects,
      isNamed('Pod', pod.metadata.name, pod.metadata.namespace),
      (object) => put(put(object, ['status', 'podIP'], taken), ['status', 'podIPs'], [{ ip: taken }]),
      'pod',
    );
    return moved.map((object) => {
      if (object.metadata.namespace !== pod.metadata.namespace) return object;
      if (object.kind === 'EndpointSlice')
        return changed(object, ['endpoints', '*', 'addresses', '*'], (address) => (address === previous ? taken : address));
      return object.kind === 'Endpoints'
        ? changed(object, ['subsets', '*', 'addresses', '*', 'ip'], (address) => (address === previous ? taken : address))
        : object;
    });
  });
}

/** ID-05: only the label of the gateway's Service names another network; its slices and Endpoints copy the label. Pods and Deployment are as installed. */
export function gatewayServiceOnNetwork(options: { cluster: string; network: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const service = find(objects, isEastWestService, 'east-west gateway');
    const isIts = isBackendOf(service);
    return objects.map((object) => (object === service || isIts(object) ? label(object, labels.network, options.network) : object));
  });
}

/**
 * ID-05: the gateway generated with a wrong `--network`: its Service, selectors, Deployment, ReplicaSet and pods carry that network, the
 * network view of the gateway too, and its proxy claims it (the pod label wins over the injection path). Namespace and workloads are right.
 */
export function gatewayInstalledOnNetwork(options: { cluster: string; network: string }): Edit {
  return inCluster(options.cluster, (objects) => gatewayMoved(objects, options.network));
}

/** Everything an installation with another network name rewrites, apart from pods that are not restarted. */
function networkReinstalled(options: { cluster: string; network: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const relabelledNamespace = change(
      objects,
      isSystemNamespace(objects),
      (namespace) => label(namespace, labels.network, options.network),
      'system namespace',
    );
    const rewritten = relabelledNamespace.map((object) => {
      if (isInjector(object))
        return changed(object, ['webhooks', '*', 'clientConfig', 'service', 'path'], (path) =>
          typeof path === 'string' ? path.replace(/\/net\/[^/]+/, `/net/${options.network}`) : path,
        );
      if (object.kind !== 'ConfigMap') return object;
      const named = withValue(object, ['global', 'network'], options.network);
      return withValue(named, ['istiodRemote', 'injectionPath'], (old) =>
        typeof old === 'string' ? old.replace(/\/net\/[^/]+/, `/net/${options.network}`) : old,
      );
    });
    // A Deployment's selector cannot be changed: the gateway was generated anew, with the network in it.
    return gatewayMoved(rewritten, options.network);
  });
}

function gatewayMoved(objects: Objects, network: string): Objects {
  const service = find(objects, isEastWestService, 'east-west gateway');
  const deployments = deploymentsBehind(objects, service);
  const owned = deployments.flatMap((deployment) => {
    const { replicaSets, pods } = ownedBy(objects, deployment);
    return [deployment, ...replicaSets, ...pods];
  });
  const isIts = isBackendOf(service);
  const own = { istio: labelsOf(service)['istio'], app: labelsOf(service)['app'] };
  return objects.map((object) => {
    if (object === service)
      return changed(label(object, labels.network, network), ['spec', 'selector'], (selector) => withNetwork(selector, network));
    if (isIts(object)) return label(object, labels.network, network);
    if (owned.includes(object))
      return withTemplateNetwork(isPod(object) ? withNetworkView(withProxyNetwork(object, network), network) : object, network);
    const scales =
      object.kind === 'HorizontalPodAutoscaler' && labelsOf(object)['istio'] === own.istio && labelsOf(object)['app'] === own.app;
    return scales && labelsOf(object)[labels.network] !== undefined ? label(object, labels.network, network) : object;
  });
}

/** A Deployment or ReplicaSet whose own labels, selector and template repeat the network. */
function withTemplateNetwork(object: KubeObject, network: string): KubeObject {
  if (isPod(object)) return object;
  const relabel = (old: unknown): unknown => withNetwork(old, network);
  const labelled = [
    ['metadata', 'labels'],
    ['spec', 'selector', 'matchLabels'],
    ['spec', 'template', 'metadata', 'labels'],
  ].reduce((next, path) => changed(next, path, relabel), object);
  return changed(labelled, ['spec', 'template', 'spec'], (spec) => withSpecNetwork(spec, network));
}

function withSpecNetwork(spec: unknown, network: string): unknown {
  return ['ISTIO_META_REQUESTED_NETWORK_VIEW', 'ISTIO_META_NETWORK'].reduce(
    (next, name) => (proxyEnv({ spec: next }, name) === undefined ? next : setEnv(next, 'istio-proxy', name, network)),
    spec,
  );
}

function withNetworkView(pod: KubeObject, network: string): KubeObject {
  const viewed = changed(pod, ['spec'], (spec) => withSpecNetwork(spec, network));
  return changed(viewed, ['metadata', 'annotations', 'proxy.istio.io/overrides'], (old) =>
    typeof old === 'string' ? old.replace(/("ISTIO_META_REQUESTED_NETWORK_VIEW","value":")[^"]*/, `$1${network}`) : old,
  );
}

/** What a proxy claims: its variable, and the label that injection stamps on the pod. Gateways of the installer have it in their template. */
export function withProxyNetwork(object: KubeObject, network: string | undefined): KubeObject {
  const spec = isPod(object) ? ['spec'] : ['spec', 'template', 'spec'];
  const isInstalled = !isPod(object) || labelsOf(object)[labels.network] === undefined;
  const claimed = changed(object, spec, (old) =>
    proxyEnv({ spec: old }, 'ISTIO_META_NETWORK') === undefined ? old : setEnv(old, 'istio-proxy', 'ISTIO_META_NETWORK', network),
  );
  return isInstalled ? claimed : label(claimed, labels.network, network);
}

/** A value of the Helm values kept in ConfigMaps (`values[-rev]`, `istio-sidecar-injector[-rev]`), wherever it is set. */
export function withValue(object: KubeObject, path: readonly string[], value: string | boolean | ((old: unknown) => unknown)): KubeObject {
  const keys = ['values', 'merged-values', 'original-values'].filter((key) => textAt(object, 'data', key) !== undefined);
  return keys.reduce(
    (next, key) =>
      changed(next, ['data', key], (text) =>
        typeof text !== 'string' || !text.includes(`"${path.at(-1) ?? ''}"`)
          ? text
          : editedText(text, path.slice(0, -1), (parent) => {
              const last = path.at(-1) ?? '';
              if (!isRecord(parent) || !(last in parent)) return parent;
              return edited(parent, [last], (old) => (typeof value === 'function' ? value(old) : value));
            }),
      ),
    object,
  );
}

function withNetwork(map: unknown, network: string): unknown {
  if (!isRecord(map)) return map;
  const texts = Object.fromEntries(Object.entries(map).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])));
  return relabelled(texts, labels.network, network);
}

function isWorkload(object: KubeObject): boolean {
  return (
    (object.kind === 'Deployment' || object.kind === 'ReplicaSet') &&
    !isIstiod(object) &&
    itemsAt(object, 'spec', 'template', 'spec', 'containers').some((container) => textAt(container, 'name') === 'istio-proxy')
  );
}

function gatewayPods(objects: Objects): ReadonlySet<string> {
  const names = objects.filter(isEastWestService).flatMap((service) =>
    deploymentsBehind(objects, service).flatMap((deployment) => {
      const { replicaSets, pods } = ownedBy(objects, deployment);
      return [deployment, ...replicaSets, ...pods];
    }),
  );
  return new Set(names.map((object) => object.metadata.name));
}

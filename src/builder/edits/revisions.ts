import { annotations, labels } from '../../istio/labels.ts';
import type { KubeObject, MeshObjects } from '../../model/kube.ts';
import { agoIn, generatedName, generatedUid, timeText } from './clock.ts';
import {
  annotate,
  annotationsOf,
  change,
  changeAny,
  changed,
  clusterOf,
  type Edit,
  EditError,
  find,
  inCluster,
  inOrder,
  labelsOf,
  type Objects,
  put,
} from './edit.ts';
import {
  clusterIdOf,
  deploymentsBehind,
  isBackendOf,
  isEastWestService,
  isInjector,
  isPilotService,
  isProxy,
  isRemoteSecret,
  isSidecarPod,
  isSystemNamespace,
  targetOf,
} from './find.ts';
import { at, isRecord, itemsAt } from './json.ts';
import { ownedBy, setEnv, unready } from './workload.ts';

/** What proxies of a cluster were told when they were injected: that istiod is at another host, as by another release or chart. */
export function proxiesAsk(options: { readonly cluster: string; readonly host: string; readonly only?: 'sidecars' | 'gateways' }): Edit {
  const isMeant = (object: KubeObject): boolean =>
    isProxy(object) &&
    (options.only === undefined || isSidecarPod(object) === (options.only === 'sidecars')) &&
    annotationsOf(object)[annotations.sidecarStatus] !== undefined;
  return inCluster(options.cluster, (objects) =>
    change(objects, isMeant, (pod) => asking(pod, options.host), `proxies of ${options.cluster}`),
  );
}

/**
 * INJ-04: the webhooks of revision `to` call the Service of revision `from`: the remote profile was never installed for `to`, only its webhook
 * was copied. Pods that ask for `to` were injected, and are configured, by istiod of `from`.
 */
export function webhooksShareService(options: { readonly cluster: string; readonly from: string; readonly to: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const of = (revision: string): KubeObject =>
      find(objects, (object) => isInjector(object) && labelsOf(object)[labels.revision] === revision, `injector of ${revision}`);
    const name = at(of(options.from), 'webhooks', 0, 'clientConfig', 'service', 'name');
    const left = targetOf(itemsAt(of(options.to), 'webhooks')[0]);
    const isPilot = isPilotService(objects);
    const gone = objects.filter((object) => isPilot(object) && `${object.metadata.namespace ?? ''}/${object.metadata.name}` === left);
    const moved = change(
      objects,
      (object) => isInjector(object) && labelsOf(object)[labels.revision] === options.to,
      (injector) => put(injector, ['webhooks', '*', 'clientConfig', 'service', 'name'], name),
      'injector',
    );
    return moved.filter((object) => !gone.includes(object) && !gone.some((service) => isBackendOf(service)(object)));
  });
}

/**
 * INJ-05: a second east-west gateway for a canary revision, as gen-eastwest-gateway.sh writes it under another name: Deployment, pods and
 * Service of their own with an address of their own. `labelled`: the Service carries the network's label from the start.
 */
export function canaryGateway(options: {
  readonly cluster: string;
  readonly revision: string;
  readonly labelled: boolean;
  readonly address: string;
}): Edit {
  return inCluster(options.cluster, (objects, mesh) => {
    const service = find(objects, isEastWestService, 'east-west gateway');
    const deployment = find(deploymentsBehind(objects, service), () => true, 'Deployment of the east-west gateway');
    const { replicaSets, pods } = ownedBy(objects, deployment);
    const born = timeText(agoIn(mesh, 30));
    const name = service.metadata.name;
    const next = `${name}-canary`;
    const hash = generatedName(`${next}/${options.revision}`, 10);
    const old = replicaSets.map((set) => labelsOf(set)['pod-template-hash'] ?? '').find((one) => one !== '') ?? '';
    const models: Objects = [
      service,
      deployment,
      ...replicaSets,
      ...pods,
      ...objects.filter(isBackendOf(service)),
      ...objects.filter((object) => object.kind === 'ServiceAccount' && object.metadata.name.startsWith(`${name}-`)),
    ];
    const text = (value: string): string => value.split(name).join(next).split(old).join(hash).split('10.96.').join('10.97.');
    const copies = models.map((object) => {
      const renamed = changed(object, [], (whole) => rewritten(whole, text));
      const young = put(
        put(renamed, ['metadata', 'uid'], generatedUid(`${object.metadata.uid ?? ''}/canary`)),
        ['metadata', 'creationTimestamp'],
        born,
      );
      const revised = changeRevision(young, options.revision);
      if (object.kind === 'Pod') return moved(revised, born);
      if (object !== service) return revised;
      const addressed = put(revised, ['status', 'loadBalancer', 'ingress'], [{ ip: options.address }]);
      return options.labelled ? addressed : put(addressed, ['metadata', 'labels', labels.network], undefined);
    });
    if (
      copies.some((copy) =>
        objects.some(
          (object) =>
            object.kind === copy.kind &&
            object.metadata.name === copy.metadata.name &&
            object.metadata.namespace === copy.metadata.namespace,
        ),
      )
    )
      throw new EditError('There is a canary gateway already.');
    return [...objects, ...copies];
  });
}

/** The second half of `proxiesAsk` for a whole upgrade: pods of a namespace say that another revision injected them. */
export function podsInjectedBy(options: {
  readonly cluster: string;
  readonly namespace: string;
  readonly revision: string;
  readonly host?: string;
}): Edit {
  const isMeant = (object: KubeObject): boolean => isSidecarPod(object) && object.metadata.namespace === options.namespace;
  const injected = inCluster(options.cluster, (objects) =>
    change(objects, isMeant, (pod) => changeRevision(pod, options.revision), `sidecars of ${options.namespace}`),
  );
  const { host } = options;
  return host === undefined
    ? injected
    : inOrder(
        injected,
        inCluster(options.cluster, (objects) => changeAny(objects, isMeant, (pod) => asking(pod, host))),
      );
}

function asking(pod: KubeObject, host: string): KubeObject {
  return changed(pod, ['spec'], (spec) =>
    setEnv(
      setEnv(spec, 'istio-proxy', 'CA_ADDR', `${host}:15012`),
      'istio-proxy',
      'PROXY_CONFIG',
      JSON.stringify({ discoveryAddress: `${host}:15012` }),
    ),
  );
}

/** Labels, annotations and the status of injection name the revision wherever they did. */
function changeRevision(object: KubeObject, revision: string): KubeObject {
  const labelled = labels.revision in labelsOf(object) ? put(object, ['metadata', 'labels', labels.revision], revision) : object;
  if (object.kind !== 'Pod') return labelled;
  const status = annotationsOf(object)[annotations.sidecarStatus];
  const marked = annotate(labelled, annotations.revision, revision);
  return status === undefined
    ? marked
    : annotate(marked, annotations.sidecarStatus, status.replace(/"revision":"[^"]*"/, `"revision":"${revision}"`));
}

/** A pod at an address of its own. */
function moved(pod: KubeObject, born: string): KubeObject {
  const address = at(pod, 'status', 'podIP');
  const next = typeof address === 'string' ? address.replace(/\d+$/, '240') : '10.250.0.240';
  return put(put(put(pod, ['status', 'podIP'], next), ['status', 'podIPs'], [{ ip: next }]), ['status', 'startTime'], born);
}

function rewritten(value: unknown, text: (value: string) => string): unknown {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map((item: unknown) => rewritten(item, text));
  return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewritten(item, text)])) : value;
}

/**
 * INJ-13: what was to be a remote was installed as a primary: everything of Istio in it is that of a cluster with its own istiod, as in the
 * mesh `like`, which has a cluster of the same name; the annotation that names its primary stays. `reads`: clusters for which that istiod has
 * remote secrets.
 */
export function installedAsPrimary(options: {
  readonly cluster: string;
  readonly like: MeshObjects;
  readonly primary: string;
  readonly reads: readonly string[];
}): Edit {
  return (mesh) => {
    clusterOf(mesh, options.cluster);
    const model = clusterOf(options.like, options.cluster).filter(
      (object) => !isRemoteSecret(object) || options.reads.some((name) => object.metadata.name.endsWith(`-${name}`)),
    );
    const annotated = change(
      model,
      isSystemNamespace(model),
      (namespace) => annotate(namespace, annotations.controlPlaneClusters, clusterIdOf(clusterOf(mesh, options.primary))),
      'system namespace',
    );
    return new Map(mesh).set(options.cluster, annotated);
  };
}

/** INJ-16: workloads of a namespace that ask Multus for networks, and what the list of their injected pods says after injection. */
export function podNetworks(options: {
  readonly cluster: string;
  readonly namespace: string;
  readonly wanted: string;
  readonly held: string | undefined;
}): Edit {
  const key = 'k8s.v1.cni.cncf.io/networks';
  return inCluster(options.cluster, (objects) => {
    const asking = change(
      objects,
      (object) => object.kind === 'Deployment' && object.metadata.namespace === options.namespace,
      (deployment) => put(deployment, ['spec', 'template', 'metadata', 'annotations', key], options.wanted),
      `Deployments of ${options.namespace}`,
    );
    return changeAny(
      asking,
      (object) => isSidecarPod(object) && object.metadata.namespace === options.namespace,
      (pod) => annotate(pod, key, options.held),
    );
  });
}

/** Workloads with sidecars none of which gets ready, because its proxy is not given any configuration. */
export function sidecarsUnready(options: { readonly cluster: string }): Edit {
  return inCluster(options.cluster, (objects) => {
    const injected = objects.filter((object) => object.kind === 'Deployment' && ownedBy(objects, object).pods.some(isSidecarPod));
    if (injected.length === 0) throw new EditError(`Nothing of ${options.cluster} has a sidecar.`);
    return injected.reduce<Objects>((result, deployment) => unready(result, deployment), objects);
  });
}

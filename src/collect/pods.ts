import { annotations as annotation, containers as names, labels as label } from '../istio/labels.ts';
import { hostOfAddress } from '../istio/hosts.ts';
import { compareText } from '../base/sort.ts';
import {
  defined,
  type Fields,
  fields,
  filled,
  flag,
  isTrue,
  objects,
  optionalFields,
  parsedFields,
  sharedTexts,
  text,
  texts,
  time,
  type Tally,
  unlessSame,
  whole,
} from '../model/decode.ts';
import type { Pod, Proxy } from '../model/facts.ts';
import { clusterId, networkId, revision } from '../model/ids.ts';
import type { StringMap } from '../model/kube.ts';
import type { ReducedObject } from '../model/snapshot.ts';
import { captureFlags, envOf, proxyContainer, reduceContainers, versionOfImage } from './containers.ts';
import { defineListFact, namespacedEntity, type Projection, uncounted } from './fact.ts';
import { defineKind, reduceStatusOf } from './kind.ts';
import { podMessage } from './messages.ts';

export const pods = defineKind({
  resource: 'pods',
  kind: 'Pod',
  // Controllers and kubelets write them.
  managedFields: 'none',
  message: podMessage,
  reduce(object, odd) {
    const spec = fields(odd, object['spec']);
    return {
      ...ownersOf(odd, object['metadata']),
      spec: defined({
        nodeName: filled(odd, spec['nodeName']),
        serviceAccountName: filled(odd, spec['serviceAccountName']),
        hostNetwork: flag(odd, spec['hostNetwork']),
        containers: reduceContainers(odd, spec['containers']),
        initContainers: reduceContainers(odd, spec['initContainers']),
      }),
      ...reduceStatusOf(object, odd, (status) => reducePodStatus(odd, status)),
    };
  },
});

/** The controller that owns the pod. */
function ownersOf(odd: Tally, metadata: unknown): Fields {
  const owners = objects(odd, optionalFields(odd, metadata)?.['ownerReferences']);
  const owner = owners.find((candidate) => candidate['controller'] === true) ?? owners[0];
  const kind = filled(odd, owner?.['kind']);
  const name = filled(odd, owner?.['name']);
  return kind === undefined || name === undefined ? {} : { controller: { kind, name } };
}

function reducePodStatus(odd: Tally, status: Fields): Fields {
  const ready = objects(odd, status['conditions']).find((condition) => condition['type'] === 'Ready');
  const ips = objects(odd, status['podIPs']).flatMap((entry) => filled(odd, entry['ip']) ?? []);
  const ip = filled(odd, status['podIP']);
  return defined({
    phase: text(odd, status['phase']),
    podIPs: ips.length > 0 ? ips : ip === undefined ? [] : [ip],
    startTime: time(odd, status['startTime']),
    ready: filled(odd, ready?.['status']) === 'True',
    waiting: waitingReasons(odd, status),
    ...reduceRestarts(odd, status),
  });
}

/** Of thousands of pods hardly one has anything to tell. */
function reduceRestarts(odd: Tally, status: Fields): Fields {
  let restarts = 0;
  let last: { readonly reason: string; readonly at: string } | undefined;
  for (const container of objects(odd, status['containerStatuses'])) {
    restarts += whole(odd, container['restartCount']) ?? 0;
    const ended = optionalFields(odd, optionalFields(odd, container['lastState'])?.['terminated']);
    const reason = filled(odd, ended?.['reason']);
    const at = time(odd, ended?.['finishedAt']) ?? '';
    if (reason !== undefined && (last === undefined || at > last.at)) last = { reason, at };
  }
  if (restarts === 0) return {};
  return last === undefined ? { restarts } : { restarts, lastEnd: last.at === '' ? { reason: last.reason } : last };
}

function waitingReasons(odd: Tally, status: Fields): readonly string[] | undefined {
  const reasons = new Set<string>();
  for (const key of ['initContainerStatuses', 'containerStatuses']) {
    for (const container of objects(odd, status[key])) {
      const waiting = optionalFields(odd, optionalFields(odd, container['state'])?.['waiting']);
      const reason = filled(odd, waiting?.['reason']);
      if (reason !== undefined) reasons.add(reason);
    }
  }
  return reasons.size === 0 ? undefined : [...reasons].sort(compareText);
}

export const podsFact = defineListFact({
  fact: 'pods',
  reads: [pods],
  place: 'all',
  each(projection) {
    const hosts = new Map<string, string>();
    const parts: Parts = {
      owner: unlessSame(ownerOf),
      injected: unlessSame((containers, initContainers, labels, annotations) =>
        injectedOf(objects(uncounted, containers), objects(uncounted, initContainers), { labels, annotations }, hosts),
      ),
    };
    return (object) => projectPod(object, projection, parts);
  },
});

/** What pods of one workload have in common. */
interface Parts {
  readonly owner: (controller: unknown, labels: StringMap) => Pod['owner'];
  readonly injected: (containers: unknown, initContainers: unknown, labels: StringMap, annotations: StringMap) => Injected;
}

function projectPod(object: ReducedObject, projection: Pick<Projection, 'cluster'>, parts: Parts): Pod {
  const entity = namespacedEntity(projection, object);
  const spec = fields(uncounted, object['spec']);
  const status = optionalFields(uncounted, object['status']);
  const { proxy, imageAuto } = parts.injected(spec['containers'], spec['initContainers'], entity.labels, entity.annotations);
  const pod: { -readonly [K in keyof Pod]: Pod[K] } = Object.assign(entity, {
    phase: text(uncounted, status?.['phase']) ?? '',
    ready: status?.['ready'] === true,
    ips: sharedTexts(uncounted, status?.['podIPs']),
    hostNetwork: spec['hostNetwork'] === true,
    serviceAccount: filled(uncounted, spec['serviceAccountName']) ?? 'default',
    waiting: sharedTexts(uncounted, status?.['waiting']),
    imageAuto,
  });
  const nodeName = filled(uncounted, spec['nodeName']);
  const startedAt = filled(uncounted, status?.['startTime']) ?? entity.createdAt;
  const owner = parts.owner(object['controller'], entity.labels);
  if (status === undefined) pod.withoutStatus = true;
  if (nodeName !== undefined) pod.nodeName = nodeName;
  if (startedAt !== undefined) pod.startedAt = startedAt;
  if (owner !== undefined) pod.owner = owner;
  if (proxy !== undefined) pod.proxy = proxy;
  const restarts = whole(uncounted, status?.['restarts']);
  if (restarts !== undefined) {
    pod.restarts = restarts;
    const end = optionalFields(uncounted, status?.['lastEnd']);
    const reason = filled(uncounted, end?.['reason']);
    const at = time(uncounted, end?.['at']);
    if (reason !== undefined) pod.lastEnd = at === undefined ? { reason } : { reason, at };
  }
  return pod;
}

interface Injected extends Pick<Pod, 'imageAuto'> {
  readonly proxy: Proxy | undefined;
}

/** What injection made of the containers of a pod. */
function injectedOf(
  containers: readonly Fields[],
  initContainers: readonly Fields[],
  own: Pick<Pod, 'labels' | 'annotations'>,
  hosts: Map<string, string>,
): Injected {
  const container = containers.find(isProxy) ?? initContainers.find(isProxy);
  return {
    proxy:
      container === undefined ? undefined : withCapture(proxyOf(container, containers.length, own, hosts), initContainers.find(isInit)),
    imageAuto: containers.some(isAuto) || initContainers.some(isAuto),
  };
}

function isInit(container: Fields): boolean {
  return container['name'] === names.init;
}

function withCapture(proxy: Proxy, init: Fields | undefined): Proxy {
  const words = texts(uncounted, init?.['args']);
  if (words.length === 0) return proxy;
  const said = words.flatMap((flag, index) => {
    const key = index % 2 === 0 ? captureFlags.get(flag) : undefined;
    return key === undefined ? [] : [[key, words[index + 1] ?? ''] as const];
  });
  return { ...proxy, capture: Object.fromEntries(said) };
}

function isProxy(container: Fields): boolean {
  return container['name'] === proxyContainer;
}

/** Left in place of an image for the injector to fill in. */
function isAuto(container: Fields): boolean {
  return container['image'] === 'auto';
}

/** The Deployment above a ReplicaSet can be told by the hash that ends the ReplicaSet's name. */
function ownerOf(value: unknown, labels: StringMap): Pod['owner'] {
  const controller = optionalFields(uncounted, value);
  const kind = text(uncounted, controller?.['kind']);
  const name = text(uncounted, controller?.['name']);
  if (kind === undefined || name === undefined) return undefined;
  const hash = labels['pod-template-hash'];
  const isDeployment = kind === 'ReplicaSet' && hash !== undefined && hash !== '' && name.endsWith(`-${hash}`);
  return isDeployment && hash !== undefined ? { kind: 'Deployment', name: name.slice(0, -hash.length - 1) } : { kind, name };
}

function proxyOf(
  container: Fields,
  containerCount: number,
  { labels, annotations }: Pick<Pod, 'labels' | 'annotations'>,
  hosts: Map<string, string>,
): Proxy {
  const env = envOf(uncounted, container);
  const kind = kindOf(container, containerCount, labels, annotations);
  const proxy: { -readonly [K in keyof Proxy]: Proxy[K] } = {
    kind,
    requestedNetworkView: networksOf(env['ISTIO_META_REQUESTED_NETWORK_VIEW']),
    dnsCapture: isTrue(env['ISTIO_META_DNS_CAPTURE']),
  };
  const cluster = env['ISTIO_META_CLUSTER_ID'] || env['CLUSTER_ID'];
  const network = env['ISTIO_META_NETWORK'] || (kind === 'ztunnel' ? env['NETWORK'] : undefined);
  const rev =
    annotations[annotation.revision] ||
    revisionOfStatus(annotations[annotation.sidecarStatus]) ||
    (kind === 'sidecar' ? undefined : labels[label.revision]);
  const discovery = discoveryHostOf(env, hosts);
  const trustDomain = env['TRUST_DOMAIN'];
  const meshId = env['ISTIO_META_MESH_ID'];
  const version = versionOfImage(text(uncounted, container['image']));
  if (cluster) proxy.clusterId = clusterId(cluster);
  if (network) proxy.network = networkId(network);
  if (rev) proxy.revision = revision(rev);
  if (discovery) proxy.discoveryHost = discovery;
  if (trustDomain) proxy.trustDomain = trustDomain;
  if (meshId) proxy.meshId = meshId;
  if (version !== undefined) proxy.version = version;
  return proxy;
}

/** A managed gateway says what it is by its label (the ambient east-west gateway runs as `proxy waypoint`); other proxies by their arguments. */
function kindOf(container: Fields, containerCount: number, labels: StringMap, annotations: StringMap): Proxy['kind'] {
  const managed = labels[label.gatewayManaged];
  if (managed === 'istio.io-mesh-controller') return 'waypoint';
  if (managed !== undefined) return 'gateway';
  const args = container['args'];
  const role: unknown = Array.isArray(args) ? args[1] : undefined;
  if (role === 'sidecar' || role === 'waypoint' || role === 'ztunnel') return role;
  if (role === 'router') return 'gateway';
  if (labels['app'] === 'ztunnel') return 'ztunnel';
  const isAlone =
    containerCount === 1 && (annotations[annotation.sidecarStatus] === undefined || annotations['inject.istio.io/templates'] === 'gateway');
  return isAlone ? 'gateway' : 'sidecar';
}

function revisionOfStatus(status: string | undefined): string | undefined {
  return status === undefined ? undefined : filled(uncounted, parsedFields(uncounted, status)?.['revision']);
}

const noNetworks: Proxy['requestedNetworkView'] = Object.freeze([]);

function networksOf(view: string | undefined): Proxy['requestedNetworkView'] {
  if (view === undefined || view === '') return noNetworks;
  return view
    .split(',')
    .filter((network) => network !== '')
    .map(networkId);
}

/** Thousands of pods name the same few control planes: `hosts` holds what was read before. */
function discoveryHostOf(env: StringMap, hosts: Map<string, string>): string | undefined {
  const config = env['PROXY_CONFIG'];
  if (config !== undefined && config !== '{}') {
    const known = hosts.get(config);
    if (known !== undefined) return known;
    const address = filled(uncounted, parsedFields(uncounted, config)?.['discoveryAddress']);
    if (address !== undefined) {
      const host = hostOf(address);
      hosts.set(config, host);
      return host;
    }
  }
  const address = env['XDS_ADDRESS'] || env['CA_ADDR'] || env['CA_ADDRESS'];
  if (!address) return undefined;
  const host = hostOf(address);
  // Certificates may come from another authority than istiod; what the proxy is not told is as it is built in (pkg/config/mesh: DefaultProxyConfig).
  if (env['XDS_ADDRESS'] || address.endsWith(':15012') || /^istiod[-.]/.test(host)) return host;
  return config === undefined ? undefined : 'istiod.istio-system.svc';
}

function hostOf(address: string): string {
  const scheme = address.indexOf('://');
  return hostOfAddress(scheme < 0 ? address : address.slice(scheme + 3));
}

import { redact } from '../base/text.ts';
import {
  defined,
  type Fields,
  filled,
  isTrue,
  objects,
  optionalFields,
  parsedFields,
  scalarText,
  sharedTextMap,
  text,
  texts,
  textMap,
  type Tally,
  tally,
  time,
} from '../model/decode.ts';
import type { Entity, FieldManager } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { ObjectMeta, StringMap } from '../model/kube.ts';
import type { ObjectRef } from '../model/refs.ts';
import type { ReducedObject } from '../model/snapshot.ts';

/** Prefixes of annotations that Istio, Helm, a GitOps controller or a load balancer gives a meaning. */
const meaningful = [
  'istio.io/',
  'topology.istio.io/',
  'traffic.istio.io/',
  'networking.istio.io/',
  'ambient.istio.io/',
  'gateway.istio.io/',
  'leader.istio.io/',
  'meta.helm.sh/',
  'argocd.argoproj.io/',
  'kustomize.toolkit.fluxcd.io/',
  'helm.toolkit.fluxcd.io/',
  'service.beta.kubernetes.io/',
  'service.kubernetes.io/',
  'cloud.google.com/',
  'networking.gke.io/',
  'kubernetes.io/service-account.',
];

/** Annotations named one by one, because others under their prefix may hold environment variables or volumes. */
const named: ReadonlySet<string> = new Set([
  'control-plane.alpha.kubernetes.io/leader',
  'inject.istio.io/templates',
  'sidecar.istio.io/inject',
  'sidecar.istio.io/interceptionMode',
  'sidecar.istio.io/nativeSidecar',
  'sidecar.istio.io/proxyImage',
  'sidecar.istio.io/status',
  'proxy.istio.io/config',
  'traffic.sidecar.istio.io/excludeOutboundIPRanges',
  'traffic.sidecar.istio.io/excludeInterfaces',
  'traffic.sidecar.istio.io/excludeOutboundPorts',
  'traffic.sidecar.istio.io/includeOutboundIPRanges',
  'traffic.sidecar.istio.io/includeOutboundPorts',
  'endpointslice.kubernetes.io/skip-mirror',
  'k8s.v1.cni.cncf.io/networks',
  // When the owner of a lock that is an Endpoints object renewed it last (Patroni).
  'renewTime',
  'load-balancer.hetzner.cloud/uses-proxyprotocol',
  'loadbalancer.openstack.org/proxy-protocol',
]);

const longestAnnotation = 4096;

/** Metadata that may be kept of any object. `kept`: of managedFields, who wrote, also which fields, or nothing. */
export function reduceMetadata(odd: Tally, value: unknown, kept: 'managers' | 'fields' | 'none' = 'managers'): ObjectMeta | undefined {
  const metadata = optionalFields(odd, value);
  const name = filled(odd, metadata?.['name']);
  if (metadata === undefined || name === undefined) return undefined;
  const managers = kept === 'none' ? [] : managersOf(odd, metadata['managedFields'], kept === 'fields');
  return defined({
    name,
    namespace: filled(odd, metadata['namespace']),
    uid: filled(odd, metadata['uid']),
    resourceVersion: filled(odd, scalarText(odd, metadata['resourceVersion'])),
    creationTimestamp: time(odd, metadata['creationTimestamp']),
    deletionTimestamp: time(odd, metadata['deletionTimestamp']),
    labels: unlessEmpty(textMap(odd, metadata['labels'])),
    annotations: unlessEmpty(reduceAnnotations(odd, metadata['annotations'])),
    managers: managers.length === 0 ? undefined : managers,
  });
}

/** Labels and annotations of a pod template. */
export function reduceTemplateMetadata(odd: Tally, value: unknown): Fields {
  const metadata = optionalFields(odd, value);
  return defined({
    labels: unlessEmpty(textMap(odd, metadata?.['labels'])),
    annotations: unlessEmpty(reduceAnnotations(odd, metadata?.['annotations'])),
  });
}

export function reduceAnnotations(odd: Tally, value: unknown): StringMap {
  const annotations = optionalFields(odd, value);
  if (annotations === undefined) return {};
  const kept: Record<string, string> = {};
  for (const key of Object.keys(annotations)) {
    const item = text(odd, annotations[key]);
    if (item === undefined || !isMeaningful(key)) continue;
    const reduced = reduceAnnotation(odd, key, item);
    if (reduced !== undefined) kept[key] = reduced;
  }
  return kept;
}

function isMeaningful(key: string): boolean {
  return named.has(key) || meaningful.some((prefix) => key.startsWith(prefix));
}

function reduceAnnotation(odd: Tally, key: string, value: string): string | undefined {
  if (key === 'proxy.istio.io/config') return reduceProxyConfig(value);
  if (key === 'sidecar.istio.io/status') return reduceStatus(odd, value);
  return value.length > longestAnnotation ? undefined : redact(value);
}

/** A pod's own ProxyConfig may hold any environment variable; whether it switches DNS capture, and whether it reads PROXY protocol, is all that is read of it. */
function reduceProxyConfig(value: string): string | undefined {
  const capture = /ISTIO_META_DNS_CAPTURE["']?\s*:\s*["']?(\w+)/.exec(value)?.[1];
  const readsProxyProtocol = /proxyProtocol["']?\s*:/.test(value);
  if (capture === undefined && !readsProxyProtocol) return undefined;
  return JSON.stringify(
    defined({
      proxyMetadata: capture === undefined ? undefined : { ISTIO_META_DNS_CAPTURE: String(isTrue(capture)) },
      gatewayTopology: readsProxyProtocol ? { proxyProtocol: {} } : undefined,
    }),
  );
}

/** Of thousands of pods it is the same. */
let lastStatus: { readonly value: string; readonly reduced: string | undefined } | undefined;

function reduceStatus(odd: Tally, value: string): string | undefined {
  if (lastStatus?.value === value) return lastStatus.reduced;
  const { odd: before } = odd;
  const reduced = reducedStatus(odd, value);
  if (odd.odd === before) lastStatus = { value, reduced };
  return reduced;
}

function reducedStatus(odd: Tally, value: string): string | undefined {
  const status = parsedFields(odd, value);
  if (status === undefined) return undefined;
  return JSON.stringify(
    defined({
      initContainers: unlessNone(texts(odd, status['initContainers'])),
      containers: unlessNone(texts(odd, status['containers'])),
      revision: filled(odd, status['revision']),
    }),
  );
}

function managersOf(odd: Tally, value: unknown, withFields: boolean): readonly FieldManager[] {
  if (value === undefined || value === null) return [];
  return objects(odd, value)
    .flatMap((entry) => {
      const manager = filled(odd, entry['manager']);
      if (manager === undefined) return [];
      return [
        defined({
          manager,
          operation: text(odd, entry['operation']) ?? '',
          time: time(odd, entry['time']),
          fields: withFields ? fieldPaths(entry['fieldsV1']) : [],
        }),
      ];
    })
    .sort(newestFirst);
}

function newestFirst(a: FieldManager, b: FieldManager): number {
  const [left, right] = [a.time ?? '', b.time ?? ''];
  return left < right ? 1 : left > right ? -1 : 0;
}

const mostPaths = 200;

/** `f:metadata: {f:labels: {f:a: {}, f:b.c/d: {}}}` as `.metadata.labels.a` and `.metadata.labels["b.c/d"]`, leaves only. */
function fieldPaths(value: unknown): string[] {
  const paths: string[] = [];
  const visit = (node: unknown, path: string, depth: number): void => {
    const children = optionalFields(tally(), node);
    const keys = children === undefined ? [] : Object.keys(children).filter((key) => key !== '.');
    if (keys.length === 0 || depth > 20) {
      if (path !== '' && paths.length < mostPaths) paths.push(path);
      return;
    }
    for (const key of keys) visit(children?.[key], path + step(key), depth + 1);
  };
  visit(value, '', 0);
  return paths;
}

function step(key: string): string {
  const name = key.slice(2);
  if (!key.startsWith('f:')) return `[${name}]`;
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

function unlessEmpty(map: StringMap): StringMap | undefined {
  return Object.keys(map).length === 0 ? undefined : map;
}

function unlessNone(items: readonly string[]): readonly string[] | undefined {
  return items.length === 0 ? undefined : items;
}

/** How facts point at the object. */
export function refOf(cluster: ClusterName, object: ReducedObject): ObjectRef {
  const { namespace, name, resourceVersion } = object.metadata;
  const origin = object.origin ?? (resourceVersion === undefined ? undefined : { resourceVersion });
  return {
    cluster,
    kind: object.kind,
    ...(namespace === undefined ? undefined : { namespace }),
    name,
    ...(origin === undefined ? undefined : { origin }),
  };
}

const noManagers: readonly FieldManager[] = Object.freeze([]);

/** What a reduced object says about itself, whatever its kind. */
export function entityOf(cluster: ClusterName, object: ReducedObject): Entity {
  const odd = tally();
  const { metadata } = object;
  const entity: { -readonly [K in keyof Entity]: Entity[K] } = {
    ref: refOf(cluster, object),
    labels: sharedTextMap(odd, metadata.labels),
    annotations: sharedTextMap(odd, metadata.annotations),
    managers: metadata['managers'] === undefined ? noManagers : recordedManagers(metadata['managers']),
  };
  if (metadata.creationTimestamp !== undefined) entity.createdAt = metadata.creationTimestamp;
  if (metadata.deletionTimestamp !== undefined) entity.deletingSince = metadata.deletionTimestamp;
  if (metadata.uid !== undefined) entity.uid = metadata.uid;
  return entity;
}

function recordedManagers(value: unknown): readonly FieldManager[] {
  const odd = tally();
  return objects(odd, value).map((entry) =>
    defined({
      manager: text(odd, entry['manager']) ?? '',
      operation: text(odd, entry['operation']) ?? '',
      time: time(odd, entry['time']),
      fields: texts(odd, entry['fields']),
    }),
  );
}

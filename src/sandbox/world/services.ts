import { generatedName } from '../../builder/edits/clock.ts';
import { at, isRecord, itemsAt, mapAt, textAt } from '../../builder/edits/json.ts';
import { ipFamily } from '../../istio/addresses.ts';
import { labels } from '../../istio/labels.ts';
import type { KubeObject } from '../../model/kube.ts';
import { selectedPods, slicesOf } from './indexes.ts';
import type { Knowledge } from './knowledge.ts';
import { isOver, isReadyPod, labelsOf } from './pods.ts';
import type { Change, ClusterState } from './state.ts';

/** An address behind a Service. */
interface Backend {
  readonly address: string;
  readonly ready: boolean;
  readonly pod: KubeObject;
}

const controller = 'endpointslice-controller.k8s.io';

/** The controllers of EndpointSlices and Endpoints: what is behind each Service with a selector. What is right already is not written again. */
export function endpoints({ state }: Knowledge): Change[] {
  return [...state.clusters.values()].flatMap((cluster) =>
    cluster.objects
      .list('Service')
      .filter((service) => Object.keys(mapAt(service, 'spec', 'selector')).length > 0 && textAt(service, 'spec', 'type') !== 'ExternalName')
      .flatMap((service) => ofService(service, cluster, state.now)),
  );
}

function ofService(service: KubeObject, cluster: ClusterState, now: string): Change[] {
  const { name, namespace = '' } = service.metadata;
  const backends = backendsOf(service, cluster);
  const families = familiesOf(service, backends);
  const changes: Change[] = [];
  for (const family of families) {
    const ofFamily = backends.filter(({ address }) => ipFamily(address) === family);
    changes.push(...slices(service, family, ofFamily, cluster, now));
  }
  const object = cluster.objects.get('Endpoints', namespace, name);
  const first = backends.filter(({ address }) => ipFamily(address) === families[0]);
  const next = endpointsObject(service, object, first, now);
  if (next !== undefined) changes.push({ cluster: cluster.name, put: next });
  return changes;
}

/** Pods that a Service selects and that have an address, in the order of their addresses as they were found. */
function backendsOf(service: KubeObject, cluster: ClusterState): Backend[] {
  const selector = mapAt(service, 'spec', 'selector');
  const isListed = at(service, 'spec', 'publishNotReadyAddresses') === true;
  return selectedPods(cluster, service.metadata.namespace, selector).flatMap((pod): Backend[] => {
    if (isOver(pod)) return [];
    const several = itemsAt(pod, 'status', 'podIPs').flatMap((one) => textAt(one, 'ip') ?? []);
    const one = textAt(pod, 'status', 'podIP');
    const addresses = several.length > 0 ? several : one === undefined ? [] : [one];
    return addresses.map((address) => ({ address, ready: isListed || isReadyPod(pod), pod }));
  });
}

function familiesOf(service: KubeObject, backends: readonly Backend[]): (4 | 6)[] {
  const families = itemsAt(service, 'spec', 'ipFamilies').flatMap((family): (4 | 6)[] =>
    family === 'IPv4' ? [4] : family === 'IPv6' ? [6] : [],
  );
  if (families.length > 0) return families;
  return backends.some(({ address }) => ipFamily(address) === 4) || backends.length === 0 ? [4] : [6];
}

function slices(service: KubeObject, family: 4 | 6, backends: readonly Backend[], cluster: ClusterState, now: string): Change[] {
  const { name, namespace } = service.metadata;
  const own = slicesOf(cluster, namespace, name).filter(
    (slice) =>
      textAt(slice, 'addressType') === `IPv${family}` &&
      [controller, undefined].includes(labelsOf(slice)['endpointslice.kubernetes.io/managed-by']),
  );
  const ports = portsOf(service, backends);
  const left = new Map(backends.map((backend) => [backend.address, backend]));
  const changes: Change[] = [];
  const [first] = own;
  const kept = own.map((slice) => ({
    slice,
    endpoints: itemsAt(slice, 'endpoints').flatMap((endpoint) => {
      const address = itemsAt(endpoint, 'addresses')[0];
      const backend = typeof address === 'string' ? left.get(address) : undefined;
      if (backend === undefined) return [];
      left.delete(backend.address);
      return [isRight(endpoint, backend) ? endpoint : endpointOf(backend, cluster)];
    }),
  }));
  for (const { slice, endpoints } of kept) {
    const added = slice === first ? [...left.values()].map((backend) => endpointOf(backend, cluster)) : [];
    const next = [...endpoints, ...added];
    const before = itemsAt(slice, 'endpoints');
    const isSame = next.length === before.length && next.every((endpoint, index) => endpoint === before[index]);
    if (isSame && (next.length === 0 || hasPorts(itemsAt(slice, 'ports'), ports))) continue;
    // A slice without endpoints has neither: the API server stores both as null.
    changes.push({
      cluster: cluster.name,
      put: { ...slice, endpoints: next.length === 0 ? null : next, ports: next.length === 0 ? null : ports },
    });
  }
  if (first === undefined) changes.push({ cluster: cluster.name, put: newSlice(service, family, backends, ports, cluster, now) });
  return changes;
}

function newSlice(
  service: KubeObject,
  family: 4 | 6,
  backends: readonly Backend[],
  ports: readonly unknown[],
  cluster: ClusterState,
  now: string,
): KubeObject {
  const { name, namespace = '', uid = '' } = service.metadata;
  const isHeadless = textAt(service, 'spec', 'clusterIP') === 'None';
  const isEmpty = backends.length === 0;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${generatedName(`${uid}/${family}`, 5)}`,
      generateName: `${name}-`,
      namespace,
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': now },
      labels: {
        ...labelsOf(service),
        'endpointslice.kubernetes.io/managed-by': controller,
        ...(isHeadless ? { 'service.kubernetes.io/headless': '' } : {}),
        [labels.serviceName]: name,
      },
      ownerReferences: [{ apiVersion: 'v1', blockOwnerDeletion: true, controller: true, kind: 'Service', name, uid }],
    },
    addressType: `IPv${family}`,
    endpoints: isEmpty ? null : backends.map((backend) => endpointOf(backend, cluster)),
    ports: isEmpty ? null : ports,
  };
}

function endpointOf({ address, ready, pod }: Backend, cluster: ClusterState): Readonly<Record<string, unknown>> {
  const nodeName = textAt(pod, 'spec', 'nodeName');
  const zone = labelsOf(nodeName === undefined ? undefined : cluster.objects.get('Node', undefined, nodeName))[
    'topology.kubernetes.io/zone'
  ];
  return {
    addresses: [address],
    conditions: { ready, serving: ready, terminating: false },
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: 'Pod', name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
    ...(zone === undefined ? {} : { zone }),
  };
}

function isRight(endpoint: unknown, { ready, pod }: Backend): boolean {
  const said = at(endpoint, 'conditions', 'ready');
  return (said ?? true) === ready && textAt(endpoint, 'targetRef', 'name') === pod.metadata.name;
}

function portsOf(service: KubeObject, backends: readonly Backend[]): Readonly<Record<string, unknown>>[] {
  return itemsAt(service, 'spec', 'ports').flatMap((port) => {
    const target = at(port, 'targetPort') ?? at(port, 'port');
    const number =
      typeof target === 'number' ? target : backends.map(({ pod }) => containerPort(pod, target)).find((found) => found !== undefined);
    if (number === undefined) return [];
    const name = textAt(port, 'name');
    const appProtocol = textAt(port, 'appProtocol');
    return [
      {
        ...(appProtocol === undefined ? {} : { appProtocol }),
        ...(name === undefined ? { name: '' } : { name }),
        port: number,
        protocol: textAt(port, 'protocol') ?? 'TCP',
      },
    ];
  });
}

function containerPort(pod: KubeObject, name: unknown): number | undefined {
  const containers = [...itemsAt(pod, 'spec', 'containers'), ...itemsAt(pod, 'spec', 'initContainers')];
  for (const port of containers.flatMap((container) => itemsAt(container, 'ports'))) {
    const number = at(port, 'containerPort');
    if (at(port, 'name') === name && typeof number === 'number') return number;
  }
  return undefined;
}

function hasPorts(before: readonly unknown[], after: readonly unknown[]): boolean {
  const told = (ports: readonly unknown[]): string =>
    ports
      .map((port) =>
        JSON.stringify([
          textAt(port, 'name') ?? '',
          at(port, 'port'),
          textAt(port, 'protocol') ?? 'TCP',
          textAt(port, 'appProtocol') ?? '',
        ]),
      )
      .sort()
      .join(' ');
  return told(before) === told(after);
}

/** The Endpoints object of a Service, which its own controller still keeps; nothing when it is right. One that was never there is not missed on meshes that were recorded without. */
function endpointsObject(
  service: KubeObject,
  object: KubeObject | undefined,
  backends: readonly Backend[],
  now: string,
): KubeObject | undefined {
  const { name, namespace = '' } = service.metadata;
  const addressOf = ({ address, pod }: Backend): Readonly<Record<string, unknown>> => {
    const nodeName = textAt(pod, 'spec', 'nodeName');
    const targetRef = { kind: 'Pod', name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid };
    return { ip: address, ...(nodeName === undefined ? {} : { nodeName }), targetRef };
  };
  const ready = backends.filter((backend) => backend.ready);
  const notReady = backends.filter((backend) => !backend.ready);
  const ports = portsOf(service, backends).map(({ name: portName, ...port }) => (portName === '' ? port : { name: portName, ...port }));
  const subsets =
    backends.length === 0
      ? undefined
      : [
          {
            ...(ready.length === 0 ? {} : { addresses: ready.map(addressOf) }),
            ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady.map(addressOf) }),
            ports,
          },
        ];
  if (object !== undefined) {
    if (told(object['subsets']) === told(subsets)) return undefined;
    const { subsets: _before, ...rest } = object;
    return { ...rest, ...(subsets === undefined ? {} : { subsets }) };
  }
  const isOld = Date.parse(service.metadata.creationTimestamp ?? '') < Date.parse(now) - 60_000;
  if (isOld) return undefined;
  const isHeadless = textAt(service, 'spec', 'clusterIP') === 'None';
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name,
      namespace,
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': now },
      labels: {
        ...labelsOf(service),
        'endpoints.kubernetes.io/managed-by': 'endpoint-controller',
        ...(isHeadless ? { 'service.kubernetes.io/headless': '' } : {}),
      },
    },
    ...(subsets === undefined ? {} : { subsets }),
  };
}

/** Addresses and ports of subsets, whatever their order. */
function told(subsets: unknown): string {
  if (!Array.isArray(subsets)) return '';
  return subsets
    .filter(isRecord)
    .flatMap((subset) =>
      ['addresses', 'notReadyAddresses'].flatMap((list) =>
        itemsAt(subset, list).flatMap((one) =>
          itemsAt(subset, 'ports').map((port) => [list, textAt(one, 'ip'), textAt(port, 'name') ?? '', at(port, 'port')].join(' ')),
        ),
      ),
    )
    .sort()
    .join(',');
}

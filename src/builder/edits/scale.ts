import type { KubeObject } from '../../model/kube.ts';
import { agoIn, timeText } from './clock.ts';
import { annotate, change, type Edit, find, inCluster, put } from './edit.ts';
import { isIstiod, isSidecarPod } from './find.ts';
import { itemsAt, textAt } from './json.ts';

// What too much of everything leaves behind.

/** The kernel killed istiod, `times` in all, the last time `minutesAgo`. */
export function istiodKilled(options: {
  readonly cluster: string;
  readonly times?: number;
  readonly minutesAgo?: number;
  readonly reason?: string;
}): Edit {
  const { cluster, times = 3, minutesAgo = 30, reason = 'OOMKilled' } = options;
  return (mesh) => {
    const finishedAt = timeText(agoIn(mesh, minutesAgo));
    return inCluster(cluster, (objects) =>
      change(
        objects,
        (object) => object.kind === 'Pod' && runsIstiod(object),
        (pod) =>
          put(put(pod, ['status', 'containerStatuses', 0, 'restartCount'], times), ['status', 'containerStatuses', 0, 'lastState'], {
            terminated: { exitCode: 137, finishedAt, reason },
          }),
        'pod of istiod',
      ),
    )(mesh);
  };
}

/** istiod may take no more than this of its node. */
export function istiodLimited(options: { readonly cluster: string; readonly cpu?: string; readonly memory?: string }): Edit {
  const { cluster, ...limits } = options;
  return inCluster(cluster, (objects) =>
    change(
      objects,
      isIstiod,
      (deployment) => put(deployment, ['spec', 'template', 'spec', 'containers', 0, 'resources', 'limits'], limits),
      'istiod',
    ),
  );
}

/**
 * A database that elects its leader by an Endpoints object, as Patroni does: a Service without selector, the object with the lock, and
 * its mirror as an EndpointSlice, which has its annotations and is written with every renewal.
 */
export function lockInEndpoints(options: {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  readonly headless?: boolean;
  readonly secondsAgo?: number;
  readonly port?: string;
}): Edit {
  const { cluster, namespace, name, headless = true, secondsAgo = 7, port = 'postgresql' } = options;
  return (mesh) => {
    const renewTime = timeText(agoIn(mesh, secondsAgo / 60));
    const locked = (kind: string, object: string, apiVersion: string, rest: object): KubeObject =>
      annotate(
        {
          apiVersion,
          kind,
          metadata: { name: object, namespace, labels: { 'kubernetes.io/service-name': name } },
          ...rest,
        },
        'renewTime',
        renewTime,
      );
    const address = '10.200.0.9';
    return inCluster(cluster, (objects) => [
      ...objects,
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace },
        spec: {
          type: 'ClusterIP',
          clusterIP: headless ? 'None' : '10.96.77.7',
          clusterIPs: [headless ? 'None' : '10.96.77.7'],
          ports: [{ name: port, port: 5432, protocol: 'TCP', targetPort: 5432 }],
        },
      },
      locked('Endpoints', name, 'v1', {
        subsets: [{ addresses: [{ ip: address }], ports: [{ name: port, port: 5432, protocol: 'TCP' }] }],
      }),
      locked('EndpointSlice', `${name}-x7k2p`, 'discovery.k8s.io/v1', {
        addressType: 'IPv4',
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
        ports: [{ name: port, port: 5432, protocol: 'TCP' }],
      }),
    ])(mesh);
  };
}

/** A GitOps controller marks every object of a kind as its own. */
export function annotatedAll(options: {
  readonly cluster: string;
  readonly kind: string;
  readonly key: string;
  readonly value: string;
}): Edit {
  const { cluster, kind, key, value } = options;
  return inCluster(cluster, (objects) =>
    change(
      objects,
      (object) => object.kind === kind,
      (object) => annotate(object, key, value),
      kind,
    ),
  );
}

/** Services of a mesh that grew: each with as many ports as are given. */
export function manyServices(options: {
  readonly cluster: string;
  readonly namespace: string;
  readonly services: number;
  readonly ports: number;
}): Edit {
  const { cluster, namespace, services, ports } = options;
  return inCluster(cluster, (objects) => [
    ...objects,
    ...Array.from(
      { length: services },
      (_, index): KubeObject => ({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: `service-${index}`, namespace },
        spec: {
          type: 'ClusterIP',
          clusterIP: `10.97.${Math.floor(index / 250)}.${(index % 250) + 1}`,
          clusterIPs: [`10.97.${Math.floor(index / 250)}.${(index % 250) + 1}`],
          ports: Array.from({ length: ports }, (_port, number) => ({
            name: `http-${number}`,
            port: 8000 + number,
            protocol: 'TCP',
            targetPort: 8000 + number,
          })),
        },
      }),
    ),
  ]);
}

/** Copies of an injected pod of a namespace. */
export function manyProxies(options: { readonly cluster: string; readonly namespace: string; readonly proxies: number }): Edit {
  const { cluster, namespace, proxies } = options;
  return inCluster(cluster, (objects) => {
    const pod = find(objects, (object) => isSidecarPod(object) && object.metadata.namespace === namespace, `injected pod of ${namespace}`);
    return [
      ...objects,
      ...Array.from({ length: proxies }, (_, index): KubeObject => {
        const name = `${pod.metadata.name}-${index}`;
        const podIP = `10.201.${Math.floor(index / 250)}.${(index % 250) + 1}`;
        const copy = put(put(pod, ['status', 'podIP'], podIP), ['status', 'podIPs'], [{ ip: podIP }]);
        return { ...copy, metadata: { ...copy.metadata, name, uid: `${String(pod.metadata['uid'])}-${index}` } };
      }),
    ];
  });
}

function runsIstiod(pod: KubeObject): boolean {
  return itemsAt(pod, 'spec', 'containers').some((container) => textAt(container, 'name') === 'discovery');
}

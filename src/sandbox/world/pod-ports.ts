import type { Duplex } from 'node:stream';
import type { Pod } from '../../model/facts.ts';
import type { KubeObject } from '../../model/kube.ts';
import type { Mishaps } from '../mishaps.ts';
import type { HttpAnswer, OwnAnswer, PodPorts } from '../sandbox.ts';
import { istiodAnswer } from './debug.ts';
import { serveDns } from './dns.ts';
import { type ProxyAdmin, envoyAnswer } from './envoy.ts';
import { frontDoors } from './front-doors.ts';
import { openHttp } from './http.ts';
import type { Identities } from './identities.ts';
import { clusterNames, isDnsPod, sidecarNames } from './names.ts';
import type { ClusterState } from './state.ts';
import { factOfPod, type World } from './world.ts';

type Listener = (stream: Duplex) => void;

/**
 * What listens in pods, as far as it can be asked by port-forward. `gateway` serves a port of a gateway as its listener does, `knownTo` is
 * the world as proxies of a cluster know it.
 */
export function podPorts(
  world: World,
  knownTo: (cluster: string) => World,
  identities: Identities,
  gateway: (door: ReturnType<typeof frontDoors>[number], stream: Duplex) => void,
  mishaps: Mishaps,
  own: (cluster: string) => OwnAnswer | undefined,
): PodPorts {
  return (clusterName, object, port) => {
    const { state } = world.now();
    const cluster = state.clusters.get(clusterName);
    const pod = cluster === undefined ? undefined : factOfPod(cluster, object.metadata.namespace, object.metadata.name);
    if (cluster === undefined || pod === undefined || pod.phase !== 'Running') return undefined;
    return (
      istiodPort(world, pod, object, port, mishaps, own(clusterName)) ??
      dnsPort(world, knownTo, pod, cluster, port, mishaps) ??
      proxyPort(world, knownTo, identities, pod, cluster, port, gateway, mishaps)
    );
  };
}

function istiodPort(
  world: World,
  pod: Pod,
  object: KubeObject,
  port: number,
  mishaps: Mishaps,
  own: OwnAnswer | undefined,
): Listener | undefined {
  if (port !== 15014 && port !== 8080) return undefined;
  const process = world.now().istiods.get(object.metadata.uid ?? pod.name);
  if (process === undefined) return undefined;
  return overHttp((path, query) => {
    const knowledge = world.now();
    const asked = {
      process: knowledge.istiods.get(process.uid) ?? process,
      knowledge,
      predict: world.predict,
      connection: world.connection,
      sendsTable: (client: Pod) => mishaps.find('name-table', client.ref.cluster) === undefined,
    };
    const usual = (): HttpAnswer => istiodAnswer(asked, port, path, query) ?? { status: 404, text: '404 page not found\n' };
    return own?.({ pod: pod.name, port, path, query, usual }) ?? usual();
  });
}

function dnsPort(
  world: World,
  knownTo: (cluster: string) => World,
  pod: Pod,
  cluster: ClusterState,
  port: number,
  mishaps: Mishaps,
): Listener | undefined {
  if (port === 53 && isDnsPod(pod))
    return (stream) => serveDns(stream, (name) => clusterNames(present(world, cluster))(name), { isZone: true });
  if (port !== 15053 || pod.proxy?.kind !== 'sidecar' || !pod.proxy.dnsCapture) return undefined;
  if (mishaps.find('name-table', cluster.name) !== undefined) return undefined;
  return (stream) =>
    serveDns(stream, (name) => {
      const known = knownTo(cluster.name);
      const here = present(known, cluster);
      const mishap = mishaps.find('sidecar-dns', cluster.name);
      if (mishap?.does === 'no-table') return 'failing';
      if (mishap?.name !== undefined && (name === mishap.name || name.startsWith(`${mishap.name}.`)))
        return mishap.does === 'old-table' ? 'unknown' : mishap.does === 'dead-upstream' ? 'failing' : { addresses: ['203.0.113.99'] };
      const resolve = sidecarNames(pod, here, known.now(), known.connection(pod, here), known.predict, mishap?.does === 'dead-upstream');
      return resolve(name);
    });
}

function proxyPort(
  world: World,
  knownTo: (cluster: string) => World,
  identities: Identities,
  pod: Pod,
  cluster: ClusterState,
  port: number,
  gateway: (door: ReturnType<typeof frontDoors>[number], stream: Duplex) => void,
  mishaps: Mishaps,
): Listener | undefined {
  const { proxy } = pod;
  if (proxy === undefined || proxy.kind === 'ztunnel') return undefined;
  if (port === 15000) return overHttp((path, query) => envoyAnswer(adminOf(knownTo(cluster.name), identities, pod, cluster), path, query));
  const isWaiting = proxy.kind === 'gateway' && mishaps.find('gateway', cluster.name)?.does === 'wait';
  if (port === 15021)
    return overHttp((path) =>
      path === '/healthz/ready' ? { status: pod.ready && !isWaiting ? 200 : 503, text: '' } : { status: 404, text: '404 page not found\n' },
    );
  if (proxy.kind !== 'gateway') return undefined;
  const isIts = ({ cluster: other, service, targetPort }: ReturnType<typeof frontDoors>[number]): boolean =>
    other.name === cluster.name &&
    targetPort === port &&
    service.namespace === pod.namespace &&
    Object.entries(service.selector).every(([key, value]) => pod.labels[key] === value);
  const door = frontDoors(world.now().state).find(isIts);
  const does = mishaps.find('gateway', cluster.name, port)?.does;
  return door === undefined || does === 'close' || does === 'wait' ? undefined : (stream) => gateway(door, stream);
}

function adminOf(world: World, identities: Identities, pod: Pod, cluster: ClusterState): ProxyAdmin {
  const here = present(world, cluster);
  const process = world.servedBy(pod, here);
  return {
    pod,
    process,
    knowledge: world.now(),
    predict: world.predict,
    certificates: async () => (process === undefined ? undefined : await identities.ofPod(pod, process, world.now())),
  };
}

function present(world: World, cluster: ClusterState): ClusterState {
  return world.now().state.clusters.get(cluster.name) ?? cluster;
}

/** One HTTP server for each stream: streams end by themselves, and nothing is left of it then. */
function overHttp(answer: Parameters<typeof openHttp>[0]): Listener {
  return (stream) => openHttp(answer).serve(stream);
}

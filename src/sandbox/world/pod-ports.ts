import type { Duplex } from 'node:stream';
import type { Pod } from '../../model/facts.ts';
import type { KubeObject } from '../../model/kube.ts';
import type { PodPorts } from '../sandbox.ts';
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

/** What listens in pods, as far as it can be asked by port-forward. `gateway` serves a port of a gateway as its listener does. */
export function podPorts(
  world: World,
  identities: Identities,
  gateway: (door: ReturnType<typeof frontDoors>[number], stream: Duplex) => void,
): PodPorts {
  return (clusterName, object, port) => {
    const { state } = world.now();
    const cluster = state.clusters.get(clusterName);
    const pod = cluster === undefined ? undefined : factOfPod(cluster, object.metadata.namespace, object.metadata.name);
    if (cluster === undefined || pod === undefined || pod.phase !== 'Running') return undefined;
    return (
      istiodPort(world, pod, object, port) ??
      dnsPort(world, pod, cluster, port) ??
      proxyPort(world, identities, pod, cluster, port, gateway)
    );
  };
}

function istiodPort(world: World, pod: Pod, object: KubeObject, port: number): Listener | undefined {
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
    };
    return istiodAnswer(asked, port, path, query) ?? { status: 404, text: '404 page not found\n' };
  });
}

function dnsPort(world: World, pod: Pod, cluster: ClusterState, port: number): Listener | undefined {
  if (port === 53 && isDnsPod(pod))
    return (stream) => serveDns(stream, (name) => clusterNames(present(world, cluster))(name), { isZone: true });
  if (port !== 15053 || pod.proxy?.kind !== 'sidecar' || !pod.proxy.dnsCapture) return undefined;
  return (stream) =>
    serveDns(stream, (name) => {
      const here = present(world, cluster);
      return sidecarNames(pod, here, world.now(), world.connection(pod, here), world.predict)(name);
    });
}

function proxyPort(
  world: World,
  identities: Identities,
  pod: Pod,
  cluster: ClusterState,
  port: number,
  gateway: (door: ReturnType<typeof frontDoors>[number], stream: Duplex) => void,
): Listener | undefined {
  const { proxy } = pod;
  if (proxy === undefined || proxy.kind === 'ztunnel') return undefined;
  if (port === 15000) return overHttp((path, query) => envoyAnswer(adminOf(world, identities, pod, cluster), path, query));
  if (port === 15021)
    return overHttp((path) =>
      path === '/healthz/ready' ? { status: pod.ready ? 200 : 503, text: '' } : { status: 404, text: '404 page not found\n' },
    );
  if (proxy.kind !== 'gateway') return undefined;
  const isIts = ({ cluster: other, service, targetPort }: ReturnType<typeof frontDoors>[number]): boolean =>
    other.name === cluster.name &&
    targetPort === port &&
    service.namespace === pod.namespace &&
    Object.entries(service.selector).every(([key, value]) => pod.labels[key] === value);
  const door = frontDoors(world.now().state).find(isIts);
  return door === undefined ? undefined : (stream) => gateway(door, stream);
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

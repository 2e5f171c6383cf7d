import { discoveryService } from '../../istio/hosts.ts';
import { names, ports } from '../../istio/labels.ts';
import { listOf } from '../../mesh/topology.ts';
import type { Pod } from '../../model/facts.ts';
import { textAt } from '../../builder/edits/json.ts';
import { holdsSame } from './ca.ts';
import type { IstiodProcess } from './istiods.ts';
import type { Knowledge } from './knowledge.ts';
import { dnsNamesOf, processNamed, type Reached, reachService } from './reach.ts';
import type { ClusterState } from './state.ts';

/** Whether a proxy gets through to an istiod: which one answers it, or what keeps it out. */
export type Connected =
  | { readonly process: IstiodProcess }
  | {
      readonly kept:
        | 'no proxy'
        | 'unreachable'
        /** The certificate istiod presents does not lead to the root that the pod was given, or has not the name it asks for. */
        | 'untrusted'
        /** istiod does not know the cluster the proxy claims to be in, or that cluster does not know the proxy's token. */
        | 'unauthenticated';
    };

/**
 * The way of a proxy to its istiod: the name it was told, the root in its namespace, and its token, which istiod has reviewed by the API
 * server of the cluster that the proxy claims (pilot/pkg/xds; security/pkg/server/ca/authenticate/kubeauth).
 */
export function connectionOf(pod: Pod, cluster: ClusterState, knowledge: Knowledge): Connected {
  const { proxy } = pod;
  if (proxy?.discoveryHost === undefined) return { kept: 'no proxy' };
  const reached = reachHost(proxy.discoveryHost, cluster, knowledge);
  if (!('process' in reached)) return { kept: 'unreachable' };
  const { process } = reached;
  if (reached.presents === 'istiod') {
    const root = textAt(cluster.objects.get('ConfigMap', pod.namespace, names.rootConfigMap), 'data', 'root-cert.pem') ?? '';
    if (process.ca === undefined || !holdsSame(root, process.ca.root)) return { kept: 'untrusted' };
    if (!dnsNamesOf(process, knowledge).includes(proxy.discoveryHost)) return { kept: 'untrusted' };
  }
  return isAuthenticated(process, proxy.clusterId ?? names.defaultClusterId, cluster) ? { process } : { kept: 'unauthenticated' };
}

/** Connections of all proxies, worked out once for each moment and each kind of proxy. */
export function connections(): (pod: Pod, cluster: ClusterState, knowledge: Knowledge) => Connected {
  let of: Knowledge | undefined;
  let known = new Map<string, Connected>();
  return (pod, cluster, knowledge) => {
    if (of !== knowledge) {
      of = knowledge;
      known = new Map();
    }
    const key = JSON.stringify([cluster.name, pod.namespace, pod.proxy?.discoveryHost, pod.proxy?.clusterId]);
    const found = known.get(key) ?? connectionOf(pod, cluster, knowledge);
    known.set(key, found);
    return found;
  };
}

function reachHost(host: string, cluster: ClusterState, knowledge: Knowledge): Reached {
  const service = discoveryService(host);
  if (service !== undefined) return reachService(cluster, service.namespace, service.name, ports.discovery, host, knowledge);
  // A public name: resolved outside the mesh, so whoever goes by it is found by its name.
  const process = processNamed(host, knowledge);
  return process === undefined ? { failed: 'timeout' } : { process, presents: 'istiod' };
}

function isAuthenticated(process: IstiodProcess, claimed: string, cluster: ClusterState): boolean {
  if (process.controlPlane.clusterId === claimed) return process.config === cluster.name;
  return [...process.registrations.values()].some((one) => one.id === claimed && one.target === cluster.name && one.authenticates);
}

/** Pods of a process's proxies, with their cluster. */
export function proxiesOf(
  process: IstiodProcess,
  knowledge: Knowledge,
  connection: (pod: Pod, cluster: ClusterState) => Connected,
): readonly { readonly pod: Pod; readonly cluster: ClusterState }[] {
  return [...knowledge.state.clusters.values()].flatMap((cluster) =>
    listOf(cluster.facts.pods).flatMap((pod) => {
      if (pod.proxy === undefined || pod.phase !== 'Running') return [];
      const connected = connection(pod, cluster);
      return 'process' in connected && connected.process === process ? [{ pod, cluster }] : [];
    }),
  );
}

import { serviceOfFqdn } from '../../istio/hosts.ts';
import { clientOf, type Predictions } from '../../mesh/endpoints.ts';
import { nameTable, namesAnswered } from '../../mesh/name-table.ts';
import { listOf } from '../../mesh/topology.ts';
import type { Pod } from '../../model/facts.ts';
import type { Resolved } from './dns.ts';
import type { IstiodProcess } from './istiods.ts';
import { type Knowledge, meshConfigOf } from './knowledge.ts';
import type { Connected } from './proxies.ts';
import type { ClusterState } from './state.ts';
import { sidecarVisibility } from './visibility.ts';

const domain = 'cluster.local';

/** What the DNS of a cluster answers: its own Services, and nothing else, since nothing outside the mesh exists here. */
export function clusterNames(cluster: ClusterState): (name: string) => Resolved {
  return (name) => {
    const asked = serviceOfFqdn(name, domain);
    const service = listOf(cluster.facts.services).find((one) => one.name === asked?.name && one.namespace === asked.namespace);
    if (service === undefined) return 'unknown';
    if (service.type === 'ExternalName') return { addresses: [], canonical: service.externalName ?? '' };
    if (service.clusterIP !== 'None') return { addresses: service.clusterIPs.length > 0 ? service.clusterIPs : [service.clusterIP] };
    const slices = listOf(cluster.facts.endpointSlices).filter(
      (slice) => slice.namespace === service.namespace && slice.service === service.name,
    );
    const isListed = (ready: boolean): boolean => ready || service.publishNotReadyAddresses;
    return {
      addresses: slices.flatMap(({ endpoints }) => endpoints.filter(({ ready }) => isListed(ready)).flatMap(({ addresses }) => addresses)),
    };
  };
}

/** Whether a DNS pod of the cluster could be asked by others. */
export function hasDns(cluster: ClusterState): boolean {
  return listOf(cluster.facts.pods).some((pod) => isDnsPod(pod) && pod.ready);
}

export function isDnsPod(pod: Pick<Pod, 'namespace' | 'labels'>): boolean {
  return pod.namespace === 'kube-system' && pod.labels['k8s-app'] === 'kube-dns';
}

/**
 * What the DNS proxy of a pod's agent answers: the name table of the istiod it is connected to, under all names that lead there; what is
 * not in it the cluster's DNS is asked. Without an istiod there is no table, and then nothing is answered.
 */
export function sidecarNames(
  pod: Pod,
  cluster: ClusterState,
  knowledge: Knowledge,
  connected: Connected,
  predict: (process: IstiodProcess) => Predictions,
  isUpstreamDead = false,
): (name: string) => Resolved {
  const client = clientOf(pod);
  if (!('process' in connected) || client === undefined) return () => 'failing';
  const { process } = connected;
  const { clusterDomain } = process.controlPlane;
  const table = nameTable(client, predict(process), {
    defaultExportTo: meshConfigOf(process, knowledge.state)?.defaultServiceExportTo,
    isVisible: sidecarVisibility(pod, process, knowledge),
  });
  const known = new Map<string, readonly string[]>();
  for (const record of table.values())
    for (const name of namesAnswered(record.host, pod.namespace, clusterDomain)) known.set(name, record.ips);
  const search = `.${pod.namespace}.svc.${clusterDomain}`;
  const upstream = hasDns(cluster) && !isUpstreamDead ? clusterNames(cluster) : (): Resolved => 'failing';
  return (name) => {
    const own = known.get(name);
    if (own !== undefined) return { addresses: own };
    // What a resolver makes of a name with the pod's first search domain is answered at once, but for names in that domain (pkg/dns/client/dns.go).
    const rest = name.endsWith(search) ? name.slice(0, -search.length) : undefined;
    const short = rest?.endsWith(search) === true ? undefined : rest;
    const expanded = short === undefined ? undefined : known.get(short);
    return expanded === undefined || short === undefined ? upstream(name) : { addresses: expanded, canonical: short };
  };
}

import { at, itemsAt, textAt } from '../../builder/edits/json.ts';
import { isSameAddress } from '../../istio/addresses.ts';
import { discoveryService, istiodDnsNames } from '../../istio/hosts.ts';
import { labels, ports } from '../../istio/labels.ts';
import { gatewayProxies, gatewayRevisions, istiodExposure } from '../../mesh/exposure.ts';
import { allGateways } from '../../mesh/gateway-api.ts';
import { clusterLocalHosts } from '../../mesh/istiod-view.ts';
import { selectsPods } from '../../mesh/selectors.ts';
import { listOf } from '../../mesh/topology.ts';
import type { Endpoint, Pod, Service } from '../../model/facts.ts';
import { doorAt, type FrontDoor, readyPods } from './front-doors.ts';
import type { IstiodProcess } from './istiods.ts';
import { type Knowledge, meshConfigOf, seenBy } from './knowledge.ts';
import type { ClusterState } from './state.ts';

/** Which istiod answers a TLS connection, and with whose certificate; or what becomes of the connection. */
export type Reached =
  | { readonly process: IstiodProcess; readonly presents: 'istiod' | { readonly gateway: FrontDoor; readonly credential: string } }
  | { readonly failed: 'no-service' | 'unsupported-type' | 'no-endpoints' | 'timeout' | 'refused' | 'reset' };

/** A TLS connection from inside a cluster to istiod's Service there, as proxies (15012) and API servers (443) open it. */
export function reachService(
  cluster: ClusterState,
  namespace: string,
  name: string,
  port: number,
  sni: string,
  knowledge: Knowledge,
): Reached {
  const service = listOf(cluster.facts.services).find((one) => one.namespace === namespace && one.name === name);
  if (service === undefined) return { failed: 'no-service' };
  if (service.type === 'ExternalName') {
    // Proxies follow the name, to the very port they asked for; API servers cannot.
    return port === ports.discovery && service.externalName !== undefined
      ? reachAddress(service.externalName, port, sni, knowledge)
      : { failed: 'unsupported-type' };
  }
  const servicePort = service.ports.find((one) => one.port === port);
  if (servicePort === undefined) return { failed: 'no-endpoints' };
  const backends = backendsOf(cluster, service, servicePort.name);
  if (backends.length === 0) return { failed: 'no-endpoints' };
  let last: Reached = { failed: 'timeout' };
  for (const backend of backends) {
    last = reachAddress(backend.address, backend.port, sni, knowledge, cluster);
    if ('process' in last) return last;
  }
  return last;
}

/** A TLS connection to an address: a pod of istiod on a network that both share, or a gateway that leads to one. */
export function reachAddress(host: string, port: number, sni: string, knowledge: Knowledge, from?: ClusterState): Reached {
  for (const process of knowledge.istiods.values()) {
    const home = knowledge.state.clusters.get(process.cluster);
    if (home === undefined || podOf(home, process)?.ips.some((ip) => isSameAddress(ip, host)) !== true) continue;
    if (from === undefined || home === from || isFlat(home, from, process.controlPlane.namespace))
      return port === ports.discovery || port === ports.webhook ? { process, presents: 'istiod' } : { failed: 'refused' };
  }
  const door = doorAt(knowledge.state, host, port);
  return door === undefined ? { failed: 'timeout' } : reachThrough(door, sni, knowledge);
}

/** A TLS connection through a gateway to istiod, by the Gateways and VirtualServices of the istiod that configures it. */
export function reachThrough(door: FrontDoor, sni: string, knowledge: Knowledge): Reached {
  const pods = readyPods(door.cluster, door.service);
  if (pods.length === 0) return { failed: 'refused' };
  const reader = readerOf(door, pods, knowledge);
  if (reader === undefined) return { failed: 'reset' };
  const objects = exposureObjects(door, pods, reader, knowledge);
  const home = knowledge.state.clusters.get(reader.cluster);
  const candidates = [...knowledge.istiods.values()].filter(
    (process) => process.cluster === reader.cluster || process.config === reader.config,
  );
  for (const process of candidates) {
    const pod = home === undefined ? undefined : podOf(home, process);
    const istiod = { host: sni, controlPlane: process.controlPlane, podLabels: pod === undefined ? [] : [pod.labels] };
    const exposure = istiodExposure(objects, door.targetPort, istiod);
    if (exposure.missing !== undefined || exposure.destination?.service === undefined) continue;
    if (home === undefined || !isBehind(exposure.destination.service, process, home)) continue;
    if (!isSentTo(door, exposure.destination.host, process, reader, home, knowledge)) continue;
    if (exposure.mode !== 'terminating') return { process, presents: 'istiod' };
    const credential = credentialOf(exposure.gateway?.name, exposure.gateway?.namespace, door, reader, knowledge);
    return credential === undefined ? { failed: 'reset' } : { process, presents: { gateway: door, credential } };
  }
  return { failed: 'reset' };
}

/** What `mesh/exposure` asks of the way through a gateway. */
export function exposureObjects(door: FrontDoor, pods: readonly Pod[], reader: IstiodProcess, { state }: Knowledge) {
  const config = state.clusters.get(reader.config)?.facts;
  const proxies = gatewayProxies(door.service, pods);
  const given =
    config === undefined
      ? { gateways: [], kubeGateways: [] }
      : { gateways: listOf(config.gateways), kubeGateways: listOf(config.kubeGateways) };
  return {
    reader: reader.controlPlane,
    gateways: allGateways(given, listOf(door.cluster.facts.services), proxies),
    virtualServices: config === undefined ? [] : listOf(config.virtualServices),
    services: seenBy(reader).flatMap(({ cluster }) => {
      const facts = state.clusters.get(cluster)?.facts;
      return facts === undefined ? [] : listOf(facts.services);
    }),
    proxies,
  };
}

/** The istiod that configures the pods of a gateway: of the revision that injected them, which sees their cluster. */
export function readerOf(door: FrontDoor, pods: readonly Pod[], { istiods }: Knowledge): IstiodProcess | undefined {
  const revisions = gatewayRevisions(door.service, pods);
  const seeing = [...istiods.values()].filter((process) => seenBy(process).some(({ cluster }) => cluster === door.cluster.name));
  return (
    seeing.find((process) => revisions.some((revision) => revision === process.controlPlane.revision)) ??
    (revisions.length === 0 ? seeing[0] : undefined)
  );
}

/** DNS names in the certificate that a process presents. */
export function dnsNamesOf(process: IstiodProcess, { state }: Knowledge): string[] {
  const { revision, namespace, env } = process.controlPlane;
  return istiodDnsNames({
    revision,
    namespace,
    discoveryAddress: meshConfigOf(process, state)?.discoveryAddress,
    customHosts: env['ISTIOD_CUSTOM_HOST'],
  });
}

/** A process that is reached under a public name: one whose certificate, or whose mesh's discovery address, has it. */
export function processNamed(host: string, knowledge: Knowledge): IstiodProcess | undefined {
  if (discoveryService(host) !== undefined) return undefined;
  return [...knowledge.istiods.values()].find((process) => dnsNamesOf(process, knowledge).includes(host));
}

/** The pod of a process. */
export function podOf(home: ClusterState, process: IstiodProcess): Pod | undefined {
  return listOf(home.facts.pods).find((pod) => pod.namespace === process.controlPlane.namespace && pod.name === process.pod);
}

/** Whether pods of one cluster reach pods of another: those of namespaces that are on different networks do not. */
function isFlat(home: ClusterState, from: ClusterState, namespace: string): boolean {
  const [own, other] = [home, from].map((cluster) => networkLabel(cluster, namespace));
  return own === undefined || other === undefined || own === other;
}

function networkLabel(cluster: ClusterState, namespace: string): string | undefined {
  return listOf(cluster.facts.namespaces).find((one) => one.name === namespace)?.labels[labels.network];
}

/** Whether a gateway is given the pods of istiod behind a name: those of its own cluster; of others only where the name is not kept to its cluster, which istiod's is by default. */
function isSentTo(
  { cluster }: FrontDoor,
  host: string,
  process: IstiodProcess,
  reader: IstiodProcess,
  home: ClusterState,
  { state }: Knowledge,
): boolean {
  if (home === cluster) return true;
  const isKept = clusterLocalHosts({ istiod: reader.controlPlane, meshConfig: meshConfigOf(reader, state) })(host);
  return !isKept && isFlat(home, cluster, process.controlPlane.namespace);
}

function isBehind(service: Service, process: IstiodProcess, home: ClusterState): boolean {
  const pod = podOf(home, process);
  return pod !== undefined && selectsPods(service.selector, pod.labels);
}

/** Addresses and ports behind a port of a Service: its ready slices, else its Endpoints. */
function backendsOf(cluster: ClusterState, service: Service, portName: string): { readonly address: string; readonly port: number }[] {
  const isAnswering = (endpoint: Endpoint): boolean => endpoint.ready && !endpoint.terminating;
  const slices = listOf(cluster.facts.endpointSlices).filter(
    (slice) => slice.namespace === service.namespace && slice.service === service.name,
  );
  const ofSlices = slices.flatMap((slice) =>
    slice.ports
      .filter((port) => port.name === portName)
      .flatMap(({ port = 0 }) =>
        slice.endpoints.filter(isAnswering).flatMap(({ addresses }) => addresses.map((address) => ({ address, port }))),
      ),
  );
  if (ofSlices.length > 0) return ofSlices;
  return listOf(cluster.facts.endpoints)
    .filter((object) => object.namespace === service.namespace && object.name === service.name)
    .flatMap(({ subsets }) =>
      subsets.flatMap((subset) =>
        subset.ports.filter((port) => port.name === portName).flatMap(({ port }) => subset.addresses.map((address) => ({ address, port }))),
      ),
    );
}

/** Name of the Secret whose certificate a terminating gateway presents. */
function credentialOf(
  name: string | undefined,
  namespace: string | undefined,
  door: FrontDoor,
  reader: IstiodProcess,
  { state }: Knowledge,
): string | undefined {
  const gateway =
    name === undefined ? undefined : state.clusters.get(reader.config)?.objects.get('Gateway.networking.istio.io', namespace, name);
  for (const server of itemsAt(gateway, 'spec', 'servers')) {
    const credential = textAt(server, 'tls', 'credentialName');
    if (at(server, 'port', 'number') === door.targetPort && credential !== undefined) return credential;
  }
  return undefined;
}

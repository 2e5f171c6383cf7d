import { hostMatches, parseSni } from '../../istio/hosts.ts';
import { clientOf, endpointsSentTo, isExportedTo, istioMutual, type Predictions, type ShardEndpoint } from '../../mesh/endpoints.ts';
import { crossNetworkExposure } from '../../mesh/exposure.ts';
import { hasLabels } from '../../mesh/selectors.ts';
import type { Pod } from '../../model/facts.ts';
import type { ClusterName } from '../../model/ids.ts';
import type { ClientHello } from './client-hello.ts';
import { doorAt, type FrontDoor, readyPods } from './front-doors.ts';
import type { IstiodProcess } from './istiods.ts';
import { type Knowledge, meshConfigOf, seenBy } from './knowledge.ts';
import { mtlsSettings, subsetLabels } from './mtls.ts';
import { exposureObjects, readerOf } from './reach.ts';

/** Where a connection to the cross-network port of a gateway ends: at the sidecar of a pod, or nowhere. */
export type PassedThrough =
  | { readonly pod: Pod; readonly cluster: ClusterName }
  | {
      readonly nobody:
        | 'no gateway pod is ready'
        | 'no istiod configures the gateway'
        | 'no Gateway opens the port'
        | 'no application protocol of Istio'
        | 'no service of that name'
        | 'no such subset'
        | 'no healthy endpoint with mTLS';
    };

/** Protocols that filter chains of AUTO_PASSTHROUGH ask for (pilot/pkg/networking/core/gateway.go: allIstioMtlsALPNs). */
const protocols: ReadonlySet<string> = new Set(['istio', 'istio-peer-exchange', 'istio-h2', 'istio-http/1.0', 'istio-http/1.1']);

/**
 * What AUTO_PASSTHROUGH makes of a ClientHello, by the objects that the gateway's istiod sees: a Gateway that opens the port to the
 * gateway's pods, a filter chain of exactly this name and an Istio protocol, and an endpoint that this gateway is sent.
 */
export function passThrough(
  door: FrontDoor,
  hello: ClientHello,
  knowledge: Knowledge,
  predict: (process: IstiodProcess) => Predictions,
  hops = 0,
): PassedThrough {
  const pods = readyPods(door.cluster, door.service);
  if (pods.length === 0) return { nobody: 'no gateway pod is ready' };
  const reader = readerOf(door, pods, knowledge);
  if (reader === undefined) return { nobody: 'no istiod configures the gateway' };
  const { controlPlane } = reader;
  const exposure = crossNetworkExposure(exposureObjects(door, pods, reader, knowledge), door.servicePort.port, door.targetPort);
  const sni = parseSni(hello.serverName ?? '');
  const isOpen = exposure.missing === undefined || exposure.missing === 'gateway-hosts';
  if (!isOpen || sni === undefined || !exposure.hosts.some((pattern) => hostMatches(pattern, sni.host)))
    return { nobody: 'no Gateway opens the port' };
  if (!hello.protocols.some((protocol) => protocols.has(protocol))) return { nobody: 'no application protocol of Istio' };

  const predictions = predict(reader);
  const service = predictions.services.get(sni.host);
  const first = service?.instances[0]?.service;
  const isChained = first?.ports.some(({ port, protocol }) => port === sni.port && protocol !== 'UDP') === true;
  const defaults = meshConfigOf(reader, knowledge.state)?.defaultServiceExportTo;
  if (first === undefined || !isChained || !isExportedTo(first, door.service.namespace, defaults))
    return { nobody: 'no service of that name' };
  const config = knowledge.state.clusters.get(reader.config)?.facts;
  const wanted =
    sni.subset === undefined || config === undefined ? {} : subsetLabels(config, sni.host, sni.subset, controlPlane.clusterDomain);
  if (wanted === undefined) return { nobody: 'no such subset' };

  const [gateway] = pods;
  const client = gateway === undefined ? undefined : clientOf(gateway);
  if (client === undefined || config === undefined) return { nobody: 'no istiod configures the gateway' };
  const to = { host: sni.host, port: sni.port, clusterDomain: controlPlane.clusterDomain };
  const settings = mtlsSettings(
    config,
    to,
    client.namespace,
    meshConfigOf(reader, knowledge.state)?.rootNamespace ?? controlPlane.namespace,
  );
  const sent = endpointsSentTo(client, sni.host, sni.port, predictions, settings);
  const takesMtls = ({ tlsMode }: ShardEndpoint, isDisabled: boolean): boolean =>
    (settings.destinationRuleMode === undefined ? tlsMode === istioMutual : settings.destinationRuleMode === 'ISTIO_MUTUAL') && !isDisabled;
  for (const { via, address, port, endpoints } of sent?.endpoints ?? []) {
    if (via === 'gateway' && hops === 0) {
      const next = doorAt(knowledge.state, address, port);
      const passed = next === undefined ? undefined : passThrough(next, hello, knowledge, predict, hops + 1);
      if (passed !== undefined && 'pod' in passed) return passed;
      continue;
    }
    for (const endpoint of endpoints) {
      const { pod } = endpoint;
      if (via === 'gateway' || pod === undefined || !hasLabels(wanted, pod.labels)) continue;
      if (!takesMtls(endpoint, settings.isDisabled?.(endpoint) === true)) continue;
      const cluster = seenBy(reader).find(({ id }) => id === endpoint.cluster)?.cluster;
      // Pods of another cluster are only reached where nothing divides the two.
      if (cluster !== undefined && (cluster === door.cluster.name || endpoint.network === client.network)) return { pod, cluster };
    }
  }
  return { nobody: 'no healthy endpoint with mTLS' };
}

import { addressesOf } from './addresses.ts';
import { primary } from './control-plane.ts';
import { gatewayApiCrds } from './crds.ts';
import { gatewayClasses, hboneGateway } from './hbone-gateway.ts';
import { emptyCluster } from './kubernetes.ts';
import { cni, ztunnel } from './node-agents.ts';
import { type BuiltCluster, built, clustersOf, defaultRelease, planeOf, type PresetOptions } from './presets.ts';
import { times } from './timeline.ts';

/** Ambient primaries on a network each, which read each other. */
export function ambient(numberOfFirst: number, clusterNames: readonly string[], options: PresetOptions): BuiltCluster[] {
  const release = options.release ?? defaultRelease;
  const clusters = clustersOf(numberOfFirst, clusterNames, 2, { ...options, release });
  return clusters.map((cluster) => {
    const addresses = addressesOf(cluster.number);
    const plane = planeOf(cluster, {
      dnsCapture: false,
      ...options,
      release,
      revision: 'default',
      isExternal: false,
      ambient: true,
      proxyMetadata: { ISTIO_META_ENABLE_HBONE: 'true' },
    });
    const objects = primary(cluster, addresses, plane, {
      trust: options.trust ?? 'plugged-in',
      ingressPorts: [],
      reads: clusters.filter((other) => other !== cluster),
      isRead: true,
      eastWest: undefined,
      exposes: { services: false, istiod: false },
    });
    const dataplane = [
      ...gatewayApiCrds(cluster, times.cluster),
      ...cni(cluster, addresses, plane),
      ...ztunnel(cluster, addresses, plane),
      ...gatewayClasses(cluster),
      ...hboneGateway(cluster, addresses, plane),
    ];
    return built(cluster, plane, [...emptyCluster(cluster), ...objects, ...dataplane], addresses);
  });
}

import {
  ambient,
  type ClusterName,
  type ControlPlane,
  defineCheck,
  type KubeGateway,
  knownFaults,
  labels,
  listOf,
  type NetworkId,
  networkGateways,
  type Pod,
  ports,
  refKey,
  releases,
  remedy,
  type Service,
  sortedBy,
  valueOf,
} from 'meshdoctor/api';
import { isMeshed, isSidecar, istiodsOf, networkOf } from '../_area.ts';

export default defineCheck({
  id: 'hbone-only-gateway',
  title: 'Sidecars are not sent to gateways that speak HBONE only',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  needs: ['controlPlanes', 'pods', 'services', 'namespaces', 'kubeGateways', 'meshConfigs'],
  uses: ['nodes'],
  applies: { dataPlane: 'ambient', networks: 'multi' },
  partial: true,
  path: { hops: ['gateway'] },
  catalogue: ['AMB-04'],
  docs: {
    why: 'Sidecars cross networks by mTLS on port 15443, ambient by HBONE on 15008; a gateway for one is of no use to the other. Before 1.29 istiod takes every Service with a network label for a gateway of sidecars, whether or not it has their port. Of a Gateway whose addresses are in its specification (class istio-remote) it offers the HBONE port to sidecars up to 1.31.0.',
    confirm:
      'istioctl --context CLUSTER proxy-config endpoints POD.NAMESPACE | grep -e 15443 -e 15008; kubectl --context CLUSTER get services -A -L topology.istio.io/network',
    fix: 'Upgrade istiod to a release that keeps the two apart, or let sidecars reach a gateway of their own (port 15443) and take the network label from the Service of the ambient one until then.',
    notWhen: 'No sidecar calls services of the other network.',
    since: '1.27',
    see: ['https://github.com/istio/istio/issues/57878', 'https://github.com/istio/istio/issues/61618'],
  },
  messages: {
    service: (a: Sent & { service: Service }) => ({
      text: `${istiodOf(a)} sends sidecars of ${a.from} to port ${ports.crossNetwork} of Gateway Service ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster}, which only speaks HBONE.`,
      expected: `port ${ports.crossNetwork}, or a release from 1.29 on`,
      found: `ports ${a.service.ports.map(({ port }) => String(port)).join(', ')}`,
      ...effectOf(a),
      remedy: upgrade(a),
    }),
    gateway: (a: Sent & { gateway: KubeGateway }) => ({
      text: `${istiodOf(a)} sends sidecars of ${a.from} to the HBONE listener of Gateway ${a.gateway.namespace}/${a.gateway.name} in ${a.gateway.ref.cluster}.`,
      expected: 'a gateway for sidecars of that network, and a release later than 1.31.0',
      found: 'a listener of protocol HBONE, offered as if it took mTLS',
      ...effectOf(a),
      remedy: upgrade(a),
    }),
  },
  *run({ clusters, mesh, finding }) {
    if (!mesh.dataPlanes.includes('sidecar')) return;
    const byName = new Map(clusters.map((cluster) => [cluster.name, cluster]));
    const seen = clusters.flatMap((cluster) => {
      const id = valueOf(cluster.member.clusterId);
      if (id === undefined) return [];
      // Every istiod is asked about them: what is no gateway is left out once.
      const services = cluster.services.filter((service) => (service.labels[labels.network] ?? '') !== '');
      return [{ id, namespaces: cluster.namespaces, services, nodes: listOf(cluster.nodes), kubeGateways: cluster.kubeGateways }];
    });
    const services = new Map(seen.flatMap((one) => one.services.map((service) => [refKey(service.ref), service])));
    const gateways = new Map(seen.flatMap((one) => one.kubeGateways.map((gateway) => [refKey(gateway.ref), gateway])));
    const meshed = new Map(clusters.map((cluster) => [cluster.name, cluster.pods.some(isMeshed)]));
    for (const home of clusters) {
      for (const istiod of istiodsOf(home, mesh)) {
        const meshConfig = ambient.configOf(istiod, home.meshConfigs);
        const known = networkGateways.networkGateways({ istiod, meshConfig, clusters: seen }).filter(({ port }) => port !== 0);
        for (const from of servedBy(istiod, mesh.couples)) {
          const sidecars = (byName.get(from)?.pods ?? []).filter(isSidecar);
          for (const entry of known) {
            const { ref, network } = entry;
            if (ref === undefined || !sidecars.some(isOutside(network))) continue;
            // Somebody has to be there whom they could be sent to.
            const there = clusters.filter(
              (cluster) => cluster.name !== from && networkOf(cluster) === network && meshed.get(cluster.name) === true,
            );
            if (there.length === 0) continue;
            const isShared = known.some((other) => other.network === network && !isFalse(other, services, gateways));
            const sent: Sent = { istiod, from, network, isShared };
            const where = {
              at: ref,
              field: '.spec',
              related: [istiod.ref],
              evidence: [{ ref, observed: `${entry.address}:${entry.port}, offered to sidecars of ${from}` }],
              subject: `${valueOf(byName.get(from)?.member.clusterId ?? { unknown: [] }) ?? ''} ${network}`,
              concerns: [from, ...there.map(({ name }) => name)],
            };
            const service = services.get(refKey(ref));
            const gateway = gateways.get(refKey(ref));
            if (service !== undefined && ref.kind === 'Service' && isHboneOnly(service)) {
              if (knownFaults.isAffected(knownFaults.faultNamed('hbone-gateway-for-sidecars'), istiod.version) === true)
                yield finding('service', { ...sent, service }, where);
            } else if (gateway !== undefined && ref.kind === 'Gateway' && entry.hbonePort === entry.port) {
              if (releases.behaves(istiod.version, 'offersHboneListenersToSidecars') === true)
                yield finding('gateway', { ...sent, gateway }, where);
            }
          }
        }
      }
    }
  },
});

interface Sent {
  readonly istiod: ControlPlane;
  readonly from: ClusterName;
  readonly network: NetworkId;
  /** A gateway that sidecars can use is there, too. */
  readonly isShared: boolean;
}

function isHboneOnly(service: Service): boolean {
  const wanted = Number(service.labels[labels.gatewayPort] ?? ports.crossNetwork);
  return !service.ports.some(({ port }) => port === wanted) && service.ports.some(({ port }) => port === ports.hbone);
}

function isFalse(
  { ref, port, hbonePort }: networkGateways.NetworkGateway,
  services: ReadonlyMap<string, Service>,
  gateways: ReadonlyMap<string, KubeGateway>,
): boolean {
  if (ref === undefined) return false;
  const service = services.get(refKey(ref));
  if (ref.kind === 'Service') return service !== undefined && isHboneOnly(service);
  return gateways.has(refKey(ref)) && port === hbonePort;
}

function isOutside(network: NetworkId): (pod: Pod) => boolean {
  return ({ proxy }) => proxy?.network !== undefined && proxy.network !== network;
}

function servedBy(
  istiod: ControlPlane,
  couples: readonly { readonly kind: string; readonly member: ClusterName; readonly controlPlane: { readonly ref: ControlPlane['ref'] } }[],
): ClusterName[] {
  const own = couples.filter(
    ({ kind, controlPlane }) => (kind === 'self' || kind === 'remote') && refKey(controlPlane.ref) === refKey(istiod.ref),
  );
  return sortedBy(
    own.map(({ member }) => member),
    (name) => name,
  );
}

function istiodOf({ istiod }: Sent): string {
  return `Deployment ${istiod.namespace}/${istiod.name} in ${istiod.ref.cluster} (${istiod.version ?? 'of unknown version'})`;
}

function effectOf({ from, network, isShared }: Sent) {
  return { effect: `${isShared ? 'a share of the calls' : 'every call'} of sidecars in ${from} to ${network} fails with 503` };
}

function upgrade({ istiod }: Sent) {
  return [
    remedy.installer(
      istiod.ref.cluster,
      [`istioctl upgrade --context ${istiod.ref.cluster}`],
      'with the istioctl of the newer release and the values it was installed with',
    ),
  ];
}

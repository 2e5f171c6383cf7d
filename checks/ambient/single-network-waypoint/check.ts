import { ambient, type ClusterName, type ControlPlane, defineCheck, knownFaults, labels, list, remedy, type Service } from 'meshdoctor/api';
import { clustersOf, nameOf, networkOf, sharedNames, spanningIstiod } from '../_area.ts';

export default defineCheck({
  id: 'single-network-waypoint',
  title: 'Waypoints on one network know the addresses that their services have in other clusters',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  needs: ['services', 'namespaces', 'controlPlanes', 'meshConfigs', 'kubeGateways'],
  applies: { dataPlane: 'ambient' },
  partial: true,
  path: { hops: ['route'] },
  catalogue: ['AMB-11'],
  docs: {
    why: 'Clusters on one network share the waypoints of global services without a gateway in between. Before 1.30 a waypoint knows only the address that a service has in its own cluster: a call that was made to the address of another cluster finds no filter chain and is reset, now and then.',
    confirm: 'istioctl --context CLUSTER proxy-config listener deploy/WAYPOINT.NAMESPACE -o json | grep prefixRanges -A3',
    fix: 'Upgrade istiod to 1.30 or newer, or take istio.io/global off the waypoints and their services: on one network endpoints are shared all the same.',
    notWhen: 'Waypoints that are not global are only used in their own cluster.',
    since: '1.27',
    see: ['https://github.com/istio/istio/issues/58133'],
  },
  messages: {
    unknownAddresses: (a: { istiod: ControlPlane; waypoint: Service; users: readonly string[]; others: readonly ClusterName[] }) => ({
      text: `Global waypoint ${nameOf(a.waypoint)} in ${a.waypoint.ref.cluster} resets calls to addresses of ${list(a.users, 'none', 3)} in ${list(a.others)}: istiod ${a.istiod.version ?? ''} does not tell it of them.`,
      expected: '1.30.0 or newer, or a waypoint that is not global',
      found: a.istiod.version ?? '',
      effect: `a share of the calls from ${list(a.others)} fails`,
      remedy: [remedy.label(a.waypoint.ref, { [labels.global]: null }, 'each cluster then uses its own waypoint')],
    }),
  },
  *run({ clusters, mesh, finding }) {
    if (mesh.networks.length > 1) return;
    const shared = sharedNames(clusters, mesh);
    for (const cluster of clusters) {
      const istiod = spanningIstiod(cluster, mesh);
      if (istiod === undefined || 'unknown' in cluster.member.network) continue;
      if (knownFaults.isAffected(knownFaults.faultNamed('waypoint-without-chain-on-one-network'), istiod.version) !== true) continue;
      const network = networkOf(cluster);
      const gateways = ambient.gatewaysByName(cluster.kubeGateways);
      const users = new Map<string, { keys: string[]; others: Set<ClusterName> }>();
      for (const [key, instances] of shared) {
        const own = instances.find((instance) => instance.cluster === cluster && instance.isGlobal);
        const waypoint = own === undefined ? undefined : ambient.waypointNameOf(own.service, own.namespace);
        if (waypoint === undefined || ambient.waypointState(gateways.get(nameOf(waypoint))) !== 'serving') continue;
        const near = instances.filter(
          (other) =>
            other.cluster !== cluster && other.isGlobal && 'known' in other.cluster.member.network && networkOf(other.cluster) === network,
        );
        if (near.length === 0) continue;
        const found = users.get(nameOf(waypoint)) ?? { keys: [], others: new Set() };
        found.keys.push(key);
        for (const name of clustersOf(near)) found.others.add(name);
        users.set(nameOf(waypoint), found);
      }
      for (const [name, { keys, others }] of users) {
        const waypoint = shared.get(name)?.find((instance) => instance.cluster === cluster && instance.isGlobal)?.service;
        if (waypoint === undefined) continue;
        yield finding(
          'unknownAddresses',
          { istiod, waypoint, users: keys.sort(), others: [...others].sort() },
          {
            at: waypoint.ref,
            field: '.metadata.labels["istio.io/global"]',
            related: [istiod.ref],
            evidence: [{ ref: waypoint.ref, observed: `global, on the network of ${list([...others].sort())}` }],
            concerns: [cluster.name, ...others],
          },
        );
      }
    }
  },
});

import { ambient, defineCheck, knownFaults, list, type Service, sortedBy } from 'meshdoctor/api';
import { nameOf, sharedNames, spanningIstiod } from '../_area.ts';

export default defineCheck({
  id: 'leaking-waypoint',
  title: 'Local services do not leave their cluster through a global waypoint',
  severity: 'warning',
  certainty: 'likely',
  scope: 'mesh',
  needs: ['services', 'namespaces', 'controlPlanes', 'meshConfigs'],
  applies: { dataPlane: 'ambient', networks: 'multi' },
  partial: true,
  path: { hops: ['route'] },
  catalogue: ['AMB-09'],
  docs: {
    why: 'A waypoint that is global serves all its services for all clusters. Before 1.28.1 it also sends calls for services that are not global to their namesakes in other clusters.',
    confirm: 'istioctl --context CLUSTER proxy-config endpoints deploy/WAYPOINT.NAMESPACE | grep NAME',
    fix: 'Upgrade to 1.28.1 or newer, or give local services a waypoint of their own that is not global.',
    notWhen:
      'From 1.28.1 on a waypoint keeps to what its Service shares; only the waypoint of another cluster that stands in for one without pods calls its own workloads.',
    since: '1.27',
    see: ['https://github.com/istio/istio/issues/57710'],
  },
  messages: {
    leaking: (a: { waypoint: Service; users: readonly string[]; version: string }) => ({
      text: `Global waypoint ${nameOf(a.waypoint)} in ${a.waypoint.ref.cluster} sends calls for ${list(a.users, 'none', 3)} to other clusters too, though ${a.users.length === 1 ? 'it is' : 'they are'} local: istiod is ${a.version}.`,
      expected: '1.28.1 or newer, or a waypoint of their own',
      found: a.version,
      effect: 'data of one cluster is read and written through namesakes in another',
      remedy: [],
    }),
  },
  *run({ clusters, mesh, finding }) {
    const shared = sharedNames(clusters, mesh);
    const holders = new Map<string, number>();
    for (const cluster of clusters)
      for (const service of cluster.services) holders.set(nameOf(service), (holders.get(nameOf(service)) ?? 0) + 1);
    for (const cluster of clusters) {
      const version = spanningIstiod(cluster, mesh)?.version;
      if (version === undefined || knownFaults.isAffected(knownFaults.faultNamed('ignored-service-scope-of-waypoints'), version) !== true)
        continue;
      const namespaces = new Map(cluster.namespaces.map((namespace) => [namespace.name, namespace]));
      const users = new Map<string, string[]>();
      for (const service of cluster.services) {
        const key = nameOf(service);
        if ((holders.get(key) ?? 0) < 2 || shared.has(key)) continue;
        const waypoint = ambient.waypointNameOf(service, namespaces.get(service.namespace));
        if (waypoint === undefined) continue;
        const own = users.get(nameOf(waypoint));
        if (own === undefined) users.set(nameOf(waypoint), [key]);
        else own.push(key);
      }
      for (const [name, keys] of sortedBy(users, ([key]) => key)) {
        const waypoint = shared.get(name)?.find((instance) => instance.cluster === cluster && instance.isGlobal)?.service;
        if (waypoint === undefined) continue;
        yield finding(
          'leaking',
          { waypoint, users: keys.sort(), version },
          {
            at: waypoint.ref,
            field: '.metadata.labels["istio.io/global"]',
            evidence: [{ ref: waypoint.ref, observed: `global, used by ${list(keys, 'none', 5)}, which are not` }],
            concerns: [...mesh.members.keys()],
          },
        );
      }
    }
  },
});

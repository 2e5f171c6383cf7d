import {
  ambient,
  type ClusterName,
  type ControlPlane,
  count,
  defineCheck,
  labels,
  list,
  type MeshConfig,
  remedy,
  type Service,
  sortedBy,
} from 'meshdoctor/api';
import { clustersOf, globalLabel, type Instance, nameOf, scopingsOf, servedNames, sharedNames } from '../_area.ts';

const field = `.metadata.labels[${JSON.stringify(labels.global)}]`;

export default defineCheck({
  id: 'inconsistent-service-scope',
  title: 'What is global in one cluster is global in all of them, with its waypoint',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  needs: ['services', 'namespaces', 'controlPlanes', 'meshConfigs'],
  uses: ['endpointSlices'],
  applies: { dataPlane: 'ambient', networks: 'multi' },
  partial: true,
  path: { hops: ['endpoints'] },
  catalogue: ['AMB-02'],
  docs: {
    why: "In ambient a Service is shared between clusters only if it is global in each of them (label istio.io/global=true where serviceScopeConfigs says so). istiod leaves other clusters' Services that are not global aside, and adds nothing to one of its own that is not: one missing label cuts both directions. A waypoint is reached through its own Service, to which the same applies. Every istiod goes by its own mesh configuration.",
    confirm:
      'kubectl --context CLUSTER get services -A -L istio.io/global,istio.io/use-waypoint; istioctl --context CLUSTER ztunnel-config service',
    fix: 'Label the Service in every cluster that has it, and the Service of the waypoint that it uses: kubectl label service NAME istio.io/global=true. Give every istiod the same meshConfig.serviceScopeConfigs (profile ambient has it).',
    notWhen: 'A Service that is global nowhere stays in its cluster, as it should. One that only one cluster has needs no partner.',
    since: '1.27',
    see: ['https://github.com/istio/istio/issues/57779', 'https://github.com/istio/istio/issues/60985'],
  },
  messages: {
    unlabelled: (a: { service: Service; elsewhere: readonly ClusterName[]; isStub: boolean; canLabel: boolean }) => ({
      text: `Service ${nameOf(a.service)} is global in ${list(a.elsewhere)} but not in ${a.service.ref.cluster}, so neither reaches the other's endpoints.`,
      expected: `label ${labels.global}=true, as in ${list(a.elsewhere)}`,
      found: a.service.labels[labels.global] ?? 'no label',
      effect: a.isStub
        ? `callers in ${a.service.ref.cluster} find nobody: it has no endpoint of its own there`
        : `calls stay in their cluster, also when no endpoint is left there`,
      ...(a.isStub ? {} : { severity: 'warning' as const }),
      remedy: a.canLabel ? [remedy.label(a.service.ref, globalLabel)] : [],
    }),
    unlabelledWaypoint: (a: { waypoint: Service; users: readonly string[]; isDown: boolean }) => ({
      text: `Waypoint Service ${nameOf(a.waypoint)} in ${a.waypoint.ref.cluster} is not global, though ${count(a.users.length, 'global service')} there use${a.users.length === 1 ? 's' : ''} it: ${list(a.users, 'none', 3)}.`,
      expected: `label ${labels.global}=true`,
      found: a.waypoint.labels[labels.global] ?? 'no label',
      effect: a.isDown
        ? 'it has no ready pod, and no waypoint of another cluster may stand in: calls fail'
        : 'no other cluster can use this waypoint: "unknown waypoint", or calls that stay where they are',
      ...(a.isDown ? {} : { severity: 'warning' as const }),
      remedy: [remedy.label(a.waypoint.ref, globalLabel, 'istiod keeps a label that it did not set')],
    }),
    unscoped: (a: { istiod: ControlPlane; config: MeshConfig; services: readonly string[] }) => ({
      text: `No service is global for istiod ${a.istiod.namespace}/${a.istiod.name} in ${a.istiod.ref.cluster}: its mesh configuration has no serviceScopeConfigs that select${a.services.length === 1 ? 's' : ''} ${list(a.services, 'any', 3)}.`,
      expected: 'scope GLOBAL for Services labelled istio.io/global=true, as profile ambient has it',
      found: a.config.serviceScopeConfigs.length === 0 ? 'none' : JSON.stringify(a.config.serviceScopeConfigs),
      effect: `ambient workloads of ${a.istiod.ref.cluster} reach no service of another cluster, nor are its own reached`,
      remedy: [],
    }),
  },
  *run({ clusters, mesh, finding }) {
    const scopings = scopingsOf(clusters, mesh);
    if (scopings.length === 0) return;
    const shared = sharedNames(clusters, mesh);
    const wanted = clusters.flatMap(({ services }) => services.filter(isMarked));
    const named = [...new Set([...shared.keys(), ...wanted.map(nameOf)])].sort();
    for (const { istiod, config } of scopings) {
      if (named.length === 0) break;
      const takesAny = clusters.some((cluster) => {
        const namespaces = new Map(cluster.namespaces.map((namespace) => [namespace.name, namespace.labels]));
        return cluster.services.some((service) => ambient.isGlobal(service, namespaces.get(service.namespace), config));
      });
      if (takesAny) continue;
      yield finding(
        'unscoped',
        { istiod, config, services: named },
        { at: config.ref, field: '.data.mesh', related: [istiod.ref], concerns: [...mesh.members.keys()] },
      );
    }
    for (const [, instances] of shared) {
      const asking = instances.filter(({ isGlobal }) => isGlobal);
      for (const { cluster, service, namespace } of instances.filter(({ isGlobal }) => !isGlobal)) {
        if (ambient.isGatewayService(service)) continue;
        const labelled = { ...service, labels: { ...service.labels, ...globalLabel } };
        yield finding(
          'unlabelled',
          {
            service,
            elsewhere: clustersOf(asking),
            isStub: cluster.endpointSlices.status === 'collected' && !servedNames(cluster.endpointSlices).has(nameOf(service)),
            canLabel: scopings.every(({ config }) => ambient.isGlobal(labelled, namespace.labels, config)),
          },
          {
            at: service.ref,
            field,
            related: asking.map((one) => one.service.ref),
            evidence: [
              { ref: service.ref, field, observed: service.labels[labels.global] ?? 'no label' },
              ...asking.map((one) => ({
                ref: one.service.ref,
                field,
                observed: one.service.labels[labels.global] ?? 'selected by its namespace',
              })),
            ],
            concerns: clustersOf(instances),
          },
        );
      }
    }
    for (const { waypoint, users, isDown } of localWaypoints(clusters, shared)) {
      yield finding(
        'unlabelledWaypoint',
        { waypoint, users: users.map(({ service }) => nameOf(service)), isDown },
        {
          at: waypoint.ref,
          field,
          related: users.map(({ service }) => service.ref),
          evidence: [{ ref: waypoint.ref, field, observed: waypoint.labels[labels.global] ?? 'no label', expected: 'true' }],
        },
      );
    }
  },
});

/** As Istio's guide marks a Service, wherever it is not configured otherwise. */
function isMarked(service: Service): boolean {
  return service.type !== 'ExternalName' && service.labels[labels.global] === 'true';
}

type View = Parameters<typeof sharedNames>[0][number] & {
  readonly endpointSlices: Parameters<typeof servedNames>[0];
};

/** Services of waypoints that are not global while Services behind them are, in more than one cluster. */
function localWaypoints(
  clusters: readonly View[],
  shared: ReadonlyMap<string, readonly Instance<View>[]>,
): { readonly waypoint: Service; readonly users: readonly Instance<View>[]; readonly isDown: boolean }[] {
  const users = new Map<View, Map<string, Instance<View>[]>>();
  for (const instances of shared.values()) {
    if (clustersOf(instances).length < 2) continue;
    for (const instance of instances) {
      if (!instance.isGlobal) continue;
      const name = ambient.waypointNameOf(instance.service, instance.namespace);
      if (name === undefined) continue;
      const own = users.get(instance.cluster) ?? new Map<string, Instance<View>[]>();
      own.set(nameOf(name), [...(own.get(nameOf(name)) ?? []), instance]);
      users.set(instance.cluster, own);
    }
  }
  return clusters.flatMap((cluster) => {
    const own = users.get(cluster);
    if (own === undefined) return [];
    return cluster.services.flatMap((waypoint) => {
      const behind = own.get(nameOf(waypoint));
      if (behind === undefined) return [];
      const isGlobal = shared.get(nameOf(waypoint))?.some((instance) => instance.cluster === cluster && instance.isGlobal) === true;
      if (isGlobal) return [];
      const isDown = cluster.endpointSlices.status === 'collected' && !servedNames(cluster.endpointSlices).has(nameOf(waypoint));
      return [{ waypoint, users: sortedBy(behind, ({ service }) => nameOf(service)), isDown }];
    });
  });
}

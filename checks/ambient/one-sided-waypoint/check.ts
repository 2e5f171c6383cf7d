import {
  ambient,
  type ClusterName,
  defineCheck,
  type KubeGateway,
  labels,
  list,
  type Namespace,
  releases,
  remedy,
  type Service,
  shellWord,
  sortedBy,
  valueOf,
} from 'meshdoctor/api';
import { clustersOf, type Instance, nameOf, sharedNames, spanningIstiod } from '../_area.ts';

export default defineCheck({
  id: 'one-sided-waypoint',
  title: 'A global service has the same waypoint in every cluster, or in none',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  needs: ['services', 'namespaces', 'kubeGateways', 'controlPlanes', 'meshConfigs'],
  applies: { dataPlane: 'ambient', networks: 'multi' },
  partial: true,
  path: { hops: ['route'] },
  catalogue: ['AMB-08'],
  docs: {
    why: 'A call from a cluster where the service has no waypoint, answered by the waypoint of another cluster, is refused: the caller expects the identity of the workload, and the waypoint shows its own. istiod takes waypoints to be the same everywhere: same name, same namespace, used by the same services.',
    confirm:
      'istioctl --context CLUSTER ztunnel-config service; kubectl --context CLUSTER get services,namespaces -A -L istio.io/use-waypoint,istio.io/use-waypoint-namespace',
    fix: 'Create the waypoint in the cluster that lacks it, and label Service or namespace with istio.io/use-waypoint there. Who wants no waypoint pods there scales its Deployment to 0 instead: then the other cluster’s waypoint stands in.',
    notWhen: 'A service that stays in its cluster may have any waypoint. A waypoint without pods counts as one, once it was ready.',
    since: '1.27',
    see: ['https://github.com/istio/istio/issues/60985', 'https://github.com/istio/istio/issues/61609'],
  },
  messages: {
    missing: (a: Lack) => ({
      ...lackOf(a, `there is no Gateway ${a.waypoint} in ${a.cluster}`),
      expected: `Gateway ${a.waypoint} of class istio-waypoint`,
      found: 'none',
      remedy: [
        remedy.command(
          a.cluster,
          [
            `istioctl --context ${shellWord(a.cluster)} waypoint apply -n ${shellWord(a.waypoint.split('/')[0] ?? '')} --name ${shellWord(a.waypoint.split('/')[1] ?? '')} --for service --wait`,
            `kubectl --context ${shellWord(a.cluster)} -n ${shellWord(a.waypoint.split('/')[0] ?? '')} label service ${shellWord(a.waypoint.split('/')[1] ?? '')} ${labels.global}=true`,
          ],
          { note: 'made as in the other clusters' },
        ),
      ],
    }),
    unready: (a: Lack) => ({
      ...lackOf(a, `Gateway ${a.waypoint} in ${a.cluster} has no address`),
      expected: `Gateway ${a.waypoint} with an address in its status`,
      found: 'no address: it never had a ready pod',
      remedy: [],
    }),
    unsuited: (a: Lack) => ({
      ...lackOf(a, `Gateway ${a.waypoint} in ${a.cluster} is not for services`),
      expected: `label ${labels.waypointFor}=service or all on the Gateway`,
      found: a.gateway?.labels[labels.waypointFor] ?? 'no label',
      remedy: a.gateway === undefined ? [] : [remedy.labelKubeGateway(a.gateway.ref, { [labels.waypointFor]: 'service' })],
    }),
    unused: (a: Lack) => ({
      ...lackOf(a, `they name none there`),
      expected: `label ${labels.useWaypoint} on the Service or its namespace, as in ${list(a.elsewhere)}`,
      found: 'no label, or none',
      remedy: remedyOf(a),
    }),
    differing: (a: Lack & { own: string }) => ({
      text: `Waypoints of ${usersOf(a)} differ: ${a.own} in ${a.cluster}, ${a.waypoint} in ${list(a.elsewhere)}.`,
      expected: `waypoint ${a.waypoint}`,
      found: a.own,
      effect: 'waypoints of one service are taken to have one name: neither cluster accepts the other’s',
      severity: 'warning',
      certainty: a.isSure ? 'likely' : 'possible',
      remedy: remedyOf(a),
    }),
  },
  *run({ clusters, mesh, finding }) {
    const gatewaysOf = new Map(clusters.map((cluster) => [cluster.name, ambient.gatewaysByName(cluster.kubeGateways)]));
    const groups = new Map<string, Group>();
    for (const instances of sharedNames(clusters, mesh).values()) {
      const used = instances.filter(({ isGlobal }) => isGlobal).map((instance) => usedBy(instance, gatewaysOf.get(instance.cluster.name)));
      // In the order of cluster IDs, which no name of the user changes.
      const serving = sortedBy(
        used.filter(({ state }) => state === 'serving'),
        ({ instance }) => valueOf(instance.cluster.member.clusterId) ?? '',
      );
      const [model] = serving;
      if (model === undefined || serving.length === used.length) {
        for (const one of serving) if (model !== undefined && one.waypoint !== model.waypoint) note(groups, one, model, serving);
        continue;
      }
      for (const one of used) if (one.state !== 'serving' && one.state !== 'unknown') note(groups, one, model, serving);
    }
    for (const { lacking, model, elsewhere, services } of groups.values()) {
      const { cluster, namespace } = lacking.instance;
      const version = spanningIstiod(cluster, mesh)?.version;
      const [service] = services;
      if (service === undefined) continue;
      const only = services.length === 1 ? service : undefined;
      const isSure = releases.behaves(version, 'needsUniformWaypoints') === true;
      const args: Lack = {
        cluster: cluster.name,
        waypoint: (lacking.state === 'unused' ? undefined : lacking.waypoint) ?? model,
        services: sortedBy(services.map(nameOf), (name) => name),
        elsewhere,
        gateway: lacking.gateway,
        only,
        namespace,
        isSure,
      };
      const where = {
        at: only?.ref ?? namespace.ref,
        field: `.metadata.labels[${JSON.stringify(labels.useWaypoint)}]`,
        related: [...services.map(({ ref }) => ref), ...(lacking.gateway === undefined ? [] : [lacking.gateway.ref])],
        subject: `${args.waypoint} ${args.services.join(' ')}`,
        concerns: [cluster.name, ...elsewhere],
      };
      if (lacking.state === 'serving') yield finding('differing', { ...args, waypoint: model, own: lacking.waypoint ?? '' }, where);
      else if (lacking.state === 'missing')
        yield finding('missing', args, { ...where, lacks: [{ cluster: cluster.name, fact: 'kubeGateways' }] });
      else if (lacking.state === 'unready') yield finding('unready', args, where);
      else if (lacking.state === 'not-for-services') yield finding('unsuited', args, where);
      else yield finding('unused', args, where);
    }
  },
});

interface Lack {
  readonly cluster: ClusterName;
  /** `namespace/name`. */
  readonly waypoint: string;
  readonly services: readonly string[];
  /** Clusters whose waypoint serves. */
  readonly elsewhere: readonly ClusterName[];
  readonly gateway: KubeGateway | undefined;
  /** The Service where it is one; of several their namespace is labelled. */
  readonly only: Service | undefined;
  readonly namespace: Namespace;
  readonly isSure: boolean;
}

interface Used {
  readonly instance: Instance;
  readonly state: ambient.WaypointState | 'unused';
  readonly waypoint: string | undefined;
  readonly gateway: KubeGateway | undefined;
}

interface Group {
  readonly lacking: Used;
  readonly model: string;
  readonly elsewhere: readonly ClusterName[];
  readonly services: Service[];
}

function usedBy(instance: Instance, gateways: ReadonlyMap<string, KubeGateway> | undefined): Used {
  const name = ambient.waypointNameOf(instance.service, instance.namespace);
  if (name === undefined) return { instance, state: 'unused', waypoint: undefined, gateway: undefined };
  const gateway = gateways?.get(nameOf(name));
  return { instance, state: ambient.waypointState(gateway), waypoint: nameOf(name), gateway };
}

/** Services of one namespace that lack the same for the same reason are one finding. */
function note(groups: Map<string, Group>, lacking: Used, model: Used, serving: readonly Used[]): void {
  const { cluster, service } = lacking.instance;
  const elsewhere = clustersOf(
    serving.filter(({ instance, waypoint }) => instance.cluster !== cluster && waypoint === model.waypoint).map(({ instance }) => instance),
  );
  const key = JSON.stringify([cluster.name, service.namespace, lacking.state, lacking.waypoint, model.waypoint, elsewhere]);
  const group = groups.get(key);
  if (group === undefined) groups.set(key, { lacking, model: model.waypoint ?? '', elsewhere, services: [service] });
  else group.services.push(service);
}

function usersOf({ services }: Lack): string {
  return `Service${services.length === 1 ? '' : 's'} ${list(services, 'none', 3)}`;
}

function lackOf(a: Lack, why: string) {
  return {
    text: `${usersOf(a)} ${a.services.length === 1 ? 'has' : 'have'} waypoint ${a.waypoint} in ${list(a.elsewhere)} but none in ${a.cluster}: ${a.services.length === 1 && why.startsWith('they') ? 'it names none there' : why}.`,
    effect: `calls from ${a.cluster} that ${list(a.elsewhere)} answer${a.elsewhere.length === 1 ? 's' : ''} fail: the waypoint shows another identity than ztunnel expects`,
    ...(a.isSure ? {} : { certainty: 'possible' as const }),
  };
}

function remedyOf(a: Lack) {
  const [namespace = '', name = ''] = a.waypoint.split('/');
  const target = a.only?.ref ?? a.namespace.ref;
  return [
    remedy.label(target, {
      [labels.useWaypoint]: name,
      ...(namespace === a.namespace.name ? {} : { [labels.useWaypointNamespace]: namespace }),
    }),
  ];
}

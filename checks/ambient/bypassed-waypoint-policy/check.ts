import {
  ambient,
  type ClusterName,
  defineCheck,
  type IstioResource,
  knownFaults,
  labels,
  list,
  listOf,
  type Service,
} from 'meshdoctor/api';
import { at, clustersOf, type Instance, isIngress, itemsAt, nameOf, servedNames, sharedNames, spanningIstiod, textAt } from '../_area.ts';

export default defineCheck({
  id: 'bypassed-waypoint-policy',
  title: 'Policies about HTTP hold for calls from other clusters, and only where they should',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  needs: ['services', 'namespaces', 'controlPlanes', 'meshConfigs', 'kubeGateways', 'istioResources'],
  uses: ['pods', 'endpointSlices'],
  applies: { dataPlane: 'ambient', networks: 'multi' },
  partial: true,
  path: { hops: ['authorization'] },
  catalogue: ['AMB-10'],
  docs: {
    why: 'Policies that look into HTTP belong to the waypoint. Releases before 1.29.6 and 1.30.3 also build them into the east-west gateway, which sees no HTTP and then denies every call that went through a waypoint on the other side. Releases before 1.29.7, 1.30.4 and 1.31.0 let ingress gateways pass by the waypoint of a service that has workloads in another cluster, so that nothing enforces its policies.',
    confirm:
      'istioctl --context CLUSTER proxy-config listener deploy/istio-eastwestgateway.istio-system -o json | grep rbac; istioctl --context CLUSTER proxy-config endpoints INGRESS_POD.NAMESPACE | grep NAME',
    fix: 'Upgrade to a release with the fix. Until then keep the service from being global, or have policies about identities enforced by ztunnel (selector instead of targetRefs).',
    notWhen:
      'Policies without conditions about HTTP do no harm at the gateway, and a service with workloads in one cluster only is not passed by.',
    since: '1.27',
    see: ['https://github.com/istio/istio/issues/60806', 'https://github.com/istio/istio/issues/61092'],
  },
  messages: {
    denied: (a: Case) => ({
      text: `${policyOf(a)} denies calls to Service ${nameOf(a.service)} that come from ${list(a.others)} through a waypoint: istiod ${a.version} builds it into the east-west gateway.`,
      expected: '1.29.6, 1.30.3, 1.31.0 or newer',
      found: a.version,
      effect: `calls from ${list(a.others)} get "RBAC: access denied", whatever the policy allows`,
      remedy: [],
    }),
    passedBy: (a: Case) => ({
      text: `${policyOf(a)} does not hold for ingress gateways there: with istiod ${a.version} they pass by the waypoint of Service ${nameOf(a.service)}, because it has workloads in ${list(a.others)}, too.`,
      expected: '1.29.7, 1.30.4, 1.31.0 or newer',
      found: a.version,
      effect: 'calls from outside reach the workloads without the checks of the waypoint',
      remedy: [],
    }),
  },
  *run({ clusters, mesh, finding }) {
    const shared = sharedNames(clusters, mesh);
    const served = new Map(clusters.map((cluster) => [cluster.name, servedNames(cluster.endpointSlices)]));
    for (const cluster of clusters) {
      const version = spanningIstiod(cluster, mesh)?.version;
      if (version === undefined) continue;
      const denies = isAffected('denied-calls-through-ambient-gateway', version);
      const passes = isAffected('bypassed-waypoint-of-other-network', version) && listOf(cluster.pods).some(isIngress);
      if (!denies && !passes) continue;
      const gateways = ambient.gatewaysByName(cluster.kubeGateways);
      for (const policy of cluster.istioResources) {
        if (policy.kind !== 'AuthorizationPolicy' && policy.kind !== 'RequestAuthentication') continue;
        for (const { kind, name } of targetsOf(policy)) {
          for (const here of usersOf(shared, cluster.name, policy.namespace, kind, name)) {
            const { instance, instances } = here;
            const { service, namespace } = instance;
            const waypoint = ambient.waypointNameOf(service, namespace);
            if (waypoint === undefined || ambient.waypointState(gateways.get(nameOf(waypoint))) !== 'serving') continue;
            const elsewhere = instances.filter((other) => other.isGlobal && other.cluster.name !== cluster.name);
            const args = { policy, service, version };
            const where = {
              at: policy.ref,
              field: '.spec',
              related: [service.ref],
              evidence: [{ ref: policy.ref, field: '.spec.targetRefs', observed: `${kind} ${name}` }],
              subject: nameOf(service),
            };
            const callers = elsewhere.filter((other) => ambient.waypointNameOf(other.service, other.namespace) !== undefined);
            if (denies && kind === 'Service' && callers.length > 0 && deniesAll(policy)) {
              const others = clustersOf(callers);
              yield finding('denied', { ...args, others }, { ...where, concerns: [cluster.name, ...others] });
            }
            const running = elsewhere.filter((other) => served.get(other.cluster.name)?.has(nameOf(service)) === true);
            const asks = service.labels[labels.ingressUseWaypoint] ?? namespace.labels[labels.ingressUseWaypoint];
            if (passes && asks === 'true' && running.length > 0)
              yield finding('passedBy', { ...args, others: clustersOf(running) }, { ...where, concerns: [cluster.name] });
          }
        }
      }
    }
  },
});

interface Case {
  readonly policy: IstioResource;
  readonly service: Service;
  readonly version: string;
  readonly others: readonly ClusterName[];
}

function isAffected(id: Parameters<typeof knownFaults.faultNamed>[0], version: string): boolean {
  return knownFaults.isAffected(knownFaults.faultNamed(id), version) === true;
}

function targetsOf({ spec }: IstioResource): { readonly kind: string; readonly name: string }[] {
  const targets = [...itemsAt(spec, 'targetRefs'), at(spec, 'targetRef')];
  return targets.flatMap((target) => {
    const [kind, name] = [textAt(target, 'kind'), textAt(target, 'name')];
    return kind === undefined || name === undefined ? [] : [{ kind, name }];
  });
}

interface Use<I extends Instance> {
  readonly instance: I;
  readonly instances: readonly I[];
}

/** Services that a policy is about: the one that it names, or all behind the waypoint that it names. */
function usersOf<I extends Instance>(
  shared: ReadonlyMap<string, readonly I[]>,
  cluster: ClusterName,
  policyNamespace: string,
  kind: string,
  name: string,
): Use<I>[] {
  const here = (instances: readonly I[]): Use<I>[] =>
    instances.flatMap((instance) => (instance.cluster.name === cluster && instance.isGlobal ? [{ instance, instances }] : []));
  if (kind === 'Service') return here(shared.get(`${policyNamespace}/${name}`) ?? []);
  if (kind !== 'Gateway') return [];
  return [...shared.values()].flatMap(here).filter(({ instance }) => {
    const waypoint = ambient.waypointNameOf(instance.service, instance.namespace);
    return waypoint !== undefined && nameOf(waypoint) === `${policyNamespace}/${name}`;
  });
}

/** Whether a proxy that sees no HTTP makes a rule of it that nothing fulfils: it allows, and each rule asks something of HTTP. */
function deniesAll({ kind, spec }: IstioResource): boolean {
  if (kind !== 'AuthorizationPolicy' || !['ALLOW', ''].includes(textAt(spec, 'action') ?? '')) return false;
  const rules = itemsAt(spec, 'rules');
  return rules.length > 0 && rules.every(asksHttp);
}

const ofOperation = ['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'];
const ofSource = ['requestPrincipals', 'notRequestPrincipals', 'remoteIpBlocks', 'notRemoteIpBlocks'];

function asksHttp(rule: unknown): boolean {
  return (
    itemsAt(rule, 'to').some((to) => ofOperation.some((key) => itemsAt(to, 'operation', key).length > 0)) ||
    itemsAt(rule, 'from').some((from) => ofSource.some((key) => itemsAt(from, 'source', key).length > 0)) ||
    itemsAt(rule, 'when').some((condition) => textAt(condition, 'key')?.startsWith('request.') === true)
  );
}

function policyOf({ policy }: Case): string {
  return `${policy.kind} ${policy.namespace}/${policy.name} in ${policy.ref.cluster}`;
}

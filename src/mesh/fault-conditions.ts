import type { FaultCondition, KnownFault } from '../istio/known-faults.ts';
import { isAffected } from '../istio/known-faults.ts';
import { ipFamily } from '../istio/addresses.ts';
import { labels } from '../istio/labels.ts';
import type {
  ControlPlane,
  Fact,
  Injector,
  IstioResource,
  KubeGateway,
  MeshConfig,
  Namespace,
  RemoteSecret,
  Service,
  VirtualService,
} from '../model/facts.ts';
import { keeperOf } from './keepers.ts';
import { listOf, type Mesh } from './topology.ts';

/** What is looked at, above all in the cluster whose configuration an istiod reads. A list that is not given shows nothing. */
export interface FaultContext {
  readonly mesh: Mesh;
  readonly controlPlane: ControlPlane;
  /** Of the cluster it runs in, and of the one whose configuration it reads. */
  readonly remoteSecrets: readonly Fact<readonly RemoteSecret[]>[];
  readonly cluster: {
    readonly namespaces?: Fact<readonly Namespace[]>;
    readonly services?: Fact<readonly Service[]>;
    readonly injectors?: Fact<readonly Injector[]>;
    readonly meshConfigs?: Fact<readonly MeshConfig[]>;
    readonly istioResources?: Fact<readonly IstioResource[]>;
    readonly virtualServices?: Fact<readonly VirtualService[]>;
    readonly kubeGateways?: Fact<readonly KubeGateway[]>;
  };
}

/** Those of these faults that the release of the istiod has and whose conditions are visible in the mesh. What nothing read can show is not met. */
export function inUse(faults: readonly KnownFault[], context: FaultContext): readonly KnownFault[] {
  return faults.filter(
    (fault) => isAffected(fault, context.controlPlane.version) === true && fault.conditions.every((condition) => holds(condition, context)),
  );
}

function holds(condition: FaultCondition, { mesh, controlPlane, cluster, remoteSecrets }: FaultContext): boolean {
  switch (condition) {
    case 'remote clusters':
      return readsOthers(controlPlane, remoteSecrets);
    case 'several networks':
      return mesh.networks.length > 1;
    case 'one network':
      return mesh.networks.length < 2 && mesh.networkGaps.length === 0;
    case 'ambient':
      return mesh.dataPlanes.includes('ambient');
    case 'sidecars':
      return mesh.dataPlanes.includes('sidecar');
    case 'waypoints':
      return given(cluster.kubeGateways).some(({ className }) => className === 'istio-waypoint');
    case 'ingress through waypoints':
      return [...given(cluster.services), ...given(cluster.namespaces)].some(
        (entity) => entity.labels['istio.io/ingress-use-waypoint'] === 'true',
      );
    case 'HTTP policies':
      return given(cluster.istioResources).some(
        ({ kind, spec }) => kind === 'AuthorizationPolicy' && /"(not)?(methods|paths|hosts)":/i.test(JSON.stringify(spec)),
      );
    case 'service scopes':
      return own(cluster.meshConfigs, controlPlane).some(({ serviceScopeConfigs }) => serviceScopeConfigs.length > 0);
    case 'own trust domain':
      return own(cluster.meshConfigs, controlPlane).some(({ trustDomain }) => trustDomain !== '' && trustDomain !== 'cluster.local');
    case 'dual-stack gateway':
      return gatewaysIn(cluster.services).some(({ loadBalancer }) => {
        const families = loadBalancer.flatMap(({ ip }) => (ip === undefined ? [] : [ipFamily(ip)]));
        return families.includes(4) && families.includes(6);
      });
    case 'hostname gateway':
      return gatewaysIn(cluster.services).some(({ loadBalancer }) => loadBalancer.some(({ hostname }) => hostname !== undefined));
    case 'external IPs':
      return gatewaysIn(cluster.services).some(({ externalIPs }) => externalIPs.length > 0);
    case 'DNS ServiceEntries':
      return given(cluster.istioResources).some(
        ({ kind, spec }) =>
          kind === 'ServiceEntry' && /"resolution":"DNS/.test(JSON.stringify(spec)) && /"network":/.test(JSON.stringify(spec)),
      );
    case 'tags':
      return given(cluster.injectors).some(({ tag }) => tag !== undefined);
    case 'VirtualServices from Git':
      return given(cluster.virtualServices).some((route) => keeperOf(route) !== undefined);
    // Who reads what is judged where rights are; by which Helm an installation is upgraded nothing shows.
    case 'old reader role':
    case 'Helm 4':
      return false;
    default:
      return condition satisfies never;
  }
}

/** Whether it is given another cluster to read: a cluster that does not answer counts as well as one that does. */
function readsOthers({ namespace, clusterId, env }: ControlPlane, secrets: FaultContext['remoteSecrets']): boolean {
  if (env['PILOT_MULTICLUSTER_KUBECONFIG_PATH']) return true;
  return secrets.some((fact) =>
    listOf(fact).some(
      (secret) =>
        secret.namespace === namespace &&
        secret.multiClusterLabel === 'true' &&
        secret.entries.some((entry) => entry.clusterId !== clusterId),
    ),
  );
}

function own(configs: Fact<readonly MeshConfig[]> | undefined, { namespace, revision }: ControlPlane): MeshConfig[] {
  return given(configs).filter((config) => config.namespace === namespace && config.revision === revision);
}

function gatewaysIn(services: Fact<readonly Service[]> | undefined): Service[] {
  return given(services).filter((service) => (service.labels[labels.network] ?? '') !== '');
}

function given<E>(fact: Fact<readonly E[]> | undefined): readonly E[] {
  return fact === undefined ? [] : listOf(fact);
}

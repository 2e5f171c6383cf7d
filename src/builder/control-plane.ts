import type { KubeObject } from '../model/kube.ts';
import type { Addresses } from './addresses.ts';
import { istioCrds } from './crds.ts';
import { crossNetworkGateway, exposedIstiod } from './exposure.ts';
import { eastWestGateway, ingressGateway } from './gateways.ts';
import { installed } from './installer.ts';
import { istiod, istiodPorts } from './istiod.ts';
import { namespaceObjects } from './kubernetes.ts';
import { labels as names } from '../istio/labels.ts';
import { type Leader, ownElections, remoteElection } from './leaders.ts';
import { injectorConfigMap, type InstallPlan, meshConfigMap, valuesConfigMap } from './mesh-config.ts';
import { makerOf, present } from './objects.ts';
import { type Cluster, type ControlPlane, injectionOf, istiodName } from './plan.ts';
import { traitsOf } from './releases.ts';
import { istiodRights, reader } from './roles.ts';
import { suffixOf } from './seeded.ts';
import { type ServicePort, service } from './services.ts';
import { times } from './timeline.ts';
import { caSecret, rootConfigMaps, type Trust, usualNamespaces } from './trust.ts';
import { defaultValidator, injector, revisionValidator, tagInjector, tagLabels, type WebhookTarget } from './webhooks.ts';
import { remoteSecret, readerOf, readerToken } from './remote-secret.ts';

// What the installer puts into a cluster, in the two roles that sidecar meshes know.

export interface PrimaryPlan {
  readonly trust: Trust;
  /** Ports of the ingress gateway; empty = there is none. */
  readonly ingressPorts: readonly ServicePort[];
  /** Clusters whose API servers it reads. */
  readonly reads: readonly Cluster[];
  /** Whether another istiod reads this cluster. */
  readonly isRead: boolean;
  /** An east-west gateway, and the network it leads into. */
  readonly eastWest: { readonly network: string | undefined } | undefined;
  /** Whether services, and istiod itself, are exposed on it. */
  readonly exposes: { readonly services: boolean; readonly istiod: boolean };
}

/** A cluster with an istiod of its own. */
export function primary(cluster: Cluster, addresses: Addresses, plane: ControlPlane, plan: PrimaryPlan): KubeObject[] {
  const namespace = plane.systemNamespace;
  const plant = install(cluster, addresses, plane, { createdAt: times.istiod, tagAt: times.tag });
  const leader: Leader = { plane, pod: istiodPod(plant), since: times.leading };
  const { hasCrl } = traitsOf(plane.release);
  return [
    ...systemNamespace(cluster, namespace),
    caSecret(plan.trust, cluster, namespace, times.systemNamespace, plane.ca),
    ...istioCrds(cluster, plane, times.istiod),
    ...plant,
    ...reader(cluster, plane, times.istiod, false),
    ...(plan.isRead ? [readerToken(cluster, readerOf(namespace), times.remoteSecret)] : []),
    ...ownElections(cluster, leader),
    ...rootConfigMaps(cluster, [...usualNamespaces, namespace], plane.root, hasCrl, times.leading),
    ...(plan.ingressPorts.length === 0 ? [] : ingressGateway(cluster, addresses, plane, plan.ingressPorts, times.istiod)),
    ...(plan.eastWest === undefined
      ? []
      : eastWestGateway(cluster, addresses, plane, {
          createdAt: times.eastWest,
          network: plan.eastWest.network,
          injection: injectionOf(plane, cluster),
        })),
    ...(plan.exposes.services ? [crossNetworkGateway(cluster, namespace, times.exposure)] : []),
    ...(plan.exposes.istiod ? exposedIstiod(cluster, plane, times.exposure) : []),
    ...plan.reads.map((target) => remoteSecret(cluster, namespace, target, readerOf(namespace), times.remoteSecret)),
  ];
}

export interface RemotePlan {
  /** The istiod that manages it. */
  readonly leader: Leader;
  /** Address of the east-west gateway of the primary. */
  readonly pilotAddress: string;
  /** The injector's path; of this cluster and its network unless told otherwise. */
  readonly path?: string;
  readonly eastWest: { readonly network: string | undefined } | undefined;
}

/** A cluster whose proxies use the istiod of another one. */
export function remote(cluster: Cluster, addresses: Addresses, plane: ControlPlane, plan: RemotePlan): KubeObject[] {
  const namespace = plane.systemNamespace;
  const { hasCrl } = traitsOf(plane.release);
  return [
    ...systemNamespace(cluster, namespace, plane.clusterId),
    ...istioCrds(cluster, plane, times.remote),
    ...installRemote(cluster, addresses, plane, { createdAt: times.remote, tagAt: times.remoteTag, pilotAddress: plan.pilotAddress }),
    ...reader(cluster, plane, times.remote, true),
    readerToken(cluster, readerOf(namespace), times.remoteSecret),
    remoteElection(cluster, { ...plan.leader, since: times.remoteLeading }),
    ...rootConfigMaps(cluster, [...usualNamespaces, namespace], plane.root, hasCrl, times.remoteLeading),
    ...(plan.eastWest === undefined
      ? []
      : eastWestGateway(cluster, addresses, plane, {
          createdAt: times.remoteEastWest,
          network: plan.eastWest.network,
          injection: injectionOf(plane, cluster),
        })),
  ];
}

interface When {
  readonly createdAt: string;
  readonly tagAt: string;
}

/** One revision of istiod with all that belongs to it alone: a cluster may have several. */
export function install(cluster: Cluster, addresses: Addresses, plane: ControlPlane, when: When): KubeObject[] {
  const { createdAt, tagAt } = when;
  const plan: InstallPlan = {
    clusterName: plane.clusterId,
    network: plane.network,
    meshId: plane.meshId,
    createdAt,
    profile: plane.ambient ? 'ambient' : undefined,
  };
  const target: WebhookTarget = { createdAt, path: '/inject', caBundle: plane.root };
  const workload = istiod(cluster, addresses, plane, { createdAt });
  return [
    ...istiodRights(cluster, plane, createdAt),
    meshConfigMap(cluster, plane, createdAt),
    injectorConfigMap(cluster, plane, plan),
    ...valuesConfigMap(cluster, plane, plan),
    ...workload,
    injector(cluster, plane, target),
    revisionValidator(cluster, plane, target),
    ...tagged(cluster, addresses, plane, { ...target, createdAt: tagAt }, workload),
  ];
}

/** What the installer makes of one revision in a remote: everything but istiod, and a Service that leads to it. */
export function installRemote(
  cluster: Cluster,
  addresses: Addresses,
  plane: ControlPlane,
  when: When & { readonly pilotAddress: string },
): KubeObject[] {
  const { createdAt, tagAt, pilotAddress } = when;
  const path = injectionPath(cluster);
  const plan: InstallPlan = {
    clusterName: cluster.id,
    network: cluster.network,
    meshId: undefined,
    createdAt,
    profile: 'remote',
    remote: { pilotAddress, injectionPath: path },
  };
  const target: WebhookTarget = { createdAt, path, caBundle: plane.root };
  return [
    ...valuesConfigMap(cluster, plane, plan),
    ...pilotService(cluster, addresses, plane, pilotAddress, createdAt),
    injector(cluster, plane, target),
    ...tagged(cluster, addresses, plane, { ...target, createdAt: tagAt, validatorCaBundle: undefined }, []),
  ];
}

/** Path by which the injector learns cluster and network of the pods. */
export function injectionPath(cluster: Cluster): string {
  return `/inject/cluster/${cluster.id.replaceAll('/', '--slash--')}${cluster.network === undefined ? '' : `/net/${cluster.network}`}`;
}

/** Name of the pod of istiod among the objects of its installation. */
export function istiodPod(objects: readonly KubeObject[]): string {
  return objects.find((object) => object.kind === 'Pod' && object.metadata.labels?.['app'] === 'istiod')?.metadata.name ?? '';
}

function systemNamespace(cluster: Cluster, name: string, managedBy?: string): KubeObject[] {
  const labels = cluster.labelsNetwork && cluster.network !== undefined ? { [names.network]: cluster.network } : {};
  return namespaceObjects(cluster, name, times.systemNamespace, {
    labels,
    ...(managedBy === undefined ? {} : { annotations: { 'topology.istio.io/controlPlaneClusters': managedBy } }),
  });
}

/** Tags with their webhooks; the default one also has a validator, and since 1.28 each has a Service. */
function tagged(
  cluster: Cluster,
  addresses: Addresses,
  plane: ControlPlane,
  target: WebhookTarget & { readonly validatorCaBundle?: string | undefined },
  pods: readonly KubeObject[],
): KubeObject[] {
  const validating = 'validatorCaBundle' in target ? { ...target, caBundle: target.validatorCaBundle } : target;
  return plane.tags.flatMap((tag) => [
    tagInjector(cluster, plane, tag, target),
    ...(tag === 'default' ? [defaultValidator(cluster, plane, validating)] : []),
    ...(traitsOf(plane.release).hasTagService ? tagService(cluster, addresses, plane, tag, target.createdAt, pods) : []),
  ]);
}

function tagService(
  cluster: Cluster,
  addresses: Addresses,
  plane: ControlPlane,
  tag: string,
  createdAt: string,
  pods: readonly KubeObject[],
): KubeObject[] {
  return service(
    cluster,
    addresses,
    {
      namespace: plane.systemNamespace,
      name: `istiod-revision-tag-${tag}`,
      createdAt,
      labels: { ...installed(plane, { part: 'Pilot', owner: 'unknown' }, { app: 'istiod', istio: 'pilot' }), ...tagLabels(tag) },
      ports: istiodPorts,
      selector: { app: 'istiod', 'istio.io/rev': plane.revision },
    },
    pods,
  );
}

/** Service istiod of a remote: without selector, backed by the address of the primary's gateway. */
function pilotService(cluster: Cluster, addresses: Addresses, plane: ControlPlane, address: string, createdAt: string): KubeObject[] {
  const make = makerOf(cluster.name, createdAt);
  const name = istiodName(plane);
  const namespace = plane.systemNamespace;
  const labels = installed(plane, { part: 'Pilot', hasRelease: false });
  const ports = [
    { name: 'tcp-istiod', port: 15012, protocol: 'TCP' },
    { name: 'tcp-webhook', port: 15017, protocol: 'TCP' },
  ];
  const front = service(
    cluster,
    addresses,
    {
      namespace,
      name,
      createdAt,
      labels,
      ports: [
        { name: 'tcp-istiod', port: 15012, targetPort: 15012 },
        { name: 'tcp-webhook', port: 443, targetPort: 15017 },
      ],
    },
    [],
  );
  const slice = (meta: { name: string; manager: string; generateName?: string }, conditions: object, owner?: KubeObject) =>
    make(
      'discovery.k8s.io/v1',
      'EndpointSlice',
      {
        name: meta.name,
        namespace,
        generateName: meta.generateName,
        generation: 1,
        labels: { ...labels, 'endpointslice.kubernetes.io/managed-by': meta.manager, [names.serviceName]: name },
        ...present({
          ownerReferences:
            owner === undefined
              ? undefined
              : [
                  {
                    apiVersion: 'v1',
                    blockOwnerDeletion: true as const,
                    controller: true as const,
                    kind: owner.kind,
                    name,
                    uid: owner.metadata.uid ?? '',
                  },
                ],
        }),
      },
      { addressType: 'IPv4', endpoints: [{ addresses: [address], conditions }], ports },
    );
  if (traitsOf(plane.release).backsRemoteBySlice) return [...front, slice({ name, manager: 'Helm' }, {})];
  const endpoints = make('v1', 'Endpoints', { name, namespace, labels }, { subsets: [{ addresses: [{ ip: address }], ports }] });
  return [
    ...front,
    endpoints,
    slice(
      { name: mirrorName(cluster, name), generateName: `${name}-`, manager: 'endpointslicemirroring-controller.k8s.io' },
      { ready: true },
      endpoints,
    ),
  ];
}

function mirrorName(cluster: Cluster, name: string): string {
  return `${name}-${suffixOf(`${cluster.name}/${name}/mirror`)}`;
}

import { distinct } from '../base/sort.ts';
import { projectFacts } from '../collect/facts.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import { fqdnOf, sniOf } from '../istio/hosts.ts';
import { labels } from '../istio/labels.ts';
import { isMultiNetwork } from '../mesh/ambient.ts';
import { type ClientProxy, clientOf, type Predictions, predict } from '../mesh/endpoints.ts';
import { ambientGateways, type NetworkGateway } from '../mesh/gateways.ts';
import { istiodsServing } from '../mesh/expected-answer.ts';
import { nameRecord } from '../mesh/name-table.ts';
import { dataPlaneClusters, type NamedService, type NameToProbe, namesToProbe } from '../mesh/names.ts';
import { istiodWays } from '../mesh/istiod-ways.ts';
import { istiodViewOf } from '../mesh/read-clusters.ts';
import { selectsPods } from '../mesh/selectors.ts';
import { inferTopology, listOf, type Mesh } from '../mesh/topology.ts';
import type { ClusterFacts, ControlPlane, Pod } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type {
  ClusterObservations,
  GatewayHandshake,
  IstiodHandshake,
  IstiodReplica,
  ListedNameTable,
  NameAnswer,
  Observed,
} from '../model/observations.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { type MeshInput, objectsIn } from './mesh-input.ts';
import { sidecarsIn } from './observed-sidecars.ts';
import { statesOf } from './observed-states.ts';

type Facts = ReadonlyMap<ClusterName, ClusterFacts>;

/**
 * What probes see in a mesh in which everybody does as its objects say: one entry per cluster, in code-point order. Tests break what
 * was seen, not what it follows from. `named` as with `--service`.
 */
export function observedIn(input: MeshInput, named: readonly NamedService[] = []): readonly ClusterObservations[] {
  const facts: Facts = new Map(snapshotOf(objectsIn(input)).clusters.map((cluster) => [cluster.name, projectFacts(cluster)]));
  const topology = inferTopology(facts);
  const names = namesToProbe(facts, topology, named);
  const clusters = [...facts.keys()].sort();
  return clusters.map((cluster): ClusterObservations => {
    const worlds = topology.meshes.flatMap((mesh) => worldsIn(mesh, facts, names));
    const isHere = ({ controlPlane }: World): boolean => controlPlane.ref.cluster === cluster;
    return {
      cluster,
      istiods: seen(worlds.filter(isHere).flatMap((world) => replicasOf(world, facts))),
      istiodStates: seen(worlds.filter(isHere).flatMap((world) => statesOf(world, replicasOf(world, facts), facts))),
      istiodSamples: { status: 'not-asked', because: 'not sampled' },
      sidecars: seen(topology.meshes.flatMap((mesh) => sidecarsIn(mesh, cluster, facts, names))),
      nameAnswers: seen(worlds.flatMap((world) => answersIn(world, cluster, facts))),
      gatewayHandshakes: seen(handshakesIn(worlds, cluster, facts)),
      istiodHandshakes: seen(istiodHandshakesIn(worlds, cluster, facts)),
      // Gateways that answer as they should are not asked whether they are ready.
      gatewayReadiness: seen([]),
    };
  });
}

function seen<T>(value: readonly T[]): Observed<readonly T[]> {
  return value.length === 0 ? { status: 'not-asked', because: 'nothing to probe' } : { status: 'observed', value };
}

/** One istiod with what it knows. */
interface World {
  readonly mesh: Mesh;
  readonly controlPlane: ControlPlane;
  readonly predictions: Predictions;
  /** What it gives ztunnels of other networks. */
  readonly ambientGateways: readonly NetworkGateway[];
  readonly members: ReturnType<typeof istiodViewOf>['members'];
  readonly names: readonly NameToProbe[];
}

function worldsIn(mesh: Mesh, facts: Facts, names: readonly NameToProbe[]): World[] {
  const members = dataPlaneClusters(mesh).join();
  return mesh.controlPlanes.flatMap(({ cluster, ref }) => {
    const of = facts.get(cluster);
    const controlPlane = of === undefined ? undefined : listOf(of.controlPlanes).find((one) => refKey(one.ref) === refKey(ref));
    if (controlPlane === undefined) return [];
    const known = istiodViewOf(controlPlane, mesh.couples, facts);
    return [
      {
        mesh,
        controlPlane,
        predictions: predict(known.view),
        ambientGateways: isMultiNetwork(controlPlane) ? ambientGateways(known.view) : [],
        members: known.members,
        names: names.filter((name) => name.members.join() === members),
      },
    ];
  });
}

function podsOf(facts: Facts, cluster: ClusterName): readonly Pod[] {
  const own = facts.get(cluster);
  return own === undefined ? [] : listOf(own.pods).filter((pod) => pod.phase === 'Running' && pod.ready);
}

function replicasOf(world: World, facts: Facts): IstiodReplica[] {
  const { controlPlane, members, predictions, mesh } = world;
  const hosts = distinct(world.names.map((name) => hostOf(name, controlPlane)));
  const own = facts.get(controlPlane.ref.cluster);
  const secretOf = (id: string): string =>
    (own === undefined ? [] : listOf(own.remoteSecrets))
      .filter((secret) => secret.entries.some(({ clusterId }) => clusterId === id))
      .map(({ namespace, name }) => `${namespace}/${name}`)[0] ?? '';
  const proxies = dataPlaneClusters(mesh).flatMap((cluster) => sidecarOf(world, cluster, facts) ?? []);
  const gateways = dataPlaneClusters(mesh).flatMap((cluster) =>
    podsOf(facts, cluster).filter(({ proxy }) => proxy?.kind === 'gateway' && proxy.revision === controlPlane.revision),
  );
  return podsOf(facts, controlPlane.ref.cluster)
    .filter((pod) => pod.namespace === controlPlane.namespace && selectsPods(controlPlane.selector, pod.labels))
    .map((pod) => ({
      pod: pod.ref,
      namespace: pod.namespace,
      revision: controlPlane.revision,
      clusters: {
        answer: members.map(({ id }) => ({ id, secret: id === controlPlane.clusterId ? '' : secretOf(id), syncStatus: 'synced' })),
      },
      gateways: {
        answer: predictions.gateways
          .filter(({ isUnresolved }) => !isUnresolved)
          .map(({ network, cluster, address, port, hbonePort }) => ({
            network,
            ...(cluster === undefined ? {} : { cluster }),
            address,
            port,
            hbonePort,
          })),
      },
      shards: {
        answer: hosts.flatMap((host) => {
          const shards = predictions.shards.get(host);
          if (shards === undefined) return [];
          return {
            host,
            clusters: [...shards.clusters].map(([cluster, endpoints]) => ({
              cluster,
              endpoints: endpoints.map(({ address, port, portName, network, tlsMode, health }) => ({
                address,
                port,
                portName,
                network: network ?? '',
                tlsMode,
                health,
              })),
            })),
          };
        }),
      },
      shardsAsked: hosts,
      nameTables: proxies.map((proxy) => tableOf(world, proxy, hosts)),
      ...(gateways.length === 0
        ? {}
        : {
            gatewayProxies: gateways.map(({ ref }) => ({
              proxy: ref,
              at: { answer: isServed(world, ref.cluster) ? ('here' as const) : ('elsewhere' as const) },
            })),
          }),
    }));
}

function tableOf(world: World, proxy: Pod, hosts: readonly string[]): ListedNameTable {
  const client = clientOf(proxy);
  if (!isServed(world, proxy.ref.cluster)) return { proxy: proxy.ref, table: { answer: 'elsewhere' } };
  return {
    proxy: proxy.ref,
    table: {
      answer: hosts.flatMap((host) => {
        const ips = client === undefined ? [] : addressesOf(world, host, client);
        return ips.length === 0 ? [] : [{ host, ips }];
      }),
    },
  };
}

function addressesOf({ predictions }: World, host: string, client: ClientProxy): readonly string[] {
  const service = predictions.services.get(host);
  return service === undefined ? [] : (nameRecord(client, service, predictions)?.ips ?? []);
}

function isServed({ mesh, controlPlane }: World, cluster: ClusterName): boolean {
  return istiodsServing(cluster, mesh).some(({ ref }) => refKey(ref) === refKey(controlPlane.ref));
}

/** A sidecar with DNS capture that this istiod serves in a cluster. */
function sidecarOf({ controlPlane }: World, cluster: ClusterName, facts: Facts): Pod | undefined {
  return podsOf(facts, cluster).find(
    ({ proxy }) => proxy?.kind === 'sidecar' && proxy.dnsCapture && proxy.revision === controlPlane.revision,
  );
}

function answersIn(world: World, cluster: ClusterName, facts: Facts): NameAnswer[] {
  const served = isServed(world, cluster);
  const sidecar = served ? sidecarOf(world, cluster, facts) : undefined;
  const client = sidecar === undefined ? undefined : clientOf(sidecar);
  const dns = served ? podsOf(facts, cluster).find((pod) => pod.labels['k8s-app'] === 'kube-dns') : undefined;
  const own = facts.get(cluster);
  return world.names.flatMap(({ namespace, name }): NameAnswer[] => {
    const service = { namespace, name };
    const asked = hostOf(service, world.controlPlane);
    const local = (own === undefined ? [] : listOf(own.services)).find((one) => one.namespace === namespace && one.name === name);
    const ofSidecar =
      sidecar === undefined || client === undefined
        ? []
        : [{ via: 'sidecar' as const, pod: sidecar.ref, service, asked, outcome: outcomeOf(addressesOf(world, asked, client)) }];
    const ofDns =
      dns === undefined
        ? []
        : [{ via: 'cluster' as const, pod: dns.ref, service, asked, outcome: outcomeOf(local === undefined ? [] : [local.clusterIP]) }];
    return [...ofSidecar, ...ofDns];
  });
}

function outcomeOf(addresses: readonly string[]): NameAnswer['outcome'] {
  return { answer: { rcode: addresses.length === 0 ? 'NXDOMAIN' : 'NOERROR', addresses } };
}

/** A gateway that passes calls on to the first name it has mTLS endpoints of, and ends the others. */
function handshakesIn(worlds: readonly World[], cluster: ClusterName, facts: Facts): GatewayHandshake[] {
  const found = new Map<string, GatewayHandshake>();
  const podsOfGateway = ({ namespace, name }: ObjectRef): Pod | undefined =>
    podsOf(facts, cluster).find((pod) => pod.namespace === namespace && pod.labels[labels.gatewayName] === name);
  const add = (handshake: GatewayHandshake): void => {
    const key = `${handshake.host}:${handshake.port} ${handshake.sni}`;
    if (!found.has(key)) found.set(key, handshake);
  };
  for (const world of worlds) {
    for (const { network, cluster: id, address, hbonePort, ref } of world.ambientGateways) {
      const home = world.members.find((member) => member.id === id)?.cluster;
      const pod = ref === undefined ? undefined : podsOfGateway(ref);
      if (home !== cluster || ref === undefined || pod === undefined) continue;
      const outcome = certificateOf(pod, world.mesh, cluster, facts);
      add({ gateway: ref, network, host: address, port: hbonePort, purpose: 'hbone', sni: '', outcome });
    }
    for (const { network, cluster: id, address, port, ref } of world.predictions.gateways) {
      const home = world.members.find((member) => member.id === id)?.cluster;
      if (home !== cluster || ref === undefined || port === 0 || id === undefined) continue;
      const at = { gateway: ref, network, host: address, port };
      add({ ...at, purpose: 'control', sni: sniOf({ port: 1, host: 'control.invalid' }), outcome: { stage: 'reset', milliseconds: 4 } });
      for (const name of world.names) {
        const host = hostOf(name, world.controlPlane);
        const endpoint = (world.predictions.shards.get(host)?.clusters.get(id) ?? []).find(
          (one) => one.network === network && one.tlsMode === 'istio' && one.health === 'healthy',
        );
        if (endpoint?.pod === undefined || name.port === undefined) continue;
        const service = { namespace: name.namespace, name: name.name, port: name.port };
        add({
          ...at,
          purpose: 'target',
          sni: sniOf({ port: service.port, host }),
          service,
          outcome: certificateOf(endpoint.pod, world.mesh, cluster, facts),
        });
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.sni < b.sni ? -1 : 1));
}

/** An istiod that is ready, with all names that remotes know it by, behind every address that they are given. */
function istiodHandshakesIn(worlds: readonly World[], cluster: ClusterName, facts: Facts): IstiodHandshake[] {
  return worlds
    .filter(({ controlPlane }) => controlPlane.ref.cluster === cluster)
    .flatMap(({ controlPlane, mesh }) =>
      istiodWays(controlPlane, mesh, facts).map((way) => ({
        ...way,
        outcome: { ...signedIn(mesh, cluster, facts), uris: [], dnsNames: [way.sni], afterwards: 'open' as const },
        ...(way.purpose === 'injection' ? { ready: { answer: 200 } } : {}),
      })),
    );
}

/** The certificate of a workload, signed under the root that its cluster hands out. */
function certificateOf(pod: Pod, mesh: Mesh, cluster: ClusterName, facts: Facts): GatewayHandshake['outcome'] {
  const uris = [`spiffe://${pod.proxy?.trustDomain ?? 'cluster.local'}/ns/${pod.namespace}/sa/${pod.serviceAccount}`];
  return { ...signedIn(mesh, cluster, facts), uris };
}

/** A certificate without names. */
function signedIn(mesh: Mesh, cluster: ClusterName, facts: Facts): Extract<GatewayHandshake['outcome'], { stage: 'certificate' }> {
  const rootsOf = (of: ClusterName): string[] => {
    const own = facts.get(of);
    const namespace = mesh.members.get(of)?.systemNamespace;
    return (own === undefined ? [] : listOf(own.rootConfigMaps))
      .filter((map) => map.namespace === namespace)
      .flatMap(({ certificates }) => certificates.map(({ fingerprint }) => fingerprint));
  };
  const rootsTried = distinct(dataPlaneClusters(mesh).flatMap(rootsOf));
  const verifiedBy = distinct(rootsOf(cluster));
  return {
    stage: 'certificate',
    uris: [],
    dnsNames: [],
    subject: '',
    issuer: `O=${cluster}`,
    chain: ['leaf'],
    verifiedBy,
    rootsTried,
    version: 'TLSv1.3',
    asksForCertificate: true,
    afterwards: 'certificate-required',
  };
}

function hostOf({ namespace, name }: { readonly namespace: string; readonly name: string }, controlPlane: ControlPlane): string {
  return fqdnOf(namespace, name, controlPlane.clusterDomain);
}

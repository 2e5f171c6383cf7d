import { compareText, distinct } from '../base/sort.ts';
import { fqdnOf } from '../istio/hosts.ts';
import { labels } from '../istio/labels.ts';
import type { ClusterFacts, ControlPlane, Pod, Service } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import { refKey } from '../model/refs.ts';
import { type ClientProxy, clientOf, endpointsSentTo, type Predictions, predict } from './endpoints.ts';
import { addressesOf, istiodsServing } from './expected-answer.ts';
import { type MeasuredAnswer, measuredAnswers } from './measured-names.ts';
import { nameRecord } from './name-table.ts';
import type { NameToProbe } from './names.ts';
import { istiodViewOf, type KnownView } from './read-clusters.ts';
import { hidingSidecar } from './sidecar-scope.ts';
import { type FactsByCluster, listOf, type Mesh } from './topology.ts';

/** Who should give the address of a name to callers of a cluster, and which. */
export interface PredictedAnswer {
  /** cluster-dns: the Service of the caller's own cluster; sidecar: DNS capture alone; nobody: the name does not resolve there. */
  readonly by: 'cluster-dns' | 'sidecar' | 'nobody' | 'unknown';
  /** Empty where none is given, and for headless Services whose pods are not known. */
  readonly addresses: readonly string[];
  /** Whose ClusterIP it is. */
  readonly cluster?: ClusterName;
  /** How, or why not, in a few words. */
  readonly because: string;
}

/** Endpoints that a caller is sent to. */
export interface NameLead {
  /** Where they are. */
  readonly cluster: ClusterName;
  /** pod: directly; gateway: through a gateway of their network; raw: directly although they are on another network. */
  readonly via: 'pod' | 'gateway' | 'raw';
  readonly endpoints: number;
  /** `10.0.0.1:15443`, of the gateway. */
  readonly gateway?: string;
}

/** One name for the callers of one cluster. */
export interface NameCell {
  readonly cluster: ClusterName;
  /** ok: measured, and it leads somewhere; predicted: the same, but nobody was asked; broken: it does not resolve or leads nowhere. */
  readonly verdict: 'ok' | 'broken' | 'predicted' | 'unknown';
  readonly predicted: PredictedAnswer;
  /** Everything that was asked about it there. */
  readonly measured: readonly MeasuredAnswer[];
  readonly leadsTo: readonly NameLead[];
  readonly because: string;
}

/** For each cluster of the mesh, whether a pod there resolves the name, and to endpoints of which clusters the address leads. Pure. */
export function nameCells(name: NameToProbe, mesh: Mesh, facts: FactsByCluster): readonly NameCell[] {
  const instances = instancesOf(name, facts);
  const port = name.port ?? [...instances.values()].flatMap((service) => service.ports.map((one) => one.port))[0];
  return name.members.map((cluster): NameCell => {
    const measured = measuredAnswers(name, cluster, facts);
    const world = worldOf(name, cluster, mesh, facts);
    const predicted = predictedFor(name, cluster, { instances, mesh, facts, world });
    const leadsTo = predicted.by === 'nobody' || port === undefined ? [] : leadsOf(name, cluster, port, { instances, facts, world });
    return { cluster, ...judged(predicted, measured, leadsTo), predicted, measured, leadsTo };
  });
}

/** Who should give the address of a name to a pod, or to any pod of a cluster where none is given. Pure. */
export function predictedAnswer(name: NameToProbe, cluster: ClusterName, mesh: Mesh, facts: FactsByCluster, caller?: Pod): PredictedAnswer {
  const world = worldOf(name, cluster, mesh, facts, caller);
  return predictedFor(name, cluster, { instances: instancesOf(name, facts), mesh, facts, world });
}

/** The verdict over what was predicted and what was measured: a measurement wins where it speaks of the same thing. */
function judged(
  predicted: PredictedAnswer,
  measured: readonly MeasuredAnswer[],
  leadsTo: readonly NameLead[],
): Pick<NameCell, 'verdict' | 'because'> {
  const answered = measured.filter(({ outcome }) => outcome === 'answered');
  if (predicted.by === 'unknown')
    return { verdict: answered.length > 0 && leadsTo.length > 0 ? 'ok' : 'unknown', because: predicted.because };
  if (predicted.by === 'nobody') {
    const other = answered.find(({ by }) => by !== 'istiod');
    return other === undefined
      ? { verdict: 'broken', because: predicted.because }
      : { verdict: 'unknown', because: `it resolves to ${other.addresses.join(', ')}, though ${predicted.because}` };
  }
  // The DNS of a cluster knows nothing of other clusters, and is not asked where the sidecar answers.
  const relevant = measured.filter(({ by, outcome }) => outcome !== 'failed' && (by !== 'cluster-dns' || predicted.by === 'cluster-dns'));
  const without = relevant.find(({ outcome }) => outcome === 'unanswered');
  if (without !== undefined) return { verdict: 'broken', because: `${without.pod} was asked and has no address: ${without.said}` };
  if (leadsTo.length === 0) return { verdict: 'broken', because: 'no ready endpoint is behind it' };
  if (leadsTo.every(({ via }) => via === 'raw'))
    return { verdict: 'broken', because: 'callers are sent to pod addresses of another network, which has no gateway' };
  return { verdict: relevant.length > 0 ? 'ok' : 'predicted', because: predicted.because };
}

/** What is behind the answers of one cluster: the istiod that serves it, and a pod that asks. */
interface World {
  readonly controlPlane: ControlPlane;
  readonly predictions: Predictions;
  readonly members: KnownView['members'];
  /** A pod whose sidecar answers DNS if any does; nothing where no pod has a sidecar. */
  readonly pod: Pod | undefined;
  readonly client: ClientProxy | undefined;
}

interface Known {
  readonly instances: ReadonlyMap<ClusterName, Service>;
  readonly facts: FactsByCluster;
  readonly world: World | undefined;
}

function instancesOf({ members, namespace, name }: NameToProbe, facts: FactsByCluster): ReadonlyMap<ClusterName, Service> {
  return new Map(
    members.flatMap((cluster) => {
      const own = facts.get(cluster);
      const service = (own === undefined ? [] : listOf(own.services)).find((one) => one.namespace === namespace && one.name === name);
      return service === undefined ? [] : [[cluster, service] as const];
    }),
  );
}

function predictedFor(name: NameToProbe, cluster: ClusterName, known: Known & { readonly mesh: Mesh }): PredictedAnswer {
  const { instances, facts, world, mesh } = known;
  const own = instances.get(cluster);
  const record = recordOf(name, world);
  if (own !== undefined) {
    if (own.type === 'ExternalName')
      return { by: 'cluster-dns', addresses: [], cluster, because: `an alias of ${own.externalName ?? '?'}` };
    const addresses = addressesOf(own);
    if (addresses.length > 0) return { by: 'cluster-dns', addresses, cluster, because: `Service of ${cluster}` };
    return { by: 'cluster-dns', addresses: record?.ips ?? [], cluster, because: `headless Service of ${cluster}` };
  }
  const open = name.members.filter((member) => !isWhole(facts.get(member), 'services'));
  const nobody = (because: string): PredictedAnswer => ({ by: 'nobody', addresses: [], because });
  const unknown = (because: string): PredictedAnswer => ({ by: 'unknown', addresses: [], because });
  if (open.length > 0 && (instances.size === 0 || open.includes(cluster)))
    return unknown(`not all Services of ${open.join(', ')} were read`);
  if (instances.size === 0) return nobody('no cluster has such a Service');
  const holders = [...instances.keys()].join(', ');
  if (mesh.dataPlanes.includes('ambient')) return unknown('whether ztunnel answers DNS is in no object that is read');
  if (!isWhole(facts.get(cluster), 'pods') && world?.pod === undefined) return unknown(`not all pods of ${cluster} were read`);
  if (world?.pod?.proxy === undefined) return unknown(`no pod of ${cluster} with a sidecar could call it`);
  if (!world.pod.proxy.dnsCapture) return nobody(`it is only in ${holders}, and no sidecar of ${cluster} answers DNS`);
  const hiding = hidingSidecar(
    { ...name, ports: [...instances.values()].flatMap((service) => service.ports.map(({ port }) => port)) },
    { cluster, namespace: world.pod.namespace },
    mesh,
    [...facts].map(([of, { istioResources, meshConfigs }]) => ({
      name: of,
      istioResources: listOf(istioResources),
      meshConfigs: listOf(meshConfigs),
    })),
  );
  if (hiding !== undefined) return nobody(`Sidecar ${hiding.namespace}/${hiding.name} keeps it from namespace ${world.pod.namespace}`);
  if (record !== undefined) {
    const home = world.members.find(({ id }) => id === record.cluster)?.cluster;
    const addresses = distinct([...record.ips, ...record.alternatives]);
    const because = home === undefined ? 'by DNS capture' : `ClusterIP of ${home}, by DNS capture`;
    return { by: 'sidecar', addresses, ...(home === undefined ? {} : { cluster: home }), because };
  }
  const read = new Set(world.members.map((member) => member.cluster));
  const isRead = [...instances.keys()].some((holder) => read.has(holder));
  if (!isRead && hasGaps(world, [...instances.keys()], mesh)) return unknown(`it is not known whether istiod reads ${holders}`);
  if (!isRead) return nobody(`the istiod of ${cluster} does not read ${holders}`);
  const isHeadless = [...instances.values()].every((service) => addressesOf(service).length === 0);
  return nobody(isHeadless ? `it is headless in ${holders}, on another network` : `istiod does not tell callers of ${cluster}`);
}

/** Whether a secret that was not read, or that opens nobody known, may open one of these clusters. */
function hasGaps({ controlPlane }: World, holders: readonly ClusterName[], { couples }: Mesh): boolean {
  return couples.some(
    (couple) =>
      refKey(couple.controlPlane.ref) === refKey(controlPlane.ref) && holders.includes(couple.member) && couple.credentialGaps.length > 0,
  );
}

function recordOf(name: NameToProbe, world: World | undefined) {
  if (world?.client === undefined) return undefined;
  const service = world.predictions.services.get(hostOf(name, world));
  return service === undefined ? undefined : nameRecord(world.client, service, world.predictions);
}

function leadsOf(name: NameToProbe, cluster: ClusterName, port: number, { instances, facts, world }: Known): readonly NameLead[] {
  if (world?.client === undefined) {
    // Without a sidecar a call stays in its cluster.
    const ready = instances.has(cluster) ? readyEndpoints(name, facts.get(cluster)) : 0;
    return ready === 0 ? [] : [{ cluster, via: 'pod', endpoints: ready }];
  }
  const sent = endpointsSentTo(world.client, hostOf(name, world), port, world.predictions);
  const leads = new Map<string, NameLead>();
  const { network } = world.client;
  for (const { via: way, endpoints, address, port: dialled } of sent?.endpoints ?? []) {
    for (const endpoint of endpoints) {
      // A mesh without any gateway is one network to istiod, whatever its clusters are labelled.
      const isApart = network !== undefined && endpoint.network !== undefined && endpoint.network !== network;
      const via = way === 'pod' && isApart ? 'raw' : way;
      const home = world.members.find(({ id }) => id === endpoint.cluster)?.cluster;
      if (home === undefined) continue;
      const gateway = via === 'gateway' ? `${address.includes(':') ? `[${address}]` : address}:${dialled}` : undefined;
      const key = `${home} ${via} ${gateway ?? ''}`;
      const count = (leads.get(key)?.endpoints ?? 0) + 1;
      leads.set(key, { cluster: home, via, endpoints: count, ...(gateway === undefined ? {} : { gateway }) });
    }
  }
  return [...leads].sort(([a], [b]) => compareText(a, b)).map(([, lead]) => lead);
}

function readyEndpoints({ namespace, name }: NameToProbe, own: ClusterFacts | undefined): number {
  return (own === undefined ? [] : listOf(own.endpointSlices))
    .filter((slice) => slice.namespace === namespace && slice.service === name)
    .reduce((sum, slice) => sum + slice.endpoints.filter(({ ready }) => ready).length, 0);
}

/** The istiod that serves callers of a cluster, with what it knows of this one name. */
function worldOf(name: NameToProbe, cluster: ClusterName, mesh: Mesh, facts: FactsByCluster, caller?: Pod): World | undefined {
  const pod = caller ?? callerIn(name, cluster, facts);
  const serving = istiodsServing(cluster, mesh);
  const chosen = serving.find(({ revision }) => revision === pod?.proxy?.revision) ?? serving[0];
  const of = chosen === undefined ? undefined : facts.get(chosen.cluster);
  const controlPlane =
    chosen === undefined || of === undefined ? undefined : listOf(of.controlPlanes).find((one) => refKey(one.ref) === refKey(chosen.ref));
  if (controlPlane === undefined) return undefined;
  const { view, members } = viewOf(name, controlPlane, mesh, facts);
  return { controlPlane, predictions: predict(view), members, pod, client: pod === undefined ? undefined : clientOf(pod) };
}

/** An istiod's view narrowed to one name and to gateways: a large mesh has thousands of services beside it. */
function viewOf({ namespace, name }: NameToProbe, controlPlane: ControlPlane, mesh: Mesh, facts: FactsByCluster): KnownView {
  const known = istiodViewOf(controlPlane, mesh.couples, facts);
  const namesGateways = (known.view.meshConfig?.meshNetworks ?? []).length > 0;
  const clusters = known.view.clusters.map((own) => ({
    ...own,
    services: own.services.filter(
      (service) =>
        namesGateways || service.labels[labels.network] !== undefined || (service.namespace === namespace && service.name === name),
    ),
    endpointSlices: own.endpointSlices.filter((slice) => slice.namespace === namespace && slice.service === name),
  }));
  return { ...known, view: { ...known.view, clusters } };
}

/** The pod that stands for callers: one that was asked, else one whose sidecar captures DNS, else any with a sidecar. */
function callerIn({ namespace, name }: NameToProbe, cluster: ClusterName, facts: FactsByCluster): Pod | undefined {
  const own = facts.get(cluster);
  if (own === undefined) return undefined;
  const asked = listOf(own.nameAnswers).find(
    ({ via, service }) => via === 'sidecar' && service.namespace === namespace && service.name === name,
  );
  let best: { readonly pod: Pod; readonly rank: number } | undefined;
  for (const pod of listOf(own.pods)) {
    if (pod.proxy?.kind !== 'sidecar' || !['Running', 'Pending', ''].includes(pod.phase)) continue;
    const rank = asked !== undefined && refKey(asked.pod) === refKey(pod.ref) ? 0 : pod.proxy.dnsCapture ? 1 : 2;
    if (best === undefined || rank < best.rank || (rank === best.rank && refKey(pod.ref) < refKey(best.pod.ref))) best = { pod, rank };
  }
  return best?.pod;
}

function isWhole(own: ClusterFacts | undefined, fact: 'services' | 'pods'): boolean {
  const state = own?.[fact];
  return state?.status === 'collected' && state.partial !== true;
}

function hostOf({ namespace, name }: NameToProbe, { predictions }: World): string {
  return fqdnOf(namespace, name, predictions.istiod.clusterDomain);
}

import { compareText } from '../base/sort.ts';
import { hostMatches } from '../istio/hosts.ts';
import type { IstioResource, Service, ServicePort } from '../model/facts.ts';
import { type AppliedRule, allRules, type DestinationRules, destinationRules, ownHosts, tlsModeOf } from './destination-rules.ts';
import {
  type ClientProxy,
  endpointsSentTo,
  isExportedTo,
  istioMutual,
  type RegisteredService,
  type SentEndpoint,
  type ShardEndpoint,
} from './endpoints.ts';
import { disablesMutualTls, type PeerAuthentications, peerAuthentications } from './peer-authentications.ts';
import { type Caller, type World, worldServing } from './worlds.ts';

/** Why an istiod takes an endpoint for one without mutual TLS. */
export type Barrier =
  | { readonly why: 'peer-authentication'; readonly by: IstioResource }
  | { readonly why: 'destination-rule'; readonly by: IstioResource; readonly mode: string }
  | { readonly why: 'no-sidecar' };

/** An endpoint on another network that a caller does not get to. */
export interface Barred {
  readonly endpoint: ShardEndpoint;
  readonly barrier: Barrier;
  /** caller: it is not sent at all; gateway: callers are sent to its gateway, which has no endpoint for them and ends the connection. */
  readonly where: 'caller' | 'gateway';
}

/** What callers of one kind are sent for one port of a service that has barred endpoints. */
export interface BarredCall {
  readonly world: World;
  readonly caller: Caller;
  readonly service: RegisteredService;
  readonly first: Service;
  readonly port: ServicePort;
  readonly barred: readonly Barred[];
  /** Endpoints and gateways that are left to call. */
  readonly left: readonly SentEndpoint[];
}

/** By istiod: its policies, read once. */
export interface Policies {
  readonly rules: DestinationRules;
  readonly modes: PeerAuthentications;
}

/** Every port of every wanted service some of whose endpoints on other networks are out of reach for want of mutual TLS. */
export function* barredCalls(
  worlds: readonly World[],
  wants: (service: RegisteredService, first: Service) => boolean,
): Iterable<BarredCall> {
  const policies = new Map(worlds.map((world) => [world, policiesOf(world)]));
  const mayBar = barringPolicies(worlds);
  for (const world of worlds) {
    const own = policies.get(world);
    if (own === undefined) continue;
    const plain = plainHosts(world);
    for (const [caller, services] of callersWithServices(world)) {
      for (const service of services) {
        const first = service.instances[0]?.service;
        if (first === undefined || !(plain.has(service.host) || mayBar(service.host)) || !wants(service, first)) continue;
        if (!isExportedTo(first, caller.client.namespace, world.applied.meshConfig?.defaultServiceExportTo)) continue;
        for (const port of first.ports) {
          if (port.protocol !== 'TCP') continue;
          const call = barredCall(caller, service, port, { world, own, worlds, policies });
          if (call.barred.length > 0) yield { world, caller, service, first, port, ...call };
        }
      }
    }
  }
}

/** Hosts some of whose endpoints have no sidecar. */
function plainHosts({ predictions }: World): ReadonlySet<string> {
  const hosts = new Set<string>();
  for (const { host, clusters } of predictions.shards.values()) {
    for (const endpoints of clusters.values()) {
      if (endpoints.some(({ tlsMode }) => tlsMode !== istioMutual)) hosts.add(host);
    }
  }
  return hosts;
}

/** Whether anything that an istiod applies can take mutual TLS from endpoints of a host that have sidecars: most meshes have nothing of the kind. */
function barringPolicies(worlds: readonly World[]): (host: string) => boolean {
  if (worlds.some(({ applied }) => disablesMutualTls(applied))) return () => true;
  const modal = worlds.flatMap(({ applied }) =>
    allRules(applied).filter(({ policy }) => policy?.tlsMode !== undefined || policy?.ports.some(({ tlsMode }) => tlsMode !== undefined)),
  );
  const exact = new Set(modal.map(({ host }) => host));
  const patterns = [...exact].filter((host) => host.startsWith('*'));
  return (host) => exact.has(host) || patterns.some((pattern) => hostMatches(pattern, host));
}

export function policiesOf(world: World): Policies {
  return { rules: destinationRules(world.applied), modes: peerAuthentications(world.applied) };
}

/** Callers with the services they are asked about: one of each kind about all, and one of each namespace with rules of its own about theirs. */
export function* callersWithServices(world: World): Iterable<readonly [Caller, Iterable<RegisteredService>]> {
  const hosts = ownHosts(world.applied);
  for (const caller of world.callers) {
    const general = { ...caller, client: { ...caller.client, namespace: generalNamespace(caller, hosts) } };
    yield [general, world.predictions.services.values()];
    for (const [namespace, own] of hosts) {
      if (!caller.namespaces.has(namespace)) continue;
      yield [{ ...caller, client: { ...caller.client, namespace } }, servicesNamed(world, own)];
    }
  }
}

/** A namespace without rules of its own: what counts for all others. No name at all where every namespace has some. */
function generalNamespace({ namespaces }: Caller, hosts: ReadonlyMap<string, unknown>): string {
  return [...namespaces].filter((namespace) => !hosts.has(namespace)).sort(compareText)[0] ?? '';
}

function servicesNamed({ predictions }: World, own: ReadonlySet<string>): RegisteredService[] {
  const patterns = [...own].filter((host) => host.startsWith('*'));
  const exact = [...own].flatMap((host) => predictions.services.get(host) ?? []);
  if (patterns.length === 0) return exact;
  return [...predictions.services.values()].filter(
    (service) => own.has(service.host) || patterns.some((pattern) => hostMatches(pattern, service.host)),
  );
}

interface Around {
  readonly world: World;
  readonly own: Policies;
  readonly worlds: readonly World[];
  readonly policies: ReadonlyMap<World, Policies>;
}

function barredCall(
  { client }: { readonly client: ClientProxy },
  service: RegisteredService,
  port: ServicePort,
  { world, own, worlds, policies }: Around,
): Pick<BarredCall, 'barred' | 'left'> {
  const rule = own.rules(service, client.namespace);
  const mode = tlsModeOf(rule, port.port);
  const sent = endpointsSentTo(client, service.host, port.port, world.predictions, {
    destinationRuleMode: mode,
    isDisabled: (endpoint) => modeAt(endpoint, own.modes, service.namespace).mode === 'DISABLE',
  });
  const barred: Barred[] = [];
  for (const { endpoint, because } of sent?.dropped ?? []) {
    if (because !== 'no-mtls') continue;
    for (const barrier of barriersOf(endpoint, { rule, mode }, own.modes, service.namespace))
      barred.push({ endpoint, barrier, where: 'caller' });
  }
  const left: SentEndpoint[] = [];
  for (const one of sent?.endpoints ?? []) {
    const refused = refusedAtGateway(one, service, port, world, worlds, policies);
    if (refused.length === 0) left.push(one);
    else barred.push(...refused);
  }
  return { barred, left };
}

/** What the istiod of a gateway keeps from it: everything behind it, or the calls get through to the rest. */
function refusedAtGateway(
  { via, gateway, endpoints }: SentEndpoint,
  service: RegisteredService,
  port: ServicePort,
  world: World,
  worlds: readonly World[],
  policies: ReadonlyMap<World, Policies>,
): Barred[] {
  const home = via === 'gateway' && gateway?.cluster !== undefined ? world.members.get(gateway.cluster) : undefined;
  const namespace = gateway?.ref?.namespace;
  const reader = home === undefined ? undefined : worldServing(worlds, home, world.controlPlane.revision);
  const there = reader === undefined ? undefined : policies.get(reader);
  if (there === undefined || namespace === undefined) return [];
  const rule = there.rules(service, namespace);
  const mode = tlsModeOf(rule, port.port);
  // Without a sidecar an endpoint is only sent because a rule of the caller's side says ISTIO_MUTUAL.
  const barred = endpoints.map((endpoint): Barred[] =>
    mode === 'ISTIO_MUTUAL'
      ? []
      : barriersOf(endpoint, { rule, mode }, there.modes, service.namespace).map((barrier) => ({ endpoint, barrier, where: 'gateway' })),
  );
  return barred.every((own) => own.length > 0) ? barred.flat() : [];
}

/** Why an endpoint is taken for one without mutual TLS, by the rule and the policies of one istiod: each of them is enough by itself. */
export function barriersOf(
  endpoint: ShardEndpoint,
  { rule, mode }: { readonly rule: AppliedRule | undefined; readonly mode: string | undefined },
  modes: PeerAuthentications,
  namespace: string,
): readonly Barrier[] {
  // Turning TLS off for pods that have no sidecar is right: they are the cause, not the rule.
  if (endpoint.tlsMode !== istioMutual) return [{ why: 'no-sidecar' }];
  const { mode: effective, by } = modeAt(endpoint, modes, namespace);
  return [
    ...(rule !== undefined && mode !== undefined && mode !== 'ISTIO_MUTUAL'
      ? [{ why: 'destination-rule', by: rule.object, mode } as const]
      : []),
    ...(effective === 'DISABLE' && by !== undefined ? [{ why: 'peer-authentication', by } as const] : []),
  ];
}

/** The mode of PeerAuthentication that an istiod takes an endpoint to have. */
export function modeAt({ pod, port }: ShardEndpoint, modes: PeerAuthentications, namespace: string) {
  return modes({ namespace: pod?.namespace ?? namespace, labels: pod?.labels ?? {}, port });
}

import { isSameAddress } from '../istio/addresses.ts';
import { fields, tally, texts } from '../model/decode.ts';
import type { Pod } from '../model/facts.ts';
import type { ClusterId } from '../model/ids.ts';
import type { SidecarEndpoints } from '../model/observations.ts';
import { tlsModeOf } from './destination-rules.ts';
import { clientOf, endpointsSentTo, isExportedTo, type SentEndpoint, type ShardEndpoint } from './endpoints.ts';
import { hasAddress } from './expected-answer.ts';
import { modeAt, type Policies } from './mtls-barriers.ts';
import type { World } from './worlds.ts';

/** What the sidecar of a pod should have for one port of a service. */
export interface ExpectedEndpoints {
  readonly host: string;
  readonly port: number;
  readonly sent: readonly SentEndpoint[];
  /** Endpoints that it should reach by a gateway, or not at all: their own addresses are of no use to it. */
  readonly elsewhere: readonly ShardEndpoint[];
  /** A Sidecar object may hide the service from it: that it does not know it says nothing. */
  readonly mayBeHidden: boolean;
}

/**
 * What an istiod should send the sidecar of a pod for the TCP ports of a host, port by port. Empty where that is not told by
 * Services and their endpoints alone: headless and external names, names that ServiceEntries have, too, and those that are not
 * exported to its namespace.
 */
export function endpointsExpected(pod: Pod, host: string, world: World, { rules, modes }: Policies): readonly ExpectedEndpoints[] {
  const client = clientOf(pod);
  const service = world.predictions.services.get(host);
  const first = service?.instances[0]?.service;
  if (client === undefined || service === undefined || first === undefined || !hasAddress(first)) return [];
  if (!isExportedTo(first, client.namespace, world.applied.meshConfig?.defaultServiceExportTo) || isEntry(host, world)) return [];
  const rule = rules(service, client.namespace);
  return first.ports
    .filter(({ protocol }) => protocol !== 'UDP')
    .flatMap(({ port }): ExpectedEndpoints[] => {
      const told = endpointsSentTo(client, host, port, world.predictions, {
        destinationRuleMode: tlsModeOf(rule, port),
        isDisabled: (endpoint) => modeAt(endpoint, modes, service.namespace).mode === 'DISABLE',
      });
      if (told === undefined) return [];
      const behindGateways = told.endpoints.flatMap((one) => (one.via === 'gateway' ? one.endpoints : []));
      const unreachable = told.dropped.flatMap(({ endpoint, because }) => (isForNetwork(because) ? [endpoint] : []));
      return [
        {
          host,
          port,
          sent: told.endpoints,
          elsewhere: [...behindGateways, ...unreachable],
          mayBeHidden: isNarrowed(client.namespace, world),
        },
      ];
    });
}

type Held = SidecarEndpoints['addresses'][number];

/** Addresses that a sidecar has although they are those of pods that it should reach by a gateway or not at all. */
export function heldPodAddresses({ sent, elsewhere }: ExpectedEndpoints, held: readonly Held[]): readonly ShardEndpoint[] {
  return elsewhere.filter((endpoint) => held.some((one) => isAt(one, endpoint)) && !sent.some((one) => isAt(endpoint, one)));
}

/** Clusters of whose expected endpoints a sidecar has none, with what it should have. A gateway known by name only is left out: istiod resolves it. */
export function clustersLacking({ sent }: ExpectedEndpoints, held: readonly Held[]): ReadonlyMap<ClusterId, readonly SentEndpoint[]> {
  const of = new Map<ClusterId, SentEndpoint[]>();
  for (const one of sent) {
    for (const cluster of new Set(one.endpoints.map((endpoint) => endpoint.cluster))) of.set(cluster, [...(of.get(cluster) ?? []), one]);
  }
  return new Map([...of].filter(([, expected]) => !expected.some((one) => one.isUnresolved || held.some((address) => isAt(address, one)))));
}

function isAt(one: Held, other: Held): boolean {
  return one.port === other.port && isSameAddress(one.address, other.address);
}

function isForNetwork(because: string): boolean {
  return because === 'no-mtls' || because === 'gateway-of-other-family' || because === 'no-gateway';
}

function isEntry(host: string, { applied }: World): boolean {
  const odd = tally();
  return applied.ofKind('ServiceEntry').some(({ spec }) => texts(odd, fields(odd, spec)['hosts']).includes(host));
}

function isNarrowed(namespace: string, { applied }: World): boolean {
  return applied.ofKind('Sidecar').some((one) => one.namespace === namespace || one.namespace === applied.rootNamespace);
}

import { groupBy, sortedBy } from '../base/sort.ts';
import type { GatewayHandshake, HandshakeOutcome } from '../model/observations.ts';

/*
 * How far calls through a gateway come, layer by layer, and which side of its address is to blame: what stands at the address is seen
 * from where meshdoctor runs, the gateway's own pod by port-forward.
 */

/** How far a handshake came: no connection, none of TLS, TLS that failed, the certificate of somebody else, that of a workload. */
export type Layer = 'unreached' | 'mute' | 'ended' | 'broken' | 'foreign' | 'workload';

export function layerOf(outcome: HandshakeOutcome): Layer {
  switch (outcome.stage) {
    case 'tcp':
      return 'unreached';
    case 'silence':
      return 'mute';
    case 'reset':
      return 'ended';
    case 'tls':
      return 'broken';
    case 'certificate':
      return outcome.uris.some(isSpiffe) ? 'workload' : 'foreign';
    default:
      return outcome satisfies never;
  }
}

function isSpiffe(uri: string): boolean {
  return uri.startsWith('spiffe://');
}

/** What the HBONE listener of an Istio gateway does and this one did not. */
export type HboneLack = 'asks-for-no-certificate' | 'older-tls';

/**
 * What tells a certificate of the mesh on the port of ambient from Istio's listener: that asks whoever calls for a certificate, and speaks TLS 1.3 and nothing
 * older. `isOlderMeant`: its istiod keeps proxies to TLS 1.2. What a recording does not say is no lack.
 */
export function hboneLacks(outcome: HandshakeOutcome, isOlderMeant: boolean): readonly HboneLack[] {
  if (outcome.stage !== 'certificate') return [];
  return [
    ...(outcome.asksForCertificate === false ? ['asks-for-no-certificate' as const] : []),
    ...(!isOlderMeant && outcome.version !== undefined && outcome.version !== 'TLSv1.3' ? ['older-tls' as const] : []),
  ];
}

/** Whether a pod that was asked itself says something of its gateway: else the port-forward failed on its way. */
export function isOfPod({ stage, ...outcome }: HandshakeOutcome): boolean {
  return stage !== 'tcp' || ('code' in outcome && outcome.code === 'refused');
}

/** `10.0.0.1:15443`, and where a name was dialled, the address behind it. */
export function addressOf({ host, port, connectedTo }: Pick<GatewayHandshake, 'host' | 'port' | 'connectedTo'>): string {
  const written = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return connectedTo === undefined || connectedTo === host ? written : `${written} (${connectedTo})`;
}

/** One call at an address, and the same at the gateway's pod where that was asked and said something. */
export interface SeenCall<H> {
  readonly call: H;
  readonly inside?: H;
}

/** Calls of one address. */
export interface SeenAddress<H> {
  /** `10.0.0.1:15443` */
  readonly address: string;
  /** Never empty. */
  readonly calls: readonly SeenCall<H>[];
}

type Call = Pick<GatewayHandshake, 'host' | 'port' | 'sni' | 'pod' | 'outcome'>;

/** Calls by address, in the order in which addresses and names sort. A run that ended says nothing. */
export function seenAddresses<H extends Call>(handshakes: readonly H[]): readonly SeenAddress<H>[] {
  const groups = groupBy(
    sortedBy(handshakes, ({ sni }) => sni),
    ({ host, port }) => addressOf({ host, port }),
  );
  return sortedBy(groups, ([address]) => address).map(([address, all]) => ({
    address,
    calls: all
      .filter((one) => one.pod === undefined && !isInterrupted(one.outcome))
      .map((call): SeenCall<H> => {
        const inside = all.find((one) => one.pod !== undefined && one.sni === call.sni && isOfPod(one.outcome));
        return inside === undefined ? { call } : { call, inside };
      }),
  }));
}

function isInterrupted(outcome: HandshakeOutcome): boolean {
  return outcome.stage === 'tcp' && outcome.code === 'interrupted';
}

/**
 * Which side keeps a call from the workload it is for. way: the pod passes it on, what stands at the address or before it does not;
 * gateway: the pod does not either; unknown: the pod was not asked.
 */
export function sideOf({ call, inside }: SeenCall<Call>): 'none' | 'way' | 'gateway' | 'unknown' {
  if (layerOf(call.outcome) === 'workload') return 'none';
  if (inside === undefined) return 'unknown';
  return layerOf(inside.outcome) === 'workload' ? 'way' : 'gateway';
}

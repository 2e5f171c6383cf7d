import { list } from '../../base/text.ts';
import { isSameAddress } from '../../istio/addresses.ts';
import type { SidecarState } from '../../model/observations.ts';
import { refKey } from '../../model/refs.ts';
import { listOf } from '../topology-types.ts';
import { type Around, named } from './around.ts';
import type { Measurement } from './hop.ts';
import type { Way } from './way.ts';

/** Sidecars of the caller's cluster that were asked for the host of a way; what another pod's has is not yet what the caller's has. */
function asked({ caller, facts }: Around): readonly { readonly state: SidecarState; readonly by: string; readonly isCaller: boolean }[] {
  const own = facts.get(caller.cluster);
  return (own === undefined ? [] : listOf(own.sidecars)).map((state) => ({
    state,
    by: `Envoy of ${named(state.pod, false)}`,
    isCaller: caller.pod !== undefined && refKey(caller.pod.ref) === refKey(state.pod),
  }));
}

/** Whether Envoy holds the addresses that a way leads to. Subsets are not asked for; of a gateway's host name it holds what istiod resolved. */
export function heldEndpoints(around: Around, { aim, sent }: Way): Measurement[] {
  if (aim.subset !== undefined || sent.length === 0 || sent.some(({ isUnresolved }) => isUnresolved)) return [];
  return asked(around).flatMap(({ state: { hosts, endpoints }, by, isCaller }): Measurement[] => {
    if (!hosts.includes(aim.host)) return [];
    if ('failed' in endpoints) return [{ by, verdict: 'unknown', text: endpoints.reason, isDecisive: false }];
    const held = endpoints.answer.find(({ host, port }) => host === aim.host && port === aim.port)?.addresses ?? [];
    const found = sent.filter((one) => held.some(({ address, port }) => port === one.port && isSameAddress(address, one.address)));
    const spell = (all: readonly { readonly address: string; readonly port: number }[]): string =>
      list(
        all.map(({ address, port }) => `${address.includes(':') ? `[${address}]` : address}:${port}`),
        'none',
        3,
      );
    return [
      found.length > 0
        ? { by, verdict: 'works', text: `holds ${spell(found)}`, isDecisive: isCaller }
        : { by, verdict: 'broken', text: `holds ${spell(held)}, not ${spell(sent)}`, isDecisive: isCaller },
    ];
  });
}

/** Whether the caller's Envoy has a certificate, and trusts one of these roots. */
export function heldTrust(around: Around, roots: readonly string[]): Measurement[] {
  return asked(around).flatMap(({ state, by, isCaller }): Measurement[] => {
    if (!isCaller || 'failed' in state.certificate || 'failed' in state.roots) return [];
    const { certificate } = state;
    if (certificate.answer === 'none') return [{ by, verdict: 'broken', text: 'has no certificate', isDecisive: true }];
    const own = `${certificate.answer.uris[0] ?? 'a certificate without name'} until ${certificate.answer.notAfter}`;
    if (roots.length === 0) return [{ by, verdict: 'works', text: own, isDecisive: false }];
    return state.roots.answer.some(({ fingerprint }) => roots.includes(fingerprint))
      ? [{ by, verdict: 'works', text: `${own}, and trusts who answers`, isDecisive: true }]
      : [{ by, verdict: 'broken', text: `${own}, and trusts none of the roots of who answers`, isDecisive: true }];
  });
}

import type { Explains } from './check.ts';

/**
 * What is measured of the proxies of a cluster that cannot connect to their istiod. They keep what they had, whomever it is about, so that it
 * counts where they are, not of whom they lack something; and their certificates run out.
 */
export const effectsOfCutOff = [
  { code: 'unconnected-proxy', match: 'cluster' },
  { code: 'unanswered-name', match: 'within' },
  { code: 'unexpected-sidecar-endpoints', match: 'within' },
  { code: 'unrenewed-sidecar-certificate/expired', match: 'within' },
  { code: 'unrenewed-sidecar-certificate/overdue', match: 'within' },
  { code: 'unrenewed-sidecar-certificate/oldRoot', match: 'within' },
] as const satisfies readonly Explains[];

/** The same of an explanation that only some messages of a check give. */
export function onlyFor<const K extends readonly string[]>(
  keys: K,
  effects: readonly Explains[],
): readonly (Explains & { readonly keys: K })[] {
  return effects.map((effect) => ({ ...effect, keys }));
}

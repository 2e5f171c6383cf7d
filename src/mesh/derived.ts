import type { MissingFact } from '../model/facts.ts';
import type { ObjectRef } from '../model/refs.ts';

/** Something inferred: known with the objects that say so, or unknown with the facts that would tell. */
export type Derived<T> = { readonly known: T; readonly evidence: readonly ObjectRef[] } | { readonly unknown: readonly MissingFact[] };

export function known<T>(value: T, evidence: readonly ObjectRef[] = []): Derived<T> {
  return { known: value, evidence };
}

export function unknown(missing: readonly MissingFact[]): { readonly unknown: readonly MissingFact[] } {
  return { unknown: missing };
}

export function isKnown<T>(derived: Derived<T>): derived is { readonly known: T; readonly evidence: readonly ObjectRef[] } {
  return 'known' in derived;
}

/** The value where it is known, else undefined. */
export function valueOf<T>(derived: Derived<T>): T | undefined {
  return 'known' in derived ? derived.known : undefined;
}

import { isDeepEqual } from '../base/equal.ts';

// JSON merge patches (RFC 7396): null takes a field away, a list replaces the list.

/** `value` after a JSON merge patch. Nothing that was given is changed. */
export function applyMergePatch(value: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(value) ? { ...value } : {};
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete result[key];
    else result[key] = applyMergePatch(result[key], change);
  }
  return result;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The patch that takes a patch back: what `before` has at its fields, null where it has nothing. */
export function inversePatch(before: unknown, patch: unknown): unknown {
  if (!isRecord(patch) || !isRecord(before)) return before === undefined ? null : before;
  return Object.fromEntries(Object.entries(patch).map(([key, change]) => [key, inversePatch(before[key], change)]));
}

/** The smallest patch that makes `to` of `from`: an empty record when they are the same. */
export function patchBetween(
  from: Readonly<Record<string, unknown>>,
  to: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const changes: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [old, fresh] = [from[key], to[key]];
    if (isDeepEqual(old, fresh)) continue;
    changes[key] = fresh === undefined ? null : isRecord(old) && isRecord(fresh) ? patchBetween(old, fresh) : fresh;
  }
  return changes;
}

/** What `value` has at the fields that a patch names; null where it has nothing. */
export function fieldsOfPatch(value: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return value === undefined ? null : value;
  const own = isRecord(value) ? value : {};
  return Object.fromEntries(Object.entries(patch).map(([key, change]) => [key, fieldsOfPatch(own[key], change)]));
}

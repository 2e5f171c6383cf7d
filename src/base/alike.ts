type Parts = Record<string, unknown>;

/**
 * `value` with what says the same as in `before` taken from there, part by part, and `before` itself where everything does: of things that are like the
 * one before them memory holds the differences only. The order of keys counts. `value` belongs to the caller and holds nothing but JSON: what
 * is not frozen of it is exchanged in place.
 */
export function alike<T>(before: T | undefined, value: T): T;
export function alike(before: unknown, value: unknown): unknown {
  if (before === value) return before;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return alikeList(Array.isArray(before) ? before : none, value);
  return isParts(value) ? alikeParts(isParts(before) ? before : nothing, value) : value;
}

const none: readonly unknown[] = Object.freeze([]);
const nothing: Parts = Object.freeze({});

function alikeParts(before: Parts, value: Parts): Parts {
  const keys = Object.keys(value);
  const known = Object.keys(before);
  const isFixed = Object.isFrozen(value);
  /** How many keys, from the first on, stand for the same in both. */
  let same = 0;
  let place = 0;
  for (const key of keys) {
    const [own, was] = [value[key], before[key]];
    const part = alike(was, own);
    if (same === place && part === was && known[place] === key) same++;
    // Of two texts that are equal this keeps the known one, and lets the other go.
    else if (!isFixed && (part !== own || part === was)) value[key] = part;
    place++;
  }
  if (same === keys.length && same === known.length && same > 0) return before;
  if (!isFixed) for (const key of keys.slice(0, same)) value[key] = before[key];
  return value;
}

/** Elements of a list are also like one another. The list has no room for more: those that grew element by element have it for a dozen. */
function alikeList(before: readonly unknown[], value: readonly unknown[]): readonly unknown[] {
  if (value.length === 0) return value;
  const parts: unknown[] = value.slice();
  let isSame = before.length === parts.length;
  let place = 0;
  for (const own of value) {
    const was = before[place];
    const part = alike(place < before.length ? was : parts[place - 1], own);
    isSame &&= part === was;
    parts[place++] = part;
  }
  return isSame ? before : parts;
}

function isParts(value: unknown): value is Parts {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A way into nested JSON: keys of records, indexes of lists, and `*` for every item of a list. */
export type Path = readonly (string | number)[];

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What lies at the end of `path`, or nothing. */
export function at(value: unknown, ...path: Path): unknown {
  let here = value;
  for (const key of path) {
    if (isRecord(here)) here = here[key];
    else if (typeof key === 'number') here = itemsOf(here)[key];
    else return undefined;
  }
  return here;
}

export function textAt(value: unknown, ...path: Path): string | undefined {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

export function itemsAt(value: unknown, ...path: Path): readonly unknown[] {
  return itemsOf(at(value, ...path));
}

export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The string to string part of a record, as labels, annotations and selectors are. */
export function mapAt(value: unknown, ...path: Path): Readonly<Record<string, string>> {
  const found = at(value, ...path);
  const texts: Record<string, string> = {};
  if (isRecord(found)) for (const [key, item] of Object.entries(found)) if (typeof item === 'string') texts[key] = item;
  return texts;
}

/** A copy of `value` with what lies at `path` replaced by `change` of it; a change to `undefined` takes the key away. */
export function edited(value: unknown, path: Path, change: (old: unknown) => unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return change(value);
  if (head === '*') return Array.isArray(value) ? itemsOf(value).map((item) => edited(item, rest, change)) : value;
  if (Array.isArray(value)) return itemsOf(value).map((item, index) => (index === head ? edited(item, rest, change) : item));
  const record = isRecord(value) ? value : {};
  const next = edited(record[head], rest, change);
  if (next !== undefined) return { ...record, [head]: next };
  if (!(head in record)) return value;
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== String(head)));
}

/** `edited` on JSON that is kept as text, as Helm values in ConfigMaps are. Text that is not JSON stays as it is. */
export function editedText(text: string, path: Path, change: (old: unknown) => unknown): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return text;
  }
  return JSON.stringify(edited(parsed, path, change), null, 2);
}

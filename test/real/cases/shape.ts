/** Every path in a JSON value with the kinds of value found there; items of a list count as one. */
export function shapeOf(value: unknown): Readonly<Record<string, string>> {
  const found = new Map<string, Set<string>>();
  const walk = (here: unknown, path: string): void => {
    const kinds = found.get(path) ?? new Set<string>();
    kinds.add(here === null ? 'null' : Array.isArray(here) ? 'list' : typeof here);
    found.set(path, kinds);
    if (Array.isArray(here)) for (const item of here) walk(item, `${path}[]`);
    else if (typeof here === 'object' && here !== null) for (const [key, inner] of Object.entries(here)) walk(inner, `${path}.${key}`);
  };
  walk(value, '');
  return Object.fromEntries(
    [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([path, kinds]) => [path, [...kinds].toSorted().join(' or ')]),
  );
}

export interface Difference {
  readonly path: string;
  readonly real: string;
  readonly simulated: string;
}

/** Where two values differ. */
export function differences(real: unknown, simulated: unknown, path = ''): readonly Difference[] {
  if (typeof real !== 'object' || typeof simulated !== 'object' || real === null || simulated === null)
    return real === simulated ? [] : [{ path, real: shown(real), simulated: shown(simulated) }];
  return [...new Set([...Object.keys(real), ...Object.keys(simulated)])].flatMap((key) =>
    differences(Reflect.get(real, key), Reflect.get(simulated, key), `${path}/${key}`),
  );
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

import { isDeepEqual } from '../base/equal.ts';
import { redact } from '../base/text.ts';

/** One field that differs. A side that does not have it is absent. */
export interface FieldChange {
  /** With leading dot, as in findings: `.metadata.labels["topology.istio.io/network"]`. */
  readonly path: string;
  readonly before?: string;
  readonly after?: string;
}

/** What every write changes, and what controllers renew by the clock: it says nothing of what somebody did. */
const noise =
  /^\.(?:origin|metadata\.(?:resourceVersion|managers|uid|creationTimestamp))\b|(?:renewTime|acquireTime|lastHeartbeatTime|lastTransitionTime|lastUpdateTime|lastProbeTime|observedGeneration|annotations\["control-plane\.alpha\.kubernetes\.io\/leader"\])$/;

/** Longest value that is shown. */
const longest = 120;

/** The fields in which two JSON values differ, leaves only, in the order of their paths. Items of lists that have names are matched by them. */
export function changedFields(before: unknown, after: unknown): readonly FieldChange[] {
  const changes: FieldChange[] = [];
  const visit = (one: unknown, other: unknown, path: string): void => {
    if (noise.test(path) || isDeepEqual(one, other)) return;
    const [left, right] = [childrenOf(one), childrenOf(other)];
    if (left === undefined || right === undefined || (left.size === 0) !== (right.size === 0)) {
      changes.push({ path, ...shown('before', one), ...shown('after', other) });
      return;
    }
    for (const step of new Set([...left.keys(), ...right.keys()])) visit(left.get(step), right.get(step), path + step);
  };
  visit(before, after, '');
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Children by the step that leads to each; nothing for a value that has none by nature. */
function childrenOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value).map(([key, item]: [string, unknown]) => [stepOf(key), item]));
  const items: readonly unknown[] = value;
  const names = items.map(nameOf);
  const isNamed = names.every((name) => name !== undefined) && new Set(names).size === names.length;
  return new Map(items.map((item, index) => [isNamed ? `[name=${names[index]}]` : `[${index}]`, item]));
}

function nameOf(item: unknown): string | undefined {
  return typeof item === 'object' && item !== null && 'name' in item && typeof item.name === 'string' ? item.name : undefined;
}

function stepOf(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function shown<K extends 'before' | 'after'>(side: K, value: unknown): { readonly [P in K]?: string } {
  if (value === undefined) return {};
  const text = redact(typeof value === 'string' ? value : JSON.stringify(value));
  const key: { [P in K]?: string } = {};
  key[side] = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return key;
}

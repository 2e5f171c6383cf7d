import { isRecord } from '../../builder/patch.ts';
import type { Fields } from '../../model/decode.ts';
import { type ListRule, listRule } from './list-keys.ts';
import { scalar } from './json-path.ts';
import type { ObjectType } from './resources.ts';
import { badRequest } from './status.ts';

const setElementOrder = '$setElementOrder/';
const deleteFromPrimitiveList = '$deleteFromPrimitiveList/';

/**
 * `value` after a strategic merge patch of a built-in kind, with the directives that kubectl sends: `$patch`, `$retainKeys`,
 * `$setElementOrder/…` and `$deleteFromPrimitiveList/…`. Nothing that was given is changed.
 */
export function applyStrategicMerge(type: ObjectType, value: unknown, patch: unknown): unknown {
  return isRecord(patch) ? mergedFields(type, isRecord(value) ? value : {}, patch, []) : patch;
}

function mergedFields(type: ObjectType, value: Fields, patch: Fields, path: readonly string[]): Fields | undefined {
  if (patch['$patch'] === 'delete') return undefined;
  if (patch['$patch'] === 'replace') return withoutDirectives(patch);
  const kept = patch['$retainKeys'];
  const result: Record<string, unknown> = { ...value };
  if (Array.isArray(kept)) for (const key of Object.keys(result)) if (!kept.includes(key)) delete result[key];
  for (const key of changedKeys(patch)) {
    const next = merged(type, result[key], patch, key, [...path, key]);
    if (next === undefined) delete result[key];
    else result[key] = next;
  }
  return result;
}

/** Fields that the patch changes, by value or by directive alone. */
function changedKeys(patch: Fields): ReadonlySet<string> {
  const keys = Object.keys(patch).flatMap((key) => {
    if (!key.startsWith('$')) return [key];
    const directive = [setElementOrder, deleteFromPrimitiveList].find((prefix) => key.startsWith(prefix));
    return directive === undefined ? [] : [key.slice(directive.length)];
  });
  return new Set(keys);
}

function merged(type: ObjectType, value: unknown, patch: Fields, key: string, path: readonly string[]): unknown {
  const change = patch[key];
  if (change === null) return undefined;
  if (isRecord(change)) return mergedFields(type, isRecord(value) ? value : {}, change, path);
  if (change !== undefined && !Array.isArray(change)) return change;
  const rule = listRule(type, false, path);
  const items: readonly unknown[] | undefined = Array.isArray(value) ? value : undefined;
  if (rule === 'atomic') return change === undefined ? items : withoutNulls(change);
  const order = patch[`${setElementOrder}${key}`];
  const removed = patch[`${deleteFromPrimitiveList}${key}`];
  if (change === undefined && removed === undefined && items === undefined) return undefined;
  if (rule === 'set') return mergedSet(items ?? [], change ?? [], removed, order);
  return mergedItems(type, rule, items ?? [], change ?? [], order, path);
}

function mergedSet(items: readonly unknown[], added: readonly unknown[], removed: unknown, order: unknown): readonly unknown[] {
  const gone: readonly unknown[] = Array.isArray(removed) ? removed : [];
  const all = [...new Set([...items, ...added])].filter((item) => !gone.includes(item));
  return ordered(all, items, order, scalar);
}

function mergedItems(
  type: ObjectType,
  rule: Exclude<ListRule, string>,
  items: readonly unknown[],
  changes: readonly unknown[],
  order: unknown,
  path: readonly string[],
): readonly unknown[] {
  const [mergeKey = ''] = rule.keys;
  const identity = (item: unknown): string => (isRecord(item) ? scalar(item[mergeKey]) : '');
  const isReplacement = changes.some((change) => isRecord(change) && change['$patch'] === 'replace' && change[mergeKey] === undefined);
  let result = isReplacement ? [] : [...items];
  for (const change of changes) {
    if (!isRecord(change)) throw badRequest(`${path.join('.')}: an item of a merged list is no object`);
    const wanted = identity(change);
    if (wanted === '') {
      if (change['$patch'] === 'replace') continue;
      throw badRequest(`map: ${JSON.stringify(change)} does not contain declared merge key: ${mergeKey}`);
    }
    if (change['$patch'] === 'delete') {
      result = result.filter((item) => identity(item) !== wanted);
      continue;
    }
    const at = result.findIndex((item) => identity(item) === wanted);
    const existing = result[at];
    const next = mergedFields(type, isRecord(existing) ? existing : {}, change, path) ?? {};
    if (at < 0) result.push(next);
    else result[at] = next;
  }
  return ordered(result, items, order, identity);
}

/**
 * Items in the order that was asked for. Those it does not mention are the server's own: they stay before or behind the same neighbours.
 */
function ordered(items: readonly unknown[], before: readonly unknown[], order: unknown, identity: (item: unknown) => string): unknown[] {
  if (!Array.isArray(order)) return [...items];
  const wanted = order.map(identity);
  const place = (item: unknown): number => before.findIndex((one) => identity(one) === identity(item));
  const mentioned = items
    .filter((item) => wanted.includes(identity(item)))
    .sort((a, b) => wanted.indexOf(identity(a)) - wanted.indexOf(identity(b)));
  const others = items.filter((item) => !wanted.includes(identity(item)));
  const result: unknown[] = [];
  for (const item of mentioned) {
    const at = place(item);
    const later = others.findIndex((other) => place(other) < 0 || place(other) > at);
    result.push(...others.splice(0, at < 0 ? 0 : later < 0 ? others.length : later), item);
  }
  return [...result, ...others];
}

function withoutDirectives(patch: Fields): Fields {
  return Object.fromEntries(
    Object.entries(patch)
      .filter(([key, value]) => !key.startsWith('$') && value !== null)
      .map(([key, value]) => [key, withoutNulls(value)]),
  );
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  return isRecord(value) ? withoutDirectives(value) : value;
}

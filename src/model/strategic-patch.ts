import { isRecord } from './merge-patch.ts';

// Strategic merge patches of Kubernetes, as far as remedies use them: null takes a field away, a list whose members have names (containers, variables,
// entries of webhooks) is merged by these, `$patch: delete` takes a member away, any other list replaces the list. Custom resources take none.

const directive = '$patch';

/** `value` after a strategic merge patch. Nothing that was given is changed. */
export function applyStrategicPatch(value: unknown, patch: unknown): unknown {
  if (isNamedList(patch)) return mergedByName(isNamedList(value) ? value : [], patch);
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(value) ? { ...value } : {};
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete result[key];
    else result[key] = applyStrategicPatch(result[key], change);
  }
  return result;
}

/** The patch that takes a patch back: what `before` has at its fields and members, and nothing where it has nothing. */
export function inverseStrategicPatch(before: unknown, patch: unknown): unknown {
  if (isNamedList(patch) && isNamedList(before))
    return patch.map((change) => {
      const member = before.find(({ name }) => name === change.name);
      if (member === undefined) return { name: change.name, [directive]: 'delete' };
      return change[directive] === 'delete' ? member : { ...inverseFields(member, change), name: change.name };
    });
  if (!isRecord(patch) || !isRecord(before)) return before === undefined ? null : before;
  return inverseFields(before, patch);
}

/** What `value` has at the fields and members that a patch names; null where it has nothing. */
export function fieldsOfStrategicPatch(value: unknown, patch: unknown): unknown {
  if (isNamedList(patch) && isNamedList(value))
    return patch.map((change) => {
      const member = value.find(({ name }) => name === change.name);
      return member === undefined ? { name: change.name, [directive]: 'delete' } : fieldsOfStrategicPatch(member, change);
    });
  if (!isRecord(patch)) return value === undefined ? null : value;
  const own = isRecord(value) ? value : {};
  return Object.fromEntries(
    Object.entries(patch)
      .filter(([key]) => key !== directive)
      .map(([key, change]) => [key, fieldsOfStrategicPatch(own[key], change)]),
  );
}

type Named = Readonly<Record<string, unknown>> & { readonly name: string };

function isNamedList(value: unknown): value is readonly Named[] {
  return Array.isArray(value) && value.length > 0 && value.every((member) => isRecord(member) && typeof member['name'] === 'string');
}

function inverseFields(before: Readonly<Record<string, unknown>>, patch: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(patch).map(([key, change]) => [key, inverseStrategicPatch(before[key], change)]));
}

function mergedByName(list: readonly Named[], patch: readonly Named[]): unknown[] {
  const kept = list.flatMap((member) => {
    const change = patch.find(({ name }) => name === member.name);
    if (change === undefined) return [member];
    return change[directive] === 'delete' ? [] : [applyStrategicPatch(member, change)];
  });
  const added = patch.filter((change) => change[directive] !== 'delete' && !list.some(({ name }) => name === change.name));
  return [...kept, ...added.map((change) => applyStrategicPatch({}, change))];
}

import type { AnyCheck, Needs, Scope, Where } from '../api/check.ts';
import type { Finding, Undecided } from '../api/finding.ts';
import { sideNeeds } from '../api/check.ts';

type Side = 'primary' | 'member' | 'from' | 'to' | 'any';

/** Needs or uses by the end that declares them: one list under `any`, or one per end. */
export function bySide(check: AnyCheck, list: AnyCheck['needs'] | undefined): readonly { readonly side: Side; readonly facts: Needs }[] {
  if (list === undefined) return [];
  if (Array.isArray(list)) return [{ side: 'any', facts: sideNeeds(list, 'any') }];
  const sides: readonly Side[] = check.scope === 'pair' ? ['from', 'to'] : ['primary', 'member'];
  return sides.map((side) => ({ side, facts: sideNeeds(list, side) }));
}

/** `primary.remoteSecrets`, or `services` where needs are not split by end. */
export function needName(side: Side, fact: string): string {
  return side === 'any' ? fact : `${side}.${fact}`;
}

/** A copy of the check that notes which facts it looks at, by name and by `needName`. */
export function traced(check: AnyCheck, read: Set<string>): AnyCheck {
  return { ...check, run: (context: never) => check.run(watched(context, check.scope, read) as never) };
}

/** What the engine hands to `run`, as far as it is watched. */
interface Watched {
  readonly clusters?: readonly object[];
  readonly finding: (key: string, args: unknown, where: Where) => Finding | Undecided;
  readonly [key: string]: unknown;
}

const views = ['cluster', 'primary', 'member', 'from', 'to'] as const;

function watched(context: Watched, scope: Scope, read: Set<string>): object {
  const names = new Map<string, string[]>();
  const note = (side: string, fact: string): void => {
    read.add(fact);
    if (side !== 'cluster') read.add(`${side}.${fact}`);
  };
  const result: Record<string, unknown> = { ...context };
  for (const side of views) {
    const view = context[side];
    if (typeof view !== 'object' || view === null) continue;
    result[side] = watchedView(view, (fact) => note(side, fact));
    const name = String(Reflect.get(view, 'name'));
    names.set(name, [...(names.get(name) ?? []), side]);
  }
  if (context.clusters !== undefined)
    result['clusters'] = context.clusters.map((view) => watchedView(view, (fact) => note('cluster', fact)));
  // What the engine read on behalf of the check.
  if (scope === 'managed') {
    noteGet(result, 'controlPlane', () => note('primary', 'controlPlanes'));
    const couple = { ...(context['couple'] as object) };
    noteGet(couple, 'credentials', () => {
      note('primary', 'remoteSecrets');
      for (const fact of ['serviceAccountTokens', 'serviceAccounts', 'apiServerCa', 'injectors', 'pods', 'controlPlanes'])
        note('member', fact);
    });
    noteGet(couple, 'serves', () => {
      for (const fact of ['injectors', 'pods', 'controlPlanes']) note('member', fact);
    });
    result['couple'] = couple;
  }
  if (scope === 'service') noteGet(result, 'service', () => note('cluster', 'services'));
  result['finding'] = (key: string, args: unknown, where: Where) => {
    for (const { cluster, fact } of where.lacks ?? []) for (const side of names.get(cluster) ?? ['cluster']) note(side, fact);
    return context.finding(key, args, where);
  };
  return result;
}

/** Calls `noted` whenever somebody asks for the property. */
function noteGet(target: object, key: string, noted: () => void): void {
  const value = Reflect.get(target, key) as unknown;
  Object.defineProperty(target, key, {
    enumerable: true,
    get: () => {
      noted();
      return value;
    },
  });
}

/** What tells the network, the ID and the role of a member, as `inferTopology` finds them. */
const derivedFrom: Readonly<Record<string, readonly string[]>> = {
  network: ['namespaces'],
  clusterId: ['controlPlanes', 'injectors', 'pods'],
  role: ['controlPlanes'],
  servedBy: ['injectors', 'pods', 'controlPlanes'],
  revisions: ['injectors'],
};

function watchedView(view: object, note: (fact: string) => void): object {
  const isComplete: unknown = Reflect.get(view, 'isComplete');
  const asked = (fact: string): unknown => {
    note(fact);
    return typeof isComplete === 'function' ? isComplete(fact) : undefined;
  };
  const member: Record<string, unknown> = { ...(Reflect.get(view, 'member') as object) };
  for (const [key, facts] of Object.entries(derivedFrom)) noteGet(member, key, () => facts.forEach(note));
  return new Proxy(
    { ...view, member, isComplete: asked },
    {
      get(target, key) {
        if (typeof key === 'string') note(key);
        return Reflect.get(target, key) as unknown;
      },
    },
  );
}

import { type AnyCheck, type Needs, type Scope, sideNeeds } from '../api/check.ts';

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
  return { ...check, run: (context: never) => check.run(watched(context, check.scope, read)) };
}

type Note = (side: string, fact: string) => void;

const ends: ReadonlySet<string> = new Set(['cluster', 'primary', 'member', 'from', 'to']);

/** What the engine hands to `run`, noting what is asked of it. */
function watched<Context extends object>(context: Context, scope: Scope, read: Set<string>): Context {
  const note: Note = (side, fact) => {
    read.add(fact);
    read.add(`${side}.${fact}`);
  };
  return new Proxy(context, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      const name = String(key);
      if (ends.has(name) && isObject(value)) return watchedView(value, (fact) => note(name, fact));
      if (name === 'clusters' && Array.isArray(value))
        return value.map((view: unknown) => (isObject(view) ? watchedView(view, (fact) => note('cluster', fact)) : view));
      if (name === 'couple' && isObject(value)) return watchedCouple(value, note);
      if (name === 'finding' && isFunction(value)) return watchedFinding(value, target, note);
      // What the engine read on behalf of the check.
      if (name === 'controlPlane') note('primary', 'controlPlanes');
      if (name === 'service' && scope === 'service') note('cluster', 'services');
      return value;
    },
  });
}

/** What tells the network, the ID and the role of a member, as `inferTopology` finds them. */
const behindMember: Readonly<Record<string, readonly string[]>> = {
  network: ['namespaces'],
  clusterId: ['controlPlanes', 'injectors', 'pods'],
  role: ['controlPlanes'],
  servedBy: ['injectors', 'pods', 'controlPlanes'],
  revisions: ['injectors'],
};

function watchedView(view: object, note: (fact: string) => void): object {
  const isComplete: unknown = Reflect.get(view, 'isComplete');
  const member: unknown = Reflect.get(view, 'member');
  const asked = (fact: string): unknown => {
    note(fact);
    return isFunction(isComplete) ? isComplete(fact) : undefined;
  };
  const watchedMember = isObject(member) ? noting({ ...member }, (key) => behindMember[key]?.forEach(note)) : member;
  return noting({ ...view, member: watchedMember, isComplete: asked }, note);
}

/** Which secrets open a cluster and whether it is served is told by objects of both ends. */
function watchedCouple(couple: object, note: Note): object {
  return noting({ ...couple }, (key) => {
    if (key === 'credentials') note('primary', 'remoteSecrets');
    if (key === 'credentials') for (const fact of ['serviceAccountTokens', 'serviceAccounts', 'apiServerCa']) note('member', fact);
    if (key === 'credentials' || key === 'serves') for (const fact of ['injectors', 'pods', 'controlPlanes']) note('member', fact);
  });
}

/** A list whose lack of an object is the evidence was looked at. */
function watchedFinding(finding: AnyFunction, context: object, note: Note): AnyFunction {
  const sides = (cluster: unknown): string[] => {
    const own = [...ends].filter((end) => {
      const view: unknown = Reflect.get(context, end);
      return isObject(view) && Reflect.get(view, 'name') === cluster;
    });
    return own.length === 0 ? ['cluster'] : own;
  };
  return (key, args, where) => {
    const lacks: unknown = isObject(where) ? Reflect.get(where, 'lacks') : undefined;
    for (const lack of Array.isArray(lacks) ? lacks : []) {
      if (isObject(lack)) for (const side of sides(Reflect.get(lack, 'cluster'))) note(side, String(Reflect.get(lack, 'fact')));
    }
    return finding(key, args, where);
  };
}

/** An object that tells which of its properties are asked for. */
function noting<T extends object>(target: T, note: (key: string) => void): T {
  return new Proxy(target, {
    get(own, key) {
      if (typeof key === 'string') note(key);
      const value: unknown = Reflect.get(own, key);
      return value;
    },
  });
}

type AnyFunction = (...args: readonly unknown[]) => unknown;

function isFunction(value: unknown): value is AnyFunction {
  return typeof value === 'function';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

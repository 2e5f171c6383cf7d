import { UsageError } from '../base/errors.ts';
import { nearest } from '../base/text.ts';
import type { RegisteredCheck } from '../engine/types.ts';

export interface Selection {
  /** Ids, areas, globs of ids, and ids of failure modes; empty = all. */
  readonly only: readonly string[];
  readonly skip: readonly string[];
  /** Hygiene is judged only when it is asked for, here or by name. */
  readonly advice: boolean;
}

/** The checks that were asked for. A word that names nothing is an error: it must never mean everything, or nothing. */
export function select(checks: readonly RegisteredCheck[], { only, skip, advice }: Selection): RegisteredCheck[] {
  for (const word of [...only, ...skip]) refuseUnknown(word, checks);
  const wanted = checks.filter((registered) =>
    only.length === 0 ? advice || registered.check.advice !== true : only.some((word) => names(word, registered, advice)),
  );
  const left = wanted.filter((registered) => !skip.some((word) => names(word, registered, true)));
  if (left.length === 0)
    throw new UsageError('ERR_BAD_VALUE', 'No check is left after --only and --skip.', { hint: 'meshdoctor list shows all checks.' });
  return left;
}

/** Whether a word names a check. An area or a glob does not reach advice unless that was asked for. */
function names(word: string, { check, area }: RegisteredCheck, advice: boolean): boolean {
  if (
    check.id === word ||
    (check.formerly !== undefined && Object.hasOwn(check.formerly, word)) ||
    check.catalogue?.includes(word.toUpperCase()) === true
  )
    return true;
  return (area === word || globs(word, check.id)) && (advice || check.advice !== true);
}

function globs(pattern: string, id: string): boolean {
  if (!pattern.includes('*')) return false;
  const source = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${source.join('.*')}$`).test(id);
}

function refuseUnknown(word: string, checks: readonly RegisteredCheck[]): void {
  if (checks.some((registered) => names(word, registered, true))) return;
  const meant = nearest(word, new Set(checks.flatMap(({ check, area }) => [check.id, area, ...(check.catalogue ?? [])])));
  throw new UsageError('ERR_UNKNOWN_CHECK', `There is no check, area or failure mode ${JSON.stringify(word)}.`, {
    hint: meant === undefined ? 'meshdoctor list shows all checks.' : `Did you mean ${meant}?`,
  });
}

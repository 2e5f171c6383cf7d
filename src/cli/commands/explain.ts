import { UsageError } from '../../base/errors.ts';
import { nearest } from '../../base/text.ts';
import { explanation } from '../explanation.ts';
import type { Host } from '../host.ts';
import type { Given } from '../parser.ts';
import { areaTitle, knownChecks } from './common.ts';

/** What the README of a check says, from the check itself. Takes an id, a code id/key, or a failure mode, which several checks may claim. */
export async function explainCommand(given: Given, host: Host): Promise<number> {
  const wanted = given.words[0] ?? '';
  const checks = await knownChecks(given, host);
  const found = checks.filter(
    ({ check }) => check.id === wanted || wanted.startsWith(`${check.id}/`) || check.catalogue?.includes(wanted.toUpperCase()) === true,
  );
  if (found.length === 0) {
    const meant = nearest(
      wanted,
      checks.flatMap(({ check }) => [check.id, ...(check.catalogue ?? [])]),
    );
    throw new UsageError('ERR_UNKNOWN_CHECK', `There is no check ${JSON.stringify(wanted)}.`, {
      hint: meant === undefined ? 'meshdoctor list shows all checks.' : `Did you mean ${meant}?`,
    });
  }
  host.stdout.write(
    found.map((registered) => `${explanation(registered.check, areaTitle(registered.area)).join('\n').trimEnd()}\n`).join('\n'),
  );
  return 0;
}

import { UsageError } from '../../base/errors.ts';
import { nearest } from '../../base/text.ts';
import type { Host } from '../host.ts';
import type { Given } from '../parser.ts';
import { scripts } from '../completion.ts';

export async function completionCommand(given: Given, host: Host): Promise<number> {
  const shell = given.words[0] ?? '';
  const script = Object.entries(scripts).find(([name]) => name === shell)?.[1];
  if (script === undefined) {
    const meant = nearest(shell, Object.keys(scripts));
    throw new UsageError(
      'ERR_BAD_VALUE',
      `There is no completion for ${JSON.stringify(shell)}; there is for ${Object.keys(scripts).join(', ')}.`,
      { hint: meant === undefined ? undefined : `Did you mean ${meant}?` },
    );
  }
  host.stdout.write(script);
  return await Promise.resolve(0);
}

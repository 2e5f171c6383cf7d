import { UsageError } from '../../base/errors.ts';
import { nearest } from '../../base/text.ts';
import type { Host } from '../host.ts';
import type { Given } from '../parser.ts';
import { version } from '../version.ts';
import { flag } from '../flags.ts';

export async function versionCommand(given: Given, host: Host): Promise<number> {
  const facts = { name: 'meshdoctor', version, node: host.nodeVersion, platform: host.platform };
  const format = flag.text(given, 'output') ?? 'text';
  if (format !== 'text' && format !== 'json') {
    const meant = nearest(format, ['text', 'json']);
    throw new UsageError('ERR_UNKNOWN_FORMAT', `version prints text or json, not ${JSON.stringify(format)}.`, {
      hint: meant === undefined ? undefined : `Did you mean ${meant}?`,
    });
  }
  host.stdout.write(
    format === 'json'
      ? `${JSON.stringify(facts, null, 2)}\n`
      : `meshdoctor ${version}\nnode ${host.nodeVersion}\nplatform ${host.platform}\n`,
  );
  return await Promise.resolve(0);
}

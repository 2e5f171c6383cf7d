import { MeshdoctorError, UsageError } from '../base/errors.ts';
import { redact } from '../base/text.ts';
import { asksForOverview, overview } from './overview.ts';
import { exitInternal, exitUsage, type Host } from './host.ts';
import { version } from './version.ts';

/** The whole command line as one function: what it wrote is on the host's streams, what it returns is the exit code. */
export async function run(host: Host): Promise<number> {
  try {
    if (host.argv[0] === '__complete') return await (await import('./completion.ts')).complete(host);
    if (asksForOverview(host.argv)) {
      host.stdout.write(overview(host));
      return 0;
    }
    const { parse } = await import('./parser.ts');
    const command = await parse(host);
    return await command(host);
  } catch (error) {
    if (error instanceof MeshdoctorError) return known(error, host);
    return unknown(error, host);
  }
}

/** What the user can mend: one sentence, perhaps a hint. */
function known(error: MeshdoctorError, host: Host): number {
  const hint =
    error.hint === undefined
      ? ''
      : `\n${error.hint.replace(/(?<!kubectl )\bmeshdoctor (?=check|explain|fix|guide|list|path|rbac|record)/g, `${host.program} `)}`;
  const help = error instanceof UsageError && error.hint === undefined ? `\n${host.program} --help shows commands and flags.` : '';
  host.stderr.write(`${redact(error.message)}${redact(hint)}${help}\n`);
  return exitUsage;
}

/** A bug of ours: everything that a report of it needs, and nothing secret. */
function unknown(error: unknown, host: Host): number {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const lines = [
    'meshdoctor failed because of a bug of its own. Please report it, with these lines:',
    `  version    ${version} on Node ${host.nodeVersion}, ${host.platform}`,
    `  arguments  ${shownArguments(host.argv)}`,
    ...stack.split('\n').map((line) => `  ${line}`),
  ];
  host.stderr.write(`${redact(lines.join('\n'))}\n`);
  return exitInternal;
}

/** The command line without what may be a secret of its own. */
function shownArguments(argv: readonly string[]): string {
  return argv
    .map((word, index) => (argv[index - 1] === '--notify' ? '(redacted)' : word.replace(/^(--notify=).*/s, '$1(redacted)')))
    .join(' ');
}

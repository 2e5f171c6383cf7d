import yargs, { type Argv } from 'yargs';
import { UsageError } from '../base/errors.ts';
import { nearest } from '../base/text.ts';
import type { Host } from './host.ts';
import { commands, type FlagDefinition, globalFlags } from './table.ts';
import { version } from './version.ts';

/** What a command line asks for: run it. */
export type Invocation = (host: Host) => Promise<number>;

/** Values of flags by name, positional words in `_`. */
export interface Given {
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, unknown>>;
}

/** Reads the arguments. Whatever is not understood is a UsageError with the nearest match; nothing heavy is loaded yet. */
export async function parse(host: Host): Promise<Invocation> {
  let invocation: Invocation | undefined;
  let parser: Argv = yargs([])
    .scriptName(host.program)
    .usage('$0 COMMAND [FLAGS]\n\nDiagnoses Istio meshes that span several clusters: what is broken, why, and how to fix it.')
    .locale('en')
    .exitProcess(false)
    .wrap(Math.max(60, Math.min(120, host.stdout.columns ?? 100)))
    .help('help', 'show help')
    .alias('help', 'h')
    .version('version', 'show version number', version)
    .parserConfiguration({
      'camel-case-expansion': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'greedy-arrays': false,
      'populate--': false,
    })
    .strict()
    .fail((message: string, error: Error | undefined) => {
      throw error === undefined || error.name === 'YError' ? usageError(error?.message ?? message, host) : error;
    });
  for (const command of commands) {
    parser = parser.command(
      command.usage,
      command.describe,
      (builder) => {
        for (const [name, flag] of Object.entries(command.flags)) builder.option(name, optionOf(flag));
        for (const [example, what] of command.examples ?? []) builder.example(`${host.program} ${example}`, what);
        return builder.usage(`$0 ${command.usage}\n\n${command.describe}`);
      },
      (argv) => {
        const given = givenOf(argv, command.flags);
        invocation = async (runHost) => (await command.load())(given, runHost);
      },
    );
  }
  parser = parser.epilog(`${host.program} COMMAND --help shows the flags of a command.`);
  const argv = host.argv.length === 0 ? ['--help'] : [...host.argv];
  refuseUnknownCommand(argv, host);
  let output = '';
  await parser.parseAsync(argv, {}, (error, _, text) => {
    if (error) throw error;
    output = text;
  });
  if (invocation !== undefined && output === '') return invocation;
  return async () => {
    host.stdout.write(`${output}\n`);
    return await Promise.resolve(0);
  };
}

function optionOf(flag: FlagDefinition): {
  type: 'string' | 'boolean' | 'count';
  array?: boolean;
  alias?: string;
  describe: string;
  requiresArg?: boolean;
  choices?: readonly string[];
} {
  return {
    type: flag.type === 'list' ? 'string' : flag.type === 'optional' ? 'string' : flag.type,
    describe: flag.describe,
    ...(flag.type === 'list' ? { array: true } : {}),
    ...(flag.type === 'list' || flag.type === 'string' ? { requiresArg: true } : {}),
    ...(flag.alias === undefined ? {} : { alias: flag.alias }),
  };
}

function givenOf(argv: Readonly<Record<string, unknown>>, flags: Readonly<Record<string, FlagDefinition>>): Given {
  for (const [name, flag] of Object.entries(flags)) {
    if (flag.type !== 'list' && Array.isArray(argv[name])) throw new UsageError('ERR_BAD_VALUE', `--${name} is given more than once.`);
  }
  const aliases = new Set(Object.values(flags).flatMap(({ alias }) => alias ?? []));
  const positional = Object.entries(argv).filter(([name]) => name !== '_' && name !== '$0' && !(name in flags) && !aliases.has(name));
  const words = positional.flatMap(([, value]) => (typeof value === 'string' ? [value] : []));
  return { words, flags: Object.fromEntries(Object.keys(flags).map((name) => [name, argv[name]])) };
}

function refuseUnknownCommand(argv: readonly string[], host: Host): void {
  const [first] = argv;
  if (first === undefined || first.startsWith('-') || commands.some((command) => command.name === first)) return;
  const meant = nearest(
    first,
    commands.map((command) => command.name),
  );
  throw new UsageError('ERR_UNKNOWN_COMMAND', `There is no command ${JSON.stringify(first)}.`, {
    hint: meant === undefined ? `Commands are ${commands.map(({ name }) => name).join(', ')}.` : `Did you mean ${host.program} ${meant}?`,
  });
}

/** yargs' own sentences, in ours. */
function usageError(message: string, host: Host): UsageError {
  const unknown = /^Unknown arguments?: ([^,]+)/.exec(message)?.[1];
  if (unknown !== undefined) {
    const command = commands.find(({ name }) => name === host.argv[0]);
    if (
      !host.argv.some((word) => word.startsWith(`-${unknown}`) || word.startsWith(`--${unknown}`) || word.startsWith(`--no-${unknown}`))
    ) {
      return new UsageError('ERR_USAGE', `${command?.name ?? host.program} takes no argument ${JSON.stringify(unknown)}.`);
    }
    const meant = nearest(unknown, [...Object.keys(command?.flags ?? {}), ...globalFlags]);
    const flag = unknown.length === 1 ? `-${unknown}` : `--${unknown}`;
    return new UsageError('ERR_UNKNOWN_FLAG', `There is no flag ${flag}${command === undefined ? '' : ` for ${command.name}`}.`, {
      hint: meant === undefined ? undefined : `Did you mean --${meant}?`,
    });
  }
  const lacking = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  if (lacking !== undefined) return new UsageError('ERR_BAD_VALUE', `${lacking.length === 1 ? '-' : '--'}${lacking} needs a value.`);
  if (message.startsWith('Not enough non-option arguments')) {
    return new UsageError(
      'ERR_USAGE',
      `${host.argv[0] ?? host.program} needs ${commands.find(({ name }) => name === host.argv[0])?.usage.replace(/^\S+ /, '') ?? 'a command'}.`,
    );
  }
  return new UsageError('ERR_USAGE', `${message.split('\n')[0] ?? message}${/[.!?]$/.test(message) ? '' : '.'}`);
}

import type { Style } from '../api/reporter.ts';
import { UsageError } from '../base/errors.ts';
import { nearest } from '../base/text.ts';
import type { Host } from './host.ts';

/** Flags of every command that prints. */
export interface StyleFlags {
  /** `auto`, `always`, `never`; false for --no-color. */
  readonly color?: string | false | undefined;
  readonly ascii?: boolean | undefined;
  readonly width?: string | undefined;
  readonly quiet?: boolean | undefined;
  readonly verbose?: number | undefined;
}

/** How text looks on stdout, or in a file. */
export function styleOf(flags: StyleFlags, host: Host, destination: 'stdout' | 'file' = 'stdout'): Style {
  return {
    width: widthOf(flags.width, host),
    colour: colourOf(flags.color, host, destination),
    unicode: flags.ascii !== true && (destination === 'file' || isUnicode(host)),
    verbosity: flags.quiet === true ? -1 : (flags.verbose ?? 0),
  };
}

/** Flag, then NO_COLOR, then FORCE_COLOR, then CLICOLOR, then what the stream is. */
function colourOf(flag: StyleFlags['color'], { env, stdout }: Host, destination: 'stdout' | 'file'): boolean {
  if (flag === false || flag === 'never') return false;
  if (flag === 'always' || flag === '') return true;
  if (flag !== undefined && flag !== 'auto') {
    const meant = nearest(flag, ['auto', 'always', 'never']);
    throw new UsageError('ERR_BAD_VALUE', `--color takes auto, always, never; not ${JSON.stringify(flag)}.`, {
      hint: meant === undefined ? undefined : `Did you mean ${meant}?`,
    });
  }
  if (destination === 'file') return false;
  if (isSet(env['NO_COLOR'])) return false;
  if (isSet(env['FORCE_COLOR'])) return env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== 'false';
  if (env['CLICOLOR'] === '0') return false;
  return stdout.isTTY && env['TERM'] !== 'dumb' && !isSet(env['CI']);
}

/** A locale that is named and is not UTF-8 cannot show our shapes; a machine that names none usually can. */
function isUnicode({ env }: Host): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(isSet);
  return locale === undefined || /utf-?8/i.test(locale);
}

const pipeWidth = 120;

function widthOf(flag: string | undefined, { stdout }: Host): number {
  if (flag === undefined) return Math.max(40, stdout.isTTY ? (stdout.columns ?? 80) : pipeWidth);
  if (!/^\d{2,4}$/.test(flag) || Number(flag) < 40)
    throw new UsageError('ERR_BAD_VALUE', `--width takes a number of columns from 40 on, not ${JSON.stringify(flag)}.`);
  return Number(flag);
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

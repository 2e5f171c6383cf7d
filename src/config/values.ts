import { UsageError } from '../base/errors.ts';
import { nearest } from '../base/text.ts';

/** One of the words a flag takes; nothing when it was not given. */
export function oneOf<const T extends readonly string[]>(flag: string, text: string | undefined, choices: T): T[number] | undefined {
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  const meant = nearest(text, choices);
  throw new UsageError('ERR_BAD_VALUE', `${flag} takes ${choices.join(', ')}; not ${JSON.stringify(text)}.`, {
    hint: meant === undefined ? undefined : `Did you mean ${meant}?`,
  });
}

/** Words of a repeatable flag, with commas between them or without; nothing when it was not given. */
export function words(values: readonly string[] | undefined): readonly string[] | undefined {
  return values
    ?.flatMap((value) => value.split(','))
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** RFC 3339, with offset: a time without one would depend on the machine. */
export function parseTime(flag: string, text: string): string {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) || Number.isNaN(Date.parse(text))) {
    throw new UsageError('ERR_BAD_VALUE', `${flag} needs a time such as 2026-11-22T21:27:43Z, not ${JSON.stringify(text)}.`);
  }
  return text;
}

const milliseconds: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** As Go writes them, `1m30s`, or seconds; milliseconds, more than none. */
export function parseDuration(flag: string, text: string): number {
  const parts = /^\d+(\.\d+)?$/.test(text) ? [[text, text, 's']] : [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const whole = parts.map(([all]) => all).join('');
  const sum = Math.round(parts.reduce((total, [, number, unit]) => total + Number(number) * (milliseconds[unit ?? ''] ?? 0), 0));
  if (whole !== text || sum <= 0 || sum > 24 * 3_600_000) {
    throw new UsageError('ERR_BAD_VALUE', `${flag} needs a duration such as 10s or 1m30s, not ${JSON.stringify(text)}.`);
  }
  return sum;
}

/** `90d` or `90`: whole days, more than none. */
export function parseDays(flag: string, text: string): number {
  const days = /^(\d{1,5})d?$/.exec(text)?.[1];
  if (days === undefined || Number(days) === 0) {
    throw new UsageError('ERR_BAD_VALUE', `${flag} needs days such as 90d, not ${JSON.stringify(text)}.`);
  }
  return Number(days);
}

/** A number from 1 to `most`. */
export function parseCount(flag: string, text: string, most: number): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > most)
    throw new UsageError('ERR_BAD_VALUE', `${flag} needs a number from 1 to ${most}, not ${JSON.stringify(text)}.`);
  return number;
}

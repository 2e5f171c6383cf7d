import { Chalk, type ChalkInstance } from 'chalk';
import type { Style } from '../api/reporter.ts';

/** Everything a line can be about. Shape says it first, colour repeats it. */
export type Mark = 'error' | 'warning' | 'info' | 'passed' | 'unknown' | 'crashed' | 'none';

const shapes = {
  error: ['✗', 'FAIL'],
  warning: ['!', 'warn'],
  info: ['·', 'note'],
  passed: ['✓', 'ok'],
  unknown: ['?', '????'],
  crashed: ['☠', 'BUG'],
  none: ['–', '-'],
} as const satisfies Record<Mark, readonly [unicode: string, ascii: string]>;

const characters = { dot: ['·', '|'], arrow: ['→', '->'], ellipsis: ['…', '...'], atLeast: ['≥', '>='] } as const satisfies Record<
  string,
  readonly [unicode: string, ascii: string]
>;

/** How one destination shows marks, colours and the few characters that are not ASCII. */
export interface Ink {
  /** Shape in its colour. */
  mark(mark: Mark): string;
  /** Shape alone, padded to the widest one. */
  readonly markWidth: number;
  paint(mark: Mark, text: string): string;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  character(name: keyof typeof characters): string;
  /** Text of a report, in ASCII where the destination asks for it. */
  plain(text: string): string;
}

export function inkOf(style: Pick<Style, 'colour' | 'unicode'>): Ink {
  const chalk = new Chalk({ level: style.colour ? 1 : 0 });
  const column = style.unicode ? 0 : 1;
  const colours = {
    error: chalk.red,
    warning: chalk.yellow,
    info: chalk.cyan,
    passed: chalk.green,
    unknown: chalk.magenta,
    crashed: chalk.red,
    none: chalk.dim,
  } as const satisfies Record<Mark, ChalkInstance>;
  return {
    mark: (mark) => colours[mark](shapes[mark][column]),
    markWidth: Math.max(...Object.values(shapes).map((shape) => shape[column].length)),
    paint: (mark, text) => colours[mark](text),
    bold: (text) => chalk.bold(text),
    dim: (text) => chalk.dim(text),
    character: (name) => characters[name][column],
    plain: (text) => (style.unicode ? text : ascii(text)),
  };
}

const replacements: Readonly<Record<string, string>> = {
  '\u00A0': '\u00A0',
  '·': '|',
  '→': '->',
  '…': '...',
  '≥': '>=',
  '–': '-',
  '—': '-',
  '×': 'x',
  '“': '"',
  '”': '"',
  '’': "'",
};

function ascii(text: string): string {
  return text.replace(/[^\x00-\x7F]/g, (character) => replacements[character] ?? '?');
}

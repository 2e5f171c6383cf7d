import type { Host } from './host.ts';
import { commands } from './table.ts';

/** Whether the arguments ask for help on no command in particular. */
export function asksForOverview(argv: readonly string[]): boolean {
  return argv.every((word) => word === '--help' || word === '-h');
}

/**
 * Help on no command in particular, from the same table as the parser. It is what people wait for most often, so it does not load the
 * parser.
 */
export function overview({ program }: Pick<Host, 'program'>): string {
  const rows = commands.map(({ usage, describe }) => [`${program} ${usage}`, describe] as const);
  const width = Math.max(...rows.map(([usage]) => usage.length));
  return [
    `${program} COMMAND [FLAGS]`,
    '',
    'Diagnoses Istio meshes that span several clusters: what is broken, why, and how to fix it.',
    '',
    'Commands:',
    ...rows.map(([usage, what]) => `  ${usage.padEnd(width)}  ${what}`),
    '',
    `${program} COMMAND --help shows the flags of a command, ${program} --version the version.`,
    '',
  ].join('\n');
}

import type { Style } from '../../api/reporter.ts';
import { groupBy } from '../../base/sort.ts';
import { list } from '../../base/text.ts';
import { hanging, uncoloured } from '../layout.ts';
import type { Report, ReportIstiod } from '../schema.ts';
import type { Ink } from '../symbols.ts';

/** Replicas of istiod that could not be asked everything, or whose errors rise: what is said of the others rests on all their answers. */
export function istiodBlock(report: Report, ink: Ink, style: Style): string[] {
  const all = report.istiods ?? [];
  const lines = all.flatMap((istiod) => [
    ...openOf(istiod).map((text) => ({ mark: 'unknown' as const, text: `${nameOf(istiod)}  ${text}` })),
    ...istiod.rising.map(({ counter, by, seconds }) => ({
      mark: 'info' as const,
      text: `${nameOf(istiod)}  ${counter} rose by ${by} in ${seconds}s`,
    })),
  ]);
  if (lines.length === 0) return [];
  const short = all.filter((istiod) => openOf(istiod).length > 0).length;
  const title = ink.bold(
    short === 0 ? `ISTIODS (${all.length})` : ink.paint('unknown', `ISTIODS (${short} of ${all.length} not asked in full)`),
  );
  if (style.verbosity < 0) return [title];
  return [
    title,
    ...lines.flatMap(({ mark, text }) =>
      hanging(`${ink.mark(mark)}  `, ink.plain(text), style.width, uncoloured(ink.mark(mark)).length + 2),
    ),
  ];
}

function nameOf({ cluster, pod }: ReportIstiod): string {
  return `${cluster} ${pod}`;
}

/** On which rung it answered, where it is not the first, and what it left open. */
function openOf({ rung, port, above, gaps }: ReportIstiod): string[] {
  const tried = list(
    [...groupBy(above, (one) => one.replace(/^port \d+: /, ''))].map(([reason, same]) => `${portsOf(same)}${reason}`),
    '',
    above.length,
  );
  const open = [...groupBy(gaps, ({ reason }) => reason)].map(
    ([reason, same]) =>
      `${list(
        same.map(({ question }) => question),
        '',
        3,
      )}: ${reason}`,
  );
  switch (rung) {
    case 'debug':
      return [...(above.length === 0 ? [] : [`asked at port ${port ?? ''} (${tried})`]), ...open];
    case 'metrics':
      return [`asked for its metrics only (${tried})`, ...open];
    case 'none':
      return [`not asked (${tried})`];
    default:
      return rung satisfies never;
  }
}

/** `ports 15014, 8080: `; nothing for what is said of no port. */
function portsOf(said: readonly string[]): string {
  const ports = said.flatMap((one) => /^port (\d+): /.exec(one)?.[1] ?? []);
  return ports.length === 0 ? '' : `${ports.length === 1 ? 'port' : 'ports'} ${list(ports)}: `;
}

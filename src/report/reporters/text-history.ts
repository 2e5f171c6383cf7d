import type { Style } from '../../api/reporter.ts';
import { count, duration } from '../../base/text.ts';
import { hanging } from '../layout.ts';
import type { Report } from '../schema.ts';
import type { Ink } from '../symbols.ts';

/** How long a finding has been there, for its heading; nothing without a history. */
export function sinceOf({ history }: Report, fingerprint: string): string[] {
  const track = history?.findings.find((one) => one.fingerprint === fingerprint);
  if (history === undefined || track === undefined) return [];
  if (track.state === 'new') return history.previous === undefined ? [] : ['new'];
  const flapped = track.flaps === 0 ? '' : `, flapped ${count(track.flaps, 'time')}`;
  return [`${track.state === 'again' ? 'back' : `since ${duration(secondsBetween(track.since, history.at))}`}${flapped}`];
}

/** What the run before found and this one did not, and what nobody could look at. */
export function historyBlock(report: Report, ink: Ink, style: Style): string[] {
  const { history } = report;
  if (history?.previous === undefined) return [];
  const unseen = unseenOf(report);
  const fresh = history.findings.filter(({ state }) => state === 'new' || state === 'again').length;
  const line = (mark: 'passed' | 'unknown', text: string): string[] =>
    hanging(`${ink.mark(mark)}  `, ink.plain(text), style.width, ink.markWidth + 2);
  return [
    ink.bold(`SINCE ${history.previous.at} (exit ${history.previous.exit})`),
    ...(fresh + history.cleared.length + unseen.length === 0 ? ['Nothing has appeared, and nothing has gone.'] : []),
    ...(fresh === 0 ? [] : [`${count(fresh, 'finding')} appeared.`]),
    ...history.cleared.flatMap(({ code, cluster, message, seconds }) =>
      line('passed', `${code}  ${cluster}  cleared after ${duration(seconds)}: ${message}`),
    ),
    ...unseen.flatMap(({ fingerprint, since }) =>
      line('unknown', `${fingerprint}  there since ${duration(secondsBetween(since, history.at))}, and could not be looked at now`),
    ),
  ];
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
}

/** What was there, is not in this report, and could not be looked at. */
export function unseenOf({ history, findings }: Report) {
  const own = new Set(findings.map(({ fingerprint }) => fingerprint));
  return (history?.findings ?? []).filter(({ fingerprint, state }) => state === 'unseen' && !own.has(fingerprint));
}

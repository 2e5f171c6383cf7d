import type { Style } from '../api/reporter.ts';
import { duration } from '../base/text.ts';
import type { SeenFinding } from '../history/sighting.ts';
import type { HistoryState, Transition } from '../history/state.ts';
import type { Report } from '../report/schema.ts';
import { type Ink, inkOf, type Mark } from '../report/symbols.ts';

/** What `--watch` writes of the first round, of what a later one changed, and at its end; each text ends with a line break, or is empty. */
export interface Telling {
  readonly start: (report: Report, at: string, interval: number, state: HistoryState) => string;
  readonly change: (report: Report, at: string, transitions: readonly Transition[], isVerdictNew: boolean) => string;
  readonly end: (report: Report, at: string) => string;
}

/** Lines for people: what is open at first, then only what changes. */
export function tellingText(style: Style): Telling {
  const ink = inkOf(style);
  const verdict = (report: Report, at: string): string =>
    line(ink, at, '', ink.bold(`${ink.plain(report.verdict.text)} (exit ${report.exit.code})`));
  return {
    start: (report, at, interval, state) =>
      [
        `Watching ${report.clusters.map(({ name }) => name).join(', ')} every ${duration(interval / 1000)}; only changes are told. Ctrl-C ends it.`,
        verdict(report, at),
        ...[...state.clusters.values()].flatMap(({ name, unreadable }) =>
          unreadable === undefined ? [] : [line(ink, at, ink.mark('unknown'), `${name}  ${ink.plain(unreadable)}`)],
        ),
        ...[...state.findings.values()]
          .filter(({ status }) => status === 'open')
          .map(({ finding }) => line(ink, at, ink.mark(markOf(finding)), named(finding, ink, finding.message))),
        '',
      ].join('\n'),
    change: (report, at, transitions, isVerdictNew) =>
      [...transitions.map((one) => transitionLine(one, ink)), ...(isVerdictNew ? [verdict(report, at)] : [])]
        .map((one) => `${one}\n`)
        .join(''),
    end: () => '',
  };
}

/** A JSON value per line. */
export const tellingJson: Telling = {
  start: (report, at, interval, state) =>
    [
      { at, event: 'started', schema: 1, version: report.tool.version, seconds: interval / 1000, ...standing(report) },
      ...[...state.clusters.values()].flatMap(({ name, unreadable }) =>
        unreadable === undefined ? [] : [{ at, event: 'unreadable', cluster: name, reason: unreadable }],
      ),
      ...[...state.findings.values()].flatMap(({ finding, status, since }) =>
        status === 'open' ? [{ at, event: 'open', since, finding }] : [],
      ),
    ]
      .map(jsonLine)
      .join(''),
  change: (report, at, transitions, isVerdictNew) =>
    [
      ...transitions.map(({ kind, ...rest }) => ({ event: kind, ...rest })),
      ...(isVerdictNew ? [{ at, event: 'verdict', ...standing(report) }] : []),
    ]
      .map(jsonLine)
      .join(''),
  end: (report, at) => jsonLine({ at, event: 'ended', ...standing(report) }),
};

function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function standing({ exit, verdict }: Report) {
  return { exit: exit.code, verdict: verdict.state, text: verdict.text };
}

/** `14:03:07  ✗→✓  unserved-gateway-revision  west  (after 11 m)`. */
function transitionLine(one: Transition, ink: Ink): string {
  const told = (from: Mark, to: Mark, what: string): string =>
    line(ink, one.at, `${ink.mark(from)}${ink.character('arrow')}${ink.mark(to)}`, what);
  switch (one.kind) {
    case 'appeared':
      return told('passed', markOf(one.finding), named(one.finding, ink, `${one.again ? '(again) ' : ''}${one.finding.message}`));
    case 'cleared':
      return told(markOf(one.finding), 'passed', named(one.finding, ink, `(after ${duration(one.after)})`));
    case 'changed':
      return told(markOf(one.before), markOf(one.finding), named(one.finding, ink, one.finding.message));
    case 'unseen':
      return told(markOf(one.finding), 'unknown', named(one.finding, ink, '(could not be looked at)'));
    case 'seen':
      return told('unknown', markOf(one.finding), named(one.finding, ink, '(still there)'));
    case 'unreadable':
      return told('passed', 'unknown', ink.plain(`${one.cluster}  ${one.reason}`));
    case 'readable':
      return told('unknown', 'passed', `${one.cluster}  read again (after ${duration(one.after)})`);
    default:
      return one satisfies never;
  }
}

function named({ code, cluster }: SeenFinding, ink: Ink, what: string): string {
  return `${code}  ${cluster}  ${ink.plain(what)}`;
}

function markOf({ severity, certainty }: SeenFinding): Mark {
  return severity === 'error' && certainty === 'possible' ? 'warning' : severity;
}

/** UTC, as `kubectl get events` would be compared with. */
function line(ink: Ink, at: string, mark: string, what: string): string {
  const time = ink.dim(new Date(at).toISOString().slice('YYYY-MM-DDT'.length, 'YYYY-MM-DDTHH:MM:SS'.length));
  return `${time}Z  ${mark === '' ? '' : `${mark}  `}${what}`;
}

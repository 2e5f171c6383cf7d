import type { ReportName } from './schema.ts';
import type { Mark } from './symbols.ts';

type Caller = ReportName['callers'][number];

const marks = { ok: 'passed', broken: 'error', predicted: 'info', unknown: 'unknown' } as const satisfies Record<Caller['verdict'], Mark>;

/**
 * How a cell of the table of names is marked. That a name which nobody asked for does not resolve everywhere, or has no endpoint today, is
 * how it is: it was chosen because it lives in one cluster. Only what somebody named, what a pod denies though it should be there, and
 * what leads astray is wrong, and has a finding.
 */
export function markOfCell({ named }: Pick<ReportName, 'named'>, caller: Caller): Mark {
  return caller.verdict === 'broken' && !named && !isDenied(caller) && !isAstray(caller) ? 'info' : marks[caller.verdict];
}

function isDenied({ predicted, measured }: Caller): boolean {
  if (predicted.by !== 'cluster-dns' && predicted.by !== 'sidecar') return false;
  return measured.some(({ by, outcome }) => outcome === 'unanswered' && (by !== 'cluster-dns' || predicted.by === 'cluster-dns'));
}

function isAstray({ leadsTo }: Caller): boolean {
  return leadsTo.length > 0 && leadsTo.every(({ via }) => via === 'raw');
}

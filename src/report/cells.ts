import type { Finding, Outcome } from '../api/finding.ts';
import type { RegisteredCheck } from '../engine/types.ts';
import type { ReportCheck } from './schema.ts';

export type Result = ReportCheck['results'][number]['result'];

/** Worst first. */
const order = ['error', 'crashed', 'warning', 'unknown', 'passed', 'not-applicable'] as const satisfies readonly Result[];

/** How much a finding weighs on the screen: an error that is merely possible is shown as a warning, information as nothing. */
export function weight(finding: Pick<Finding, 'severity' | 'certainty'>, advice: boolean): 'error' | 'warning' | 'passed' {
  if (advice || finding.severity === 'info') return 'passed';
  return finding.severity === 'error' && finding.certainty !== 'possible' ? 'error' : 'warning';
}

/** One line per check: its worst outcome in every cluster that one of its subjects includes. */
export function checkResults(checks: readonly RegisteredCheck[], outcomes: readonly Outcome[]): ReportCheck[] {
  const byCheck = new Map<string, Map<string, { result: Result; because?: string }>>();
  for (const { check } of checks) byCheck.set(check.id, new Map());
  const advice = new Set(checks.filter(({ check }) => check.advice === true).map(({ check }) => check.id));
  for (const outcome of outcomes) {
    const cells = byCheck.get(outcome.check);
    if (cells === undefined) continue;
    for (const [cluster, cell] of spread(outcome, advice.has(outcome.check))) {
      const before = cells.get(cluster);
      if (before === undefined || order.indexOf(cell.result) < order.indexOf(before.result)) cells.set(cluster, cell);
    }
  }
  return checks.map(({ check, area, origin }) => ({
    id: check.id,
    area,
    title: check.title,
    severity: check.severity,
    certainty: check.certainty,
    scope: check.scope,
    origin,
    docs: {
      why: check.docs.why,
      confirm: check.docs.confirm,
      fix: check.docs.fix,
      ...(check.docs.notWhen === undefined ? {} : { notWhen: check.docs.notWhen }),
    },
    results: [...(byCheck.get(check.id) ?? [])]
      .map(([cluster, cell]) => ({ cluster, ...cell }))
      .sort((a, b) => (a.cluster < b.cluster ? -1 : 1)),
  }));
}

/** An outcome counts in every cluster of its subject; a finding weighs only where it is, and on the clusters it concerns. */
function spread(outcome: Outcome, advice: boolean): Map<string, { result: Result; because?: string }> {
  const cells = new Map<string, { result: Result; because?: string }>();
  const everywhere = (result: Result, because?: string): void => {
    for (const cluster of outcome.clusters) cells.set(cluster, because === undefined ? { result } : { result, because });
  };
  switch (outcome.kind) {
    case 'findings':
      everywhere('passed');
      for (const finding of outcome.findings) {
        const result = weight(finding, advice);
        for (const cluster of new Set<string>([finding.at.cluster, ...finding.concerns])) {
          const before = cells.get(cluster)?.result ?? 'not-applicable';
          if (order.indexOf(result) < order.indexOf(before)) cells.set(cluster, { result });
        }
      }
      return cells;
    case 'healthy':
      everywhere('passed');
      return cells;
    case 'not-applicable':
      everywhere('not-applicable', outcome.because);
      return cells;
    case 'inconclusive':
    case 'skipped':
      everywhere('unknown', outcome.because);
      return cells;
    case 'crashed':
      everywhere('crashed', outcome.error.message);
      return cells;
    default:
      return outcome satisfies never;
  }
}

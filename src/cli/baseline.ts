import { UsageError } from '../base/errors.ts';
import { count } from '../base/text.ts';
import type { RunOptions } from '../config/options.ts';
import type { Report } from '../report/schema.ts';
import type { Prepared } from '../run/check.ts';
import type { BaselineEntry } from '../source/baseline.ts';
import type { Host } from './host.ts';
import { version } from './version.ts';
import { writeWhole } from './whole-file.ts';

/** Writes the baseline anew where that was asked for. What could not be compared stays in it, and so does what people wrote beside a finding. */
export async function keepBaseline(report: Report, { baseline }: RunOptions, { foreknown }: Prepared, host: Host): Promise<void> {
  if (baseline?.write === undefined || report.comparison === undefined || host.interrupted() !== undefined) return;
  const { baselineText } = await import('../source/baseline.ts');
  const before = new Map((foreknown?.baseline ?? []).map((entry) => [entry.fingerprint, entry]));
  const gone = new Set(report.comparison.gone.map(({ fingerprint }) => fingerprint));
  const kept = [...before.values()].filter(({ fingerprint }) => !gone.has(fingerprint));
  const found = report.findings
    .filter(({ known }) => known?.by !== 'suppression')
    .map(({ fingerprint, code, message }): BaselineEntry => ({ ...before.get(fingerprint), fingerprint, code, message }));
  const entries =
    baseline.write === 'pruned' ? kept : [...new Map([...kept, ...found].map((entry) => [entry.fingerprint, entry])).values()];
  await writeWhole(baseline.path, baselineText(entries, version)).catch((error: unknown) => {
    throw new UsageError('ERR_OUTPUT_UNWRITABLE', `${baseline.shown} cannot be written.`, { cause: error });
  });
  host.stderr.write(`${baseline.shown} holds ${count(entries.length, 'finding')}; ${gone.size} of before gone.\n`);
}

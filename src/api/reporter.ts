import type { Report } from '../report/schema.ts';

/** How text may look. Decided by the command line for the destination, never by a reporter. */
export interface Style {
  /** Columns; reporters of machine formats ignore it. */
  readonly width: number;
  readonly colour: boolean;
  readonly unicode: boolean;
  /** 0 normal, 1 and more: also what is usually folded; -1 quiet. */
  readonly verbosity: number;
}

/** A format. Pure and total: the same report and style give the same bytes. */
export interface ReporterDefinition {
  readonly format: string;
  /** Without dot. */
  readonly extension: string;
  render(report: Report, style: Style): string;
}

export function defineReporter(definition: ReporterDefinition): ReporterDefinition {
  return definition;
}

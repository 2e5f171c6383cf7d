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

/** The run that made a report: what a report itself never says, so that the same mesh gives the same report. */
export interface RunFacts {
  /** RFC 3339: when the report was there. */
  readonly endedAt: string;
  /** Seconds that reading, probing and judging took. */
  readonly seconds: number;
}

/** A format. Pure and total: the same report, style and run give the same bytes. */
export interface ReporterDefinition {
  readonly format: string;
  /** Without dot. */
  readonly extension: string;
  /** It shows what ends by itself, however far away, whether or not `--forecast` asked for it. */
  readonly forecasts?: true;
  /** `run` is absent where a report is shown apart from the run that made it. */
  render(report: Report, style: Style, run?: RunFacts): string;
}

export function defineReporter(definition: ReporterDefinition): ReporterDefinition {
  return definition;
}

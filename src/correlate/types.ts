import type { Finding } from '../api/finding.ts';

/** A finding that nothing else explains, with everything that it explains, directly or through others. */
export interface Cause {
  readonly finding: Finding;
  readonly explains: readonly Finding[];
  /** Worst severity of the finding and of what it explains. */
  readonly severity: Finding['severity'];
}

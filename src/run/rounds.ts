import { MeshdoctorError } from '../base/errors.ts';
import type { RunOptions } from '../config/options.ts';
import type { Report } from '../report/schema.ts';
import { judgeClusters, judgeSnapshot, meanwhileOf, type Prepared, type RunIo } from './check.ts';

/** What is judged again and again. */
export interface Rounds {
  /** One whole run. `now`: RFC 3339. */
  readonly judge: (now: string) => Promise<Report>;
  readonly close: () => Promise<void>;
}

/**
 * Opens what a run reads, for many runs. Live clusters stay open between them: a round costs its lists and probes, no handshake and no sign-in. It lists
 * again instead of watching: that needs no right beyond `list`, misses nothing that probes measure, and holds no stream per kind and cluster.
 */
export async function openRounds(options: RunOptions, prepared: Prepared, io: RunIo): Promise<Rounds> {
  const { live } = options;
  const ask = io.live;
  if (live === undefined || ask === undefined)
    return { judge: async (now) => await judgeClusters({ ...options, now }, prepared, io), close: async () => await Promise.resolve() };
  const { openClusters, untilDeadline } = await import('./live.ts');
  const mesh = await openClusters(live, ask, io.signal ?? new AbortController().signal);
  return {
    async judge(now) {
      const own = { ...options, now };
      const signal = untilDeadline(live, ask, io.signal);
      const { snapshot, ...known } = await mesh.read(own, prepared.checks, signal, meanwhileOf(own, prepared, io));
      return await judgeSnapshot(snapshot, own, prepared, io, known);
    },
    close: mesh.close,
  };
}

/** The clock that rounds go by. */
export interface Pace {
  /** RFC 3339. */
  readonly now: () => string;
  /** Waits, or less long when the run is interrupted. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly isInterrupted: () => boolean;
  /** A round could not be made at all; the next one is tried. */
  readonly onFailure: (error: MeshdoctorError) => void;
}

/**
 * Judges until `onRound` says that it is enough, or until it is interrupted. The report of a round that was interrupted is given up, unless there is no
 * other.
 * @returns the last whole report
 * @throws MeshdoctorError of the first round: what the user has to mend
 */
export async function repeat(
  judge: Rounds['judge'],
  interval: number,
  pace: Pace,
  onRound: (report: Report, at: string) => Promise<'again' | 'enough'>,
): Promise<Report> {
  let last: Report | undefined;
  for (;;) {
    const at = pace.now();
    try {
      const report = await judge(at);
      if (pace.isInterrupted()) return last ?? report;
      last = report;
    } catch (error) {
      if (!(error instanceof MeshdoctorError) || last === undefined) throw error;
      if (pace.isInterrupted()) return last;
      pace.onFailure(error);
      await pace.sleep(interval);
      if (pace.isInterrupted()) return last;
      continue;
    }
    if ((await onRound(last, at)) === 'enough') return last;
    await pace.sleep(interval);
    if (pace.isInterrupted()) return last;
  }
}

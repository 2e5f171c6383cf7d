import type { Rival, Verdict } from './rivals.ts';

/** What a lane is to do. */
export interface LaneRequest {
  readonly topology: string;
  readonly folder: string;
  readonly faults: readonly string[];
  readonly cases: readonly string[];
  /** Folder for recordings of the healthy and the broken mesh. Without it nothing is recorded, and nobody asks what others say of the mesh: that is for docs/real.md. */
  readonly recordings?: string;
}

/** What became of one thing that a lane did. `wrong` is empty when it passed. */
export type LaneLine = HealthyLine | FaultLine | CaseLine;

export interface HealthyLine {
  readonly line: 'healthy';
  readonly topology: string;
  readonly wrong: readonly string[];
  /** Seconds from nothing to a mesh. */
  readonly built: number;
  /** Warnings and errors that `istioctl analyze` gives it. */
  readonly alarms: number;
  /** What the check says it could not prove. */
  readonly unproven: readonly string[];
  /** Checks that could not tell. */
  readonly unprovenChecks: readonly string[];
}

export interface FaultLine {
  readonly line: 'fault';
  readonly fault: string;
  readonly about: string;
  readonly topology: string;
  readonly wrong: readonly string[];
  readonly causes: readonly string[];
  readonly ran: readonly string[];
  /** What `meshdoctor fix` made of it, where that was tried. */
  readonly fixed?: Fixed;
  readonly seconds: number;
  readonly said: Readonly<Record<Rival, Verdict>>;
}

/** What `meshdoctor fix --apply` and `fix --undo` made of a fault, in words: `yes`, or what is left to a person and why. */
export interface Fixed {
  readonly cured: string;
  readonly undone: string;
}

export interface CaseLine {
  readonly line: 'case';
  readonly name: string;
  readonly topology: string;
  readonly wrong: readonly string[];
  readonly seconds: number;
}

/** Last line of a lane, with the faults that were not tried because one before them could not be undone. */
export interface LaneFinished {
  readonly line: 'finished';
  readonly left: readonly string[];
}

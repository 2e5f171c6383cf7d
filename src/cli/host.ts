import type { RunPipe } from '../remedy/commands.ts';

/** A place text is written to. */
export interface Stream {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number | undefined;
}

/** Everything the command line takes from its process: so that tests can be another one. */
export interface Host {
  readonly argv: readonly string[];
  /** `meshdoctor`, or `kubectl meshdoctor` when kubectl started it. */
  readonly program: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly nodeVersion: string;
  readonly platform: string;
  /** RFC 3339. */
  readonly now: () => string;
  /** Seconds since the process began, by a clock that nobody sets. */
  readonly seconds: () => number;
  readonly pause: () => Promise<void>;
  /** Waits so many milliseconds, or until it is interrupted. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly interrupted: () => 'SIGINT' | 'SIGTERM' | undefined;
  readonly signal: AbortSignal;
  /** Reads standard input to its end. */
  readonly readStdin: () => Promise<string>;
  /** Folder of the user, where there is one. */
  readonly home: string | undefined;
  /** Somebody can be asked something: standard input and error are a terminal. */
  readonly isInteractive: boolean;
  /** Asks whoever sits there, and tells whether the answer is yes. */
  readonly ask: (question: string) => Promise<boolean>;
  /** Runs programs that somebody allowed, without a shell. */
  readonly runPipe: RunPipe;
  /** Standard error where lines may be redrawn on it: a terminal, and not that of a CI job. */
  readonly terminal: NodeJS.WriteStream | undefined;
}

/** Exit codes that are not the report's. */
export const exitUsage = 2;
export const exitInternal = 70;

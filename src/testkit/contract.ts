import type { Prepared, Suite } from './suite.ts';

/** One thing that is asked of every check without its author asking for it. */
export interface Contract {
  /** A sentence: the name of its test. */
  readonly sentence: string;
  /** Broken promises, each of them a line that names the case; nothing when it is kept. */
  readonly violations: (suite: Suite) => Promise<readonly string[]>;
}

/** A contract that looks at the cases one by one. `seen` is empty at first and shared by the cases of a suite. */
export function ofEachCase(
  sentence: string,
  look: (suite: Suite, prepared: Prepared, seen: Set<string>) => Promise<readonly string[]> | readonly string[],
): Contract {
  return {
    sentence,
    violations: async (suite) => {
      const lines: string[] = [];
      const seen = new Set<string>();
      for (const prepared of suite.cases)
        for (const line of await look(suite, prepared, seen))
          lines.push(`${prepared.isBroken ? 'broken' : 'healthy'}: ${prepared.sentence}: ${line}`);
      return lines;
    },
  };
}

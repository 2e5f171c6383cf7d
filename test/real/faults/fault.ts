import type { Lab } from '../lab/lab.ts';

/** Something that goes wrong in practice, done to a healthy mesh with the tools that people use. */
export interface Fault {
  /** kebab-case, unique. */
  readonly id: string;
  /** What was done, as one sentence in the past tense: a row of the table. */
  readonly about: string;
  /** Name of the topology it is staged on. */
  readonly topology: string;
  /** Breaks it, and waits for what Istio needs to take notice where the check alone cannot tell. */
  stage(lab: Lab): Promise<void>;
  /** Puts everything back, whatever remedies have done meanwhile; must not fail when there is nothing to do. */
  undo(lab: Lab): Promise<void>;
  readonly expected: Expected;
  readonly remedy: Remedy;
  /** More flags of check. */
  readonly flags?: readonly string[];
}

/** What the check must say once the fault has taken effect: the first cause, or clusters that the tool itself cannot reach. */
export type Expected =
  | {
      /** `id` or `id/key`. */
      readonly cause: string;
      /** Clusters that the first cause is about: its own and those it concerns. */
      readonly clusters: readonly string[];
      readonly also?: Also;
    }
  | { readonly unreached: readonly string[]; readonly also?: Also };

/** Codes that may stand beside it as causes of their own, each with the reason why it is true and why the first does not explain it. */
export type Also = Readonly<Record<string, string>>;

/**
 * How it is mended.
 * `printed`: by the commands that the report prints, as printed, cause by cause until the check is green; `values` fills in what only a reader
 *   knows (placeholder as printed → text).
 * `undone`: by undo alone, for the reason given: the report has no command for it (a process of the platform died, a firewall).
 */
export type Remedy =
  | { readonly kind: 'printed'; readonly values?: (lab: Lab) => Promise<Readonly<Record<string, string>>> }
  | { readonly kind: 'undone'; readonly because: string };

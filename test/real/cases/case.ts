import type { Lab } from '../lab/lab.ts';

/** Something that must hold on a healthy mesh of one topology, and leaves it healthy. */
export interface Case {
  readonly name: string;
  readonly topology: string;
  /** @throws Error saying what does not hold */
  run(lab: Lab): Promise<void>;
}

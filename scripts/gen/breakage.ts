// docs/breakage.md: what the checks say of every scripted fault, and docs/coverage.md, which tells the same by modes and checks: one run of all faults for
// both. On demand, for it takes a while; the tests say when they are stale.
import { breakagePage } from '../../test/breakage/breakage-page.ts';
import { coveragePage } from '../../test/breakage/coverage-page.ts';
import { resultsOfEverything } from '../../test/breakage/results.ts';
import { writeGenerated } from '../generated.ts';

const results = await resultsOfEverything();
writeGenerated(
  new Map([
    ['docs/breakage.md', breakagePage(results)],
    ['docs/coverage.md', coveragePage(results)],
  ]),
);

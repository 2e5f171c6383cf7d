// docs/coverage.md: which check claims which failure mode, what proves it, and why the others are open. On demand, like breakage.
import { coveragePage } from '../../test/breakage/coverage-page.ts';
import { singleResults } from '../../test/breakage/results.ts';
import { writeGenerated } from '../generated.ts';

writeGenerated(new Map([['docs/coverage.md', coveragePage(await singleResults())]]));

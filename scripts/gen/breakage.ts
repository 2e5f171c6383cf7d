// docs/breakage.md: what the checks say of every scripted fault. On demand, for it takes a while; the tests say when it is stale.
import { breakagePage } from '../../test/breakage/breakage-page.ts';
import { resultsOfEverything } from '../../test/breakage/results.ts';
import { writeGenerated } from '../generated.ts';

writeGenerated(new Map([['docs/breakage.md', breakagePage(await resultsOfEverything())]]));

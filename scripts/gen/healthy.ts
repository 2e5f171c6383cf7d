// docs/healthy.md: every mesh that is healthy and has to be passed over in silence.
import { healthyPage } from '../../test/healthy/page.ts';
import { writeGenerated } from '../generated.ts';

writeGenerated(new Map([['docs/healthy.md', healthyPage()]]));

// deploy/chart/files: the rights that `meshdoctor rbac` prints for a run with all checks, for each reach of its probes.
import { stringify } from 'yaml';
import { builtin } from '../../checks/index.ts';
import { plannedReads, rulesFor } from '../../src/run/plan.ts';
import { select } from '../../src/run/select.ts';
import { writeGenerated } from '../generated.ts';

const checks = select(builtin, { only: [], skip: [], advice: false });
writeGenerated(
  new Map(
    (['query', 'connect', 'off'] as const).map((probe) => [
      `deploy/chart/files/rules-${probe}.yaml`,
      stringify(rulesFor(plannedReads(checks, probe), probe)),
    ]),
  ),
);

import type { Fault } from './fault.ts';
import { sample } from './objects.ts';

/*
 * Services that ambient clusters do not have alike.
 */

const topology = 'ambient';
const both = ['cluster1', 'cluster2'] as const;
const shared = ['service', 'both', '-n', sample] as const;

export const ambientServiceFaults: readonly Fault[] = [
  {
    id: 'ambient-global-label-forgotten',
    about: 'A Service was labelled global in one ambient cluster and not in the other.',
    topology,
    stage: async (lab) => void (await lab.kubectl('cluster2', ['label', ...shared, 'istio.io/global-'])),
    undo: async (lab) => void (await lab.kubectl('cluster2', ['label', '--overwrite', ...shared, 'istio.io/global=true'])),
    expected: { cause: 'inconsistent-service-scope', clusters: both },
    remedy: { kind: 'printed' },
  },
];

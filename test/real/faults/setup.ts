import type { Fault } from './fault.ts';

const topology = 'primary-remote';

export const setupFaults: readonly Fault[] = [
  {
    id: 'network-label-removed',
    about: 'The network label was removed from istio-system of the remote.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster2', ['label', 'namespace', 'istio-system', 'topology.istio.io/network-']);
    },
    undo: async (lab) => {
      await lab.kubectl('cluster2', ['label', '--overwrite', 'namespace', 'istio-system', 'topology.istio.io/network=network2']);
    },
    expected: { cause: 'missing-network-label', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
];

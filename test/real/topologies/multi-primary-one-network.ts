import type { Topology } from './topology.ts';

export const multiPrimaryOneNetwork: Topology = {
  name: 'multi-primary-one-network',
  about: '',
  clusters: [],
  build: async () => await Promise.resolve(),
};

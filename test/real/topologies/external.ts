import type { Topology } from './topology.ts';

export const external: Topology = {
  name: 'external',
  about: '',
  clusters: [],
  build: async () => await Promise.resolve(),
};

import type { Topology } from './topology.ts';

export const ambient: Topology = {
  name: 'ambient',
  about: '',
  clusters: [],
  build: async () => await Promise.resolve(),
};

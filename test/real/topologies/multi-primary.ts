import type { Topology } from './topology.ts';

export const multiPrimary: Topology = {
  name: 'multi-primary',
  about: '',
  clusters: [],
  build: async () => await Promise.resolve(),
};

import type { Topology } from './topology.ts';

export const primaryRemoteOneNetwork: Topology = {
  name: 'primary-remote-one-network',
  about: '',
  clusters: [],
  build: async () => await Promise.resolve(),
};

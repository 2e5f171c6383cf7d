import { UsageError } from '../../../src/base/errors.ts';
import { ambient } from './ambient.ts';
import { canary } from './canary.ts';
import { external } from './external.ts';
import { guidedMultiPrimary, guidedPrimaryRemote } from './guided.ts';
import { multiPrimary } from './multi-primary.ts';
import { multiPrimaryOneNetwork } from './multi-primary-one-network.ts';
import { primaryRemote } from './primary-remote.ts';
import { primaryRemoteOneNetwork } from './primary-remote-one-network.ts';
import type { Topology } from './topology.ts';

export const topologies: readonly Topology[] = [
  primaryRemote,
  multiPrimary,
  primaryRemoteOneNetwork,
  multiPrimaryOneNetwork,
  external,
  ambient,
  canary,
  guidedPrimaryRemote,
  guidedMultiPrimary,
];

/** @throws UsageError naming those there are */
export function topologyNamed(name: string): Topology {
  const found = topologies.find((topology) => topology.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    'ERR_BAD_VALUE',
    `The real tier has no topology ${JSON.stringify(name)}; it has ${topologies.map((topology) => topology.name).join(', ')}.`,
  );
}

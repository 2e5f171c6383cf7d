import { UsageError } from '../../../src/base/errors.ts';
import { primaryRemote } from './primary-remote.ts';
import type { Topology } from './topology.ts';

export const topologies: readonly Topology[] = [primaryRemote];

/** @throws UsageError naming those there are */
export function topologyNamed(name: string): Topology {
  const found = topologies.find((topology) => topology.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    'ERR_BAD_VALUE',
    `The real tier has no topology ${JSON.stringify(name)}; it has ${topologies.map((topology) => topology.name).join(', ')}.`,
  );
}

import type { Lab } from '../lab/lab.ts';
import * as parts from '../topologies/parts.ts';
import type { Fault } from './fault.ts';
import { type Kept, kept } from './kept.ts';

/*
 * Faults of meshes whose pods reach each other: without gateways for services, less can go wrong and the rest weighs more.
 */

const primaries = 'multi-primary-one-network';
const remote = 'primary-remote-one-network';
const readerRole = 'istio-reader-clusterrole-istio-system';
const reader: Kept = kept('cluster2', 'clusterrole', readerRole);
const both = ['cluster1', 'cluster2'] as const;
const system = 'istio-system';
const secretName = 'istio-remote-secret-cluster2';
export const oneNetworkFaults: readonly Fault[] = [
  {
    id: 'flat-peer-secret-missing',
    about: 'The remote secret was made in one direction only, on one network.',
    topology: primaries,
    stage: removeSecret,
    undo: makeSecret,
    expected: { cause: 'missing-remote-secret/ofPeer', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'flat-peer-reader-cut',
    about: 'The reader role of one cluster lost the right to read EndpointSlices, on one network.',
    topology: primaries,
    stage: async (lab) => {
      await reader.keep(lab);
      const role = await lab.kubectl('cluster2', ['get', 'clusterrole', readerRole, '-o', 'json']);
      await lab.kubectl('cluster2', ['replace', '-f', '-'], role.replaceAll('"endpointslices"', '"endpoints"'));
    },
    undo: async (lab) => await reader.putBack(lab),
    expected: { cause: 'insufficient-reader-role', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'flat-remote-secret-missing',
    about: 'The remote secret was never made, on one network.',
    topology: remote,
    stage: removeSecret,
    undo: makeSecret,
    expected: { cause: 'missing-remote-secret/ofRemote', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'flat-istiod-not-exposed',
    about: 'The gateway was installed, and istiod was never exposed behind it, on one network.',
    topology: remote,
    stage: async (lab) => {
      await lab.kubectl('cluster1', ['delete', '-n', system, 'gateways.networking.istio.io', 'istiod-gateway']);
      await lab.kubectl('cluster1', ['delete', '-n', system, 'virtualservices.networking.istio.io', 'istiod-vs']);
    },
    undo: async (lab) => await lab.apply('cluster1', parts.exposedIstiod('')),
    expected: { cause: 'unexposed-istiod', clusters: both },
    remedy: { kind: 'printed' },
  },
];

async function removeSecret(lab: Lab): Promise<void> {
  await lab.kubectl('cluster1', ['delete', 'secret', '-n', system, secretName, '--ignore-not-found']);
}

async function makeSecret(lab: Lab): Promise<void> {
  await parts.remoteSecret(lab, 'cluster1', 'cluster2');
}

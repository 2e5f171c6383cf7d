import {
  endingIntermediate,
  endingRoot,
  endingServerCa,
  lapsedIntermediate,
  lapsedRoot,
  lapsedServerCa,
  thirdRoot,
} from '../../../src/builder/aging-certificates.ts';
import { apiServerCaTwo, firstIntermediateOne, firstRoot } from '../../../src/builder/certificates.ts';
import { certificateReplaced } from '../../../src/builder/edits/trust.ts';
import type { Fault } from '../fault.ts';

/** Certificates that end, and what becomes of trust between several roots. */
export const faults: readonly Fault[] = [
  {
    id: 'root-expired',
    mode: 'TRU-05',
    says: 'The root that was plugged in ten years ago expired.',
    meshes: ['primary-remote', 'two primaries', 'two remotes', 'ambient'],
    edits: [certificateReplaced(firstRoot, lapsedRoot)],
  },
  {
    id: 'root-expires-in-weeks',
    mode: 'TRU-05',
    says: 'The root that was plugged in expires in less than three weeks, and nobody has begun to rotate it.',
    meshes: ['primary-remote', 'three primaries', 'primary-remote 1.24', 'ambient'],
    edits: [certificateReplaced(firstRoot, endingRoot)],
  },
  {
    id: 'intermediate-expired',
    mode: 'TRU-05',
    says: 'The intermediate of a primary was made for a year and expired.',
    meshes: ['primary-remote', 'two primaries', 'two primaries on one network', 'ambient'],
    edits: [certificateReplaced(firstRoot, thirdRoot), certificateReplaced(firstIntermediateOne, lapsedIntermediate)],
  },
  {
    id: 'intermediate-expires-in-weeks',
    mode: 'TRU-05',
    says: 'The intermediate of a primary was made for a year that is almost over.',
    meshes: ['primary-remote with a revision', 'two primaries', 'an upgrade in flight'],
    edits: [certificateReplaced(firstRoot, thirdRoot), certificateReplaced(firstIntermediateOne, endingIntermediate)],
  },
  {
    id: 'authority-of-remote-expired',
    mode: 'TRU-05',
    says: 'The authority of the API server of a remote, as the remote secret holds it, expired.',
    meshes: ['primary-remote', 'two primaries', 'two remotes'],
    edits: [certificateReplaced(apiServerCaTwo, lapsedServerCa)],
  },
  {
    id: 'authority-of-remote-expires-in-a-week',
    mode: 'TRU-05',
    says: 'The authority of the API server of a remote expires within days.',
    meshes: ['primary-remote', 'three primaries'],
    edits: [certificateReplaced(apiServerCaTwo, endingServerCa)],
  },
];

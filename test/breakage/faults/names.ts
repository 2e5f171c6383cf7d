import { dnsCaptureOff, workloadsOptOutOfDnsCapture, workloadsWithoutDnsCapture } from '../../../src/builder/edits/dns.ts';
import { nameAnswers } from '../../../src/testkit/observed-edits.ts';
import type { Fault } from '../fault.ts';
import { serviceRemoved } from './names-edits.ts';
import { seen } from './measured-edits.ts';

const abc = [{ namespace: 'shop', name: 'abc', port: 80 }];

/** Names. */
export const faults: readonly Fault[] = [
  {
    id: 'name-unknown-without-capture',
    mode: 'DNS-01',
    says: 'A service exists in the other cluster only, and the mesh runs without DNS capture.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two remotes'],
    edits: [serviceRemoved({ cluster: 'west', namespace: 'shop', name: 'abc' }), dnsCaptureOff({ primary: 'east', clusters: ['west'] })],
    services: abc,
  },
  {
    id: 'name-unknown-to-callers-that-opted-out',
    mode: 'DNS-01',
    says: 'A service exists in the other cluster only, and its callers turned DNS capture off.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [serviceRemoved({ cluster: 'west', namespace: 'shop', name: 'abc' }), workloadsOptOutOfDnsCapture({ cluster: 'west' })],
    services: abc,
  },
  {
    id: 'name-not-answered',
    mode: 'DNS-01',
    says: 'Sidecars with DNS capture say that a service of the other cluster does not exist.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [serviceRemoved({ cluster: 'west', namespace: 'shop', name: 'abc' })],
    services: abc,
    observed: seen(
      abc,
      nameAnswers('west', (answer) => ({ ...answer, outcome: { answer: { rcode: 'NXDOMAIN', addresses: [] } } })),
    ),
  },
  {
    id: 'capture-came-after-the-pods-of-a-remote',
    mode: 'DNS-02',
    says: 'The workloads of a remote are older than DNS capture in the mesh config.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'two remotes'],
    edits: [workloadsWithoutDnsCapture({ cluster: 'west' })],
  },
  {
    id: 'capture-came-after-the-pods-of-a-primary',
    mode: 'DNS-02',
    says: 'The workloads of one primary are older than DNS capture in its mesh config.',
    meshes: ['primary-remote', 'two primaries', 'three primaries', 'two primaries on one network'],
    edits: [workloadsWithoutDnsCapture({ cluster: 'east' })],
  },
];

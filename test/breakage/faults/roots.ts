import { secondRoot } from '../../../src/builder/certificates.ts';
import { controlPlaneClusters } from '../../../src/builder/edits/topology-leadership.ts';
import { anotherRoot, foreignRoot } from '../../../src/builder/edits/trust.ts';
import { cacertsReplaced } from '../../broken/edits.ts';
import type { Fault } from '../fault.ts';
import { certificatesOf, seen } from './measured-edits.ts';

const abc = [{ namespace: 'shop', name: 'abc', port: 80 }];

/** Roots, and what is signed under them. */
export const faults: readonly Fault[] = [
  {
    id: 'root-replaced-in-one-primary',
    mode: 'TRU-01',
    says: 'Of several primaries one was given a certificate authority under another root.',
    meshes: ['two primaries', 'two primaries on one network', 'three primaries', 'ambient'],
    edits: [anotherRoot({ cluster: 'west', root: secondRoot, ca: 'plugged-in' })],
    also: ['AMB-06'],
  },
  {
    id: 'one-primary-signs-itself',
    mode: 'TRU-01',
    says: 'Of several primaries one was installed without cacerts and made a root of its own.',
    meshes: ['two primaries', 'two primaries on one network', 'three primaries'],
    edits: [anotherRoot({ cluster: 'west', root: secondRoot, ca: 'self-signed' })],
  },
  {
    id: 'cacerts-replaced-without-restart',
    mode: 'TRU-02',
    says: 'cacerts was replaced, and istiod not restarted.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two remotes', 'two primaries'],
    edits: [cacertsReplaced({ cluster: 'east', root: secondRoot, restarted: false })],
  },
  {
    id: 'cacerts-of-second-primary-replaced-without-restart',
    mode: 'TRU-02',
    says: 'cacerts of one primary was made anew, and istiod went on with what it had.',
    meshes: ['two primaries', 'three primaries', 'two primaries on one network'],
    edits: [cacertsReplaced({ cluster: 'west', root: secondRoot, restarted: false })],
  },
  {
    id: 'pods-of-another-trust-domain',
    mode: 'TRU-03',
    says: 'The services of one cluster present identities of a trust domain that its callers do not know.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [],
    services: abc,
    observed: seen(abc, certificatesOf('west', { uris: ['spiffe://west.example/ns/shop/sa/default'] })),
  },
  {
    id: 'primary-of-another-trust-domain',
    mode: 'TRU-03',
    says: 'The services of a primary present identities of the trust domain of before.',
    meshes: ['two primaries', 'three primaries'],
    edits: [],
    services: abc,
    observed: seen(abc, certificatesOf('east', { uris: ['spiffe://old.example/ns/shop/sa/default'] })),
  },
  {
    id: 'root-of-a-former-installation',
    mode: 'TRU-07',
    says: 'Namespaces of a remote kept the root of a former installation, and nobody leads it.',
    meshes: ['primary-remote', 'primary-remote with a revision'],
    edits: [
      controlPlaneClusters({ cluster: 'west', primary: 'east', value: undefined, leader: 'restarted' }),
      foreignRoot({ cluster: 'west', root: secondRoot }),
    ],
    also: ['ID-09'],
  },
  {
    id: 'root-copied-by-hand',
    mode: 'TRU-07',
    says: 'Somebody copied a root into one namespace.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two remotes', 'two primaries'],
    edits: [foreignRoot({ cluster: 'west', root: secondRoot, namespaces: ['shop'] })],
  },
  {
    id: 'root-of-primary-namespace-copied-by-hand',
    mode: 'TRU-07',
    says: 'A deployment tool writes a root of its own into a namespace of the primary.',
    meshes: ['primary-remote', 'three primaries'],
    edits: [foreignRoot({ cluster: 'east', root: secondRoot, namespaces: ['shop'] })],
  },
  {
    id: 'chain-without-its-intermediate',
    mode: 'TRU-09',
    says: 'cert-chain.pem lacks the intermediate: what services present leads to no root.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [],
    services: abc,
    observed: seen(abc, certificatesOf('west', { verifiedBy: [] })),
  },
  {
    id: 'chain-of-primary-without-its-intermediate',
    mode: 'TRU-09',
    says: 'The chain of the intermediate of one primary is incomplete.',
    meshes: ['primary-remote with a revision', 'three primaries'],
    edits: [],
    services: abc,
    observed: seen(abc, certificatesOf('east', { verifiedBy: [] })),
  },
];

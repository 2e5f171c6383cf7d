import { observedIn } from '../../../src/testkit/observed.ts';
import type { ObservedEdit } from '../../../src/testkit/observed-edits.ts';
import type { Fault } from '../fault.ts';
import { says } from './istiod-connections-edits.ts';

const seen =
  (...edits: readonly ObservedEdit[]): NonNullable<Fault['observed']> =>
  (mesh) =>
    edits.reduce((before, edit) => edit(before), observedIn(mesh));

/** Connections between proxies and istiods, which no object shows. */
export const faults: readonly Fault[] = [
  {
    id: 'firewall-before-discovery',
    mode: 'CPX-05',
    says: 'A firewall between the clusters drops port 15012, while everything that is written down leads there.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote on one network', 'primary-remote 1.24'],
    edits: [],
    observed: seen(says('east', 'west', 'elsewhere')),
  },
  {
    id: 'firewall-before-discovery-of-second-remote',
    mode: 'CPX-05',
    says: 'The nodes of one of two remotes may not call the gateway of the primary on port 15012.',
    meshes: ['two remotes'],
    edits: [],
    observed: seen(says('east', 'south', 'elsewhere')),
  },
  {
    id: 'proxies-at-istiod-of-another-primary',
    mode: 'CPX-09',
    says: 'An old release merged the endpoints of istiod of all clusters, so that a sidecar connected to that of another primary.',
    meshes: ['two primaries', 'two primaries on one network', 'three primaries'],
    edits: [],
    observed: seen(says('east', 'west', 'none'), says('west', 'west', 'elsewhere')),
  },
  {
    id: 'own-proxies-at-istiod-of-next-primary',
    mode: 'CPX-09',
    says: 'The Service of istiod was exported to the other clusters, and proxies of the first went to the next.',
    meshes: ['two primaries', 'three primaries'],
    edits: [],
    observed: seen(says('west', 'east', 'none'), says('east', 'east', 'elsewhere')),
  },
];

import { type Edit, inOrder } from '../../../src/builder/edits/edit.ts';
import {
  discoverySelectors,
  exportedTo,
  madeHeadless,
  meshConfigWith,
  namespaceRelabelled,
  portAdded,
  portMoved,
  portRenamed,
  selectorRemoved,
  statefulPodsWithoutFirstPort,
} from '../../../src/builder/edits/services.ts';
import type { Fault } from '../fault.ts';
import type { MeshName } from '../meshes.ts';
import { podsOfService } from './services-edits.ts';

const remotes: readonly MeshName[] = [
  'primary-remote',
  'primary-remote with a revision',
  'primary-remote 1.24',
  'primary-remote on one network',
  'two remotes',
];
const peers: readonly MeshName[] = ['two primaries', 'two primaries on one network', 'three primaries'];
const abc = 'abc.shop';
const at = (cluster: string): { readonly cluster: string; readonly service: string } => ({ cluster, service: abc });
const chosen = { mesh: 'one' };

/** Selectors in every primary, and the label they ask for on every namespace with proxies but one. */
function selectedBut(primaries: readonly string[], clusters: readonly string[], cluster: string, namespace: string): Edit {
  return inOrder(
    ...primaries.map((primary) => discoverySelectors({ cluster: primary, labels: chosen })),
    ...clusters.flatMap((one) =>
      ['istio-system', 'shop']
        .filter((other) => one !== cluster || other !== namespace)
        .map((other) => namespaceRelabelled({ cluster: one, namespace: other, labels: chosen })),
    ),
  );
}

/** Services that clusters do not have alike, and what hides them. */
export const faults: readonly Fault[] = [
  {
    id: 'headless-pods-on-another-network',
    mode: 'DNS-03',
    says: 'Callers are to reach a StatefulSet by its headless Service, and its pods are all on the other network.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'two primaries'],
    edits: [madeHeadless(at('east')), madeHeadless(at('west')), podsOfService({ cluster: 'west', service: abc, gone: true })],
    services: [{ namespace: 'shop', name: 'abc' }],
    also: ['DNS-01'],
  },
  {
    id: 'headless-stub-for-another-network',
    mode: 'DNS-03',
    says: 'A headless Service without selector was created so that pods of the other network resolve.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'two primaries'],
    edits: [madeHeadless(at('east')), madeHeadless(at('west')), selectorRemoved(at('west'))],
  },
  {
    id: 'pods-of-a-stateful-set-with-different-ports',
    mode: 'DNS-04',
    says: 'Some pods of a StatefulSet lack the port that is the first of the headless Service.',
    meshes: ['primary-remote on one network', 'two primaries on one network'],
    edits: [
      madeHeadless(at('east')),
      madeHeadless(at('west')),
      statefulPodsWithoutFirstPort({ ...at('west'), first: { name: 'http-peer', port: 7000 } }),
    ],
  },
  {
    id: 'pods-of-the-primary-with-different-ports',
    mode: 'DNS-04',
    says: 'The pods of a headless Service in a primary lack its first port, and callers of the other cluster ask for them by name.',
    meshes: ['primary-remote on one network', 'two primaries on one network'],
    edits: [
      madeHeadless(at('east')),
      madeHeadless(at('west')),
      statefulPodsWithoutFirstPort({ ...at('east'), first: { name: 'tcp-gossip', port: 7946 } }),
    ],
  },
  {
    id: 'headless-in-a-remote-only',
    mode: 'DNS-05',
    says: 'A chart made a TCP Service headless in the remote, and not in the primary.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'primary-remote on one network'],
    edits: [portRenamed({ ...at('east'), name: 'tcp' }), portRenamed({ ...at('west'), name: 'tcp' }), madeHeadless(at('west'))],
  },
  {
    id: 'headless-in-the-primary-only',
    mode: 'DNS-05',
    says: 'A Service was created again as headless in the primary, and the remote was left for later.',
    meshes: remotes,
    edits: [madeHeadless(at('east'))],
  },
  {
    id: 'headless-in-one-of-the-primaries',
    mode: 'DNS-05',
    says: 'An upgrade of one primary made a Service headless there.',
    meshes: peers,
    edits: [madeHeadless(at('west'))],
  },
  {
    id: 'port-added-in-a-remote',
    mode: 'DNS-06',
    says: 'A port was added to a Service in the remote only.',
    meshes: remotes,
    edits: [portAdded({ ...at('west'), port: 9090, name: 'http-admin' })],
  },
  {
    id: 'port-moved-in-a-remote',
    mode: 'DNS-06',
    says: 'A Service has another port number in the remote.',
    meshes: remotes,
    edits: [portMoved({ ...at('west'), port: 8090 })],
  },
  {
    id: 'port-added-in-one-of-the-primaries',
    mode: 'DNS-06',
    says: 'A port was added to a Service in one of several primaries.',
    meshes: peers,
    edits: [portAdded({ ...at('east'), port: 9090, name: 'grpc' })],
  },
  {
    id: 'port-named-otherwise-in-a-remote',
    mode: 'DNS-07',
    says: 'The port of a Service is named http in the primary and web in the remote.',
    meshes: remotes,
    edits: [portRenamed({ ...at('west'), name: 'web' })],
  },
  {
    id: 'port-without-name-in-a-remote',
    mode: 'DNS-07',
    says: 'The port of a Service has a name in the primary and none in the remote.',
    meshes: remotes,
    edits: [portRenamed({ ...at('west'), name: '' })],
  },
  {
    id: 'port-named-otherwise-in-one-of-the-primaries',
    mode: 'DNS-07',
    says: 'The port of a Service has another name in one of several primaries.',
    meshes: peers,
    edits: [portRenamed({ ...at('west'), name: 'web' })],
  },
  {
    id: 'port-without-name-in-the-primary',
    mode: 'DNS-07',
    says: 'The port of a Service lost its name in the primary.',
    meshes: ['primary-remote', 'two remotes', 'primary-remote on one network'],
    edits: [portRenamed({ ...at('east'), name: '' })],
  },
  {
    id: 'namespace-of-a-remote-not-selected',
    mode: 'DNS-10',
    says: 'The discoverySelectors ask for a label that a namespace has in the primary and not in the remote.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'primary-remote on one network'],
    edits: [selectedBut(['east'], ['east', 'west'], 'west', 'shop')],
  },
  {
    id: 'system-namespace-of-a-remote-not-selected',
    mode: 'DNS-10',
    says: 'The discoverySelectors leave out the system namespace of the remote, with its gateway.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24'],
    edits: [selectedBut(['east'], ['east', 'west'], 'west', 'istio-system')],
    also: ['EW-01', 'EW-02', 'EW-03'],
  },
  {
    id: 'namespace-of-a-peer-not-selected',
    mode: 'DNS-10',
    says: 'The discoverySelectors of one primary leave out a namespace of the other, which it has itself.',
    meshes: ['two primaries', 'two primaries on one network'],
    edits: [selectedBut(['east'], ['east', 'west'], 'west', 'shop')],
  },
  {
    id: 'service-exported-to-its-own-namespace',
    mode: 'DNS-11',
    says: 'A Service is exported to its own namespace alone, which the gateway between the networks is not in.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'two remotes'],
    edits: [exportedTo({ ...at('east'), to: '.' }), exportedTo({ ...at('west'), to: '.' })],
  },
  {
    id: 'services-not-exported-by-default',
    mode: 'DNS-11',
    says: 'The mesh configuration exports Services to their own namespace unless they say otherwise.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two remotes'],
    edits: [meshConfigWith({ cluster: 'east', lines: ['defaultServiceExportTo:', '- "."'] })],
  },
  {
    id: 'peers-export-to-their-own-namespace',
    mode: 'DNS-11',
    says: 'Both primaries export a Service to its own namespace alone.',
    meshes: ['two primaries', 'three primaries'],
    edits: [exportedTo({ ...at('east'), to: '.' }), exportedTo({ ...at('west'), to: '.' })],
  },
];

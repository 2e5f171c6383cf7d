import { crossNetworkGatewayIn } from '../../../src/builder/edits/east-west.ts';
import { type Edit, inCluster } from '../../../src/builder/edits/edit.ts';
import type { KubeObject } from '../../../src/model/kube.ts';
import type { Fault } from '../fault.ts';

const route: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'abc', namespace: 'shop' },
  spec: { hosts: ['abc'], http: [{ timeout: '2s', route: [{ destination: { host: 'abc' } }] }] },
};
const strict: KubeObject = {
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name: 'default', namespace: 'shop' },
  spec: { mtls: { mode: 'STRICT' } },
};

const added = (cluster: string, object: KubeObject): Edit => inCluster(cluster, (objects) => [...objects, object]);

/** Istio's own configuration. */
export const faults: readonly Fault[] = [
  {
    id: 'route-applied-in-remote',
    mode: 'POL-04',
    says: 'A VirtualService was applied in a remote.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'primary-remote on one network', 'two remotes'],
    edits: [added('west', route)],
  },
  {
    id: 'policy-applied-in-remote',
    mode: 'POL-04',
    says: 'A PeerAuthentication was applied in a remote.',
    meshes: ['primary-remote with a revision', 'two remotes', 'an upgrade in flight'],
    edits: [added('west', strict)],
  },
  {
    id: 'cross-network-gateway-applied-in-remote',
    mode: 'POL-04',
    says: 'The Gateway that exposes services was applied in a remote.',
    meshes: ['primary-remote', 'two remotes'],
    edits: [crossNetworkGatewayIn({ cluster: 'east', instead: 'west' })],
    also: ['EW-08'],
  },
];

import { inCluster } from '../../src/builder/edits/edit.ts';
import { controlPlaneClusters } from '../../src/builder/edits/topology-leadership.ts';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import type { KubeObject } from '../../src/model/kube.ts';

/** Every topology, and what looks wrong in it but is fine. All checks are silent on each of them. */

const withShop = (built: MeshBuilder): MeshBuilder =>
  built.namespace('shop', { injected: true }).service('abc.shop').namespace('plain').workload('batch.plain');

const twoNetworks = withShop(mesh().primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' }));

export const topologies: Readonly<Record<string, MeshBuilder>> = {
  'primary-remote on two networks, revision without a name': withShop(mesh().primaryRemote('east', 'west', { networks: 2 })),
  'primary-remote on two networks, named revision with its tag': withShop(
    mesh().primaryRemote('east', 'west', { networks: 2, revision: '1-31-0', tags: ['default', 'prod'] }),
  ),
  'primary-remote on one network, two remotes': withShop(mesh().primaryRemote('east', ['west', 'south'], { networks: 1 })),
  'primary-remote without any network': withShop(mesh().primaryRemote('east', 'west', { networks: 0 })),
  'primary-remote 1.24': withShop(mesh().primaryRemote('east', 'west', { networks: 2, release: '1.24.6', revision: '1-24-6' })),
  'multi-primary on two networks': withShop(mesh().multiPrimary('east', 'west', { networks: 2 })),
  'multi-primary on one network': withShop(mesh().multiPrimary('east', 'west', { networks: 1 })),
  'three primaries': withShop(mesh().multiPrimary('east', 'west', { networks: 2, more: ['south'] })),
  'multi-primary with other revisions': withShop(mesh().multiPrimary('east', 'west', { revisions: ['1-31-0', '1-30-3'] })),
  'external control plane': mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }),
  'ambient on two networks': mesh().ambient('east', 'west'),
  'upgrade in flight, control plane only': withShop(
    mesh().canary('east', 'west', { from: '1-24-6', to: '1-31-0', stage: 'control-plane' }),
  ),
  'upgrade in flight, remote as well': withShop(mesh().canary('east', 'west', { from: '1-24-6', to: '1-31-0', stage: 'remote' })),
};

export const looksWrong: Readonly<Record<string, MeshBuilder>> = {
  'clusters are called otherwise than their IDs': withShop(
    mesh().primaryRemote('ctx-1', 'ctx-2', { networks: 2, clusterIds: { 'ctx-1': 'Kubernetes', 'ctx-2': 'west' } }),
  ),
  'the remote secret has a name of its own': twoNetworks.edit(
    each('east', (object) => (object.metadata.name === 'istio-remote-secret-west' ? renamed(object, 'reaches-west') : object)),
  ),
  'the annotation names every control plane': twoNetworks.edit(
    controlPlaneClusters({ cluster: 'west', primary: 'east', value: '*', leader: 'lives' }),
  ),
  'the annotation names a second control plane beside the right one': twoNetworks.edit(
    controlPlaneClusters({ cluster: 'west', primary: 'east', value: 'other,east', leader: 'lives' }),
  ),
  'the load balancer of a gateway has a host name, which istiod resolves': twoNetworks.edit(
    (objects) => new Map([...objects].map(([name, own]) => [name, name === 'west' ? own.map(withHostname) : own])),
  ),
  'a namespace stays outside the mesh in one cluster': twoNetworks.break((m) =>
    m.cluster('west').relabel('plain', { 'istio-injection': 'disabled' }),
  ),
  'nobody serves callers of a name that exists in one cluster only, for DNS is captured': twoNetworks.service('only.shop', {
    in: ['west'],
  }),
  'nodes have native sidecars': withShop(mesh().multiPrimary('east', 'west', { nativeSidecars: true })),
};

function each(cluster: string, change: (object: KubeObject) => KubeObject) {
  return inCluster(cluster, (objects) => objects.map(change));
}

function renamed(object: KubeObject, name: string): KubeObject {
  return { ...object, metadata: { ...object.metadata, name } };
}

function withHostname(object: KubeObject): KubeObject {
  if (object.kind !== 'Service' || object.metadata.labels?.['istio'] !== 'eastwestgateway') return object;
  return { ...object, status: { loadBalancer: { ingress: [{ hostname: 'a1b2.elb.example.com' }] } } };
}

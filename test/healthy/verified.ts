import { annotationsOf, clusterOf, labelsOf } from '../../src/builder/edits/edit.ts';
import { isElection, isIstiod } from '../../src/builder/edits/find.ts';
import { at, itemsAt, textAt } from '../../src/builder/edits/json.ts';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import type { KubeObject, MeshObjects } from '../../src/model/kube.ts';

/*
 * What real healthy meshes were seen to hold although it looks wrong, and the mesh in which it is so. Each is made, is held to have the odd thing, and
 * has to be passed over in silence.
 */

export interface Verified {
  readonly mesh: MeshBuilder;
  /** Whether the mesh has what looks wrong. */
  readonly holds: (objects: MeshObjects) => boolean;
}

type Fits = (object: KubeObject) => boolean;

const shop = (built: MeshBuilder): MeshBuilder => built.namespace('shop', { injected: true }).service('abc.shop');
const remote = shop(mesh().primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' }));
const old = shop(mesh().primaryRemote('east', 'west', { networks: 2, revision: '1-24-6', release: '1.24.6' }));
const upgrading = shop(mesh().canary('east', 'west', { from: '1-24-6', to: '1-31-0', stage: 'control-plane' }));
const upgraded = shop(mesh().canary('east', 'west', { from: '1-24-6', to: '1-31-0', stage: 'remote' }));
const ambient = shop(mesh().ambient('east', 'west'));
const external = mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] });

const is =
  (kind: string, name?: string | RegExp, namespace?: string): Fits =>
  (object) =>
    object.kind === kind &&
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || (typeof name === 'string' ? object.metadata.name === name : name.test(object.metadata.name)));
const has = (cluster: string, fits: Fits) => (objects: MeshObjects) => clusterOf(objects, cluster).some(fits);
const lacks = (cluster: string, fits: Fits) => (objects: MeshObjects) => !clusterOf(objects, cluster).some(fits);
const all =
  (...these: readonly ((objects: MeshObjects) => boolean)[]) =>
  (objects: MeshObjects) =>
    these.every((one) => one(objects));
const namespacesOf = (objects: MeshObjects, cluster: string, name: string): number =>
  clusterOf(objects, cluster).filter(is('ConfigMap', name)).length;
const isValidator =
  (policy: string): Fits =>
  (object) =>
    object.kind === 'ValidatingWebhookConfiguration' &&
    itemsAt(object, 'webhooks').some((one) => at(one, 'failurePolicy') === policy && at(one, 'clientConfig', 'caBundle') === undefined);
const readerLists =
  (resource: string): Fits =>
  (object) =>
    object.kind === 'ClusterRole' &&
    object.metadata.name.startsWith('istio-reader-clusterrole') &&
    itemsAt(object, 'rules').some((rule) => itemsAt(rule, 'resources').includes(resource));
const revisionOf = (pod: KubeObject): string | undefined => annotationsOf(pod)['istio.io/rev'] ?? labelsOf(pod)['istio.io/rev'];
const revisionsOf = (objects: MeshObjects, cluster: string, fits: Fits): number =>
  new Set(clusterOf(objects, cluster).flatMap((object) => (object.kind === 'Pod' && fits(object) ? (revisionOf(object) ?? []) : []))).size;
const isGatewayPod = is('Pod', /^istio-eastwestgateway/);

export const verified: Readonly<Record<string, Verified>> = {
  // A primary and a remote of 1.31
  'the Service of the default tag selects pods of istiod, and a remote has none': {
    mesh: remote,
    holds: all(
      has('west', (object) => is('Service', 'istiod-revision-tag-default')(object) && at(object, 'spec', 'selector') !== undefined),
      lacks('west', isIstiod),
    ),
  },
  'the webhooks of the default tag stand beside those of the revision': {
    mesh: remote,
    holds: all(
      has('west', is('MutatingWebhookConfiguration', 'istio-revision-tag-default')),
      has('west', is('MutatingWebhookConfiguration', 'istio-sidecar-injector-1-31-0')),
    ),
  },
  'the default validator of a remote is ignored when it fails, and has no caBundle': {
    mesh: remote,
    holds: has('west', isValidator('Ignore')),
  },
  'a remote has values of a revision and no istiod of it': {
    mesh: remote,
    holds: all(has('west', is('ConfigMap', 'values-1-31-0')), lacks('west', isIstiod)),
  },
  'every namespace has a list of revoked certificates, and it is empty': {
    mesh: remote,
    holds: (objects) => namespacesOf(objects, 'west', 'istio-ca-crl') === namespacesOf(objects, 'west', 'istio-ca-root-cert'),
  },
  'the reader of a remote may change webhooks': { mesh: remote, holds: has('west', readerLists('validatingwebhookconfigurations')) },
  'the Service of istiod in a remote has a slice and no Endpoints': {
    mesh: remote,
    holds: all(has('west', is('EndpointSlice', 'istiod-1-31-0')), lacks('west', is('Endpoints', 'istiod-1-31-0'))),
  },
  'istiod of a primary is told of a kubeconfig that is not there': {
    mesh: remote,
    holds: has(
      'east',
      (object) =>
        isIstiod(object) &&
        itemsAt(object, 'spec', 'template', 'spec', 'containers').some((container) =>
          itemsAt(container, 'env').some((entry) => at(entry, 'name') === 'KUBECONFIG'),
        ),
    ),
  },
  // The same of 1.24, and an upgrade from it
  'an old remote has no tag, no validator and no values': {
    mesh: old,
    holds: all(
      lacks('west', is('MutatingWebhookConfiguration', 'istio-revision-tag-default')),
      lacks('west', is('ValidatingWebhookConfiguration')),
      lacks('west', is('ConfigMap', /^values/)),
      lacks('west', is('ConfigMap', 'istio-ca-crl')),
    ),
  },
  'the Service of istiod in an old remote has Endpoints, and a slice of another name that mirrors them': {
    mesh: old,
    holds: all(has('west', is('Endpoints', 'istiod-1-24-6')), has('west', is('EndpointSlice', /^istiod-1-24-6-.+/))),
  },
  'a second istiod is not exposed, and its revision has neither Service nor webhook in the remote': {
    mesh: upgrading,
    holds: all(
      has('east', is('Deployment', 'istiod-1-31-0')),
      lacks('east', is('VirtualService', 'istiod-vs-1-31-0')),
      lacks('west', is('Service', 'istiod-1-31-0')),
      lacks('west', is('MutatingWebhookConfiguration', 'istio-sidecar-injector-1-31-0')),
    ),
  },
  'the default tag is in one cluster only': {
    mesh: upgrading,
    holds: all(
      has('east', is('MutatingWebhookConfiguration', 'istio-revision-tag-default')),
      lacks('west', is('MutatingWebhookConfiguration', 'istio-revision-tag-default')),
    ),
  },
  'workloads of a cluster are of two revisions, gateways of one': {
    mesh: shop(mesh().canary('east', 'west', { from: '1-24-6', to: '1-31-0', stage: 'remote' }))
      .namespace('moved', { revision: '1-31-0' })
      .service('own.moved'),
    holds: (objects) => revisionsOf(objects, 'west', (pod) => !isGatewayPod(pod)) === 2 && revisionsOf(objects, 'west', isGatewayPod) === 1,
  },
  'an istiod of one of two revisions leads the remote': {
    mesh: upgraded,
    holds: has('west', (object) => isElection(object) && Object.values(annotationsOf(object)).some((text) => text.includes('istiod-1-'))),
  },
  // Ambient on several networks
  'workloads of ambient carry no label of their network': {
    mesh: ambient,
    holds: has('east', (object) => is('Pod', undefined, 'shop')(object) && labelsOf(object)['topology.istio.io/network'] === undefined),
  },
  'the pod of an ambient gateway has its revision in an annotation, and is not to be injected': {
    mesh: ambient,
    holds: has(
      'east',
      (object) =>
        isGatewayPod(object) &&
        annotationsOf(object)['istio.io/rev'] !== undefined &&
        labelsOf(object)['istio.io/rev'] === undefined &&
        labelsOf(object)['sidecar.istio.io/inject'] === 'false',
    ),
  },
  'an ambient gateway opens 15008 and not 15443, and no Gateway lets services through': {
    mesh: ambient,
    holds: all(
      has(
        'east',
        (object) =>
          is('Service', 'istio-eastwestgateway')(object) && !itemsAt(object, 'spec', 'ports').some((port) => at(port, 'port') === 15443),
      ),
      lacks('east', is('Gateway', 'cross-network-gateway')),
    ),
  },
  'four GatewayClasses are Istio’s': {
    mesh: ambient,
    holds: (objects) => clusterOf(objects, 'east').filter(is('GatewayClass')).length === 4,
  },
  'a listener says that something is False: that it conflicts': {
    mesh: ambient,
    holds: has('east', (object) =>
      itemsAt(object, 'status', 'listeners').some((listener) =>
        itemsAt(listener, 'conditions').some((one) => at(one, 'type') === 'Conflicted' && at(one, 'status') === 'False'),
      ),
    ),
  },
  'the reader of an ambient cluster may not list routes': {
    mesh: ambient,
    holds: all(lacks('east', readerLists('httproutes')), lacks('east', readerLists('grpcroutes'))),
  },
  'a global service is in one of two clusters only': {
    mesh: mesh()
      .ambient('east', 'west')
      .namespace('shop', { injected: true })
      .service('abc.shop')
      .service('one.shop', { in: ['east'], serviceLabels: { 'istio.io/global': 'true' } }),
    holds: all(has('east', is('Service', 'one')), lacks('west', is('Service', 'one'))),
  },
  // An external control plane
  'a cluster has two istiods, of two meshes with a root each': {
    mesh: external,
    holds: (objects) =>
      clusterOf(objects, 'outside').filter(isIstiod).length === 2 &&
      new Set(
        ['outside', 'inside'].map((cluster) =>
          textAt(clusterOf(objects, cluster).find(is('ConfigMap', 'istio-ca-root-cert', 'default')), 'data', 'root-cert.pem'),
        ),
      ).size === 2,
  },
  'an istiod writes its root into the namespace of another mesh’s istiod': {
    mesh: external,
    holds: has('outside', is('ConfigMap', 'istio-ca-root-cert', 'external-istiod')),
  },
  'the config cluster has elections, an authority and a mesh config, and no istiod': {
    mesh: external,
    holds: all(
      has('inside', isElection),
      has('inside', is('Secret', 'istio-ca-secret')),
      has('inside', is('ConfigMap', 'istio')),
      lacks('inside', isIstiod),
      lacks('inside', is('Service', 'istiod')),
    ),
  },
  'webhooks of a config cluster are called by url, validating ones without caBundle': {
    mesh: external,
    holds: all(
      has('inside', isValidator('Ignore')),
      has('inside', (object) => itemsAt(object, 'webhooks').some((one) => at(one, 'clientConfig', 'url') !== undefined)),
    ),
  },
  'the path of injectors names a network that no label does': {
    mesh: external,
    holds: all(
      has('inside', (object) => itemsAt(object, 'webhooks').some((one) => textAt(one, 'clientConfig', 'url')?.includes('/net/') === true)),
      lacks('inside', (object) => is('Namespace')(object) && labelsOf(object)['topology.istio.io/network'] !== undefined),
    ),
  },
  'a further remote has no Service of istiod': { mesh: external, holds: lacks('south', is('Service', /^istiod/)) },
  'a further remote has definitions of Istio’s resources': {
    mesh: external,
    holds: has('south', is('CustomResourceDefinition', /istio\.io$/)),
  },
};

// Fixtures of stories, made once from the builder and its edits: `npm run gen -- stories`. What is expected of them is written by hand.
import { stringify } from 'yaml';
import { firstRoot, secondIntermediateOne, secondRoot } from '../../src/builder/certificates.ts';
import { gatewayWithoutCrossNetworkPort } from '../../src/builder/edits/east-west.ts';
import { change, type Edit, inCluster, inOrder, isNamed, label, put } from '../../src/builder/edits/edit.ts';
import { isEastWestService } from '../../src/builder/edits/find.ts';
import { withPlainData } from '../../src/builder/edits/kubeconfig.ts';
import { anotherRoot, foreignRoot } from '../../src/builder/edits/trust.ts';
import { exposedUnrevisioned } from '../../src/builder/edits/exposure.ts';
import { gatewayRevision } from '../../src/builder/edits/injection.ts';
import { remoteSecretDeleted, secretRekeyed } from '../../src/builder/edits/remote-secret.ts';
import { neverExternal } from '../../src/builder/edits/topology-leadership.ts';
import { gatewayServiceOnNetwork, installedOnNetwork } from '../../src/builder/edits/topology-networks.ts';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import { groupBy } from '../../src/base/sort.ts';
import { kindOf } from '../../src/collect/kinds.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import { writeGenerated } from '../generated.ts';

interface Story {
  readonly folder: string;
  readonly mesh: MeshBuilder;
  /** `Kind/namespace/name` in a cluster → why it is there. */
  readonly notes: Readonly<Record<string, string>>;
}

const withShop = (built: MeshBuilder): MeshBuilder =>
  built
    .namespace('shop', { injected: true })
    .service('abc.shop', { in: ['c1'] })
    .workload('client.shop');

const stories: readonly Story[] = [
  {
    folder: '01-revision-used-halfway',
    mesh: withShop(
      mesh().primaryRemote('c1', 'c2', { networks: 2, revision: '1-28', release: '1.28.0', clusterIds: { c1: 'Kubernetes' } }),
    ).edit(
      inOrder(
        exposedUnrevisioned({ cluster: 'c1' }),
        gatewayRevision({ cluster: 'c1', revision: '1-27', since: 'installed' }),
        renamed('c1', 'Secret', 'istio-remote-secret-c2', 'my-remote-c2'),
      ),
    ),
    notes: {
      'c1 VirtualService/istio-system/istiod-vs': 'Fault: the sample without revision, applied to a control plane of revision 1-28.',
      'c1 Gateway/istio-system/istiod-gateway': 'Of the same sample.',
      'c1 Deployment/istio-system/istio-eastwestgateway': 'Fault: generated with --revision 1-27.',
      'c1 Deployment/istio-system/istiod-1-28':
        'CLUSTER_ID is Kubernetes: nobody gave the cluster a name, and the annotation in c2 says the same.',
      'c2 Namespace/istio-system': 'Fine: the primary really is called Kubernetes.',
      'c1 Secret/istio-system/my-remote-c2': 'Fine: the name of a remote secret is free, its label and key count.',
    },
  },
  {
    folder: '02-everything-x509',
    mesh: withShop(mesh().primaryRemote('c1', 'c2', { networks: 2, clusterIds: { c1: 'cluster1', c2: 'cluster-2' } })).edit(
      inOrder(
        neverExternal({ cluster: 'c1', remote: 'c2' }),
        secretRekeyed({ cluster: 'c1', of: 'c2', key: 'cluster2' }),
        withoutFailing('c2'),
      ),
    ),
    notes: {
      'c1 Deployment/istio-system/istiod': 'Fault: EXTERNAL_ISTIOD was never set, so nobody leads c2.',
      'c1 Secret/istio-system/istio-remote-secret-cluster2': 'Fault: the key is cluster2, proxies of c2 call themselves cluster-2.',
      'c2 MutatingWebhookConfiguration/istio-sidecar-injector': 'Consequence: no caBundle was ever written.',
      'c2 ValidatingWebhookConfiguration/istiod-default-validator': 'Fine: failurePolicy Ignore.',
    },
  },
  {
    folder: '03-works-only-from-west-to-east',
    mesh: withShop(mesh().multiPrimary('c1', 'c2', { networks: 2 })).edit(
      inOrder(remoteSecretDeleted({ cluster: 'c1', of: 'c2' }), sourceRanges('c1', ['198.51.100.17/32'])),
    ),
    notes: {
      'c1 Deployment/istio-system/istiod': 'Fault: nobody made a remote secret for c2 here; the one for c1 in c2 is there.',
      'c1 Service/istio-system/istio-eastwestgateway': 'Fault: lets in an address that c2 once called from, and nobody else.',
    },
  },
  {
    folder: '05-host-names-and-a-lost-port',
    mesh: withShop(mesh().multiPrimary('c1', 'c2', { networks: 2 })).edit(
      inOrder(
        hostNamed('c1', 'c1-1234.elb.eu-west-1.amazonaws.com'),
        hostNamed('c2', 'c2-5678.elb.eu-central-1.amazonaws.com'),
        gatewayWithoutCrossNetworkPort({ cluster: 'c2' }),
      ),
    ),
    notes: {
      'c1 Service/istio-system/istio-eastwestgateway': 'Fine: istiod resolves the host names of load balancers.',
      'c2 Service/istio-system/istio-eastwestgateway': 'Fault: values that override the ports of the chart left out 15443.',
    },
  },
  {
    folder: '07-canary-in-flight',
    mesh: mesh()
      .canary('c1', 'c2', { from: '1-30-3', to: '1-31-0', stage: 'remote' })
      .namespace('shop', { injected: true })
      .service('abc.shop')
      .edit(labelledTwice('c2', 'shop', '1-31-0')),
    notes: { 'c2 Namespace/shop': 'Fault: asks for injection in two ways, of which only one can win.' },
  },
  {
    folder: '09-root-rotation-half-way',
    mesh: withShop(mesh().multiPrimary('c1', 'c2', { networks: 2 })).edit(
      inOrder(rootSwapped('c2'), foreignRoot({ cluster: 'c2', root: firstRoot, namespaces: ['shop'] }), newCacerts('c1')),
    ),
    notes: {
      'c1 Secret/istio-system/cacerts': 'Fault: the new root is there, and istiod was not restarted.',
      'c2 Secret/istio-system/cacerts': 'Fault: swapped and restarted without keeping the old root beside the new one.',
      'c2 ConfigMap/shop/istio-ca-root-cert': 'Fault: somebody wrote the old root back.',
    },
  },
  {
    folder: '10-new-service-nobody-sees',
    mesh: mesh()
      .multiPrimary('c1', 'c2', { networks: 2 })
      .namespace('shop', { injected: true })
      .service('abc.shop')
      .service('orders.shop', { port: 8080 })
      .workload('client.shop')
      .edit(portNamed('c2', 'shop', 'orders', 'web')),
    notes: { 'c2 Service/shop/orders': 'Fault: its port is called web here and http in c1.' },
  },
  {
    folder: '08-half-the-requests-hang',
    mesh: withShop(mesh().multiPrimary('c1', 'c2', { networks: 2 })).edit(
      inOrder(
        installedOnNetwork({ cluster: 'c2', network: 'network1', samePodIp: { with: 'c1' } }),
        gatewayServiceOnNetwork({ cluster: 'c2', network: 'network2' }),
      ),
    ),
    notes: {
      'c2 Namespace/istio-system': 'Fault: network1 is the network of c1, which has pods with the same addresses.',
      'c2 Service/istio-system/istio-eastwestgateway': 'Fault: labelled for network2, where its cluster is not.',
    },
  },
];

const files = new Map<string, string>();
for (const { folder, mesh: built, notes } of stories) {
  for (const [cluster, objects] of built.objects()) {
    const path = `fixtures/stories/${folder}/${cluster}`;
    files.set(`${path}/meshdoctor.yaml`, stringify({ complete: true, takenAt: built.takenAt }));
    const used = new Set<string>();
    for (const [kind, own] of groupBy(objects.filter(isWorthKeeping), (object) => object.kind)) {
      const documents = own.map((object) => {
        const name = [
          cluster,
          [object.kind, object.metadata.namespace, object.metadata.name].filter((part) => part !== undefined).join('/'),
        ].join(' ');
        used.add(name);
        return `${notes[name] === undefined ? '' : `# ${notes[name]}\n`}${stringify(shortened(object), { lineWidth: 0 })}`;
      });
      files.set(`${path}/${kind.toLowerCase()}.yaml`, documents.join('---\n'));
    }
    const lost = Object.keys(notes).filter((name) => name.startsWith(`${cluster} `) && !used.has(name));
    if (lost.length > 0) throw new Error(`${folder} has no ${lost.join(', ')}`);
  }
}
writeGenerated(files);

/** Kinds that somebody reads, and nothing of what Kubernetes keeps for itself. */
function isWorthKeeping(object: KubeObject): boolean {
  const { kind, metadata } = object;
  if (
    metadata.namespace?.startsWith('kube-') === true ||
    ['CustomResourceDefinition', 'Node'].includes(kind) ||
    kindOf(object) === undefined
  )
    return false;
  if (kind === 'ServiceAccount') return metadata.name.startsWith('istio');
  return kind !== 'Namespace' || !metadata.name.startsWith('kube-');
}

/** Without what no reader of manifests looks at. */
function shortened(object: KubeObject): unknown {
  const { resourceVersion: _version, generateName: _generated, managedFields: _managed, ...metadata } = object.metadata;
  const annotations = Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration'),
  );
  return { ...object, metadata: { ...metadata, ...(metadata.annotations === undefined ? {} : { annotations }) } };
}

function renamed(cluster: string, kind: string, from: string, to: string): Edit {
  return inCluster(cluster, (objects) =>
    objects.map((object) =>
      object.kind === kind && object.metadata.name === from ? { ...object, metadata: { ...object.metadata, name: to } } : object,
    ),
  );
}

/** The load balancer of a gateway is known by a name only, as on AWS. */
function hostNamed(cluster: string, hostname: string): Edit {
  return onGateway(cluster, (service) => put(service, ['status', 'loadBalancer'], { ingress: [{ hostname }] }));
}

function sourceRanges(cluster: string, ranges: readonly string[]): Edit {
  return onGateway(cluster, (service) => put(service, ['spec', 'loadBalancerSourceRanges'], ranges));
}

function onGateway(cluster: string, how: (service: KubeObject) => KubeObject): Edit {
  return inCluster(cluster, (objects) => change(objects, isEastWestService, how, 'east-west gateway'));
}

function labelledTwice(cluster: string, namespace: string, revision: string): Edit {
  return inCluster(cluster, (objects) =>
    change(
      objects,
      isNamed('Namespace', namespace),
      (object) => label(label(object, 'istio-injection', 'enabled'), 'istio.io/rev', revision),
      'namespace',
    ),
  );
}

/** The port has another name in one cluster, and with it its slices and Endpoints. */
function portNamed(cluster: string, namespace: string, service: string, name: string): Edit {
  return inCluster(cluster, (objects) =>
    objects.map((object) => {
      const isIts =
        object.metadata.namespace === namespace &&
        (object.metadata.name === service || object.metadata.labels?.['kubernetes.io/service-name'] === service);
      if (!isIts) return object;
      if (object.kind === 'Service') return put(object, ['spec', 'ports', '*', 'name'], name);
      if (object.kind === 'EndpointSlice') return put(object, ['ports', '*', 'name'], name);
      return object.kind === 'Endpoints' ? put(object, ['subsets', '*', 'ports', '*', 'name'], name) : object;
    }),
  );
}

/** cacerts of another root, istiod and workloads restarted with it. */
function rootSwapped(cluster: string): Edit {
  return anotherRoot({ cluster, root: secondRoot, ca: 'plugged-in' });
}

/** cacerts of another root, and nobody told istiod. */
function newCacerts(cluster: string): Edit {
  return inCluster(cluster, (objects) =>
    change(
      objects,
      isNamed('Secret', 'cacerts', 'istio-system'),
      (object) =>
        withPlainData(object, (data) => ({
          ...data,
          'root-cert.pem': secondRoot,
          'ca-cert.pem': secondIntermediateOne,
          'cert-chain.pem': secondIntermediateOne,
        })),
      'cacerts',
    ),
  );
}

/** The validating webhook lets everything pass when it cannot be called. */
function withoutFailing(cluster: string): Edit {
  return inCluster(cluster, (objects) =>
    objects.map((object) =>
      object.kind === 'ValidatingWebhookConfiguration' && Array.isArray(object['webhooks'])
        ? {
            ...object,
            webhooks: object['webhooks'].map((webhook: unknown) =>
              typeof webhook === 'object' ? { ...webhook, failurePolicy: 'Ignore' } : webhook,
            ),
          }
        : object,
    ),
  );
}

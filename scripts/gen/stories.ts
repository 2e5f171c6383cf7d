// Fixtures of stories, made once from the builder and its edits: `npm run gen -- stories`. What is expected of them is written by hand.
import { stringify } from 'yaml';
import type { Edit } from '../../src/builder/edits/edit.ts';
import { inCluster, inOrder } from '../../src/builder/edits/edit.ts';
import { exposedUnrevisioned } from '../../src/builder/edits/exposure.ts';
import { gatewayRevision } from '../../src/builder/edits/injection.ts';
import { secretRekeyed } from '../../src/builder/edits/remote-secret.ts';
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

import {
  anotherRoot,
  annotatedTooLate,
  certificates,
  checkTester,
  foreignRoot,
  mesh,
  type MeshBuilder,
  withIstiodEnv,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh()
  .primaryRemote(east, west, { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .workload('cart.shop')
  .namespace('plain');
const peers = mesh().multiPrimary(east, west).namespace('shop', { injected: true }).workload('cart.shop');
const other = certificates.secondRoot;
const root = (cluster: string, namespace: string) => `${cluster}:ConfigMap/${namespace}/istio-ca-root-cert`;
const oneHidden = remote.edit(foreignRoot({ cluster: west, root: other, namespaces: ['plain'] }));

function withSelectors(from: MeshBuilder): MeshBuilder {
  return from.break((m) =>
    m.cluster(east).patch('ConfigMap', 'istio-system', 'istio-1-31-0', (object) => {
      const data = Object.assign({}, object['data'] as Readonly<Record<string, string>>);
      const selectors =
        'discoverySelectors:\n- matchExpressions:\n  - key: kubernetes.io/metadata.name\n    operator: NotIn\n    values: [plain]\n';
      return { ...object, data: { ...data, mesh: `${selectors}${data['mesh'] ?? ''}` } };
    }),
  );
}

checkTester(check, {
  healthy: {
    'a remote': remote,
    'a remote on the same network, of long ago': mesh().primaryRemote(east, west, { networks: 1, release: '1.24.6', trust: 'self-signed' }),
    'two primaries': peers,
    'two primaries that differ, which is another fault': mesh().multiPrimary(east, west, { trust: 'self-signed' }),
    'an ambient mesh': mesh().ambient(east, west),
    'an external istiod beside a mesh of another root': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'an upgrade in flight': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'old and new root side by side': remote.edit(foreignRoot({ cluster: west, root: `${other}\n${certificates.firstRoot}` })),
    'a namespace that istiod does not look at': withSelectors(oneHidden),
    'roots are handed out under another name now': remote
      .edit(foreignRoot({ cluster: west, root: other }))
      .edit(withIstiodEnv(east, { PILOT_CA_CERT_CONFIGMAP: 'company-roots' })),
    'a second mesh in the same cluster, with a root of its own': peers.edit(withSecondMesh),
  },
  broken: {
    'a namespace of the remote with pods': {
      mesh: remote.edit(foreignRoot({ cluster: west, root: other, namespaces: ['shop'] })),
      findings: [`foreign-root/namespaces @ ${root(west, 'shop')} (error certain)`],
    },
    'a namespace of the remote without any': {
      mesh: oneHidden,
      findings: [`foreign-root/namespaces @ ${root(west, 'plain')} (warning certain)`],
    },
    'a namespace that istiod no longer looks at, with pods': {
      mesh: withSelectors(oneHidden).workload('cart.plain', { in: [west], inject: true, labels: { 'istio.io/rev': '1-31-0' } }),
      findings: [`foreign-root/namespaces @ ${root(west, 'plain')} (error certain)`],
    },
    'two namespaces of a primary': {
      mesh: remote.edit(foreignRoot({ cluster: east, root: other, namespaces: ['plain', 'shop'] })),
      findings: [`foreign-root/namespaces @ ${root(east, 'plain')} (error certain)`],
    },
    'the whole remote, which nobody leads': {
      mesh: remote
        .edit(annotatedTooLate({ cluster: west, primary: east, leader: 'lost' }))
        .edit(foreignRoot({ cluster: west, root: other })),
      findings: [`foreign-root/wholeCluster @ ${root(west, 'istio-system')} (error certain)`],
    },
    'the primary was given another CA while nobody led the remote': {
      mesh: remote
        .edit(annotatedTooLate({ cluster: west, primary: east, leader: 'lost' }))
        .edit(anotherRoot({ cluster: east, root: other, ca: 'plugged-in' })),
      findings: [`foreign-root/wholeCluster @ ${root(west, 'istio-system')} (error certain)`],
    },
    'a namespace of one of two primaries': {
      mesh: peers.edit(foreignRoot({ cluster: west, root: other, namespaces: ['shop'] })),
      findings: [`foreign-root/namespaces @ ${root(west, 'shop')} (error certain)`],
    },
  },
});

/** istiod of another mesh in a namespace of its own, looking after one more namespace. */
function withSecondMesh(objects: ReturnType<MeshBuilder['objects']>): ReturnType<MeshBuilder['objects']> {
  const own = objects.get(east) ?? [];
  const copies = own.flatMap((object) => {
    const { namespace, name } = object.metadata;
    const isIstiod = object.kind === 'Deployment' && name === 'istiod';
    const isRoot = object.kind === 'ConfigMap' && name === 'istio-ca-root-cert' && namespace === 'shop';
    if (isIstiod) return [{ ...object, metadata: { ...object.metadata, namespace: 'second-mesh', uid: 'second' } }];
    if (!isRoot) return [];
    return ['second-mesh', 'second-shop'].map((other_) => ({
      ...object,
      metadata: { ...object.metadata, namespace: other_, uid: other_ },
      data: { 'root-cert.pem': certificates.secondRoot },
    }));
  });
  return new Map(objects).set(east, [...own, ...copies]);
}

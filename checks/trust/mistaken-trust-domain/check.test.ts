import { checkTester, mesh, type MeshBuilder, readerWithout, remoteSecretDeleted } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const trustDomain = 'mesh.example.com';
const remote = (options: { release?: string; revision?: string } = {}): MeshBuilder =>
  mesh().primaryRemote(east, west, { trustDomain, ...options });
const peers = mesh().multiPrimary(east, west, { trustDomain });
const withConfig = (built: MeshBuilder, name: string, domain: string, creationTimestamp?: string): MeshBuilder =>
  built.edit((objects) =>
    new Map(objects).set(west, [
      ...(objects.get(west) ?? []),
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace: 'istio-system', ...(creationTimestamp === undefined ? {} : { creationTimestamp }) },
        data: { mesh: `trustDomain: ${domain}\n` },
      },
    ]),
  );
const longAgo = '2020-01-01T00:00:00Z';
const justNow = '2099-01-01T00:00:00Z';
const aliased = (built: MeshBuilder): MeshBuilder =>
  built.break((m) =>
    m.cluster(east).patch('ConfigMap', 'istio-system', 'istio', (object) => {
      const data = Object.assign({}, object['data'] as Readonly<Record<string, string>>);
      return { ...object, data: { ...data, mesh: `trustDomainAliases: [${trustDomain}]\n${data['mesh'] ?? ''}` } };
    }),
  );

checkTester(check, {
  healthy: {
    'the default trust domain': mesh().primaryRemote(east, west),
    'a release that does not look': remote({ release: '1.28.3' }),
    'the ConfigMap is there': withConfig(remote(), 'istio', trustDomain),
    'the ConfigMap of the revision is there': withConfig(remote({ revision: '1-31-0' }), 'istio-1-31-0', trustDomain),
    'the ConfigMap was there before istiod': withConfig(remote(), 'istio', trustDomain, longAgo),
    'a ConfigMap made later says what was taken before': withConfig(
      mesh().primaryRemote(east, west).namespace('shop', { injected: true }).service('cart.shop'),
      'istio',
      'cluster.local',
      justNow,
    ),
    'two primaries of one revision': peers,
    'aliases let it pass': aliased(remote()),
    'it may not be read, and the release takes its own': remote().edit(readerWithout({ cluster: west, resource: 'configmaps' })),
    'no secret opens it': remote().edit(remoteSecretDeleted({ cluster: east, of: west })),
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
  },
  broken: {
    'a remote has none': { mesh: remote(), findings: ['mistaken-trust-domain/absent @ west:Cluster/west (error likely)'] },
    'a remote has one of another revision': {
      mesh: withConfig(remote({ revision: '1-31-0' }), 'istio', trustDomain),
      findings: ['mistaken-trust-domain/absent @ west:Cluster/west (error likely)'],
    },
    'primaries of different revisions': {
      mesh: mesh().multiPrimary(east, west, { trustDomain, revisions: ['blue', 'green'] }),
      findings: [
        'mistaken-trust-domain/absent @ east:Cluster/east (error likely)',
        'mistaken-trust-domain/absent @ west:Cluster/west (error likely)',
      ],
    },
    'the ConfigMap was made after istiod had met the workloads': {
      mesh: withConfig(remote().namespace('shop', { injected: true }).service('cart.shop'), 'istio', trustDomain, justNow),
      findings: ['mistaken-trust-domain/late @ west:ConfigMap/istio-system/istio (error likely)'],
    },
    'a remote has an old one': {
      mesh: withConfig(remote(), 'istio', 'old.example.com'),
      findings: ['mistaken-trust-domain/other @ west:ConfigMap/istio-system/istio (error likely)'],
    },
    'it may not be read, and the release then knows none': {
      mesh: remote({ release: '1.29.0' }).edit(readerWithout({ cluster: west, resource: 'configmaps' })),
      findings: ['mistaken-trust-domain/unread @ west:Cluster/west (error likely)'],
    },
  },
});

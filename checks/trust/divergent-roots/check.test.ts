import { anotherRoot, certificates, checkTester, mesh, type MeshBuilder, remoteSecretDeleted, withIstiodEnv } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const peers = mesh().multiPrimary(east, west).namespace('shop', { injected: true });
const selfSigned = mesh().multiPrimary(east, west, { trust: 'self-signed' });
const strangers = mesh().multiPrimary(east, west, { authorities: { west: certificates.secondCa } });
const root = 'ConfigMap/istio-system/istio-ca-root-cert';
const spokes = mesh()
  .multiPrimary('hub', east, { more: [west], authorities: { west: certificates.secondCa } })
  .edit(remoteSecretDeleted({ cluster: east, of: west }))
  .edit(remoteSecretDeleted({ cluster: west, of: east }));

/** The primary trusts further roots by its mesh configuration. */
function trusting(from: MeshBuilder, cluster: string, pem: string): MeshBuilder {
  const yaml = `caCertificates:\n- pem: |\n${pem.replaceAll(/^(?=.)/gm, '    ')}`;
  return from.break((m) =>
    m.cluster(cluster).patch('ConfigMap', 'istio-system', 'istio', (object) => {
      const data = Object.assign({}, object['data'] as Readonly<Record<string, string>>);
      return { ...object, data: { ...data, mesh: `${yaml}${data['mesh'] ?? ''}` } };
    }),
  );
}

/** Both roots lie in the bundle of the cluster, as in the middle of a rotation. */
function rotating(from: MeshBuilder, cluster: string, pem: string): MeshBuilder {
  return from.edit((objects) =>
    new Map(objects).set(
      cluster,
      (objects.get(cluster) ?? []).map((object) =>
        object.kind === 'ConfigMap' && object.metadata.name === 'istio-ca-root-cert'
          ? { ...object, data: { 'root-cert.pem': `${certificates.firstRoot}\n${pem}` } }
          : object,
      ),
    ),
  );
}

checkTester(check, {
  healthy: {
    'intermediates of one root': peers,
    'three primaries': mesh().multiPrimary('hub', east, { more: [west] }),
    'a primary and its remotes': mesh().primaryRemote(east, [west, 'north']),
    'an ambient mesh': mesh().ambient(east, west),
    'an external istiod beside a mesh of another root': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'an upgrade in flight': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0' }),
    'in the middle of a rotation': rotating(rotating(peers, east, certificates.secondRoot), west, certificates.secondRoot),
    'at the beginning of a rotation': rotating(peers, west, certificates.secondRoot),
    'each trusts the root of the other by its mesh configuration': trusting(
      trusting(strangers, east, certificates.secondRoot),
      west,
      certificates.firstRoot,
    ),
    'spokes of one hub that never call each other, the hub trusting both': trusting(
      rotating(spokes, 'hub', certificates.secondRoot),
      west,
      certificates.firstRoot,
    ),
    'roots that are handed out under another name': {
      mesh: strangers.edit(withIstiodEnv(west, { PILOT_CA_CERT_CONFIGMAP: 'company-roots' })),
      inconclusive: ['its root certificates are not handed out in the usual ConfigMap @ east west'],
    },
  },
  broken: {
    'both made their own': { mesh: selfSigned, findings: [`divergent-roots/disjoint @ west:${root} (error certain)`] },
    'two organisations': { mesh: strangers, findings: [`divergent-roots/disjoint @ west:${root} (error certain)`] },
    'one was given another root since': {
      mesh: peers.edit(anotherRoot({ cluster: east, root: certificates.secondRoot, ca: 'plugged-in' })),
      findings: [`divergent-roots/disjoint @ west:${root} (error certain)`],
    },
    'spokes of one hub, when the mesh is declared': {
      mesh: trusting(rotating(spokes, 'hub', certificates.secondRoot), west, certificates.firstRoot),
      options: { intent: { meshes: [{ clusters: ['hub', east, west] }] } },
      findings: [`divergent-roots/oneSided @ west:${root} (error likely)`],
    },
    'only one trusts the other': {
      mesh: trusting(strangers, east, certificates.secondRoot),
      findings: [`divergent-roots/oneSided @ east:${root} (error likely)`],
    },
    'in an ambient mesh': {
      mesh: mesh().ambient(east, west, { trust: 'self-signed' }),
      findings: [`divergent-roots/disjoint @ west:${root} (error certain)`],
    },
  },
});

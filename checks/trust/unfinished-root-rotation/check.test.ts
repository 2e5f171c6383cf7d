import {
  agingCertificates,
  anotherRoot,
  caSecretWritten,
  certificates,
  checkTester,
  foreignRoot,
  mesh,
  type MeshBuilder,
  remoteSecretDeleted,
  trustsRoot,
  withIstiodEnv,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const { firstRoot, secondRoot } = certificates;
const { thirdIntermediateTwo, thirdRoot } = agingCertificates;
const peers = mesh().multiPrimary(east, west).namespace('shop', { injected: true }).service('abc.shop');
const root = (cluster: string) => `${cluster}:ConfigMap/istio-system/istio-ca-root-cert`;
const swapped = peers.edit(anotherRoot({ cluster: west, root: secondRoot, ca: 'plugged-in' }));

/** Both roots in a cluster, which signs with what it signed with. */
function given(built: MeshBuilder, cluster: string, ...more: readonly string[]): MeshBuilder {
  const both = [firstRoot, ...more].join('');
  return built.edit(foreignRoot({ cluster, root: both })).edit(caSecretWritten({ cluster, data: { 'root-cert.pem': both } }));
}

const changed = (built: MeshBuilder): MeshBuilder =>
  built.edit(
    caSecretWritten({ cluster: west, data: { 'ca-cert.pem': thirdIntermediateTwo, 'cert-chain.pem': thirdIntermediateTwo + thirdRoot } }),
  );
const prepared = (built: MeshBuilder): MeshBuilder =>
  built.edit(caSecretWritten({ cluster: east, data: { 'ca-cert.pem': secondRoot, 'root-cert.pem': secondRoot } }));

checkTester(check, {
  healthy: {
    'one root': peers,
    'both made their own': mesh().multiPrimary(east, west, { trust: 'self-signed' }),
    'two organisations': mesh().multiPrimary(east, west, { authorities: { west: certificates.secondCa } }),
    'the first step: one cluster was given both': given(peers, west, thirdRoot),
    'the second step: both were given both': given(given(peers, west, thirdRoot), east, thirdRoot),
    'the third step: one of them signs with the new one': changed(given(given(peers, west, thirdRoot), east, thirdRoot)),
    'the new root is trusted by the mesh configuration': changed(
      given(peers, west, thirdRoot).edit(trustsRoot({ cluster: east, root: thirdRoot })),
    ),
    'a new signing certificate that istiod has not loaded with its roots': peers.edit(
      caSecretWritten({ cluster: west, data: { 'root-cert.pem': firstRoot + thirdRoot, 'ca-cert.pem': thirdIntermediateTwo } }),
    ),
    'they do not read each other': changed(given(peers, west, thirdRoot))
      .edit(remoteSecretDeleted({ cluster: east, of: west }))
      .edit(remoteSecretDeleted({ cluster: west, of: east })),
    'roots are handed out under another name now': swapped.edit(withIstiodEnv(west, { PILOT_CA_CERT_CONFIGMAP: 'company-roots' })),
    'another root from the start, which is another fault': swapped,
    'an ambient mesh': mesh().ambient(east, west),
  },
  broken: {
    'one signs with the new root, the other was not given it': {
      mesh: changed(given(peers, west, thirdRoot)),
      findings: [`unfinished-root-rotation/unknown @ ${root(west)} (error likely)`],
    },
    'swapped while some namespaces still have the old one': {
      mesh: swapped.edit(foreignRoot({ cluster: west, root: firstRoot, namespaces: ['shop'] })),
      findings: [`unfinished-root-rotation/swapped @ ${root(west)} (error likely)`],
    },
    'swapped while the other is prepared and has not started with it': {
      mesh: prepared(swapped),
      findings: [`unfinished-root-rotation/swapped @ ${root(west)} (error likely)`],
    },
  },
});

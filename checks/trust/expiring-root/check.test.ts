import {
  agingCertificates,
  caSecretWritten,
  certificateReplaced,
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
const { endingRoot, laterRoot, lapsedRoot, thirdIntermediateOne, thirdRoot } = agingCertificates;
const { firstRoot, selfSignedRootOne } = certificates;
const remote = mesh().primaryRemote(east, west).namespace('shop', { injected: true }).service('abc.shop');
const peers = mesh().multiPrimary(east, west).namespace('shop', { injected: true });
const own = mesh().primaryRemote(east, west, { trust: 'self-signed' });
const root = 'ConfigMap/istio-system/istio-ca-root-cert';
const found = (code: string, grade: string, ...clusters: readonly string[]): string[] =>
  clusters.map((cluster) => `expiring-root/${code} @ ${cluster}:${root} (${grade} certain)`);
const rooted = (built: MeshBuilder, pem: string, old: string = firstRoot): MeshBuilder => built.edit(certificateReplaced(old, pem));

/** Both roots in the files and ConfigMaps of every cluster, the signing certificates as given. */
function beside(pem: string, signing?: string): MeshBuilder {
  const both = `${firstRoot}${pem}`;
  const bundled = [east, west].reduce((built, cluster) => built.edit(foreignRoot({ cluster, root: both })), peers);
  return [east, west].reduce(
    (built, cluster) =>
      built.edit(
        caSecretWritten({ cluster, data: { 'root-cert.pem': both, ...(signing === undefined ? {} : { 'ca-cert.pem': signing }) } }),
      ),
    bundled,
  );
}

const withoutSecrets = (built: MeshBuilder): MeshBuilder =>
  built.edit((objects) => new Map([...objects].map(([name, all]) => [name, all.filter(({ metadata }) => metadata.name !== 'cacerts')])));

checkTester(check, {
  healthy: {
    'a root of a hundred years': peers,
    'istiod made its own': own,
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'the old root of a rotation has ended beside the new one': beside(lapsedRoot),
    'the old root ends soon, and nobody signs with it any more': beside(endingRoot),
    'a root that is in use lies beside a new one that is not': beside(thirdRoot),
    'roots are handed out under another name now': rooted(remote, lapsedRoot).edit(
      withIstiodEnv(east, { PILOT_CA_CERT_CONFIGMAP: 'company-roots' }),
    ),
    'it is not known which of two roots is in use': {
      mesh: withoutSecrets(beside(lapsedRoot)),
      inconclusive: [east, west].map(
        (cluster) => `it is not known whether O=Istio, CN=Root CA (SHA-256 c2132710a1cc…) is still in use @ ${cluster}`,
      ),
    },
  },
  broken: {
    'the root of a primary and its remote has ended': { mesh: rooted(remote, lapsedRoot), findings: found('expired', 'error', east) },
    'the root of two primaries has ended': { mesh: rooted(peers, lapsedRoot), findings: found('expired', 'error', east, west) },
    'it ends in eighteen days': { mesh: rooted(peers, endingRoot), findings: found('soon', 'warning', east, west) },
    'it ends in seventy days': { mesh: rooted(peers, laterRoot), findings: found('approaching', 'info', east, west) },
    'the one that istiod made ends, and it does not renew it': {
      mesh: rooted(own, endingRoot, selfSignedRootOne),
      findings: found('soon', 'warning', east),
    },
    'in an ambient mesh': { mesh: rooted(mesh().ambient(east, west), endingRoot), findings: found('soon', 'warning', east, west) },
    'all of several roots have ended': {
      mesh: rooted(beside(lapsedRoot), certificates.expiredRoot),
      findings: found('expired', 'error', east, west),
    },
    'a new root is known everywhere, but istiod signs under the old one, which ends': {
      mesh: rooted(beside(thirdRoot, agingCertificates.endingRootIntermediate), endingRoot),
      findings: found('soon', 'warning', east, west),
    },
    'the roots lie side by side, and the new one is in use but ends first': {
      mesh: rooted(beside(thirdRoot, thirdIntermediateOne), laterRoot, thirdRoot).edit(
        certificateReplaced(thirdIntermediateOne, laterRoot),
      ),
      findings: found('approaching', 'info', east, west),
    },
  },
});

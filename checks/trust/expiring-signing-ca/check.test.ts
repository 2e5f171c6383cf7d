import {
  agingCertificates,
  caSecretWritten,
  certificateReplaced,
  certificates,
  checkTester,
  mesh,
  type MeshBuilder,
  withIstiodEnv,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const { endingIntermediate, lapsedIntermediate, laterIntermediate, thirdIntermediateOne, thirdIntermediateTwo, thirdRoot } =
  agingCertificates;
const secret = 'Secret/istio-system/cacerts';
const third = (built: MeshBuilder, one: string, two: string = thirdIntermediateTwo): MeshBuilder =>
  built
    .edit(certificateReplaced(certificates.firstRoot, thirdRoot))
    .edit(certificateReplaced(certificates.firstIntermediateOne, one))
    .edit(two === one ? certificateReplaced(certificates.firstIntermediateTwo, two) : (objects) => objects);
const peers = (one: string, two?: string): MeshBuilder => third(mesh().multiPrimary(east, west), one, two);
const remote = (one: string): MeshBuilder => third(mesh().primaryRemote(east, west), one);

checkTester(check, {
  healthy: {
    'intermediates of a hundred years': peers(thirdIntermediateOne),
    'istiod made its own root': mesh().multiPrimary(east, west, { trust: 'self-signed' }),
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'what is plugged in is not in use yet': mesh()
      .multiPrimary(east, west)
      .edit(caSecretWritten({ cluster: east, data: { 'root-cert.pem': thirdRoot, 'ca-cert.pem': lapsedIntermediate } })),
    'the certificates come from elsewhere': peers(lapsedIntermediate).edit(withIstiodEnv(east, { ENABLE_CA_SERVER: 'false' })),
    'the old one still lies in the chain': peers(thirdIntermediateOne).edit(
      caSecretWritten({ cluster: east, data: { 'cert-chain.pem': thirdIntermediateOne + lapsedIntermediate + thirdRoot } }),
    ),
  },
  broken: {
    'in one of two primaries': {
      mesh: peers(lapsedIntermediate),
      findings: [`expiring-signing-ca/expired @ east:${secret} (error certain)`],
    },
    'in the primary of a remote': {
      mesh: remote(lapsedIntermediate),
      findings: [`expiring-signing-ca/expired @ east:${secret} (error certain)`],
    },
    'it ends in thirteen days': {
      mesh: peers(endingIntermediate),
      findings: [`expiring-signing-ca/soon @ east:${secret} (warning certain)`],
    },
    'it ends in seventy days': {
      mesh: peers(laterIntermediate),
      findings: [`expiring-signing-ca/approaching @ east:${secret} (info certain)`],
    },
    'between the signing one and the root': {
      mesh: peers(thirdIntermediateOne).edit(
        caSecretWritten({
          cluster: east,
          data: {
            'ca-cert.pem': agingCertificates.thirdIssuing,
            'cert-chain.pem': agingCertificates.thirdIssuing + agingCertificates.lapsedPolicy + thirdRoot,
          },
        }),
      ),
      findings: [`expiring-signing-ca/expired @ east:${secret} (error certain)`],
    },
    'both primaries were given the same': {
      mesh: peers(endingIntermediate, endingIntermediate),
      findings: [east, west].map((cluster) => `expiring-signing-ca/soon @ ${cluster}:${secret} (warning certain)`),
    },
    'in an ambient mesh': {
      mesh: third(mesh().ambient(east, west), endingIntermediate),
      findings: [`expiring-signing-ca/soon @ east:${secret} (warning certain)`],
    },
  },
});

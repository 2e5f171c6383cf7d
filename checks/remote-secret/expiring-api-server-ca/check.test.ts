import { agingCertificates, certificateReplaced, certificates, checkTester, mesh, type MeshBuilder } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const { endingServerCa, lapsedServerCa } = agingCertificates;
const { apiServerCaOne, apiServerCaTwo } = certificates;
const remote = mesh().primaryRemote(east, west);
const peers = mesh().multiPrimary(east, west);
const aged = (built: MeshBuilder, old: string, pem: string): MeshBuilder => built.edit(certificateReplaced(old, pem));

checkTester(check, {
  healthy: {
    'authorities of a hundred years': remote,
    'two primaries': peers,
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'the authority of a cluster that nobody reads has ended': aged(remote, apiServerCaOne, lapsedServerCa),
    'a new authority lies beside the old one': aged(remote, apiServerCaTwo, lapsedServerCa + apiServerCaTwo),
  },
  broken: {
    'of a remote': {
      mesh: aged(remote, apiServerCaTwo, lapsedServerCa),
      findings: ['expiring-api-server-ca/expired @ east:Secret/istio-system/istio-remote-secret-west (error certain)'],
    },
    'of one of two primaries': {
      mesh: aged(peers, apiServerCaOne, lapsedServerCa),
      findings: ['expiring-api-server-ca/expired @ west:Secret/istio-system/istio-remote-secret-east (error certain)'],
    },
    'it ends in a week': {
      mesh: aged(remote, apiServerCaTwo, endingServerCa),
      findings: ['expiring-api-server-ca/soon @ east:Secret/istio-system/istio-remote-secret-west (warning likely)'],
    },
  },
});

import {
  endingIntermediate,
  endingRoot,
  endingServerCa,
  lapsedIntermediate,
  lapsedRoot,
  lapsedServerCa,
  thirdIntermediateTwo,
  thirdRoot,
} from '../../../src/builder/aging-certificates.ts';
import { apiServerCaTwo, firstIntermediateOne, firstRoot, secondIntermediateOne, secondRoot } from '../../../src/builder/certificates.ts';
import { istiodRestarted, withIstiodEnv } from '../../../src/builder/edits/control-plane.ts';
import { clusterGone, readerAccountMissing, remoteSecretDeleted } from '../../../src/builder/edits/remote-secret.ts';
import { remoteReinstalledAs } from '../../../src/builder/edits/topology-identity.ts';
import {
  anotherRoot,
  caSecretWritten,
  certificateReplaced,
  foreignRoot,
  proxyMetadataSet,
  trustsRoot,
} from '../../../src/builder/edits/trust.ts';
import type { Fault } from '../fault.ts';
import {
  bundlePutByHand,
  federated,
  meshConfigMade,
  secretForItself,
  secretNamedAfter,
  trustDomainSet,
  unreachable,
} from './trust-edits.ts';

/** Certificates that end, and what becomes of trust between several roots. */
export const faults: readonly Fault[] = [
  {
    id: 'root-expired',
    mode: 'TRU-05',
    says: 'The root that was plugged in ten years ago expired.',
    meshes: ['primary-remote', 'two primaries', 'two remotes', 'ambient'],
    edits: [certificateReplaced(firstRoot, lapsedRoot)],
  },
  {
    id: 'root-expires-in-weeks',
    mode: 'TRU-05',
    says: 'The root that was plugged in expires in less than three weeks, and nobody has begun to rotate it.',
    meshes: ['primary-remote', 'three primaries', 'primary-remote 1.24', 'ambient'],
    edits: [certificateReplaced(firstRoot, endingRoot)],
  },
  {
    id: 'intermediate-expired',
    mode: 'TRU-05',
    says: 'The intermediate of a primary was made for a year and expired.',
    meshes: ['primary-remote', 'two primaries', 'two primaries on one network', 'ambient'],
    edits: [certificateReplaced(firstRoot, thirdRoot), certificateReplaced(firstIntermediateOne, lapsedIntermediate)],
  },
  {
    id: 'intermediate-expires-in-weeks',
    mode: 'TRU-05',
    says: 'The intermediate of a primary was made for a year that is almost over.',
    meshes: ['primary-remote with a revision', 'two primaries', 'an upgrade in flight'],
    edits: [certificateReplaced(firstRoot, thirdRoot), certificateReplaced(firstIntermediateOne, endingIntermediate)],
  },
  {
    id: 'bundle-of-injector-expired',
    mode: 'TRU-05',
    says: 'The authority that was put into the injectors of a config cluster by hand, since the external istiod has a public certificate, expired.',
    meshes: ['an external control plane'],
    edits: [bundlePutByHand({ cluster: 'inside', authority: lapsedRoot })],
  },
  {
    id: 'bundle-of-injector-expires-in-weeks',
    mode: 'TRU-05',
    says: 'The authority that was put into the injectors of a config cluster by hand expires in less than three weeks.',
    meshes: ['an external control plane'],
    edits: [bundlePutByHand({ cluster: 'south', authority: endingRoot })],
  },
  {
    id: 'authority-of-remote-expired',
    mode: 'TRU-05',
    says: 'The authority of the API server of a remote, as the remote secret holds it, expired.',
    meshes: ['primary-remote', 'two primaries', 'two remotes'],
    edits: [certificateReplaced(apiServerCaTwo, lapsedServerCa)],
  },
  {
    id: 'authority-of-remote-expires-in-a-week',
    mode: 'TRU-05',
    says: 'The authority of the API server of a remote expires within days.',
    meshes: ['primary-remote', 'three primaries'],
    edits: [certificateReplaced(apiServerCaTwo, endingServerCa)],
  },
  {
    id: 'extra-roots-without-any-flag',
    mode: 'TRU-04',
    says: 'Two primaries with roots of their own list each other under caCertificates, and nothing else was set up.',
    meshes: ['two primaries', 'two primaries on one network', 'three primaries'],
    edits: [anotherRoot({ cluster: 'west', root: thirdRoot, ca: 'plugged-in' }), ...federated('east', 'west')],
  },
  {
    id: 'extra-roots-on-one-istiod',
    mode: 'TRU-04',
    says: 'Trust between two roots was set up whole in one primary; the istiod of the other runs without ISTIO_MULTIROOT_MESH.',
    meshes: ['two primaries', 'two primaries on one network'],
    edits: [
      anotherRoot({ cluster: 'west', root: secondRoot, ca: 'plugged-in' }),
      trustsRoot({ cluster: 'east', root: secondRoot }),
      trustsRoot({ cluster: 'west', root: firstRoot }),
      ...['east', 'west'].map((cluster) => proxyMetadataSet({ cluster, name: 'PROXY_CONFIG_XDS_AGENT', value: 'true' })),
      withIstiodEnv('east', { ISTIO_MULTIROOT_MESH: 'true' }),
    ],
  },
  {
    id: 'extra-roots-proxies-do-not-ask',
    mode: 'TRU-04',
    says: 'Both istiods run with ISTIO_MULTIROOT_MESH, and the proxies of one cluster were not told to ask for roots.',
    meshes: ['two primaries'],
    edits: [
      anotherRoot({ cluster: 'west', root: secondRoot, ca: 'plugged-in' }),
      trustsRoot({ cluster: 'east', root: secondRoot }),
      trustsRoot({ cluster: 'west', root: firstRoot }),
      ...['east', 'west'].map((cluster) => withIstiodEnv(cluster, { ISTIO_MULTIROOT_MESH: 'true' })),
      proxyMetadataSet({ cluster: 'west', name: 'PROXY_CONFIG_XDS_AGENT', value: 'true' }),
    ],
  },
  {
    id: 'extra-root-on-one-side',
    mode: 'TRU-04',
    says: 'Only one of two primaries lists the root of the other under caCertificates.',
    meshes: ['two primaries', 'two primaries on one network'],
    edits: [
      anotherRoot({ cluster: 'west', root: secondRoot, ca: 'plugged-in' }),
      trustsRoot({ cluster: 'east', root: secondRoot }),
      proxyMetadataSet({ cluster: 'east', name: 'PROXY_CONFIG_XDS_AGENT', value: 'true' }),
      withIstiodEnv('east', { ISTIO_MULTIROOT_MESH: 'true' }),
    ],
  },
  {
    id: 'root-swapped-without-overlap',
    mode: 'TRU-06',
    says: 'One primary was given a new root and restarted before the others knew it.',
    meshes: ['two primaries', 'three primaries', 'two primaries on one network', 'ambient'],
    edits: [anotherRoot({ cluster: 'west', root: secondRoot, ca: 'plugged-in' })],
    also: ['TRU-01'],
  },
  {
    id: 'root-swapped-while-the-other-is-prepared',
    mode: 'TRU-06',
    says: 'The new root was put into the cacerts of both primaries, and only one istiod was restarted.',
    meshes: ['two primaries', 'ambient'],
    edits: [
      anotherRoot({ cluster: 'west', root: secondRoot, ca: 'plugged-in' }),
      caSecretWritten({ cluster: 'east', data: { 'ca-cert.pem': secondIntermediateOne, 'root-cert.pem': secondRoot } }),
    ],
    also: ['TRU-01', 'TRU-02'],
  },
  {
    id: 'signed-under-a-root-others-lack',
    mode: 'TRU-06',
    says: 'One primary has both roots and signs under the new one already, which the other was not given.',
    meshes: ['two primaries', 'two primaries on one network', 'ambient'],
    edits: [
      foreignRoot({ cluster: 'west', root: firstRoot + thirdRoot }),
      caSecretWritten({
        cluster: 'west',
        data: {
          'root-cert.pem': firstRoot + thirdRoot,
          'ca-cert.pem': thirdIntermediateTwo,
          'cert-chain.pem': thirdIntermediateTwo + thirdRoot,
        },
      }),
      istiodRestarted({ cluster: 'west' }),
    ],
  },
  {
    id: 'remote-without-mesh-config-in-custom-domain',
    mode: 'TRU-08',
    says: 'A mesh with a trust domain of its own reads a remote, where no ConfigMap of the mesh configuration exists.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'two remotes'],
    edits: [trustDomainSet({ cluster: 'east', trustDomain: 'mesh.example.com' })],
  },
  {
    id: 'remote-mesh-config-of-another-revision',
    mode: 'TRU-08',
    says: 'The remote has the ConfigMap of the mesh configuration of a revision that was uninstalled, not of the one that reads it.',
    meshes: ['primary-remote with a revision'],
    edits: [
      trustDomainSet({ cluster: 'east', trustDomain: 'mesh.example.com' }),
      meshConfigMade({ cluster: 'west', name: 'istio', trustDomain: 'mesh.example.com' }),
    ],
  },
  {
    id: 'secret-for-itself',
    mode: 'SEC-10',
    says: 'A remote secret was made with the context of a remote and the name of the primary.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'two primaries', 'three primaries'],
    edits: [secretNamedAfter({ cluster: 'east', of: 'west' })],
  },
  {
    id: 'secrets-everywhere',
    mode: 'SEC-10',
    says: 'A primary was given a remote secret for itself beside the others, as when all clusters get the same from one place.',
    meshes: ['two primaries', 'three primaries'],
    edits: [secretForItself({ cluster: 'east', from: 'west' })],
  },
  {
    id: 'secret-of-a-remote-that-is-gone',
    mode: 'SEC-12',
    says: 'A remote was deleted, and its remote secret was left in the primary.',
    meshes: ['two remotes'],
    edits: [clusterGone('south')],
    observed: (mesh) => unreachable(mesh, ['east'], 'south'),
  },
  {
    id: 'secret-of-a-primary-that-is-gone',
    mode: 'SEC-12',
    says: 'A primary was deleted, and its remote secrets were left in the others.',
    meshes: ['three primaries'],
    edits: [clusterGone('south')],
    observed: (mesh) => unreachable(mesh, ['east', 'west'], 'south'),
  },
  {
    id: 'base-not-installed-in-remote',
    // istioctl makes the account that it takes a token of: the secret is what is missing.
    mode: 'SEC-01',
    says: 'The remote secret was never made, nor the account that it is made from, since the base of Istio was not installed in the remote.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'two primaries'],
    edits: [remoteSecretDeleted({ cluster: 'east', of: 'west' }), readerAccountMissing('west')],
  },
  {
    id: 'cluster-id-is-no-label',
    mode: 'SEC-14',
    says: 'A cluster was installed under the name of its context, which istioctl refuses as the name of a remote secret.',
    meshes: ['primary-remote', 'primary-remote with a revision'],
    edits: [
      remoteReinstalledAs({ cluster: 'west', id: 'gke_acme_europe-west1_west' }),
      remoteSecretDeleted({ cluster: 'east', of: 'west' }),
    ],
  },
];

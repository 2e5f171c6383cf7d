import { neverLed } from '../../../src/builder/edits/control-plane.ts';
import { inCluster, put } from '../../../src/builder/edits/edit.ts';
import { isInjector } from '../../../src/builder/edits/find.ts';
import {
  kubeconfigRejected,
  readerTokenRevoked,
  readerUnbound,
  readerWithout,
  secretRekeyed,
  serverAddress,
} from '../../../src/builder/edits/remote-secret.ts';
import { without } from '../../broken/edits.ts';
import type { Fault } from '../fault.ts';
import { externalAnnotation, externalUnset } from './external-edits.ts';

const meshes = ['an external control plane'] as const;
const south = { cluster: 'outside', of: 'south' };

/** The same with an istiod that runs outside the clusters it serves. */
export const faults: readonly Fault[] = [
  {
    id: 'external-remote-never-annotated',
    mode: 'ID-09',
    says: 'A further remote of an external control plane was never annotated.',
    meshes,
    edits: [externalAnnotation({ cluster: 'south', value: undefined })],
  },
  {
    id: 'external-remote-annotated-with-the-host-cluster',
    mode: 'ID-09',
    says: 'The annotation of a further remote names the cluster in which the external istiod runs, instead of what that istiod is called.',
    meshes,
    edits: [externalAnnotation({ cluster: 'south', value: 'outside' })],
  },
  {
    id: 'external-istiod-not-external',
    mode: 'ID-10',
    says: 'The external istiod runs without EXTERNAL_ISTIOD.',
    meshes,
    edits: [externalUnset({ cluster: 'outside', remotes: ['south'] })],
  },
  {
    id: 'external-secret-never-made',
    mode: 'SEC-01',
    says: 'The secret for a further remote was never made.',
    meshes,
    edits: [without('outside', 'Secret', 'external-istiod', 'istio-remote-secret-south'), inCluster('south', neverLed)],
  },
  {
    id: 'external-secret-under-context-name',
    mode: 'ID-08',
    says: 'The secret for a further remote was made with the name of its context.',
    meshes,
    edits: [secretRekeyed({ ...south, key: 'kind-south' })],
  },
  {
    id: 'external-injection-url-copied',
    mode: 'ID-11',
    says: 'The injection url of the config cluster was copied to a further remote.',
    meshes,
    edits: [
      inCluster('south', (objects) =>
        objects.map((object) =>
          isInjector(object)
            ? put(
                object,
                ['webhooks', '*', 'clientConfig', 'url'],
                'https://istiod.mesh.example.com:15017/inject/cluster/inside/net/network1',
              )
            : object,
        ),
      ),
    ],
  },
  {
    id: 'external-secret-names-the-loopback',
    mode: 'SEC-02',
    says: 'The secret for a further remote names the loopback.',
    meshes,
    edits: [serverAddress({ ...south, server: 'https://127.0.0.1:33445', leader: 'loses' })],
  },
  {
    id: 'external-kubeconfig-runs-a-program',
    mode: 'SEC-05',
    says: 'The kubeconfig of a further remote runs a program.',
    meshes,
    edits: [kubeconfigRejected({ ...south, auth: 'exec', leader: 'loses' })],
  },
  {
    id: 'external-reader-made-again',
    mode: 'SEC-04',
    says: 'The reader of a further remote was made again.',
    meshes,
    edits: [readerTokenRevoked({ ...south, by: 'rotated' })],
  },
  {
    id: 'external-reader-may-not-read-pods',
    mode: 'SEC-06',
    says: 'The reader of a further remote may not read pods.',
    meshes,
    edits: [readerWithout({ cluster: 'south', resource: 'pods' })],
  },
  {
    id: 'external-reader-unbound',
    mode: 'SEC-06',
    says: 'The role of the reader of a further remote is bound to nobody.',
    meshes,
    edits: [readerUnbound({ cluster: 'south' })],
  },
];

import { readFile as readFromDisk } from 'node:fs/promises';
import { SourceError } from '../base/errors.ts';
import { fileProblem, hostPort } from './classify.ts';
import type { ClusterTarget } from './target.ts';

const folder = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The cluster whose pod this process runs in, as its service account; the token is read anew as the kubelet renews it.
 * @throws SourceError outside a pod, or when the pod has no service account token
 */
export async function inClusterTarget(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => Promise<string> = (path) => readFromDisk(path, 'utf8'),
): Promise<ClusterTarget> {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '';
  if (host === '' || port === '')
    throw new SourceError(
      'ERR_NO_CLUSTER',
      'This is no pod of a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set.',
    );
  const read = async (name: string): Promise<string> => {
    try {
      return await readFile(`${folder}/${name}`);
    } catch (error) {
      throw new SourceError('ERR_NO_CLUSTER', `The service account of this pod cannot be used: ${folder}/${name}: ${fileProblem(error)}.`, {
        hint: 'The pod needs a service account, and automountServiceAccountToken must not be false.',
      });
    }
  };
  await read('token');
  const authority = await read('ca.crt');
  const namespace = (await read('namespace').catch(() => '')).trim();
  return {
    name: 'in-cluster',
    server: `https://${hostPort(host, Number(port))}`,
    ...(namespace === '' ? {} : { namespace }),
    certificateAuthority: { pem: authority },
    insecureSkipTlsVerify: false,
    credential: { kind: 'token-file', file: `${folder}/token` },
    disableCompression: false,
  };
}

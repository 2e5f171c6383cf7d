import { stringify } from 'yaml';
import type { Lab } from '../lab/lab.ts';
import * as parts from '../topologies/parts.ts';
import type { Fault } from './fault.ts';

/*
 * Remote secrets that come to an end.
 */

const topology = 'multi-primary';
const both = ['cluster1', 'cluster2'] as const;
const system = 'istio-system';
const reader = 'istio-reader-service-account';

const putBack = async (lab: Lab): Promise<void> => await parts.remoteSecret(lab, 'cluster1', 'cluster2');

export const credentialFaults: readonly Fault[] = [
  {
    id: 'token-ends-in-days',
    about: 'The remote secret was made with a token of kubectl create token, which ends in two days.',
    topology,
    stage: async (lab) => {
      const token = await lab.kubectl('cluster2', ['create', 'token', reader, '-n', system, '--duration=48h']);
      await secretWith(lab, { token: token.trim() });
    },
    undo: putBack,
    expected: { cause: 'expired-credential/expiring', clusters: both },
    remedy: { kind: 'printed' },
  },
];

/** The remote secret for cluster2, with a kubeconfig that somebody put together. */
async function secretWith(lab: Lab, user: Readonly<Record<string, unknown>>): Promise<void> {
  const name = 'cluster2';
  const { ca, server } = lab.cluster(name).cluster;
  const kubeconfig = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
  await lab.apply('cluster1', [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: `istio-remote-secret-${name}`,
        namespace: system,
        labels: { 'istio/multiCluster': 'true' },
        annotations: { 'networking.istio.io/cluster': name },
      },
      stringData: { [name]: kubeconfig },
    },
  ]);
}

import { stringify } from 'yaml';
import type { Lab } from '../lab/lab.ts';
import * as parts from '../topologies/parts.ts';
import type { Fault } from './fault.ts';

/*
 * Remote secrets that come to an end, or that istiod does not accept.
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
      await secretWith(lab, { user: { token: token.trim() } });
    },
    undo: putBack,
    expected: { cause: 'expired-credential/expiring', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'kubeconfig-runs-a-program',
    about: 'The remote secret was made from the kubeconfig of a person, which runs a program of a cloud for its token.',
    topology,
    stage: async (lab) => {
      const exec = {
        apiVersion: 'client.authentication.k8s.io/v1beta1',
        command: 'aws',
        args: ['eks', 'get-token', '--cluster-name', 'two'],
      };
      await secretWith(lab, { user: { exec } });
    },
    undo: putBack,
    expected: { cause: 'rejected-kubeconfig/refused', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'kubeconfig-without-context',
    about: 'The kubeconfig of the remote secret lost its current context when it was put together by hand.',
    topology,
    stage: async (lab) => await secretWith(lab, { context: '' }),
    undo: putBack,
    expected: { cause: 'rejected-kubeconfig/invalid', clusters: both },
    remedy: { kind: 'printed' },
  },
];

interface Opens {
  /** Default: a token of the reader. */
  readonly user?: Readonly<Record<string, unknown>>;
  readonly context?: string;
}

/** The remote secret for cluster2, with a kubeconfig that somebody put together. */
async function secretWith(lab: Lab, { user, context = 'cluster2' }: Opens): Promise<void> {
  const name = 'cluster2';
  const { ca, server } = lab.cluster(name).cluster;
  const known = user ?? { token: (await lab.kubectl(name, ['create', 'token', reader, '-n', system, '--duration=720h'])).trim() };
  const kubeconfig = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name, user: known }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    ...(context === '' ? {} : { 'current-context': context }),
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

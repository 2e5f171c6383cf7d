import { podsReady, type Lab } from '../lab/lab.ts';
import { applyConfigCluster, exposure, giveKubeconfig, namespace } from '../topologies/external.ts';
import * as parts from '../topologies/parts.ts';
import type { Fault } from './fault.ts';

const topology = 'external';

/** The ingress gateway's address as the config cluster has it. */
async function applyAgain(lab: Lab): Promise<void> {
  await applyConfigCluster(lab, await parts.gatewayAddress(lab, 'cluster1', 'istio-ingressgateway'));
}

async function scale(lab: Lab, inNamespace: string, deployment: string, replicas: number): Promise<void> {
  await lab.kubectl('cluster1', ['scale', 'deployment', deployment, '-n', inNamespace, `--replicas=${replicas}`]);
  await lab.kubectl('cluster1', ['rollout', 'status', `deployment/${deployment}`, '-n', inNamespace, '--timeout=90s']);
}

export const externalFaults: readonly Fault[] = [
  {
    id: 'external-not-exposed',
    about: 'The VirtualService that leads to the external istiod was left out.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster1', ['delete', 'virtualservice', 'external-istiod-vs', '-n', namespace]);
    },
    undo: async (lab) => {
      await lab.kubectl('cluster1', ['delete', '--ignore-not-found', 'virtualservice', 'istiod-vs', '-n', namespace]);
      await lab.apply('cluster1', exposure);
    },
    expected: { cause: 'unexposed-istiod', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'external-istiod-down',
    about: 'The external istiod was scaled to nothing.',
    topology,
    stage: async (lab) => await scale(lab, namespace, 'istiod', 0),
    undo: async (lab) => await scale(lab, namespace, 'istiod', 1),
    expected: { cause: 'unavailable-istiod', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'external-stale-address',
    about: 'The gateway in front of the external istiod got a new address, and the config cluster was not told.',
    topology,
    stage: async (lab) => {
      const slice = { endpoints: [{ addresses: ['10.201.0.99'] }] };
      await lab.kubectl('cluster2', ['patch', 'endpointslice', 'istiod', '-n', namespace, '--type=merge', '-p', JSON.stringify(slice)]);
    },
    undo: applyAgain,
    expected: { cause: 'stale-pilot-address', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'external-injection-path',
    about: 'The config cluster was installed with the injection path of another cluster.',
    topology,
    stage: async (lab) => {
      const name = `mutatingwebhookconfiguration/istio-sidecar-injector-${namespace}`;
      const webhooks = await lab.kubectl('cluster2', ['get', name, '-o', 'jsonpath={.webhooks[*].name}']);
      const patch = webhooks
        .trim()
        .split(/\s+/u)
        .map((_, position) => ({
          op: 'replace',
          path: `/webhooks/${position}/clientConfig/service/path`,
          value: '/inject/cluster/cluster1/net/network1',
        }));
      await lab.kubectl('cluster2', ['patch', name, '--type=json', '-p', JSON.stringify(patch)]);
    },
    undo: applyAgain,
    expected: { cause: 'mismatched-cluster-id/injector', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'external-loopback-server',
    about: 'The kubeconfig of the external istiod named an API server on localhost.',
    topology,
    stage: async (lab) => {
      const secret = await lab.kubectl('cluster1', ['get', 'secret', 'istio-kubeconfig', '-n', namespace, '-o', 'jsonpath={.data.config}']);
      const config = Buffer.from(secret, 'base64')
        .toString()
        .replace(/server: .*/u, 'server: https://127.0.0.1:6443');
      await lab.kubectl('cluster1', [
        'patch',
        'secret',
        'istio-kubeconfig',
        '-n',
        namespace,
        '-p',
        JSON.stringify({ data: { config: Buffer.from(config).toString('base64') } }),
      ]);
    },
    undo: async (lab) => await giveKubeconfig(lab),
    expected: { cause: 'loopback-server', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'external-kubeconfig-missing',
    about: 'Secret istio-kubeconfig was deleted and the external istiod restarted: it took its own cluster for the config cluster.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster1', ['delete', 'secret', 'istio-kubeconfig', '-n', namespace]);
      await restart(lab);
    },
    undo: async (lab) => {
      await giveKubeconfig(lab);
      await restart(lab);
    },
    expected: { cause: 'missing-remote-secret/ofConfig', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'external-unserved-revision',
    about: 'A namespace of the config cluster was labelled with a revision that nobody serves.',
    topology,
    stage: async (lab) => {
      await lab.kubectl('cluster2', ['label', 'namespace', 'sample', 'istio-injection-', 'istio.io/rev=1-30-0']);
    },
    undo: async (lab) => {
      await lab.kubectl('cluster2', ['label', '--overwrite', 'namespace', 'sample', 'istio-injection=enabled', 'istio.io/rev-']);
      await podsReady(lab, 'cluster2', 'sample', 'app');
    },
    expected: { cause: 'unserved-revision', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
];

async function restart(lab: Lab): Promise<void> {
  await lab.kubectl('cluster1', ['rollout', 'restart', 'deployment/istiod', '-n', namespace]);
  await lab.kubectl('cluster1', ['rollout', 'status', 'deployment/istiod', '-n', namespace, '--timeout=120s']);
}

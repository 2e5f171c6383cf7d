import type { Lab } from '../lab/lab.ts';
import { canaryRevision } from '../topologies/canary.ts';
import * as parts from '../topologies/parts.ts';
import { flatRemoteOperator } from '../topologies/primary-remote-one-network.ts';
import { remoteOperator } from '../topologies/primary-remote.ts';
import type { Fault } from './fault.ts';
import { kept } from './kept.ts';
import { gone, sample } from './objects.ts';
import { restartWorkloads } from './restarts.ts';

/*
 * Labels, webhooks and Services by which pods come by their sidecar, and revisions that get in each other's way.
 */

const system = 'istio-system';
const istiod = `istiod-${parts.revision}`;
const canaryInjector = `istio-sidecar-injector-${canaryRevision}`;
const objects = {
  service: kept('cluster2', 'service', istiod, system),
  slice: kept('cluster2', 'endpointslice', istiod, system),
  canaryInjector: kept('cluster2', 'mutatingwebhookconfiguration', canaryInjector),
};

export const injectionFaults: readonly Fault[] = [
  {
    id: 'both-injection-labels',
    about: 'A namespace of the default revision was told to move to another by istio.io/rev, and kept istio-injection.',
    topology: 'multi-primary',
    stage: async (lab) => void (await lab.kubectl('cluster2', ['label', 'namespace', sample, 'istio.io/rev=canary'])),
    undo: async (lab) => {
      await lab.kubectl('cluster2', ['label', '--overwrite', 'namespace', sample, 'istio-injection=enabled']);
      await lab.kubectl('cluster2', ['label', 'namespace', sample, 'istio.io/rev-']);
    },
    expected: { cause: 'contradicting-injection-labels', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: 'which of the two labels is meant is for its owner to say' },
  },
  {
    id: 'injector-behind-firewall',
    about: 'A firewall keeps the API server from port 15017 of istiod.',
    topology: 'multi-primary',
    flags: ['--probe=dry-run'],
    stage: async (lab) => {
      const to = await lab.kubectl('cluster2', [
        'get',
        'pods',
        '-n',
        system,
        '-l',
        'app=istiod',
        '-o',
        'jsonpath={.items[0].status.podIP}',
      ]);
      await lab.services.bar([{ to, port: 15_017 }]);
    },
    undo: async (lab) => await lab.services.bar([]),
    expected: { cause: 'failing-injection/unanswered', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: 'a firewall is in no object' },
  },
  {
    id: 'istiod-known-by-name',
    about: 'The Service of istiod in the remote was made an ExternalName, as for a primary that is known by a host name.',
    topology: 'primary-remote',
    stage: async (lab) => {
      await objects.service.keep(lab);
      await objects.slice.keep(lab);
      await gone(lab, ['cluster2'], 'service', istiod, system);
      await gone(lab, ['cluster2'], 'endpointslice', istiod, system);
      await lab.apply('cluster2', [
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: istiod, namespace: system, labels: { app: 'istiod', 'istio.io/rev': parts.revision } },
          spec: { type: 'ExternalName', externalName: 'istiod.cluster1.example' },
        },
      ]);
    },
    undo: async (lab) => {
      await gone(lab, ['cluster2'], 'service', istiod, system);
      await objects.service.putBack(lab);
      await objects.slice.putBack(lab);
    },
    expected: { cause: 'external-name-injector-service', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: 'the name has to be known to DNS, and to istiod' },
  },
  {
    id: 'validator-must-be-asked',
    about: 'The validating webhook of the remote was made mandatory, and nobody gave it the certificate of istiod.',
    topology: 'primary-remote',
    stage: async (lab) => await validatorBecomes(lab, 'Fail'),
    undo: async (lab) => await validatorBecomes(lab, 'Ignore'),
    expected: { cause: 'stale-validator-ca-bundle', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'revision-in-remote-only',
    about: 'A second revision was installed in the remote for a namespace of its own, and never in the primary.',
    topology: 'primary-remote',
    stage: async (lab) => {
      await parts.install(lab, 'cluster2', await remoteOperator(lab, 'next'));
      await parts.makeNamespace(lab, 'cluster2', 'next', { labels: { 'istio.io/rev': 'next' } });
    },
    undo: async (lab) => {
      await lab.istioctl('cluster2', ['uninstall', '-y', '--revision', 'next']);
      await lab.kubectl('cluster2', ['delete', 'namespace', 'next', '--ignore-not-found', '--wait=false']);
    },
    expected: { cause: 'unserved-injector', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: 'the revision is either installed in the primary or taken away, which is for its owner to say' },
  },
  {
    id: 'canary-injector-calls-old-service',
    about: 'The webhook of the second revision was copied from the first in the remote, and calls its Service.',
    topology: 'canary',
    stage: async (lab) => {
      await objects.canaryInjector.keep(lab);
      const webhooks = await lab.kubectl('cluster2', ['get', 'mutatingwebhookconfiguration', canaryInjector, '-o', 'json']);
      await lab.kubectl('cluster2', ['replace', '-f', '-'], webhooks.replaceAll(`"istiod-${canaryRevision}"`, `"${istiod}"`));
    },
    undo: async (lab) => await objects.canaryInjector.putBack(lab),
    expected: { cause: 'shared-istiod-service', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: 'it is an installation of the second revision again, and a restart of everything that it injects' },
  },
  {
    id: 'canary-gateway-takes-traffic',
    about: 'A gateway of the second revision was installed in the remote with the label of the network from the start.',
    topology: 'canary',
    stage: async (lab) => await parts.install(lab, 'cluster2', canaryGateway()),
    undo: async (lab) => {
      for (const kind of ['service', 'deployment', 'hpa', 'pdb']) await gone(lab, ['cluster2'], kind, canaryGatewayName, system);
    },
    expected: { cause: 'premature-canary-gateway', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'remote-installed-whole',
    about: 'The remote was installed with a profile that brings an istiod, and its workloads were rolled out since.',
    topology: 'primary-remote-one-network',
    stage: async (lab) => {
      const global = { meshID: 'mesh1', network: 'network1', multiCluster: { clusterName: 'cluster2' } };
      const operator = parts.operatorOf('remote', {
        profile: 'minimal',
        meshConfig: parts.meshConfig,
        values: { ...parts.telemetryOff, global },
      });
      await parts.install(lab, 'cluster2', operator);
      await restartWorkloads(lab, 'cluster2');
    },
    undo: async (lab) => {
      await parts.install(lab, 'cluster2', await flatRemoteOperator(lab));
      await restartWorkloads(lab, 'cluster2');
    },
    expected: { cause: 'stray-istiod', clusters: ['cluster1', 'cluster2'] },
    remedy: { kind: 'undone', because: 'it is an installation of another profile, and a restart of everything injected' },
  },
];

const canaryGatewayName = 'istio-eastwestgateway-canary';

function canaryGateway(): Record<string, unknown> {
  const text = JSON.stringify(parts.eastWestGateway('network2', canaryRevision));
  return JSON.parse(text.replaceAll('istio-eastwestgateway', canaryGatewayName).replace('"eastwest"', '"eastwest-canary"')) as Record<
    string,
    unknown
  >; // what was just printed
}

async function validatorBecomes(lab: Lab, failurePolicy: 'Fail' | 'Ignore'): Promise<void> {
  const name = `istio-validator-${parts.revision}-${system}`;
  const patch = JSON.stringify([{ op: 'replace', path: '/webhooks/0/failurePolicy', value: failurePolicy }]);
  await lab.kubectl('cluster2', ['patch', 'validatingwebhookconfiguration', name, '--type=json', '-p', patch]);
}

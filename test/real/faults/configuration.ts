import type { Lab } from '../lab/lab.ts';
import { revision } from '../topologies/parts.ts';
import type { Fault } from './fault.ts';
import { restarted } from './restarts.ts';

/** What people write into meshes that work, and that takes services or istiod from callers of the other cluster. */
const topology = 'multi-primary';
const both = ['cluster1', 'cluster2'] as const;
const host = 'def.sample.svc.cluster.local';

const networking = (kind: string, spec: unknown, name = 'def') => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace: 'sample' },
  spec,
});

/** The Service of the other cluster, made where its callers are. */
const serviceOfDef = (portName: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'def', namespace: 'sample', labels: { app: 'def' } },
  spec: { selector: { app: 'def' }, ports: [{ name: portName, port: 5000, targetPort: 5000 }] },
});

export const configurationFaults: readonly Fault[] = [
  {
    id: 'mutual-tls-disabled',
    about: 'A PeerAuthentication turned mutual TLS off for a namespace whose service is called from the other network.',
    topology,
    stage: async (lab) =>
      await lab.apply('cluster2', [
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'PeerAuthentication',
          metadata: { name: 'plain', namespace: 'sample' },
          spec: { mtls: { mode: 'DISABLE' } },
        },
      ]),
    undo: async (lab) => await gone(lab, 'cluster2', 'peerauthentication', 'plain'),
    expected: { cause: 'disabled-mutual-tls', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'client-tls-simple',
    about: 'A DestinationRule asked for TLS of its own towards a service of the other network.',
    topology,
    stage: async (lab) =>
      await lab.apply('cluster1', [networking('DestinationRule', { host, trafficPolicy: { tls: { mode: 'SIMPLE' } } })]),
    undo: async (lab) => await gone(lab, 'cluster1', 'destinationrule', 'def'),
    expected: { cause: 'mismatched-client-tls', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'policy-by-source-address',
    about: 'An AuthorizationPolicy allowed callers of the other network by the addresses of their pods.',
    topology,
    stage: async (lab) => {
      const ip = await lab.kubectl('cluster1', [
        'get',
        'pods',
        '-n',
        'sample',
        '-l',
        'app=client',
        '-o',
        'jsonpath={.items[0].status.podIP}',
      ]);
      await lab.apply('cluster2', [
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'AuthorizationPolicy',
          metadata: { name: 'callers', namespace: 'sample' },
          spec: { selector: { matchLabels: { app: 'def' } }, action: 'ALLOW', rules: [{ from: [{ source: { ipBlocks: [ip] } }] }] },
        },
      ]);
    },
    undo: async (lab) => await gone(lab, 'cluster2', 'authorizationpolicy', 'callers'),
    expected: { cause: 'unseen-source-address', clusters: both },
    remedy: { kind: 'undone', because: 'whom to allow instead is for its author to say' },
  },
  {
    id: 'sidecar-labelled-plain',
    about: 'The template of a workload was given the label by which sidecars are taken for plain pods.',
    topology,
    stage: async (lab) => {
      const labels = { 'security.istio.io/tlsMode': 'disabled' };
      const patch = JSON.stringify({ spec: { template: { metadata: { labels } } } });
      await lab.kubectl('cluster2', ['patch', 'deployment', 'def', '-n', 'sample', '--type=merge', '-p', patch]);
      await lab.kubectl('cluster2', ['rollout', 'status', '-n', 'sample', 'deployment/def', '--timeout=110s']);
    },
    undo: async (lab) => {
      const labels = { 'security.istio.io/tlsMode': null };
      const patch = JSON.stringify({ spec: { template: { metadata: { labels } } } });
      await lab.kubectl('cluster2', ['patch', 'deployment', 'def', '-n', 'sample', '--type=merge', '-p', patch]);
      await lab.kubectl('cluster2', ['rollout', 'status', '-n', 'sample', 'deployment/def', '--timeout=110s']);
    },
    expected: { cause: 'uninjected-endpoints/mislabelled', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'server-without-sidecar',
    about: 'Injection was switched off for a workload that callers of the other network know by a Service of their own without pods.',
    topology,
    stage: async (lab) => {
      await lab.apply('cluster1', [serviceOfDef('tcp')]);
      await injected(lab, 'false');
    },
    undo: async (lab) => {
      await injected(lab, null);
      await gone(lab, 'cluster1', 'service', 'def');
    },
    expected: { cause: 'uninjected-endpoints/unreachable', clusters: both },
    remedy: { kind: 'undone', because: 'whether it can have a sidecar is for its owner to say' },
  },
  {
    id: 'port-named-otherwise',
    about: 'The Service was made in the cluster of its callers, too, and its port was given another name there.',
    topology,
    stage: async (lab) => await lab.apply('cluster1', [serviceOfDef('tcp-main')]),
    undo: async (lab) => await gone(lab, 'cluster1', 'service', 'def'),
    expected: { cause: 'mismatched-port-name', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'subset-in-one-primary',
    about: 'Callers were routed to a subset that only their own primary knows.',
    topology,
    stage: async (lab) =>
      await lab.apply('cluster1', [
        networking('DestinationRule', { host, subsets: [{ name: 'v1', labels: { app: 'def' } }] }),
        networking('VirtualService', { hosts: [host], tcp: [{ route: [{ destination: { host, subset: 'v1' } }] }] }),
      ]),
    undo: async (lab) => {
      for (const context of both) await gone(lab, context, 'destinationrule', 'def');
      await gone(lab, 'cluster1', 'virtualservice', 'def');
    },
    expected: { cause: 'missing-subset', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'gateway-sees-another-network',
    about: 'The gateway was told to see the endpoints of the other network.',
    topology,
    stage: async (lab) => await networkView(lab, 'network1'),
    undo: async (lab) => await networkView(lab, 'network2'),
    expected: { cause: 'mismatched-network-view', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'namespace-not-selected',
    about: 'Discovery selectors were introduced, and the namespace of the remote was not labelled for them.',
    topology: 'primary-remote',
    stage: async (lab) => {
      for (const context of both) await lab.kubectl(context, ['label', 'namespace', '--all', 'mesh=on']);
      await lab.kubectl('cluster2', ['label', 'namespace', 'sample', 'mesh-']);
      const mesh = await meshConfigOf(lab);
      await meshConfigBecomes(lab, `discoverySelectors:\n- matchLabels:\n    mesh: "on"\n${mesh}`);
    },
    undo: async (lab) => {
      const mesh = await meshConfigOf(lab);
      await meshConfigBecomes(lab, mesh.replace(/^discoverySelectors:\n- matchLabels:\n {4}mesh: "on"\n/, ''));
      for (const context of both) await lab.kubectl(context, ['label', 'namespace', '--all', 'mesh-']);
    },
    expected: { cause: 'undiscovered-namespace', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'istiod-denied-at-gateway',
    about: 'An AuthorizationPolicy without rules was put before the gateway that exposes istiod.',
    topology: 'primary-remote',
    stage: async (lab) =>
      await lab.apply('cluster1', [
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'AuthorizationPolicy',
          metadata: { name: 'nothing', namespace: 'istio-system' },
          spec: { selector: { matchLabels: { istio: 'eastwestgateway' } } },
        },
      ]),
    undo: async (lab) =>
      void (await lab.kubectl('cluster1', ['delete', 'authorizationpolicy', 'nothing', '-n', 'istio-system', '--ignore-not-found'])),
    expected: { cause: 'denied-istiod-connection', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'ambient-setting-missing',
    about: 'istiod of one ambient primary lost the setting for several networks.',
    topology: 'ambient',
    stage: async (lab) => await multiNetwork(lab, 'AMBIENT_ENABLE_MULTI_NETWORK-'),
    undo: async (lab) => await multiNetwork(lab, 'AMBIENT_ENABLE_MULTI_NETWORK=true'),
    expected: { cause: 'disabled-multi-network', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
];

/** The label by which a workload asks for a sidecar or for none. */
async function injected(lab: Lab, value: 'false' | null): Promise<void> {
  const patch = JSON.stringify({ spec: { template: { metadata: { labels: { 'sidecar.istio.io/inject': value } } } } });
  await lab.kubectl('cluster2', ['patch', 'deployment', 'def', '-n', 'sample', '--type=merge', '-p', patch]);
  await lab.kubectl('cluster2', ['rollout', 'status', '-n', 'sample', 'deployment/def', '--timeout=110s']);
}

async function gone(lab: Lab, context: string, kind: string, name: string): Promise<void> {
  await lab.kubectl(context, ['delete', kind, name, '-n', 'sample', '--ignore-not-found']);
}

async function networkView(lab: Lab, network: string): Promise<void> {
  await lab.kubectl('cluster2', [
    'set',
    'env',
    '-n',
    'istio-system',
    'deployment/istio-eastwestgateway',
    `ISTIO_META_REQUESTED_NETWORK_VIEW=${network}`,
  ]);
  await rolledOut(lab, 'cluster2', 'istio-eastwestgateway');
}

async function multiNetwork(lab: Lab, entry: string): Promise<void> {
  await lab.kubectl('cluster2', ['set', 'env', '-n', 'istio-system', 'deployment/istiod', entry]);
  await rolledOut(lab, 'cluster2', 'istiod');
}

async function rolledOut(lab: Lab, context: string, deployment: string): Promise<void> {
  await lab.kubectl(context, ['rollout', 'status', '-n', 'istio-system', `deployment/${deployment}`, '--timeout=110s']);
}

async function meshConfigOf(lab: Lab): Promise<string> {
  return await lab.kubectl('cluster1', ['get', 'configmap', `istio-${revision}`, '-n', 'istio-system', '-o', 'jsonpath={.data.mesh}']);
}

/** istiod sees the change when its volume does, which takes a minute or more: it is restarted. */
async function meshConfigBecomes(lab: Lab, mesh: string): Promise<void> {
  const patch = JSON.stringify({ data: { mesh } });
  await lab.kubectl('cluster1', ['patch', 'configmap', `istio-${revision}`, '-n', 'istio-system', '--type', 'merge', '-p', patch]);
  await restarted(lab, 'cluster1', 'istio-system', [`istiod-${revision}`]);
}

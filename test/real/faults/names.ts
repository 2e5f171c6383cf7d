import type { Fault } from './fault.ts';
import { gone, networking, retemplated, sample, service } from './objects.ts';
import { restarted } from './restarts.ts';

/*
 * Services that clusters do not have alike. Where a name is to be in both, it is that of the callers, who serve as every workload of the lab does.
 */

const topology = 'multi-primary';
const both = ['cluster1', 'cluster2'] as const;
const callers = { selector: { app: 'client' } };

export const nameFaults: readonly Fault[] = [
  {
    id: 'another-application-of-the-same-name',
    about: 'Two teams gave one name in one namespace to different applications, each in a cluster of its own.',
    topology,
    stage: async (lab) => await lab.apply('cluster1', [service('def', { selector: { app: 'abc' } })]),
    undo: async (lab) => await gone(lab, ['cluster1'], 'service', 'def'),
    expected: { cause: 'ambiguous-service', clusters: both },
    remedy: { kind: 'undone', because: 'which of the two gets another name is for their owners to say' },
  },
  {
    id: 'port-kept-from-the-sidecar',
    about:
      'A workload was told to keep its calls to port 5000 from its sidecar, and the service of that port is in the other cluster only.',
    topology,
    stage: async (lab) =>
      await retemplated(lab, 'cluster1', 'client', { annotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': '5000' } }),
    undo: async (lab) =>
      await retemplated(lab, 'cluster1', 'client', { annotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': null } }),
    expected: { cause: 'bypassed-sidecar', clusters: ['cluster1'] },
    remedy: { kind: 'undone', because: 'what else the workload keeps from its sidecar only its owner knows' },
  },
  {
    id: 'name-of-the-old-scheme',
    about: 'The ServiceEntry by which Istio 1.7 reached the other cluster was never taken away.',
    topology,
    stage: async (lab) =>
      await lab.apply('cluster1', [
        networking('ServiceEntry', 'def-sample', {
          hosts: ['def.sample.global'],
          location: 'MESH_INTERNAL',
          ports: [{ name: 'tcp', number: 5000, protocol: 'TCP' }],
          resolution: 'STATIC',
          addresses: ['240.0.0.2'],
          endpoints: [{ address: '203.0.113.20', ports: { tcp: 15_443 } }],
        }),
      ]),
    undo: async (lab) => await gone(lab, ['cluster1'], 'serviceentry', 'def-sample'),
    expected: { cause: 'leftover-global-name', clusters: ['cluster1'] },
    remedy: { kind: 'undone', because: 'callers have to leave the old name before it can go' },
  },
  {
    id: 'headless-in-one-primary',
    about: 'A chart made a TCP Service headless in one cluster and not in the other.',
    topology,
    stage: async (lab) => {
      await lab.apply('cluster1', [service('peers', callers)]);
      await lab.apply('cluster2', [service('peers', { ...callers, clusterIP: 'None' })]);
    },
    undo: async (lab) => await gone(lab, both, 'service', 'peers'),
    expected: { cause: 'mixed-headless-service', clusters: both },
    remedy: { kind: 'undone', because: 'whether the Service is to be headless is for its owner to say' },
  },
  {
    id: 'service-kept-to-nodes',
    about: 'A stub for the service of the other cluster was given internalTrafficPolicy Local.',
    topology,
    stage: async (lab) => await lab.apply('cluster1', [service('def', { selector: { app: 'def' }, internalTrafficPolicy: 'Local' })]),
    undo: async (lab) => await gone(lab, ['cluster1'], 'service', 'def'),
    expected: { cause: 'node-local-service', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'service-exported-to-its-namespace',
    about: 'A Service called from the other network was exported to its own namespace alone.',
    topology,
    stage: async (lab) =>
      void (await lab.kubectl('cluster2', ['annotate', 'service', 'def', '-n', sample, 'networking.istio.io/exportTo=.'])),
    undo: async (lab) =>
      void (await lab.kubectl('cluster2', ['annotate', 'service', 'def', '-n', sample, 'networking.istio.io/exportTo-'])),
    expected: { cause: 'unexported-service', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'port-added-in-one-primary',
    about: 'A port was added to a Service in one cluster only.',
    topology,
    stage: async (lab) => {
      await lab.apply('cluster1', [service('peers', callers)]);
      const ports = [
        { name: 'tcp', port: 5000, targetPort: 5000 },
        { name: 'tcp-admin', port: 9090, targetPort: 5000 },
      ];
      await lab.apply('cluster2', [service('peers', { ...callers, ports })]);
    },
    undo: async (lab) => await gone(lab, both, 'service', 'peers'),
    expected: { cause: 'unmerged-port', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'namespace-not-labelled',
    about: 'The namespace of a service lost the label for injection in one cluster, and its workloads were rolled out since.',
    topology,
    stage: async (lab) => {
      for (const context of both) await lab.apply(context, [service('peers', callers)]);
      await lab.kubectl('cluster2', ['label', 'namespace', sample, 'istio-injection-']);
      await restarted(lab, 'cluster2', sample, ['def', 'client']);
    },
    undo: async (lab) => {
      await gone(lab, both, 'service', 'peers');
      await lab.kubectl('cluster2', ['label', '--overwrite', 'namespace', sample, 'istio-injection=enabled']);
      await restarted(lab, 'cluster2', sample, ['def', 'client']);
    },
    expected: { cause: 'unmeshed-namespace', clusters: both },
    remedy: { kind: 'undone', because: 'the printed command says itself that workloads have to be restarted, which is for their owner' },
  },
  {
    id: 'headless-service-called-from-afar',
    about: 'Callers were to reach a headless service whose pods are all on the other network.',
    topology,
    flags: ['--service', 'peers.sample'],
    stage: async (lab) => await lab.apply('cluster2', [service('peers', { ...callers, clusterIP: 'None' })]),
    undo: async (lab) => await gone(lab, ['cluster2'], 'service', 'peers'),
    expected: { cause: 'unreachable-headless-service', clusters: both },
    remedy: { kind: 'undone', because: 'it needs a Service of another kind, which is for its owner to make' },
  },
  {
    id: 'headless-stub',
    about: 'A headless Service without pods was made so that the name of pods on the other network resolves.',
    topology,
    stage: async (lab) => {
      await lab.apply('cluster1', [service('peers', { clusterIP: 'None' })]);
      await lab.apply('cluster2', [service('peers', { ...callers, clusterIP: 'None' })]);
    },
    undo: async (lab) => await gone(lab, both, 'service', 'peers'),
    expected: { cause: 'unreachable-headless-service', clusters: ['cluster1'] },
    remedy: { kind: 'undone', because: 'it needs a Service of another kind, which is for its owner to make' },
  },
  {
    id: 'routes-of-a-stub-in-one-primary',
    about: 'A Service without pods leads to others by a VirtualService, and the other primary has neither.',
    topology,
    stage: async (lab) =>
      await lab.apply('cluster2', [
        service('front'),
        networking('VirtualService', 'front', {
          hosts: ['front.sample.svc.cluster.local'],
          tcp: [{ route: [{ destination: { host: 'def.sample.svc.cluster.local' } }] }],
        }),
      ]),
    undo: async (lab) => {
      await gone(lab, ['cluster2'], 'service', 'front');
      await gone(lab, both, 'virtualservice', 'front');
    },
    expected: { cause: 'unrouted-stub-service', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'pods-without-the-first-port',
    about: 'The pods of a StatefulSet lack the port that is the first of their headless Service.',
    topology: 'multi-primary-one-network',
    stage: async (lab) => {
      const ports = [
        { name: 'tcp-gossip', port: 7946, targetPort: 'gossip' },
        { name: 'tcp', port: 5000, targetPort: 5000 },
      ];
      await lab.apply('cluster2', [service('db', { selector: { app: 'db' }, clusterIP: 'None', ports }), statefulSet('db')]);
      await lab.kubectl('cluster2', ['rollout', 'status', '-n', sample, 'statefulset/db', '--timeout=110s']);
    },
    undo: async (lab) => {
      await gone(lab, ['cluster2'], 'service', 'db');
      await gone(lab, ['cluster2'], 'statefulset', 'db');
    },
    expected: { cause: 'unnamed-stateful-pod', clusters: both },
    remedy: { kind: 'undone', because: 'which port comes first is for the owner of the Service to say' },
  },
];

function statefulSet(name: string): Record<string, unknown> {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace: sample },
    spec: {
      serviceName: name,
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'app', image: 'registry.example/app:1', ports: [{ containerPort: 5000 }] }] },
      },
    },
  };
}

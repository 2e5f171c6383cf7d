import type { Fault } from './fault.ts';
import { gone, networking, sample, service } from './objects.ts';

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
    about: 'A Service called from the other network by a stub there was exported to its own namespace alone.',
    topology,
    stage: async (lab) => {
      await lab.apply('cluster1', [service('def', { selector: { app: 'def' } })]);
      await lab.kubectl('cluster2', ['annotate', 'service', 'def', '-n', sample, 'networking.istio.io/exportTo=.']);
    },
    undo: async (lab) => {
      await lab.kubectl('cluster2', ['annotate', 'service', 'def', '-n', sample, 'networking.istio.io/exportTo-']);
      await gone(lab, ['cluster1'], 'service', 'def');
    },
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
    id: 'route-to-a-removed-service',
    about: 'The VirtualService of a service still leads callers to another one, which was removed from every cluster.',
    topology,
    stage: async (lab) => {
      await lab.apply('cluster1', [service('def', { selector: { app: 'def' } })]);
      await lab.apply('cluster1', [
        networking('VirtualService', 'def', {
          hosts: ['def.sample.svc.cluster.local'],
          tcp: [{ route: [{ destination: { host: 'former.sample.svc.cluster.local' } }] }],
        }),
      ]);
    },
    undo: async (lab) => {
      await gone(lab, ['cluster1'], 'virtualservice', 'def');
      await gone(lab, ['cluster1'], 'service', 'def');
    },
    expected: { cause: 'unknown-destination', clusters: ['cluster1'] },
    remedy: { kind: 'undone', because: 'where its calls are to go is for its author to say' },
  },
];

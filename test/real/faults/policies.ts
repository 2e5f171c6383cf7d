import type { Lab } from '../lab/lab.ts';
import type { Fault } from './fault.ts';
import { gone, networking, security, service } from './objects.ts';

/*
 * Rules, policies and filters that name services, callers and ports of several clusters.
 */

const topology = 'multi-primary';
const both = ['cluster1', 'cluster2'] as const;
const system = 'istio-system';
const peers = 'peers.sample.svc.cluster.local';

export const policyFaults: readonly Fault[] = [
  {
    id: 'rule-beside-the-service-only',
    about: 'A DestinationRule of a service that both clusters have was applied in one primary.',
    topology,
    stage: async (lab) => {
      await peersEverywhere(lab);
      await lab.apply('cluster2', [
        networking('DestinationRule', 'peers', { host: peers, trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } } }),
      ]);
    },
    undo: withoutPeers,
    expected: { cause: 'missing-caller-rules', clusters: ['cluster1'] },
    remedy: { kind: 'printed' },
  },
  {
    id: 'failover-without-outlier-detection',
    about: 'Failover between regions was set up in both primaries without outlier detection.',
    topology,
    stage: async (lab) => {
      await peersEverywhere(lab);
      const localityLbSetting = { enabled: true, failover: [{ from: 'north', to: 'south' }] };
      const rule = networking('DestinationRule', 'peers', { host: peers, trafficPolicy: { loadBalancer: { localityLbSetting } } });
      for (const context of both) await lab.apply(context, [rule]);
    },
    undo: withoutPeers,
    expected: { cause: 'missing-outlier-detection', clusters: both },
    remedy: { kind: 'printed' },
  },
  {
    id: 'policy-with-identities-of-another-mesh',
    about: 'An AuthorizationPolicy was copied from a mesh of another trust domain, with the identities of its callers.',
    topology,
    stage: async (lab) =>
      await lab.apply('cluster2', [
        security('AuthorizationPolicy', 'callers', {
          selector: { matchLabels: { app: 'def' } },
          action: 'ALLOW',
          rules: [{ from: [{ source: { principals: ['old.example.com/ns/sample/sa/client'] } }] }],
        }),
      ]),
    undo: async (lab) => await gone(lab, ['cluster2'], 'authorizationpolicy', 'callers'),
    expected: { cause: 'foreign-principal', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: 'whom to allow instead is for its author to say' },
  },
  {
    id: 'filter-of-an-old-guide',
    about: 'The EnvoyFilter that rewrote server names in .global was applied to the east-west gateway.',
    topology,
    stage: async (lab) =>
      await lab.apply('cluster2', [
        {
          apiVersion: 'networking.istio.io/v1alpha3',
          kind: 'EnvoyFilter',
          metadata: { name: 'cluster-rewrite', namespace: system },
          spec: {
            workloadSelector: { labels: { istio: 'eastwestgateway' } },
            configPatches: [
              {
                applyTo: 'NETWORK_FILTER',
                match: {
                  context: 'GATEWAY',
                  listener: { portNumber: 15_443, filterChain: { filter: { name: 'envoy.filters.network.sni_cluster' } } },
                },
                patch: {
                  operation: 'INSERT_AFTER',
                  value: {
                    name: 'envoy.filters.network.tcp_cluster_rewrite',
                    typed_config: {
                      '@type': 'type.googleapis.com/istio.envoy.config.filter.network.tcp_cluster_rewrite.v2alpha1.TcpClusterRewrite',
                      cluster_pattern: '\\.global$',
                      cluster_replacement: '.svc.cluster.local',
                    },
                  },
                },
              },
            ],
          },
        },
      ]),
    undo: async (lab) => await gone(lab, ['cluster2'], 'envoyfilter', 'cluster-rewrite', system),
    expected: { cause: 'altered-cross-network-port', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: 'whether anything needs the filter only its author knows' },
  },
];

async function peersEverywhere(lab: Lab): Promise<void> {
  for (const context of both) await lab.apply(context, [service('peers', { selector: { app: 'client' } })]);
}

async function withoutPeers(lab: Lab): Promise<void> {
  await gone(lab, both, 'destinationrule', 'peers');
  await gone(lab, both, 'service', 'peers');
}

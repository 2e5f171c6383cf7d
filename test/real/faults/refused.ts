import type { Fault } from './fault.ts';
import { gatewayAnew } from './ways.ts';

/* What proxies, API servers and istiods refuse although every object by itself was taken. */

const remote = 'primary-remote';
const system = 'istio-system';

export const refusedFaults: readonly Fault[] = [
  {
    id: 'filter-that-envoy-refuses',
    about: 'An EnvoyFilter gave the east-west gateways a filter that Envoy takes for a mistake.',
    topology: remote,
    stage: async (lab) => await lab.apply('cluster1', [tooFastLimit]),
    undo: async (lab) => void (await lab.kubectl('cluster1', ['delete', 'envoyfilter', 'limit', '-n', system, '--ignore-not-found'])),
    expected: {
      cause: 'rejected-push',
      clusters: ['cluster1', 'cluster2'],
      also: {
        'altered-cross-network-port':
          'it names the filter, of which it says no more than that it changes that port; neither istiod nor Envoy says which object a part that is refused comes of',
      },
    },
    remedy: { kind: 'undone', because: 'what the filter was to do is for its author to say' },
  },
  {
    id: 'gateway-started-with-refused-filter',
    about:
      'The pod of the east-west gateway of the remote was made anew after an EnvoyFilter that Envoy takes for a mistake: it says 503 on 15021.',
    topology: remote,
    stage: async (lab) => {
      await lab.apply('cluster1', [tooFastLimit]);
      await gatewayAnew(lab);
    },
    undo: async (lab) => void (await lab.kubectl('cluster1', ['delete', 'envoyfilter', 'limit', '-n', system, '--ignore-not-found'])),
    expected: {
      cause: 'rejected-push',
      clusters: ['cluster1', 'cluster2'],
      also: { 'altered-cross-network-port': 'the same as with filter-that-envoy-refuses' },
    },
    remedy: { kind: 'undone', because: 'what the filter was to do is for its author to say' },
  },
];

/** A bucket that is filled more often than Envoy allows: taken by istiod and its webhook, refused by every listener that it is put into. */
const tooFastLimit = {
  apiVersion: 'networking.istio.io/v1alpha3',
  kind: 'EnvoyFilter',
  metadata: { name: 'limit', namespace: system },
  spec: {
    workloadSelector: { labels: { istio: 'eastwestgateway' } },
    configPatches: [
      {
        applyTo: 'NETWORK_FILTER',
        match: {
          context: 'GATEWAY',
          listener: { portNumber: 15_443, filterChain: { filter: { name: 'envoy.filters.network.tcp_proxy' } } },
        },
        patch: {
          operation: 'INSERT_BEFORE',
          value: {
            name: 'envoy.filters.network.local_ratelimit',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit',
              stat_prefix: 'limit',
              token_bucket: { max_tokens: 100, tokens_per_fill: 1, fill_interval: '0.01s' },
            },
          },
        },
      },
    ],
  },
};

import type { Fault } from '../fault.ts';
import { configured, crossNetworkHosts, policyByAddressOf, scaledToZero, uninjected } from './policy-edits.ts';

const inShop = { namespace: 'shop', name: 'abc' };
const off = { mtls: { mode: 'DISABLE' } };
const ofAbc = { selector: { matchLabels: { app: 'abc' } } };
const noTls = { trafficPolicy: { tls: { mode: 'DISABLE' } } };

/** AuthorizationPolicies that go by where a caller is. */
const uneven: readonly Fault[] = [
  {
    id: 'callers-allowed-by-address-where-they-were',
    mode: 'POL-16',
    says: 'Callers were allowed by the addresses that their pods had in the one cluster there was then.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [
      policyByAddressOf({
        cluster: 'east',
        app: 'curl',
        ...inShop,
        spec: (ipBlocks) => ({ ...ofAbc, action: 'ALLOW', rules: [{ from: [{ source: { ipBlocks } }] }] }),
      }),
    ],
  },
  {
    id: 'all-but-own-addresses-denied',
    mode: 'POL-16',
    says: 'Whoever does not have one of the addresses of the callers of one cluster was denied.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [
      policyByAddressOf({
        cluster: 'east',
        app: 'curl',
        ...inShop,
        spec: (notIpBlocks) => ({ ...ofAbc, action: 'DENY', rules: [{ from: [{ source: { notIpBlocks } }] }] }),
      }),
    ],
  },
];

/** PeerAuthentications, DestinationRules and pods without sidecar: mutual TLS, by which gateways between networks find their way. */
const mutualTls: readonly Fault[] = [
  {
    id: 'mtls-off-in-a-namespace',
    mode: 'POL-01',
    says: 'Mutual TLS was turned off for a namespace.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'two remotes', 'two primaries', 'three primaries'],
    edits: [configured({ cluster: 'east', kind: 'PeerAuthentication', namespace: 'shop', name: 'default', spec: off })],
  },
  {
    id: 'mtls-off-in-the-mesh',
    mode: 'POL-01',
    says: 'Mutual TLS was turned off for the whole mesh.',
    meshes: ['primary-remote', 'primary-remote 1.24 with a revision', 'an upgrade in flight'],
    edits: [configured({ cluster: 'east', kind: 'PeerAuthentication', namespace: 'istio-system', name: 'default', spec: off })],
  },
  {
    id: 'mtls-off-for-a-workload-that-others-call',
    mode: 'POL-01',
    says: 'Mutual TLS was turned off for a workload that callers of another cluster have nobody but.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [
      scaledToZero({ cluster: 'east', ...inShop }),
      configured({ cluster: 'east', kind: 'PeerAuthentication', ...inShop, spec: { ...ofAbc, ...off } }),
    ],
  },
  {
    id: 'mtls-off-for-a-port',
    mode: 'POL-01',
    says: 'Mutual TLS was turned off for the port on which a workload serves.',
    meshes: ['primary-remote', 'two remotes', 'two primaries'],
    edits: [
      configured({
        cluster: 'east',
        kind: 'PeerAuthentication',
        ...inShop,
        spec: { ...ofAbc, mtls: { mode: 'STRICT' }, portLevelMtls: { 80: { mode: 'DISABLE' } } },
      }),
    ],
  },
  {
    id: 'mtls-off-at-the-other-primary',
    mode: 'POL-01',
    says: 'Mutual TLS was turned off in the cluster of one primary, of which the other knows nothing.',
    meshes: ['two primaries', 'three primaries'],
    edits: [configured({ cluster: 'west', kind: 'PeerAuthentication', namespace: 'shop', name: 'default', spec: off })],
  },
  {
    id: 'rule-turns-tls-off',
    mode: 'POL-02',
    says: 'A DestinationRule of a service turned TLS off.',
    meshes: [
      'primary-remote',
      'primary-remote with a revision',
      'primary-remote 1.24',
      'two remotes',
      'two primaries',
      'an upgrade in flight',
    ],
    edits: [configured({ cluster: 'east', kind: 'DestinationRule', ...inShop, spec: { host: 'abc', ...noTls } })],
  },
  {
    id: 'rule-with-tls-of-its-own',
    mode: 'POL-02',
    says: 'A DestinationRule made callers use TLS of their own towards a service that only the other cluster runs.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [
      scaledToZero({ cluster: 'east', ...inShop }),
      configured({
        cluster: 'east',
        kind: 'DestinationRule',
        ...inShop,
        spec: { host: 'abc.shop.svc.cluster.local', trafficPolicy: { tls: { mode: 'SIMPLE', sni: 'abc.example.com' } } },
      }),
    ],
  },
  {
    id: 'rule-for-all-turns-tls-off',
    mode: 'POL-02',
    says: 'A rule for all hosts of the mesh turned TLS off.',
    meshes: ['primary-remote', 'two remotes', 'two primaries'],
    edits: [
      configured({
        cluster: 'east',
        kind: 'DestinationRule',
        namespace: 'istio-system',
        name: 'plain',
        spec: { host: '*.local', ...noTls },
      }),
    ],
  },
  {
    id: 'rule-turns-tls-off-on-a-port',
    mode: 'POL-02',
    says: 'A DestinationRule turned TLS off for one port.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [
      configured({
        cluster: 'east',
        kind: 'DestinationRule',
        ...inShop,
        spec: { host: 'abc', trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'DISABLE' } }] } },
      }),
    ],
  },
  {
    id: 'rule-of-the-other-primary-turns-tls-off',
    mode: 'POL-02',
    says: 'A DestinationRule in the cluster of one primary turned TLS off for its gateway.',
    meshes: ['two primaries', 'three primaries'],
    edits: [configured({ cluster: 'west', kind: 'DestinationRule', ...inShop, spec: { host: 'abc', ...noTls } })],
  },
  {
    id: 'service-without-sidecars-in-one-cluster',
    mode: 'POL-08',
    says: 'In one cluster the namespace was taken out of injection, and its workloads have no sidecar any more.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'two remotes', 'two primaries', 'three primaries'],
    edits: [uninjected({ cluster: 'west', namespace: 'shop' })],
    also: ['DNS-08'],
  },
  {
    id: 'service-that-others-call-without-sidecars',
    mode: 'POL-08',
    says: 'The only pods of a service that another cluster calls have no sidecar.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [scaledToZero({ cluster: 'east', ...inShop }), uninjected({ cluster: 'west', namespace: 'shop' })],
    also: ['DNS-08'],
  },
];

const primaries = [
  'primary-remote',
  'primary-remote with a revision',
  'primary-remote 1.24',
  'two remotes',
  'an upgrade in flight',
] as const;
const guard = { cluster: 'east', kind: 'AuthorizationPolicy', namespace: 'istio-system', name: 'guard' } as const;

/** AuthorizationPolicies that gateways fall under. */
const authorization: readonly Fault[] = [
  {
    id: 'policy-allows-nothing',
    mode: 'POL-06',
    says: 'A policy of the root namespace allows nothing, and the gateway before istiod was forgotten.',
    meshes: primaries,
    edits: [configured({ ...guard, spec: {} })],
  },
  {
    id: 'policy-allows-identities-only',
    mode: 'POL-06',
    says: 'A policy for the gateway allows identities, which it cannot see.',
    meshes: primaries,
    edits: [
      configured({
        ...guard,
        spec: {
          selector: { matchLabels: { istio: 'eastwestgateway' } },
          rules: [{ from: [{ source: { principals: ['cluster.local/ns/shop/sa/abc'] } }] }],
        },
      }),
    ],
  },
  {
    id: 'policy-denies-paths',
    mode: 'POL-06',
    says: 'A policy beside the gateway denies a path of HTTP, and so every connection that the gateway passes on.',
    meshes: primaries,
    edits: [configured({ ...guard, spec: { action: 'DENY', rules: [{ to: [{ operation: { paths: ['/admin*'] } }] }] } })],
  },
  {
    id: 'policy-allows-the-cross-network-port-only',
    mode: 'POL-06',
    says: 'A policy for the gateway allows the cross-network port and no other.',
    meshes: ['primary-remote', 'two remotes'],
    edits: [configured({ ...guard, spec: { rules: [{ to: [{ operation: { ports: ['15443', '15021'] } }] }] } })],
  },
];

const rule = (cluster: string, subsets: readonly Readonly<Record<string, unknown>>[], more: Readonly<Record<string, unknown>> = {}) =>
  configured({ cluster, kind: 'DestinationRule', ...inShop, spec: { host: 'abc', subsets, ...more } });
const toSubset = (cluster: string, subset: string) =>
  configured({
    cluster,
    kind: 'VirtualService',
    ...inShop,
    spec: { hosts: ['abc'], http: [{ route: [{ destination: { host: 'abc', subset } }] }] },
  });
const all = { name: 'all', labels: { app: 'abc' } };

/** Subsets and rules of one primary only. */
const lopsided: readonly Fault[] = [
  {
    id: 'subset-of-the-callers-only',
    mode: 'POL-03',
    says: 'A route to a subset, and the rule that defines it, were applied beside the callers only.',
    meshes: ['two primaries', 'two primaries with callers', 'three primaries'],
    edits: [rule('east', [all]), toSubset('east', 'all')],
    also: ['POL-05'],
  },
  {
    id: 'subset-of-the-servers-only',
    mode: 'POL-03',
    says: 'A route to a subset is with the callers, the rule that defines it beside the service.',
    meshes: ['two primaries', 'two primaries with callers'],
    edits: [rule('west', [all]), toSubset('east', 'all')],
    also: ['POL-05'],
  },
  {
    id: 'subset-by-cluster-on-one-side',
    mode: 'POL-03',
    says: 'Subsets by cluster were defined in one primary, and under other names in the other.',
    meshes: ['two primaries', 'two primaries with callers'],
    edits: [
      rule('east', [{ name: 'there', labels: { 'topology.istio.io/cluster': 'west' } }]),
      rule('west', [{ name: 'here', labels: { 'topology.istio.io/cluster': 'west' } }]),
      toSubset('east', 'there'),
    ],
    also: ['POL-05'],
  },
  {
    id: 'subset-kept-from-the-gateway',
    mode: 'POL-03',
    says: 'The rule that defines a subset is not exported to the namespace of the gateway.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two remotes', 'primary-remote with callers'],
    edits: [rule('east', [all], { exportTo: ['.'] }), toSubset('east', 'all')],
  },
  {
    id: 'route-beside-the-service-only',
    mode: 'POL-05',
    says: 'A route was applied in the cluster of one primary, while callers are in that of the other.',
    meshes: ['two primaries', 'two primaries with callers', 'three primaries'],
    edits: [
      configured({
        cluster: 'west',
        kind: 'VirtualService',
        ...inShop,
        spec: { hosts: ['abc'], http: [{ timeout: '2s', route: [{ destination: { host: 'abc' } }] }] },
      }),
    ],
  },
  {
    id: 'rule-beside-the-service-only',
    mode: 'POL-05',
    says: 'A DestinationRule was applied in the cluster of one primary only.',
    meshes: ['two primaries', 'two primaries with callers'],
    edits: [
      configured({
        cluster: 'west',
        kind: 'DestinationRule',
        ...inShop,
        spec: { host: 'abc.shop.svc.cluster.local', trafficPolicy: { connectionPool: { tcp: { maxConnections: 10 } } } },
      }),
    ],
  },
];

const passing = (name: string, hosts: readonly string[], tls: Readonly<Record<string, unknown>> | undefined, createdAt?: string) =>
  configured({
    cluster: 'east',
    kind: 'Gateway',
    namespace: 'istio-system',
    name,
    ...(createdAt === undefined ? {} : { createdAt }),
    spec: {
      selector: { istio: 'eastwestgateway' },
      servers: [
        {
          port: { number: 15443, name: 'tls', protocol: tls === undefined ? 'TCP' : 'TLS' },
          hosts,
          ...(tls === undefined ? {} : { tls }),
        },
      ],
    },
  });
const autoPassthrough = { mode: 'AUTO_PASSTHROUGH' };
const longAgo = '2025-01-01T00:00:00Z';

/** Gateways on the cross-network port. */
const gateways: readonly Fault[] = [
  {
    id: 'gateway-for-one-namespace',
    mode: 'EW-09',
    says: 'The cross-network Gateway was narrowed to one namespace, which is not that of the service.',
    meshes: ['primary-remote', 'primary-remote with a revision', 'two remotes', 'two primaries'],
    edits: [crossNetworkHosts({ cluster: 'east', hosts: ['*.other.svc.cluster.local'] })],
  },
  {
    id: 'gateway-for-a-domain-of-the-company',
    mode: 'EW-09',
    says: 'The cross-network Gateway of the second primary was written for names of a domain of the company, not for those of Kubernetes.',
    meshes: ['two primaries', 'three primaries'],
    edits: [crossNetworkHosts({ cluster: 'west', hosts: ['*.example.com'] })],
  },
  {
    id: 'gateways-overlap',
    mode: 'EW-10',
    says: 'A second cross-network Gateway was applied for hosts that the first has already, written in another way.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two remotes', 'two primaries', 'an upgrade in flight'],
    edits: [passing('services', ['*.svc.cluster.local'], autoPassthrough)],
  },
  {
    id: 'gateways-overlap-in-a-namespace',
    mode: 'EW-10',
    says: 'A team applied a cross-network Gateway for its namespace beside that of the mesh.',
    meshes: ['primary-remote', 'three primaries'],
    edits: [passing('shop', ['*.shop.svc.cluster.local'], autoPassthrough)],
  },
  {
    id: 'gateway-port-taken-by-routes',
    mode: 'EW-10',
    says: 'An older Gateway passes the same hosts through by routes, so that the cross-network Gateway is passed over.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [passing('first', ['*.local'], { mode: 'PASSTHROUGH' }, longAgo)],
  },
  {
    id: 'gateway-port-taken-by-plain-text',
    mode: 'EW-10',
    says: 'An older Gateway takes the cross-network port for plain TCP.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [passing('first', ['*'], undefined, longAgo)],
  },
];

const distributed = (way: Readonly<Record<string, unknown>>) => ({ loadBalancer: { localityLbSetting: { distribute: [way] } } });
const failover = { loadBalancer: { localityLbSetting: { failover: [{ from: 'region-east', to: 'region-west' }] } } };

/** Settings that do not do what they say. */
const idle: readonly Fault[] = [
  {
    id: 'failover-without-outlier-detection',
    mode: 'POL-09',
    says: 'Failover between regions was set up without outlier detection.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two remotes', 'primary-remote on one network'],
    edits: [configured({ cluster: 'east', kind: 'DestinationRule', ...inShop, spec: { host: 'abc', trafficPolicy: failover } })],
  },
  {
    id: 'failover-of-a-port-without-outlier-detection',
    mode: 'POL-09',
    says: 'Outlier detection is set for a host, but not for the port that has failover of its own.',
    meshes: ['primary-remote', 'two remotes'],
    edits: [
      configured({
        cluster: 'east',
        kind: 'DestinationRule',
        ...inShop,
        spec: {
          host: 'abc',
          trafficPolicy: { outlierDetection: { consecutive5xxErrors: 3 }, portLevelSettings: [{ port: { number: 80 }, ...failover }] },
        },
      }),
    ],
  },
  {
    id: 'calls-stay-in-a-region-that-is-drained',
    mode: 'POL-14',
    says: 'A rule keeps calls in their region, and the only cluster of the region has no pods of the service any more.',
    meshes: ['primary-remote with callers', 'two primaries with callers'],
    edits: [
      scaledToZero({ cluster: 'east', ...inShop }),
      configured({
        cluster: 'east',
        kind: 'DestinationRule',
        ...inShop,
        spec: { host: 'abc', trafficPolicy: distributed({ from: 'region-1/*', to: { 'region-1/*': 100 } }) },
      }),
    ],
    also: ['POL-05'],
  },
  {
    id: 'calls-go-to-a-region-of-old',
    mode: 'POL-14',
    says: 'A rule sends all calls to a region that was given up.',
    meshes: ['primary-remote', 'two remotes', 'primary-remote on one network', 'two primaries'],
    edits: [
      configured({
        cluster: 'east',
        kind: 'DestinationRule',
        ...inShop,
        spec: { host: 'abc.shop.svc.cluster.local', trafficPolicy: distributed({ from: '*', to: { 'eu-central-9/*': 100 } }) },
      }),
    ],
    also: ['POL-05'],
  },
  {
    id: 'policy-with-identities-of-another-mesh',
    mode: 'POL-07',
    says: 'A policy was copied from a mesh of another trust domain, identities included.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two primaries', 'two remotes'],
    edits: [
      configured({
        cluster: 'east',
        kind: 'AuthorizationPolicy',
        ...inShop,
        spec: { ...ofAbc, rules: [{ from: [{ source: { principals: ['prod.example.com/ns/shop/sa/default'] } }] }] },
      }),
    ],
  },
  {
    id: 'policy-with-identities-as-a-condition',
    mode: 'POL-07',
    says: 'A policy names identities of another trust domain in a condition.',
    meshes: ['primary-remote', 'two primaries'],
    edits: [
      configured({
        cluster: 'east',
        kind: 'AuthorizationPolicy',
        ...inShop,
        spec: { ...ofAbc, rules: [{ when: [{ key: 'source.principal', values: ['old.example.com/ns/shop/sa/default'] }] }] },
      }),
    ],
  },
  {
    id: 'filter-rewrites-server-names',
    mode: 'POL-11',
    says: 'An EnvoyFilter of an old guide rewrites server names on the cross-network port.',
    meshes: ['primary-remote', 'primary-remote 1.24', 'two primaries', 'two remotes'],
    edits: [
      configured({
        cluster: 'east',
        kind: 'EnvoyFilter',
        namespace: 'istio-system',
        name: 'cluster-rewrite',
        spec: {
          workloadSelector: { labels: { istio: 'eastwestgateway' } },
          configPatches: [
            {
              applyTo: 'NETWORK_FILTER',
              match: {
                context: 'GATEWAY',
                listener: { portNumber: 15443, filterChain: { filter: { name: 'envoy.filters.network.sni_cluster' } } },
              },
              patch: { operation: 'INSERT_AFTER', value: { name: 'envoy.filters.network.tcp_cluster_rewrite' } },
            },
          ],
        },
      }),
    ],
  },
];

/** Configuration and policy. */
export const faults: readonly Fault[] = [...uneven, ...mutualTls, ...authorization, ...lopsided, ...gateways, ...idle];

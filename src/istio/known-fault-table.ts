/** What a mesh has to use before a fault of a release can touch it. All that a fault names have to hold. */
export type FaultCondition =
  /** istiod reads a cluster other than its own. */
  | 'remote clusters'
  /** Two clusters of the mesh are on different networks. */
  | 'several networks'
  | 'one network'
  /** The mesh has ztunnels, or istiod serves them. */
  | 'ambient'
  | 'sidecars'
  /** A waypoint is in use. */
  | 'waypoints'
  /** A Service sends what enters by an ingress gateway through its waypoint. */
  | 'ingress through waypoints'
  /** AuthorizationPolicies that look into HTTP. */
  | 'HTTP policies'
  /** The mesh names services that are only local, or only global. */
  | 'service scopes'
  /** A trust domain other than `cluster.local`. */
  | 'own trust domain'
  /** A network gateway with addresses of both IP families. */
  | 'dual-stack gateway'
  /** A network gateway whose address is a name. */
  | 'hostname gateway'
  /** A network gateway that is reached by `externalIPs`. */
  | 'external IPs'
  /** A ServiceEntry that is resolved by DNS and has endpoints in another network. */
  | 'DNS ServiceEntries'
  /** Revision tags. */
  | 'tags'
  /** A remote cluster whose reader role cannot read ConfigMaps. */
  | 'old reader role'
  /** VirtualServices that a GitOps controller or Helm writes again and again. */
  | 'VirtualServices from Git'
  /** The installation is upgraded by Helm 4, which applies on the server. */
  | 'Helm 4';

/** What happens that makes it show; `always` shows by itself. */
export type FaultTrigger =
  | 'always'
  | 'rotation of a remote secret'
  | 'removal of a cluster'
  | 'start of istiod'
  | 'change of a gateway'
  | 'upgrade';

/** A fault of Istio itself that matters to a mesh of several clusters. */
export interface KnownFault {
  /** Noun phrase, kebab-case, for ever. */
  readonly id: string;
  /** Threads and release notes: `istio/istio#60612`. */
  readonly issues: readonly string[];
  /** Ids of the failure modes that it shows as. */
  readonly modes: readonly string[];
  /** First release that has it; absent where that is not known: then every release before the fixes. */
  readonly introduced?: string;
  /**
   * First release without it, per minor in which it was fixed, oldest first. A minor newer than the last is free of it; one between two
   * of them is free when an older one was fixed in its `.0`. Empty: no release that the table knows.
   */
  readonly fixed: readonly string[];
  readonly conditions: readonly FaultCondition[];
  readonly trigger: FaultTrigger;
  /** What stops working, as the end of a sentence: `istiod serves what it read before …`. */
  readonly effect: string;
  /** Only a number is wrong, or only resources are wasted: nothing that carries traffic. */
  readonly harmless?: true;
}

/** Newest patch of each minor whose content is known. About a later patch, a fault not known to be fixed in it is undecided. */
export const lastKnown: readonly string[] = ['1.26.8', '1.27.9', '1.28.10', '1.29.7', '1.30.4', '1.31.0'];

/** Oldest fix first. Written from the release notes in the tags and release branches of istio/istio. */
export const knownFaults = [
  {
    id: 'ignored-external-ips',
    issues: ['istio/istio#28381'],
    modes: ['EW-06'],
    fixed: ['1.8.0'],
    conditions: ['several networks', 'external IPs'],
    trigger: 'always',
    effect: 'a gateway that is reached by externalIPs is not known to other networks',
  },
  {
    id: 'unready-istiod-without-remote',
    issues: ['istio/istio#30838'],
    modes: ['SEC-12'],
    fixed: ['1.9.4', '1.10.0'],
    conditions: ['remote clusters'],
    trigger: 'start of istiod',
    effect: 'istiod does not become ready while a remote cluster is out of reach',
  },
  {
    id: 'plaintext-endpoints-across-networks',
    issues: ['istio/istio#30705'],
    modes: ['POL-01', 'POL-08'],
    fixed: ['1.8.6', '1.9.4', '1.10.0'],
    conditions: ['several networks'],
    trigger: 'always',
    effect: 'endpoints without mutual TLS are handed to other networks, where calls to them fail',
  },
  {
    id: 'kept-client-of-replaced-secret',
    issues: ['istio/istio#39366'],
    modes: ['SEC-08'],
    fixed: ['1.12.9', '1.13.6', '1.14.2', '1.15.0'],
    conditions: ['remote clusters'],
    trigger: 'rotation of a remote secret',
    effect: 'istiod goes on with the previous kubeconfig beside the new one',
  },
  {
    id: 'unresolved-gateway-names',
    issues: ['istio/istio#36422'],
    modes: ['EW-02'],
    fixed: ['1.13.0'],
    conditions: ['several networks', 'hostname gateway'],
    trigger: 'always',
    effect: 'a network gateway whose address is a name is not used',
  },
  {
    id: 'stale-endpoints-after-gateway-change',
    issues: ['istio/istio#42818', 'istio/istio#30054'],
    modes: ['EW-18'],
    fixed: ['1.17.0'],
    conditions: ['several networks'],
    trigger: 'change of a gateway',
    effect: 'proxies keep the old addresses of a network gateway until something else changes',
  },
  {
    id: 'ignored-sync-timeout',
    issues: ['istio/istio#42252'],
    modes: ['SEC-15'],
    fixed: ['1.17.0'],
    conditions: ['remote clusters'],
    trigger: 'start of istiod',
    effect: 'PILOT_REMOTE_CLUSTER_TIMEOUT has no effect',
  },
  {
    id: 'dropped-gateway-names',
    issues: ['istio/istio#44155'],
    modes: ['EW-02'],
    introduced: '1.13.0',
    fixed: ['1.18.0'],
    conditions: ['several networks', 'hostname gateway'],
    trigger: 'always',
    effect: 'a failed lookup of a gateway name makes istiod hand out endpoints that cannot be reached',
  },
  {
    id: 'foreign-leader-kept',
    issues: ['istio/istio#47901'],
    modes: ['VER-05'],
    fixed: ['1.18.6', '1.19.5', '1.20.1', '1.21.0'],
    conditions: ['remote clusters'],
    trigger: 'always',
    effect: 'an istiod of another cluster stays leader although the cluster has one of its own',
  },
  {
    id: 'removed-tag-webhooks',
    issues: ['istio/istio#47423'],
    modes: ['INJ-06'],
    fixed: ['1.19.5', '1.20.1', '1.21.0'],
    conditions: ['tags'],
    trigger: 'upgrade',
    effect: 'installing removes the webhook of a revision tag, and its namespaces are injected no longer',
  },
  {
    id: 'bypassed-gateway-of-dns-entries',
    issues: ['istio/istio#45506'],
    modes: ['POL-10'],
    fixed: ['1.20.0'],
    conditions: ['several networks', 'DNS ServiceEntries'],
    trigger: 'always',
    effect: 'endpoints of another network in a ServiceEntry resolved by DNS are called without their gateway',
  },
  {
    id: 'leaked-remote-clusters',
    issues: ['istio/istio#48224', 'istio/istio#48377'],
    modes: ['PERF-01'],
    fixed: ['1.21.0'],
    conditions: ['remote clusters'],
    trigger: 'rotation of a remote secret',
    effect: 'istiod keeps the memory of every previous kubeconfig',
  },
  {
    id: 'leaked-collections-of-removed-clusters',
    issues: ['istio/istio#57269'],
    modes: ['PERF-01'],
    introduced: '1.26.0',
    fixed: ['1.26.7', '1.27.2', '1.28.0'],
    conditions: ['remote clusters'],
    trigger: 'removal of a cluster',
    effect: 'istiod keeps the goroutines and data of clusters that were removed',
  },
  {
    id: 'foreign-trust-domain-in-ambient',
    issues: ['istio/istio#58427'],
    modes: ['AMB-07'],
    introduced: '1.27.0',
    fixed: ['1.28.1', '1.29.0'],
    conditions: ['ambient', 'several networks', 'own trust domain'],
    trigger: 'always',
    effect: 'connections to another network fail, because the gateway there is expected in cluster.local',
  },
  {
    id: 'ignored-service-scope-of-waypoints',
    issues: ['istio/istio#58139'],
    modes: ['AMB-09'],
    introduced: '1.27.0',
    fixed: ['1.28.1', '1.29.0'],
    conditions: ['ambient', 'waypoints', 'service scopes'],
    trigger: 'always',
    effect: 'a waypoint calls endpoints of other clusters that its Service does not share',
  },
  {
    id: 'unrecovered-ambient-informers',
    issues: ['istio/istio#58047'],
    modes: ['SEC-08', 'AMB-13'],
    introduced: '1.27.0',
    fixed: ['1.28.3', '1.29.0'],
    conditions: ['ambient', 'remote clusters'],
    trigger: 'always',
    effect: 'a failed watch on a remote cluster stays failed until istiod restarts',
  },
  {
    id: 'unstable-ambient-registry',
    issues: ['istio/istio#58047'],
    modes: ['AMB-13'],
    introduced: '1.27.0',
    fixed: ['1.28.4', '1.29.0'],
    conditions: ['ambient', 'remote clusters'],
    trigger: 'always',
    effect: 'from time to time proxies are sent wrong configuration about remote clusters',
  },
  {
    id: 'hbone-gateway-for-sidecars',
    issues: ['istio/istio#57878', 'istio/istio#61618'],
    modes: ['AMB-04'],
    introduced: '1.27.0',
    fixed: ['1.29.0'],
    conditions: ['ambient', 'several networks', 'sidecars'],
    trigger: 'always',
    effect: 'sidecars send a share of their calls to a gateway that only speaks HBONE',
  },
  {
    id: 'contested-failure-policy',
    issues: ['istio/istio#58302', 'istio/istio#59367'],
    modes: ['INJ-09'],
    fixed: ['1.28.6', '1.29.2', '1.30.0'],
    conditions: ['Helm 4'],
    trigger: 'upgrade',
    effect: 'helm upgrade fails over who owns failurePolicy of a webhook',
  },
  {
    id: 'empty-trust-domain-of-remote',
    issues: ['istio/istio#59474'],
    modes: ['TRU-08'],
    introduced: '1.29.0',
    fixed: ['1.29.2', '1.30.0'],
    conditions: ['remote clusters', 'old reader role'],
    trigger: 'always',
    effect: 'identities of a remote cluster whose mesh config istiod cannot read are expected without trust domain',
  },
  {
    id: 'false-sync-timeout-metric',
    issues: ['istio/istio#60082'],
    modes: ['VER-05'],
    introduced: '1.29.0',
    fixed: ['1.30.0'],
    conditions: ['remote clusters'],
    trigger: 'always',
    effect: 'istiod_remote_cluster_sync_status says timeout about every remote cluster',
    harmless: true,
  },
  {
    id: 'waypoint-without-chain-on-one-network',
    issues: ['istio/istio#58133'],
    modes: ['AMB-11'],
    introduced: '1.27.0',
    fixed: ['1.30.0'],
    conditions: ['ambient', 'one network', 'remote clusters', 'waypoints'],
    trigger: 'always',
    effect: 'a waypoint does not know the addresses of other clusters and now and then resets calls',
  },
  {
    id: 'gateway-of-other-ip-family',
    issues: ['istio/istio releasenotes/notes/eds-gateway-ip-family-filter.yaml'],
    modes: ['EW-19'],
    fixed: ['1.30.0'],
    conditions: ['several networks', 'dual-stack gateway'],
    trigger: 'always',
    effect: 'proxies are given gateway addresses of an IP family that they do not have',
  },
  {
    id: 'mixed-hbone-pools',
    issues: ['istio/istio.io#17357'],
    modes: ['AMB-16'],
    introduced: '1.27.0',
    fixed: ['1.30.0'],
    conditions: ['ambient', 'several networks'],
    trigger: 'always',
    effect: 'a pooled connection to a gateway may carry a call to another service',
  },
  {
    id: 'deadlocked-cluster-store',
    issues: ['istio/istio releasenotes/notes/multicluster-clusterstore-rlock-deadlock.yaml'],
    modes: ['SEC-08'],
    introduced: '1.30.0',
    fixed: ['1.30.1', '1.31.0'],
    conditions: ['remote clusters'],
    trigger: 'rotation of a remote secret',
    effect: 'istiod may stop to take in any change of remote clusters until it restarts',
  },
  {
    id: 'bypassed-waypoint-from-ingress',
    issues: ['istio/istio releasenotes/notes/60162.yaml'],
    modes: ['AMB-10'],
    introduced: '1.27.0',
    fixed: ['1.29.4', '1.30.1', '1.31.0'],
    conditions: ['ambient', 'several networks', 'ingress through waypoints'],
    trigger: 'always',
    effect: 'an ingress gateway calls a service of another network without its waypoint',
  },
  {
    id: 'deadlocked-secret-update',
    issues: ['istio/istio#60612', 'istio/istio#58567'],
    modes: ['SEC-08'],
    introduced: '1.30.0',
    fixed: ['1.30.3', '1.31.0'],
    conditions: ['remote clusters'],
    trigger: 'rotation of a remote secret',
    effect: 'istiod serves what it read of that cluster before, until it restarts',
  },
  {
    id: 'pushes-without-change',
    issues: ['istio/istio#60629'],
    modes: ['PERF-02'],
    introduced: '1.30.0',
    fixed: ['1.30.3', '1.31.0'],
    conditions: ['VirtualServices from Git'],
    trigger: 'always',
    effect: 'every change of a label or annotation of a VirtualService is pushed to all proxies',
    harmless: true,
  },
  {
    id: 'denied-calls-through-ambient-gateway',
    issues: ['istio/istio#60806'],
    modes: ['AMB-10'],
    introduced: '1.27.0',
    fixed: ['1.29.6', '1.30.3', '1.31.0'],
    conditions: ['ambient', 'several networks', 'HTTP policies'],
    trigger: 'always',
    effect: 'calls of another network to a service with policies about HTTP are denied',
  },
  {
    id: 'lost-gateway-after-rotation',
    issues: ['istio/istio#60920', 'istio/istio#58567'],
    modes: ['SEC-08', 'EW-18'],
    introduced: '1.30.0',
    fixed: ['1.30.4', '1.31.0'],
    conditions: ['remote clusters', 'several networks'],
    trigger: 'rotation of a remote secret',
    effect: 'the network gateway of that cluster is lost until istiod restarts',
  },
  {
    id: 'wiped-shards-after-rotation',
    issues: ['istio/istio#61043', 'istio/istio#58567'],
    modes: ['SEC-08'],
    introduced: '1.30.0',
    fixed: ['1.30.4', '1.31.0'],
    conditions: ['remote clusters'],
    trigger: 'rotation of a remote secret',
    effect: 'endpoints of that cluster are lost until istiod restarts',
  },
  {
    id: 'stale-ambient-snapshot-after-rotation',
    issues: ['istio/istio#60033'],
    modes: ['SEC-08', 'AMB-13'],
    introduced: '1.30.0',
    fixed: ['1.30.4', '1.31.0'],
    conditions: ['ambient', 'remote clusters'],
    trigger: 'rotation of a remote secret',
    effect: 'ambient proxies are served what istiod read of that cluster before',
  },
  {
    id: 'leaked-ambient-collections',
    issues: ['istio/istio#60033'],
    modes: ['PERF-01', 'AMB-13'],
    introduced: '1.27.0',
    fixed: ['1.29.7', '1.30.4', '1.31.0'],
    conditions: ['ambient', 'remote clusters'],
    trigger: 'rotation of a remote secret',
    effect: 'istiod keeps goroutines and memory of every remote cluster that was removed or changed',
  },
  {
    id: 'ready-before-webhooks',
    issues: ['istio/istio#61049'],
    modes: ['INJ-10'],
    fixed: ['1.29.7', '1.30.4', '1.31.0'],
    conditions: [],
    trigger: 'start of istiod',
    effect: 'for some seconds pods are refused or not injected, because istiod is ready before its webhooks are',
  },
  {
    id: 'bypassed-waypoint-of-other-network',
    issues: ['istio/istio#61092'],
    modes: ['AMB-10'],
    introduced: '1.27.0',
    fixed: ['1.29.7', '1.30.4', '1.31.0'],
    conditions: ['ambient', 'several networks', 'ingress through waypoints'],
    trigger: 'always',
    effect: 'ingress gateways call workloads of other networks without the waypoint that holds their policies',
  },
  {
    id: 'early-ambient-sync',
    issues: ['istio/istio releasenotes/notes/ambient-multicluster-sync-gating.yaml'],
    modes: ['AMB-13'],
    introduced: '1.27.0',
    fixed: ['1.30.4', '1.31.0'],
    conditions: ['ambient', 'remote clusters'],
    trigger: 'start of istiod',
    effect: 'after its start istiod serves only its own cluster for a while',
  },
  {
    id: 'leaked-leader-elections',
    issues: ['istio/istio#60843'],
    modes: [],
    fixed: ['1.29.7', '1.30.4', '1.31.0'],
    conditions: ['remote clusters'],
    trigger: 'always',
    effect: 'istiod keeps a goroutine of every time that it led',
    harmless: true,
  },
  {
    id: 'unheard-trust-domain-aliases',
    issues: ['istio/istio#58511'],
    modes: ['AMB-07'],
    introduced: '1.27.0',
    fixed: [],
    conditions: ['ambient', 'own trust domain'],
    trigger: 'always',
    effect: 'ztunnel is not told aliases of the trust domain and refuses clusters that have another one',
  },
] as const satisfies readonly KnownFault[];

export type KnownFaultId = (typeof knownFaults)[number]['id'];

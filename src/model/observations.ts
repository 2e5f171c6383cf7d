import type { FailureCode } from './facts.ts';
import type { ClusterId, ClusterName, NetworkId, Revision } from './ids.ts';
import type { StringMap } from './kube.ts';
import type { ObjectRef } from './refs.ts';

/*
 * What probes see. They observe and never judge: each type says what was asked, from where, and what came back. Facts of the same
 * names hold them per cluster.
 */

/** Why a check that compares with measurements does not apply, as reports say it. */
export const probesAreOff = 'probes are off';

/** Why a check of something that only an own flag allows does not apply. */
export const asksForMore = 'it asks for more than it was allowed';
/** The same of a check that compares two readings of counters. */
export const countersReadOnce = 'counters were read once: --sample was not given';
/** The same of a check of what a recording has no word about. */
export const notAskedThen = 'the version that recorded this did not ask';

/** What one question got. */
export type Answer<T> = { readonly answer: T } | { readonly failed: FailureCode; readonly reason: string };

/** One running istiod pod, asked by port-forward. Belongs to the cluster the pod runs in. */
export interface IstiodReplica {
  readonly pod: ObjectRef;
  readonly namespace: string;
  readonly revision: Revision;
  /** `/debug/clusterz`: clusters whose API it reads; `secret` is `namespace/name`, empty for its own. */
  readonly clusters: Answer<readonly { readonly id: ClusterId; readonly secret: string; readonly syncStatus: string }[]>;
  /** `/debug/networkz`: gateways it sends to proxies of other networks, names resolved. */
  readonly gateways: Answer<readonly ListedGateway[]>;
  /** `/debug/endpointShardz` of the names asked for, one entry per name that it has; a name it does not have is not there. */
  readonly shards: Answer<readonly ListedShards[]>;
  /** FQDNs that `shards` was asked for. */
  readonly shardsAsked: readonly string[];
  /** `/debug/ndsz` of sample proxies that are connected to this replica. */
  readonly nameTables: readonly ListedNameTable[];
  /** The same question about gateways, which watch no names: whether they are connected to this replica. Absent in recordings of older versions. */
  readonly gatewayProxies?: readonly ListedGatewayProxy[];
}

/** What else an istiod pod says of itself. Belongs to the cluster the pod runs in. Optional parts are asked where there is a reason to. */
export interface IstiodState extends Pick<IstiodReplica, 'pod' | 'namespace' | 'revision'> {
  /** How it could be asked. */
  readonly rung: Rung;
  /** `/debug/mesh`: the mesh config it works with. */
  readonly mesh: Answer<EffectiveMesh>;
  /** `/debug/configz`: Istio's objects that it took, as `Kind/namespace/name`, sorted. */
  readonly config?: Answer<readonly string[]>;
  /** `/debug/syncz`: proxies that refuse what they were last sent; asked where its metrics say that some did. */
  readonly rejections?: Answer<readonly Rejection[]>;
  /** `/metrics`: the series of `metricsRead`. Absent where the monitoring port does not answer. */
  readonly metrics?: Answer<readonly ListedMetric[]>;
}

/** The counters of an istiod pod, read twice. */
export interface IstiodSample extends Pick<IstiodReplica, 'pod' | 'namespace' | 'revision'> {
  /** Between the two. */
  readonly seconds: number;
  readonly before: Answer<readonly ListedMetric[]>;
  readonly after: Answer<readonly ListedMetric[]>;
}

/** A rung of the ladder on which a replica was asked, and what happened on those above it. */
export interface Rung {
  /** debug: its debug endpoints; metrics: nothing but its metrics, since those do not answer; none: neither. */
  readonly by: 'debug' | 'metrics' | 'none';
  /** Of the pod; absent for none. */
  readonly port?: number;
  /** One for each rung that was tried before: `port 15014: connection refused`. */
  readonly above: readonly string[];
}

/** What is compared of a mesh config in effect. */
export interface EffectiveMesh {
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
  readonly rootNamespace: string;
  readonly discoveryAddress: string;
  readonly meshId: string;
  readonly enableAutoMtls: boolean;
  readonly defaultServiceExportTo: readonly string[];
  /** LabelSelectors in one spelling: see `spelledSelector` of mesh/effective-mesh. */
  readonly discoverySelectors: readonly string[];
  /** `defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE`; empty where it is not set. */
  readonly dnsCapture: string;
}

/** A proxy that refuses configuration. */
export interface Rejection {
  /** `pod.namespace`, as istiod names proxies. */
  readonly proxy: string;
  readonly cluster: ClusterId;
  /** Kinds of configuration: `Cluster`, `Listener` … */
  readonly types: readonly string[];
  /** What Envoy said of the first, without credentials; empty before 1.23, which does not keep it. */
  readonly error: string;
}

/** One series of Prometheus. */
export interface ListedMetric {
  readonly name: string;
  readonly labels: StringMap;
  readonly value: number;
}

export interface ListedGateway {
  readonly network: NetworkId;
  /** Absent for static gateways of meshNetworks. */
  readonly cluster?: ClusterId;
  readonly address: string;
  readonly port: number;
  readonly hbonePort: number;
}

export interface ListedShards {
  /** FQDN. */
  readonly host: string;
  readonly clusters: readonly { readonly cluster: ClusterId; readonly endpoints: readonly ListedEndpoint[] }[];
}

export interface ListedEndpoint {
  readonly address: string;
  readonly port: number;
  readonly portName: string;
  readonly network: string;
  readonly tlsMode: string;
  /** healthy, unhealthy, draining or terminating; empty for a number this version does not know. */
  readonly health: string;
}

export interface ListedNameTable {
  /** Pod of the proxy. */
  readonly proxy: ObjectRef;
  /**
   * none: the proxy does not watch name tables (DNS capture is off); elsewhere: it is not connected to this replica;
   * else the records of the names asked for that the table has.
   */
  readonly table: Answer<'none' | 'elsewhere' | readonly { readonly host: string; readonly ips: readonly string[] }[]>;
}

/** A gateway, and whether it is connected to a replica. */
export interface ListedGatewayProxy {
  /** Pod of the gateway. */
  readonly proxy: ObjectRef;
  readonly at: Answer<'here' | 'elsewhere'>;
}

/** One DNS question asked by TCP through port-forward. Belongs to the caller's cluster. */
export interface NameAnswer {
  /** sidecar: the DNS proxy of a pod's istio-agent (127.0.0.1:15053); cluster: a DNS pod of the cluster. */
  readonly via: 'sidecar' | 'cluster';
  /** Pod that was asked. */
  readonly pod: ObjectRef;
  /** Namespace whose search domains count: of the sidecar's pod. */
  readonly service: { readonly namespace: string; readonly name: string };
  /** The name as it stood in the question, without trailing dot. */
  readonly asked: string;
  readonly outcome: Answer<{
    /** `NOERROR`, `NXDOMAIN`, `SERVFAIL` … */
    readonly rcode: string;
    /** A and AAAA of the answer, in order. */
    readonly addresses: readonly string[];
  }>;
}

/** One TLS handshake with an east-west gateway. Belongs to the gateway's cluster. */
export interface GatewayHandshake {
  /** Service or Gateway that the address comes from. */
  readonly gateway: ObjectRef;
  readonly network: NetworkId;
  /** As an istiod gives it to proxies: address and port. `host` may be a hostname. */
  readonly host: string;
  readonly port: number;
  /** IP it was resolved to, where `host` is a name or `--resolve` says otherwise. */
  readonly connectedTo?: string;
  /** The gateway's pod that was asked itself, by port-forward; absent: the address was dialled from where meshdoctor runs. */
  readonly pod?: ObjectRef;
  /**
   * target: SNI of a service with ready mTLS endpoints behind this gateway; control: a name no gateway can know; hbone: as ztunnels of
   * other networks begin it, with the gateway itself.
   */
  readonly purpose: 'target' | 'control' | 'hbone';
  /** Empty for hbone: it is asked for no name. */
  readonly sni: string;
  /** Service behind the SNI, for `target`. */
  readonly service?: { readonly namespace: string; readonly name: string; readonly port: number };
  readonly outcome: HandshakeOutcome;
}

export type HandshakeOutcome =
  /** No TCP connection. `code`: refused, timeout, dns, reset … */
  | { readonly stage: 'tcp'; readonly code: FailureCode; readonly reason: string }
  /** TCP, but the connection ended before the other side said anything of TLS, after `milliseconds`. */
  | { readonly stage: 'reset'; readonly milliseconds: number }
  /** TCP, and then neither a byte nor an end for `milliseconds`, when it was given up. */
  | { readonly stage: 'silence'; readonly milliseconds: number }
  /** A TLS alert, or a handshake that failed otherwise, before a certificate could be read. */
  | { readonly stage: 'tls'; readonly reason: string }
  /** A certificate was presented. */
  | {
      readonly stage: 'certificate';
      readonly uris: readonly string[];
      readonly dnsNames: readonly string[];
      readonly subject: string;
      readonly issuer: string;
      /** RFC 3339, of the leaf; absent in recordings of older versions. */
      readonly notBefore?: string;
      readonly notAfter?: string;
      /** SHA-256 fingerprints (as in `Certificate`) of the chain as presented, leaf first. */
      readonly chain: readonly string[];
      /** Fingerprints of those roots offered that the chain verifies against; empty = against none. Roots offered: those of `rootsTried`. */
      readonly verifiedBy: readonly string[];
      readonly rootsTried: readonly string[];
      /** It leads to no root that was tried, but to one that operating systems trust. */
      readonly isPublic?: true;
      /** Agreed on by ALPN; empty: none. Absent where TLS did not come to be, and in recordings of older versions. */
      readonly protocol?: string;
      /** Version of TLS that the other side chose, `TLSv1.3`. Absent in recordings of older versions. */
      readonly version?: string;
      /** Whether it asked for a certificate of ours, which it does before it is known that there is none. Absent in recordings of older versions. */
      readonly asksForCertificate?: boolean;
      /** What came after the handshake: Istio sidecars ask for a client certificate. */
      readonly afterwards: 'certificate-required' | 'open' | 'closed';
    };

/** What one sidecar has, asked of the admin port of its Envoy by port-forward. Belongs to the cluster of its pod. */
export interface SidecarState {
  readonly pod: ObjectRef;
  /** FQDNs whose endpoints were asked for, sorted. */
  readonly hosts: readonly string[];
  /** `/config_dump` of the outbound clusters of these hosts, one for each port that it knows, without subsets; sorted by host and port. */
  readonly endpoints: Answer<readonly SidecarEndpoints[]>;
  /** `/certs`: its own certificate, the one that lasts longest; none = it has none. */
  readonly certificate: Answer<HeldCertificate | 'none'>;
  /** `/config_dump` of the secret ROOTCA: the roots it trusts, sorted by fingerprint; empty = it has no such secret. */
  readonly roots: Answer<readonly HeldRoot[]>;
}

export interface SidecarEndpoints {
  /** FQDN. */
  readonly host: string;
  /** Of the Service. */
  readonly port: number;
  /** Sorted; what is no address of the network is `envoy://…`, port 0. */
  readonly addresses: readonly { readonly address: string; readonly port: number }[];
}

/** A certificate as Envoy tells of it: without fingerprint. */
export interface HeldCertificate {
  /** Hex, lower case. */
  readonly serial: string;
  readonly uris: readonly string[];
  /** RFC 3339. */
  readonly notBefore: string;
  /** RFC 3339. */
  readonly notAfter: string;
}

export interface HeldRoot {
  /** SHA-256, as in `Certificate`. */
  readonly fingerprint: string;
  readonly subject: string;
  /** RFC 3339. */
  readonly notBefore: string;
  /** RFC 3339. */
  readonly notAfter: string;
}

/** A pod that an API server was asked to make of a manifest as if it kept it (server-side dry-run): all of admission, and nothing stays. */
export interface InjectionTrial {
  readonly namespace: string;
  readonly outcome: /** What the pod would be; `proxy` where it got one. */
    | { readonly is: 'made'; readonly proxy?: InjectedProxy }
    /** A webhook could not be called; the API server's words. */
    | { readonly is: 'refused'; readonly message: string }
    /** Some policy does not let such a pod in: PodSecurity, a quota, another webhook. Its words. */
    | { readonly is: 'denied'; readonly message: string }
    | { readonly is: 'failed'; readonly code: FailureCode; readonly reason: string };
}

/** What an injector gave a pod, as far as it says where the pod belongs. */
export interface InjectedProxy {
  readonly revision?: Revision;
  readonly clusterId?: ClusterId;
  readonly network?: NetworkId;
}

/** A pod that meshdoctor made in a caller's cluster to ask from there; it is gone again. Belongs to that cluster. */
export interface ProbePod {
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
  /** Admission gave it a sidecar: what it asks goes the way of applications, but for ports of gateways. */
  readonly isInjected: boolean;
  /** Failed: it did not come to ask, since it was not let in, not pulled, not scheduled. */
  readonly answers: Answer<readonly PodAnswer[]>;
}

export type PodAnswer =
  /** By the resolver of the pod. `addresses` in the order of the answer; none = the name does not resolve. */
  | {
      readonly is: 'name';
      readonly service: { readonly namespace: string; readonly name: string };
      readonly asked: string;
      readonly addresses: readonly string[];
    }
  /** A handshake as in `GatewayHandshake`, from the network of pods. */
  | ({ readonly is: 'handshake' } & Omit<GatewayHandshake, 'connectedTo'>)
  /** GET of a service. `status` 0: no answer, and then `reason` says why. */
  | {
      readonly is: 'call';
      readonly service: { readonly namespace: string; readonly name: string; readonly port: number };
      readonly status: number;
      readonly reason: string;
    };

/** One TLS handshake with an istiod as remotes begin it. Belongs to the cluster of the istiod. */
export interface IstiodHandshake {
  /** Deployment of the istiod that remotes mean. */
  readonly controlPlane: ObjectRef;
  /** Clusters that are led there. */
  readonly members: readonly ClusterName[];
  /** Their object that names the address. */
  readonly named: ObjectRef;
  /** Service that has the address; absent where no object of the istiod's cluster says whose it is. */
  readonly gateway?: ObjectRef;
  readonly host: string;
  readonly port: number;
  readonly connectedTo?: string;
  /** As in `GatewayHandshake`. */
  readonly pod?: ObjectRef;
  /** discovery: as proxies call it, normally on 15012; injection: as API servers call it, normally on 15017. */
  readonly purpose: 'discovery' | 'injection';
  readonly sni: string;
  readonly outcome: HandshakeOutcome;
  /** HTTP status of `GET /ready`; for injection only, where TLS came to be. */
  readonly ready?: Answer<number>;
}

/** `GET /healthz/ready` on 15021 of a gateway's pod, by port-forward. Asked only where its gateway did not answer as it should. */
export interface GatewayReadiness {
  /** As in `GatewayHandshake`. */
  readonly gateway: ObjectRef;
  readonly pod: ObjectRef;
  /** HTTP status. */
  readonly status: Answer<number>;
}

/** Facts that probes make, by name. */
export interface ObservedFacts {
  istiods: readonly IstiodReplica[];
  sidecars: readonly SidecarState[];
  injectionTrials: readonly InjectionTrial[];
  probePods: readonly ProbePod[];
  istiodStates: readonly IstiodState[];
  /** Only where two readings were asked for. */
  istiodSamples: readonly IstiodSample[];
  nameAnswers: readonly NameAnswer[];
  gatewayHandshakes: readonly GatewayHandshake[];
  istiodHandshakes: readonly IstiodHandshake[];
  gatewayReadiness: readonly GatewayReadiness[];
}

export type ObservedFactName = keyof ObservedFacts;

/** Facts that probes make. */
export const observedFacts: readonly ObservedFactName[] = [
  'istiods',
  'istiodStates',
  'istiodSamples',
  'sidecars',
  'injectionTrials',
  'probePods',
  'nameAnswers',
  'gatewayHandshakes',
  'istiodHandshakes',
  'gatewayReadiness',
];

/** What became of one probe in one cluster: what it saw, or why it did not look. */
export type Observed<T> =
  | { readonly status: 'observed'; readonly value: T }
  | { readonly status: 'forbidden'; readonly verb: string; readonly resource: string }
  | { readonly status: 'failed'; readonly code: FailureCode; readonly reason: string }
  | { readonly status: 'not-asked'; readonly because: 'probes off' | 'opt-in' | 'nothing to probe' | 'not sampled' };

/** Everything probes saw in one cluster; a fact that is not there was not asked for. */
export type ClusterObservations = { readonly [K in ObservedFactName]?: Observed<ObservedFacts[K]> } & { readonly cluster: ClusterName };

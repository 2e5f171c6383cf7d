import type { Json, StringMap } from './kube.ts';
import type { ClusterId, ClusterName, NetworkId, Revision } from './ids.ts';
import type { ObservedFacts } from './observations.ts';
import type { ObjectRef } from './refs.ts';

/** Everything a collected object says about itself, whatever its kind. */
export interface Entity {
  readonly ref: ObjectRef;
  readonly labels: StringMap;
  /** Only annotations that Istio, Helm or a GitOps controller gives a meaning; never `last-applied-configuration`. */
  readonly annotations: StringMap;
  /** RFC 3339, when the API server created it; absent in manifests. */
  readonly createdAt?: string;
  /** RFC 3339, since when it is being deleted: it stays until its finalizers are done. */
  readonly deletingSince?: string;
  readonly uid?: string;
  /** Field managers, newest write first; empty when the source has no managedFields. */
  readonly managers: readonly FieldManager[];
  /** The source has no status for this object, as in a repository: readiness and addresses are then unknown, not missing. */
  readonly withoutStatus?: true;
}

/** One entry of managedFields: who wrote, when, and (for kinds where it matters) which fields. */
export interface FieldManager {
  readonly manager: string;
  readonly operation: string;
  readonly time?: string;
  readonly fields: readonly string[];
}

export interface Clock {
  /** RFC 3339: the present of this cluster: its API server's clock, a recording's takenAt, or `--taken-at`. */
  readonly takenAt: string;
}

export interface KubeVersion {
  readonly major: number;
  readonly minor: number;
  readonly gitVersion: string;
}

export interface Namespace extends Entity {
  readonly name: string;
  readonly terminating: boolean;
}

/** An istiod Deployment (label `app=istiod`): one revision's control plane in one cluster. */
export interface ControlPlane extends Entity {
  readonly namespace: string;
  readonly name: string;
  /** Env `REVISION`, else label `istio.io/rev`, else `default`. */
  readonly revision: Revision;
  /** Env `CLUSTER_ID`; the literal `Kubernetes` when it is not set (pkg/features, since before 1.20). */
  readonly clusterId: ClusterId;
  /** Full version without leading v, from label `operator.istio.io/version`, else the image tag; absent when neither says. */
  readonly version?: string;
  /** Env `EXTERNAL_ISTIOD` is true. */
  readonly externalIstiod: boolean;
  /** Env `LOCAL_CLUSTER_SECRET_WATCHER` is true. */
  readonly localClusterSecretWatcher: boolean;
  /** The pod mounts Secret `istio-kubeconfig` (or another) at /var/run/secrets/remote AND that Secret is not marked optional or exists: name of the Secret mounted. */
  readonly remoteKubeconfigSecret?: string;
  /** Literal env of the discovery container; secret-valued and valueFrom entries are left out; `""` for an entry without value. */
  readonly env: StringMap;
  /** `--domain` argument, default `cluster.local`. */
  readonly clusterDomain: string;
  readonly desiredReplicas: number;
  readonly readyReplicas: number;
  /** matchLabels of the Deployment. */
  readonly selector: StringMap;
  /** `resources.limits` of the discovery container, as written; empty where it has none. Absent in recordings from before it was read. */
  readonly limits?: { readonly cpu?: string; readonly memory?: string };
}

/** A leader election ConfigMap: annotation `control-plane.alpha.kubernetes.io/leader`. */
export interface LeaderElection extends Entity {
  readonly namespace: string;
  readonly name: string;
  /** Name of the istiod pod that leads; empty when it was given up. */
  readonly holderIdentity: string;
  /** Revision of the holder; `^` in front when the holder is an istiod of another cluster. */
  readonly holderKey: string;
  /** RFC 3339. */
  readonly acquireTime?: string;
  /** RFC 3339. */
  readonly renewTime?: string;
  readonly leaseDurationSeconds: number;
  readonly leaderTransitions: number;
}

/** ConfigMap `istio[-rev]`: keys `mesh` and `meshNetworks`. */
export interface MeshConfig extends Entity {
  readonly namespace: string;
  /** `default` for the ConfigMap named plain `istio`. */
  readonly revision: Revision;
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
  readonly rootNamespace?: string;
  readonly discoveryAddress?: string;
  readonly meshId?: string;
  readonly enableAutoMtls: boolean;
  /** `tcpKeepalive` is set; absent where the source does not say. */
  readonly keepsAlive?: boolean;
  /** `defaultConfig.gatewayTopology.proxyProtocol` is set; absent where the source does not say. */
  readonly readsProxyProtocol?: boolean;
  /** `defaultConfig.proxyMetadata`, names of well-known settings only. */
  readonly proxyMetadata: StringMap;
  /** LabelSelectors; empty = every namespace. */
  readonly discoverySelectors: readonly LabelSelector[];
  /** Hosts of `serviceSettings[]` with clusterLocal true or false, most recent last. */
  readonly clusterLocal: readonly { readonly host: string; readonly local: boolean }[];
  readonly serviceScopeConfigs: readonly Json[];
  readonly defaultServiceExportTo: readonly string[];
  /** SHA-256 fingerprints of `caCertificates[].pem`. */
  readonly caCertificates: readonly Certificate[];
  /** Further roots come from a `spiffeBundleUrl` of `caCertificates[]`: which, nobody here knows. */
  readonly takesRootsFromUrl?: true;
  /** `meshNetworks.networks`: network → registries and gateways; empty on meshes that use labels. */
  readonly meshNetworks: readonly MeshNetwork[];
  /** The YAML could not be read: nothing above is to be trusted. */
  readonly unreadable: boolean;
}

export interface MeshNetwork {
  readonly network: NetworkId;
  readonly fromRegistries: readonly string[];
  readonly cidrs: readonly string[];
  readonly gateways: readonly { readonly address?: string; readonly registryServiceName?: string; readonly port: number }[];
}

/** ConfigMap `istio-sidecar-injector[-rev]`, key `values`: what that control plane injects when the path does not say otherwise. */
export interface InjectorValues extends Entity {
  readonly namespace: string;
  readonly revision: Revision;
  readonly clusterName?: ClusterId;
  readonly network?: NetworkId;
  readonly meshId?: string;
  readonly caAddress?: string;
  readonly clusterDomain?: string;
}

export interface LabelSelector {
  readonly matchLabels: StringMap;
  readonly matchExpressions: readonly { readonly key: string; readonly operator: string; readonly values: readonly string[] }[];
}

/** Where a webhook sends its reviews. */
export interface WebhookTarget {
  readonly service?: { readonly namespace: string; readonly name: string; readonly path: string; readonly port: number };
  readonly url?: string;
}

export interface WebhookEntry {
  readonly name: string;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
  readonly target: WebhookTarget;
  readonly failurePolicy: string;
  readonly caBundle: CaBundle;
}

/** A caBundle by its certificates. `unreadable`: bytes that hold no certificate. */
export type CaBundle =
  | { readonly state: 'empty' }
  | { readonly state: 'unreadable' }
  | { readonly state: 'certificates'; readonly certificates: readonly Certificate[] };

/** A MutatingWebhookConfiguration of Istio's injector: of a revision (`tag` absent) or of a revision tag. */
export interface Injector extends Entity {
  readonly name: string;
  /** Label `istio.io/rev`. */
  readonly revision: Revision;
  /** Label `istio.io/tag`. */
  readonly tag?: string;
  readonly webhooks: readonly WebhookEntry[];
  /** Distinct targets of the injecting entries. Normally one. */
  readonly target: WebhookTarget;
  /** From the path or url `/inject/cluster/<id>/net/<network>`; absent when the path does not say. */
  readonly injectedClusterId?: ClusterId;
  readonly injectedNetwork?: NetworkId;
}

/** A ValidatingWebhookConfiguration of Istio. */
export interface Validator extends Entity {
  readonly name: string;
  readonly revision: Revision;
  readonly webhooks: readonly WebhookEntry[];
}

/** A certificate by what may be shown of it. */
export interface Certificate {
  /** Hex SHA-256 of the DER bytes. */
  readonly fingerprint: string;
  readonly subject: string;
  readonly issuer: string;
  /** RFC 3339. */
  readonly notBefore: string;
  /** RFC 3339. */
  readonly notAfter: string;
  readonly selfSigned: boolean;
}

/** Any Secret that is, or looks like it was meant to be, a remote secret. */
export interface RemoteSecret extends Entity {
  readonly namespace: string;
  readonly name: string;
  /** Value of label `istio/multiCluster`; istiod reads it only when this is exactly `true`. */
  readonly multiClusterLabel?: string;
  /** One per data key, sorted by key. */
  readonly entries: readonly RemoteKubeconfig[];
}

/** One data key of a remote secret: the cluster ID and the kubeconfig behind it. No token, key or certificate body. */
export interface RemoteKubeconfig {
  readonly clusterId: ClusterId;
  /** Why a kubeconfig cannot be used at all (empty, not YAML, no current context …); absent when it parses. */
  readonly invalid?: string;
  readonly server?: string;
  /** Certificates of `certificate-authority-data`. */
  readonly certificateAuthorities: readonly Certificate[];
  readonly insecureSkipTlsVerify: boolean;
  readonly proxyUrl?: string;
  /** Credential kinds found on the current context's user, sorted. */
  readonly auth: readonly CredentialKind[];
  readonly token?: TokenFacts;
}

export type CredentialKind =
  | 'token'
  | 'client-certificate-data'
  | 'basic'
  | 'exec'
  | 'auth-provider-oidc'
  | 'auth-provider'
  | 'token-file'
  | 'client-key-file'
  | 'client-certificate-file'
  | 'none';

/** A bearer token by what may be shown of it. */
export interface TokenFacts {
  /** 128-bit hash with a fixed prefix: equal tokens have equal hashes on every machine. */
  readonly hash: string;
  /** RFC 3339; absent = a legacy token that does not expire, or not a JWT. */
  readonly expiresAt?: string;
  /** `system:serviceaccount:<namespace>:<name>`. */
  readonly subject?: string;
  readonly serviceAccountUid?: string;
  readonly secretName?: string;
}

/** A Secret of type `kubernetes.io/service-account-token`. */
export interface ServiceAccountToken extends Entity {
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly serviceAccountUid?: string;
  /** Absent when the token controller has not filled it in. */
  readonly token?: TokenFacts;
}

export interface ServiceAccount extends Entity {
  readonly namespace: string;
  readonly name: string;
}

/** A ConfigMap that holds root certificates for proxies: `istio-ca-root-cert` (key root-cert.pem). */
export interface RootConfigMap extends Entity {
  readonly namespace: string;
  readonly certificates: readonly Certificate[];
  /** The key is missing or holds no certificate. */
  readonly unreadable: boolean;
}

/** A Secret istiod signs with: `cacerts` (plugged in) or `istio-ca-secret` (self-signed). Public parts only. */
export interface CaSecret extends Entity {
  readonly namespace: string;
  readonly name: string;
  readonly source: 'plugged-in' | 'self-signed';
  readonly keys: readonly string[];
  readonly roots: readonly Certificate[];
  readonly signing: readonly Certificate[];
  /** `cert-chain.pem`: what lies between the signing certificate and a root, as workloads present it; absent where it was not looked at. */
  readonly chain?: readonly Certificate[];
  /** Fingerprints of those of `roots` that the signing certificate leads to, by signature; absent where it was not looked at. */
  readonly leadsTo?: readonly string[];
}

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: number | string;
  readonly protocol: string;
  readonly nodePort?: number;
  readonly appProtocol?: string;
}

export interface Service extends Entity {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  /** Empty for ExternalName and not yet allocated; `None` for headless. */
  readonly clusterIP: string;
  readonly clusterIPs: readonly string[];
  readonly externalName?: string;
  readonly externalIPs: readonly string[];
  readonly selector: StringMap;
  readonly ports: readonly ServicePort[];
  /** status.loadBalancer.ingress[] in order. */
  readonly loadBalancer: readonly { readonly ip?: string; readonly hostname?: string }[];
  readonly loadBalancerSourceRanges: readonly string[];
  readonly internalTrafficPolicy?: string;
  readonly externalTrafficPolicy?: string;
  /** The controller that is to make the load balancer, where it is not the cloud's own. */
  readonly loadBalancerClass?: string;
  readonly publishNotReadyAddresses: boolean;
}

export interface Endpoint {
  readonly addresses: readonly string[];
  /** `conditions.ready`; absent conditions mean ready, as the API documents. */
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly nodeName?: string;
  /** Name of the pod behind it, when targetRef is a Pod. */
  readonly pod?: string;
}

export interface EndpointSlice extends Entity {
  readonly namespace: string;
  readonly name: string;
  /** Label `kubernetes.io/service-name`. */
  readonly service: string;
  readonly addressType: string;
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly { readonly name: string; readonly port?: number; readonly protocol: string }[];
}

/** A legacy Endpoints object. */
export interface Endpoints extends Entity {
  readonly namespace: string;
  readonly name: string;
  readonly subsets: readonly {
    readonly addresses: readonly string[];
    readonly notReadyAddresses: readonly string[];
    readonly ports: readonly { readonly name: string; readonly port: number }[];
  }[];
}

/** A pod, with what its istio-proxy (sidecar or gateway) was given. */
export interface Pod extends Entity {
  readonly namespace: string;
  readonly name: string;
  /** `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`; empty when the source has no status. */
  readonly phase: string;
  readonly ready: boolean;
  readonly ips: readonly string[];
  readonly hostNetwork: boolean;
  readonly nodeName?: string;
  readonly serviceAccount: string;
  /** RFC 3339 status.startTime, else creation. */
  readonly startedAt?: string;
  /** The controller above the ReplicaSet where its name can be told (`Deployment/shop`), else the direct owner. */
  readonly owner?: { readonly kind: string; readonly name: string };
  /** Reasons of waiting containers, distinct and sorted: `ImagePullBackOff`, `ContainerCreating`. */
  readonly waiting: readonly string[];
  /** How often its containers were started again, together; absent when never, or in recordings from before it was read. */
  readonly restarts?: number;
  /** How the container that ended last ended, where one was started again: `OOMKilled`, `Error`, `Completed`. */
  readonly lastEnd?: { readonly reason: string; readonly at?: string };
  /** A container's image is the literal `auto`: injection did not happen. */
  readonly imageAuto: boolean;
  /** Present when the pod has a container `istio-proxy` (native sidecars included). */
  readonly proxy?: Proxy;
}

/** What the injector gave an `istio-proxy` container. */
export interface Proxy {
  /** sidecar: injected beside the application; gateway: the pod is the proxy (router or waypoint). */
  readonly kind: 'sidecar' | 'gateway' | 'waypoint' | 'ztunnel';
  /** Env ISTIO_META_CLUSTER_ID. */
  readonly clusterId?: ClusterId;
  /** Env ISTIO_META_NETWORK; absent when no network was known at injection. */
  readonly network?: NetworkId;
  /** Annotation istio.io/rev, or `revision` in sidecar.istio.io/status; the revision that injected it. */
  readonly revision?: Revision;
  /** Env ISTIO_META_REQUESTED_NETWORK_VIEW, split at commas. */
  readonly requestedNetworkView: readonly NetworkId[];
  /** Host of PROXY_CONFIG.discoveryAddress, else of CA_ADDR: `istiod-1-31-0.istio-system.svc`. */
  readonly discoveryHost?: string;
  readonly trustDomain?: string;
  readonly meshId?: string;
  readonly dnsCapture: boolean;
  /**
   * What its iptables were told to take, by annotation, where that is not everything: what the pod or the injector's values said when it was
   * injected. Absent with an agent of CNI, which reads annotations, and in recordings from before it was read.
   */
  readonly capture?: StringMap;
  /** Semantic version of the image tag, when the tag is one. */
  readonly version?: string;
}

/** A Deployment or DaemonSet that is not istiod: gateways above all. */
export interface Workload extends Entity {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly desiredReplicas: number;
  readonly readyReplicas: number;
  readonly selector: StringMap;
  readonly podLabels: StringMap;
  readonly podAnnotations: StringMap;
  /** Literal env of container istio-proxy, names starting with ISTIO_ or of ztunnel; empty where there is none. */
  readonly proxyEnv: StringMap;
  readonly hostNetwork: boolean;
  /** Conditions `Type=Status` that are not as wished: `Available=False`, `ReplicaFailure=True (FailedCreate)`. */
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
    /** RFC 3339: since when it is so; the message is of that time. */
    readonly since?: string;
  }[];
}

export interface Node extends Entity {
  readonly name: string;
  readonly ready: boolean;
  readonly podCidrs: readonly string[];
  /** Of its kubelet, as it says it: `v1.32.9`; no newer than the API server's. */
  readonly kubeletVersion?: string;
  /** Scheme of spec.providerID: `aws`, `azure`, `gce`, `kind`; absent where nothing set one, or the source does not say. */
  readonly provider?: string;
  readonly addresses: readonly { readonly type: string; readonly address: string }[];
}

/** networking.istio.io Gateway. */
export interface Gateway extends Entity {
  readonly namespace: string;
  readonly name: string;
  readonly selector: StringMap;
  readonly servers: readonly GatewayServer[];
}

export interface GatewayServer {
  readonly port: number;
  readonly protocol: string;
  readonly hosts: readonly string[];
  /** `AUTO_PASSTHROUGH`, `PASSTHROUGH`, `SIMPLE` …; empty when the server has no tls. */
  readonly tlsMode: string;
}

export interface VirtualService extends Entity {
  readonly namespace: string;
  readonly name: string;
  readonly hosts: readonly string[];
  readonly gateways: readonly string[];
  readonly exportTo: readonly string[];
  readonly tls: readonly TlsRoute[];
  readonly spec: Json;
}

export interface TlsRoute {
  readonly matches: readonly { readonly port?: number; readonly sniHosts: readonly string[]; readonly gateways: readonly string[] }[];
  readonly destinations: readonly { readonly host: string; readonly port?: number }[];
}

/** Any other object of the networking.istio.io and security.istio.io groups: what it is, and its spec as given. */
export interface IstioResource extends Entity {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly spec: Json;
}

/** networking.k8s.io NetworkPolicy. */
export interface NetworkPolicy extends Entity {
  readonly namespace: string;
  readonly name: string;
  /** Pods of its namespace that it is about. */
  readonly podSelector: LabelSelector;
  /** What may come in; empty: nothing. Absent where it is not about that direction. */
  readonly ingress?: readonly NetworkPolicyRule[];
  /** Where they may go; empty: nowhere. Absent where it is not about that direction. */
  readonly egress?: readonly NetworkPolicyRule[];
}

/** Allows what fits one of the ports and one of the peers; without ports any port, without peers everybody. */
export interface NetworkPolicyRule {
  readonly ports: readonly {
    readonly protocol: string;
    /** A number, or the name of a container port; absent: any. */
    readonly port?: number | string;
    readonly endPort?: number;
  }[];
  readonly peers: readonly {
    readonly podSelector?: LabelSelector;
    readonly namespaceSelector?: LabelSelector;
    readonly ipBlock?: { readonly cidr: string; readonly except: readonly string[] };
  }[];
}

/** gateway.networking.k8s.io Gateway. */
export interface KubeGateway extends Entity {
  readonly namespace: string;
  readonly name: string;
  readonly className: string;
  readonly listeners: readonly {
    readonly name: string;
    readonly port: number;
    readonly protocol: string;
    /** Absent: any, or a recording from before it was read. */
    readonly hostname?: string;
    readonly tlsMode?: string;
    readonly tlsOptions: StringMap;
  }[];
  readonly specAddresses: readonly { readonly type?: string; readonly value: string }[];
  readonly statusAddresses: readonly { readonly type?: string; readonly value: string }[];
  /** `Programmed`, `Accepted` … with status and reason. */
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
}

/** A ClusterRole or Role as rules. */
export interface Role extends Entity {
  readonly name: string;
  readonly namespace?: string;
  readonly rules: readonly PolicyRule[];
}

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames: readonly string[];
}

export interface RoleBinding extends Entity {
  readonly name: string;
  readonly namespace?: string;
  readonly role: { readonly kind: string; readonly name: string };
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

/** Names of CustomResourceDefinitions and the versions they serve. */
export interface CustomResource extends Entity {
  readonly group: string;
  readonly kind: string;
  readonly versions: readonly string[];
}

/**
 * Every fact a check can need, per cluster. An interface on purpose: plug-ins add facts by declaration merging.
 * Lists are sorted by reference.
 */
export interface FactTypes extends ObservedFacts {
  clock: Clock;
  /** For expiry only: `clock` where there is one, else the run's own clock (`--now`). Always collected. */
  today: Clock;
  kubeVersion: KubeVersion;
  namespaces: readonly Namespace[];
  controlPlanes: readonly ControlPlane[];
  leaderElections: readonly LeaderElection[];
  meshConfigs: readonly MeshConfig[];
  injectorValues: readonly InjectorValues[];
  injectors: readonly Injector[];
  validators: readonly Validator[];
  remoteSecrets: readonly RemoteSecret[];
  serviceAccountTokens: readonly ServiceAccountToken[];
  serviceAccounts: readonly ServiceAccount[];
  caSecrets: readonly CaSecret[];
  rootConfigMaps: readonly RootConfigMap[];
  /** CA of the API server itself: ConfigMap `kube-root-ca.crt`, any namespace. */
  apiServerCa: readonly Certificate[];
  services: readonly Service[];
  endpointSlices: readonly EndpointSlice[];
  endpoints: readonly Endpoints[];
  pods: readonly Pod[];
  workloads: readonly Workload[];
  nodes: readonly Node[];
  gateways: readonly Gateway[];
  virtualServices: readonly VirtualService[];
  /** Objects of networking.istio.io and security.istio.io other than Gateway and VirtualService. */
  istioResources: readonly IstioResource[];
  kubeGateways: readonly KubeGateway[];
  networkPolicies: readonly NetworkPolicy[];
  clusterRoles: readonly Role[];
  clusterRoleBindings: readonly RoleBinding[];
  customResources: readonly CustomResource[];
}

export type FactName = keyof FactTypes;

/** Why nobody asked: never a reason to call a run incomplete. */
export type NotAsked =
  | 'directory does not say'
  | 'no clock'
  | 'deselected'
  | 'probes off'
  | 'opt-in'
  | 'nothing to probe'
  | 'not sampled'
  | 'older recording';

/** Closed set of ways in which reading can fail; serialisable. */
export type FailureCode =
  | 'refused'
  | 'dns'
  | 'timeout'
  | 'reset'
  | 'tls-untrusted'
  | 'tls-name'
  | 'tls-expired'
  /** The other side speaks TLS in a way that this program cannot. */
  | 'tls-unspoken'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'throttled'
  | 'server-error'
  | 'proxy'
  | 'exec-plugin'
  | 'unreadable-file'
  | 'contradicting-copies'
  | 'interrupted';

/**
 * What is known of one fact in one cluster. Only `collected` can acquit, and only a complete list can accuse by absence:
 * `partial` says that the source holds some objects but does not claim to hold all.
 */
export type Fact<T> =
  | { readonly status: 'collected'; readonly value: T; readonly partial?: true }
  | { readonly status: 'forbidden'; readonly verb: string; readonly resource: string }
  | { readonly status: 'absent' }
  | { readonly status: 'failed'; readonly code: FailureCode; readonly reason: string }
  | { readonly status: 'not-asked'; readonly because: NotAsked };

/** All facts of one cluster. */
export type ClusterFacts = { readonly [K in FactName]: Fact<FactTypes[K]> };

/** A fact that could not be used, and why: what makes an outcome inconclusive. */
export interface MissingFact {
  readonly cluster: ClusterName;
  readonly fact: FactName;
  readonly why: Exclude<Fact<never>, { status: 'collected' }> | { readonly status: 'partial' };
}

import { compareVersions, isAtLeast, minorOf, minorsBetween, parseVersion } from './versions.ts';

/** One minor release of Istio. Dates are `YYYY-MM-DD`; Kubernetes versions are minors: `1.32`. */
export interface Release {
  readonly minor: string;
  /** Date of the `.0` tag; absent while it was not out when the table was written. */
  readonly released?: string;
  /** Hard minimum of istioctl's precheck (istioctl/pkg/install/k8sversion/version.go). */
  readonly kubernetesMinimum: string;
  /** Range the project publishes as tested (istio.io releases/supported-releases). */
  readonly kubernetes: { readonly from: string; readonly to: string; readonly isAssumed?: true };
}

/** The day up to which this table was written. */
export const tableDate = '2026-08-22';

/** Oldest first. What is newer than the last row is unknown, not unsupported. */
export const releases: readonly Release[] = [
  { minor: '1.20', released: '2023-11-13', kubernetesMinimum: '1.25', kubernetes: { from: '1.25', to: '1.29' } },
  { minor: '1.21', released: '2024-03-12', kubernetesMinimum: '1.26', kubernetes: { from: '1.26', to: '1.29' } },
  { minor: '1.22', released: '2024-05-10', kubernetesMinimum: '1.26', kubernetes: { from: '1.27', to: '1.30' } },
  { minor: '1.23', released: '2024-08-11', kubernetesMinimum: '1.26', kubernetes: { from: '1.27', to: '1.30' } },
  { minor: '1.24', released: '2024-11-05', kubernetesMinimum: '1.28', kubernetes: { from: '1.28', to: '1.31' } },
  { minor: '1.25', released: '2025-02-25', kubernetesMinimum: '1.29', kubernetes: { from: '1.29', to: '1.32' } },
  { minor: '1.26', released: '2025-05-06', kubernetesMinimum: '1.29', kubernetes: { from: '1.29', to: '1.33' } },
  { minor: '1.27', released: '2025-08-08', kubernetesMinimum: '1.29', kubernetes: { from: '1.29', to: '1.33' } },
  { minor: '1.28', released: '2025-10-30', kubernetesMinimum: '1.30', kubernetes: { from: '1.30', to: '1.34' } },
  { minor: '1.29', released: '2026-02-10', kubernetesMinimum: '1.30', kubernetes: { from: '1.31', to: '1.35' } },
  { minor: '1.30', released: '2026-05-15', kubernetesMinimum: '1.32', kubernetes: { from: '1.32', to: '1.36', isAssumed: true } },
  { minor: '1.31', kubernetesMinimum: '1.32', kubernetes: { from: '1.32', to: '1.36', isAssumed: true } },
];

const byMinor = new Map(releases.map((release) => [release.minor, release]));
const oldest = releases[0]?.minor;
const newest = releases.at(-1)?.minor;

/** The row of a version of any patch; nothing when the table does not know its minor. */
export function releaseOf(version: string | undefined): Release | undefined {
  const minor = minorOf(version);
  return minor === undefined ? undefined : byMinor.get(minor);
}

/** Whether a version is newer than everything the table knows; nothing when it is not a version. */
export function isNewerThanTable(version: string | undefined): boolean | undefined {
  const ahead = minorsBetween(newest, version);
  return ahead === undefined ? undefined : ahead > 0;
}

/**
 * The day on which the project's support for a minor ends: six weeks after the second minor after it came out
 * (istio.io releases/supported-releases). Nothing while that minor has no date here.
 */
export function supportEndOf(version: string | undefined): string | undefined {
  const minor = minorOf(version);
  const index = releases.findIndex((release) => release.minor === minor);
  const successor = index < 0 ? undefined : releases[index + 2];
  return successor?.released === undefined ? undefined : plusDays(successor.released, 42);
}

/**
 * `ended`: the project's support was over on `today` (default: the day of the table); `supported`: it was not; `unknown`: no
 * version, or one newer than the table. A minor older than the table is out of support.
 */
export function supportOf(version: string | undefined, today: string = tableDate): 'supported' | 'ended' | 'unknown' {
  const behind = minorsBetween(oldest, version);
  if (behind === undefined) return 'unknown';
  if (behind < 0) return 'ended';
  if (releaseOf(version) === undefined) return 'unknown';
  const end = supportEndOf(version);
  if (end === undefined) return 'supported';
  return end < (today > tableDate ? today.slice(0, 10) : tableDate) ? 'ended' : 'supported';
}

/** How a Kubernetes version (`1.34`, `v1.34.4`) stands to an Istio version; `unknown` when the table cannot tell. */
export function kubernetesSupport(
  istio: string | undefined,
  kubernetes: string | undefined,
): 'supported' | 'below-minimum' | 'outside-range' | 'unknown' {
  const release = releaseOf(istio);
  const minor = minorOf(kubernetes);
  if (release === undefined || minor === undefined) return 'unknown';
  if (isAtLeast(minor, release.kubernetesMinimum) === false) return 'below-minimum';
  const isInside = isAtLeast(minor, release.kubernetes.from) === true && isAtLeast(release.kubernetes.to, minor) === true;
  if (isInside) return 'supported';
  return release.kubernetes.isAssumed === true ? 'unknown' : 'outside-range';
}

/** When a behaviour holds: half-open ranges of versions, oldest first; no `until` = still so in the newest release of the table. */
type Ranges = readonly { readonly from: string; readonly until?: string }[];

/** Kinds that `readsConfigurationAsV1` is about; the others keep the versions that they always had. */
export const kindsReadAsV1: Readonly<Record<string, readonly string[]>> = {
  'networking.istio.io': ['DestinationRule', 'Gateway', 'ServiceEntry', 'Sidecar', 'VirtualService', 'WorkloadEntry', 'WorkloadGroup'],
  'security.istio.io': ['AuthorizationPolicy', 'PeerAuthentication', 'RequestAuthentication'],
  'telemetry.istio.io': ['Telemetry'],
};

/** Steps between minors across which clusters of one mesh were seen to reset each other's connections while one of them was upgraded. */
export const brokenSteps: readonly { readonly from: string; readonly to: string; readonly issue: string; readonly seen: string }[] = [
  { from: '1.6', to: '1.7', issue: 'istio/istio#27321', seen: 'mutual TLS between clusters failed' },
  { from: '1.19', to: '1.20', issue: 'istio/istio#50459', seen: 'calls from the older cluster were reset (TLS error 33554536)' },
];

/** What changed from release to release, as far as a multi-cluster check has to know it. */
export const behaviours = {
  /** A Service with a network label is a gateway only if it has port 15443 (or its gatewayPort label) or 15008 (pilot/pkg/serviceregistry/kube/controller/network.go). */
  ignoresGatewayServiceWithoutPort: [{ from: '1.29.0' }],
  /** Gateway API Gateways with a network label are network gateways by default (PILOT_MULTI_NETWORK_DISCOVER_GATEWAY_API). */
  discoversGatewayApiGateways: [{ from: '1.23.0' }],
  /** A gateway Service's port 15008 becomes the gateway's HBONE port (the same file; `/debug/networkz` has the field since 1.23). */
  readsHbonePortOfGatewayService: [{ from: '1.28.0' }],
  /** A proxy without a network reaches endpoints that have one through their gateway (pilot/pkg/xds/endpoints/ep_filters.go). */
  emptyNetworkUsesGateway: [{ from: '1.30.0' }],
  /** Of services of one host a sidecar knows that of its own namespace, also where no Sidecar applies (PILOT_UNIFIED_SIDECAR_SCOPE). */
  prefersServiceOfOwnNamespace: [{ from: '1.24.0' }],
  /** Gateway addresses of a family the proxy does not have are left out. */
  dropsGatewaysOfOtherIpFamily: [{ from: '1.30.0' }],
  /** An installed remote Service `istiod` has an EndpointSlice and no Endpoints object. */
  backsRemoteServiceBySliceOnly: [{ from: '1.28.0' }],
  /** istiod lists ConfigMaps of the clusters it reads. */
  readsRemoteConfigMaps: [{ from: '1.26.0', until: '1.27.0' }, { from: '1.29.0' }],
  /** The injector chart of a remote is the `istiod` chart with profile remote; CRDs exist in remotes. */
  installsCrdsInRemotes: [{ from: '1.24.0' }],
  /** A first installation of a revision makes that revision the default one by itself (operator/pkg/webhook). */
  createsDefaultTag: [{ from: '1.20.0', until: '1.24.0' }, { from: '1.27.0' }],
  /** `/debug/clusterz` lists istiod's own cluster too. */
  listsOwnClusterInClusterz: [{ from: '1.22.0' }],
  /** Debug endpoints answer the network only to identities of the system namespace. */
  restrictsDebugToSystemNamespace: [{ from: '1.27.6', until: '1.28.0' }, { from: '1.28.4' }],
  /** ConfigMap `values[-rev]` beside the control plane. */
  writesValuesConfigMap: [{ from: '1.26.0' }],
  /** Native sidecars where every kubelet is 1.33 or newer. */
  usesNativeSidecars: [{ from: '1.27.0' }],
  /** Ambient meshes may span networks. */
  spansNetworksInAmbient: [{ from: '1.27.0' }],
  /** A remote cluster's trust domain is read from the mesh config in that cluster. */
  readsRemoteTrustDomain: [{ from: '1.29.0' }],
  /** Where it may not be read there, istiod's own is taken (istio/istio#59474); before that there was none. */
  fallsBackToOwnTrustDomain: [{ from: '1.29.2' }],
  /** Kubeconfigs of remote clusters may come from files (PILOT_MULTICLUSTER_KUBECONFIG_PATH); remote secrets are then not read. */
  readsKubeconfigFiles: [{ from: '1.30.0' }],
  /** Its metrics say how far it has read each remote cluster (pkg/kube/multicluster/secretcontroller.go). */
  writesSyncStatus: [{ from: '1.29.0' }],
  /** There every cluster is at `timeout` 30 seconds after it was added, however well it is read (istio/istio#60098). */
  writesFalseTimeouts: [{ from: '1.29.0', until: '1.30.0' }],
  /** Name tables hold only those pods of a headless Service that have its first port (pkg/dns/server/name_table.go, #61038). Mended in no release that this table knows; later patches may be. */
  namesPodsOfFirstPortOnly: [
    { from: '1.20.0', until: '1.28.11' },
    { from: '1.29.0', until: '1.29.7' },
    { from: '1.30.0', until: '1.30.4' },
    { from: '1.31.0', until: '1.31.1' },
  ],
  /** istiod is ready before its webhooks listen (pilot/pkg/bootstrap; istio/istio#61049). No release of the table mends it. */
  isReadyBeforeItsWebhooks: [{ from: '1.18.0' }],
  /** Configuration is watched as v1 (pkg/config/schema/metadata.yaml), which CRDs serve since 1.22: of older CRDs nothing is read. */
  readsConfigurationAsV1: [{ from: '1.24.0' }],
  /** Replacing a remote secret can wipe or lock that cluster's registry until a restart. */
  losesClusterOnSecretRotation: [{ from: '1.30.0', until: '1.30.4' }],

  // Ambient on several networks or in several clusters.
  /** A HBONE listener of a Gateway with addresses of its own is offered to sidecars as if it took mTLS (istio/istio#61618). */
  offersHboneListenersToSidecars: [{ from: '1.23.0', until: '1.31.1' }],
  /** Ingress gateways that may leave their network do so by HBONE only, also to sidecars, which do not take it (istio/istio#60609). */
  divertsIngressToHbone: [{ from: '1.29.0', until: '1.31.1' }],
  /** Workloads of every cluster are taken to be of the trust domain of the istiod that tells of them (istio/istio#61608). */
  assumesOneTrustDomain: [{ from: '1.27.0' }],
  /** Who calls without a waypoint does not accept the certificate of a waypoint (istio/istio#61609). */
  needsUniformWaypoints: [{ from: '1.27.0', until: '1.31.1' }],
  /** ServiceEntries that are resolved by DNS are kept from sidecars of remotes (istio/istio#60343). */
  keepsDnsEntriesFromRemotes: [{ from: '1.30.0' }],
} as const satisfies Readonly<Record<string, Ranges>>;

export type Behaviour = keyof typeof behaviours;

/** Whether a version behaves so; nothing when it is not a version, older than the table, or newer than it. */
export function behaves(version: string | undefined, behaviour: Behaviour): boolean | undefined {
  if (isNewerThanTable(version) !== false) return undefined;
  if (oldest === undefined || isAtLeast(version, oldest) !== true) return undefined;
  return isWithin(version, behaviours[behaviour]);
}

/** As `behaves`, for predictions that must choose: an unknown version is taken to behave as the newest release of the table. */
export function presumedToBehave(version: string | undefined, behaviour: Behaviour): boolean {
  return behaves(version, behaviour) ?? isWithin(newest, behaviours[behaviour]);
}

/** Whether a version is older than a bound; false for what is no version. */
export function isBefore(version: string | undefined, bound: string): boolean {
  return isAtLeast(version, bound) === false;
}

function isWithin(text: string | undefined, ranges: Ranges): boolean {
  const version = parseVersion(text);
  if (version === undefined) return false;
  return ranges.some((range) => {
    const from = parseVersion(range.from);
    const until = parseVersion(range.until);
    return from !== undefined && compareVersions(version, from) >= 0 && (until === undefined || compareVersions(version, until) < 0);
  });
}

/** Calendar arithmetic without a clock: `date` is `YYYY-MM-DD`. */
function plusDays(date: string, days: number): string {
  const start = Date.parse(`${date}T00:00:00Z`);
  return new Date(start + days * 86_400_000).toISOString().slice(0, 10);
}

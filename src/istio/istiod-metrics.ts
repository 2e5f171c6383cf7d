/**
 * Series of istiod's /metrics that somebody reads, by what they count. Counters that never counted anything are not written at all.
 * Sources: pkg/kube/multicluster/secretcontroller.go, pilot/pkg/util/informermetric, pkg/xds/monitoring.go, pilot/pkg/xds/monitoring.go,
 * pilot/pkg/model/gateway.go, security/pkg/server/ca/monitoring.go.
 */
export const istiodMetrics = {
  /** Gauge, by `cluster_type`: local, remote. */
  managedClusters: 'istiod_managed_clusters',
  /** Gauge since 1.29, by `cluster` and `status`: 1 for the one it has. Says timeout of every cluster in 1.29. */
  syncStatus: 'istiod_remote_cluster_sync_status',
  /** Lists and watches that failed, by `cluster`. */
  syncErrors: 'controller_sync_errors_total',
  /** Answers that proxies refused, by `type`. */
  rejects: 'pilot_total_xds_rejects',
  /** Servers of Gateways that were ignored, by `name`. */
  rejectedConfigs: 'pilot_total_rejected_configs',
  writeTimeouts: 'pilot_xds_write_timeout',
  internalErrors: 'pilot_total_xds_internal_errors',
  /** Histogram in seconds: from a change to the proxy that has it. */
  convergence: 'pilot_proxy_convergence_time',
  authenticationFailures: 'citadel_server_authentication_failure_count',
  signingErrors: 'citadel_server_csr_sign_err_count',
  injectionFailures: 'sidecar_injection_failure_total',
} as const;

/** Counters that count what went wrong: one that rises while somebody looks says that it is going wrong now. */
export const errorCounters: readonly string[] = [
  istiodMetrics.syncErrors,
  istiodMetrics.rejects,
  istiodMetrics.rejectedConfigs,
  istiodMetrics.writeTimeouts,
  istiodMetrics.internalErrors,
  istiodMetrics.authenticationFailures,
  istiodMetrics.signingErrors,
  istiodMetrics.injectionFailures,
];

/** Names of the series that are kept of an answer. */
export const metricsRead: ReadonlySet<string> = new Set([
  ...errorCounters,
  istiodMetrics.managedClusters,
  istiodMetrics.syncStatus,
  ...['_count', '_sum', '_bucket'].map((suffix) => `${istiodMetrics.convergence}${suffix}`),
]);

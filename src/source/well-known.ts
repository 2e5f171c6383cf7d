/* Words that are Istio's, Kubernetes' or everybody's: they say nothing of whose mesh it is, and without them it would be no mesh. */

/** Domains under which labels, groups and images of the mesh itself are named. */
export const ownDomain =
  /(?:^|\.)(?:istio\.io|k8s\.io|kubernetes\.io|x-k8s\.io|helm\.sh|argoproj\.io|fluxcd\.io|cloud\.google\.com|gke\.io|openshift\.io|cncf\.io|docker\.io|gcr\.io|quay\.io|ghcr\.io|cluster\.local|githubusercontent\.com)$|^(?:istio|app|cluster\.local)$/;

const words: ReadonlySet<string> = new Set(
  (
    'http https http2 grpc grpc-web tcp tls udp mtls auto sctp mongo mysql redis postgres thrift hbone metrics admin prometheus health healthz status ' +
    'status-port tls-istiod tls-webhook tls-xds http-monitoring https-dns https-webhook grpc-xds http-envoy-prom http-monitoring mesh-ca ' +
    'default istio istiod pilot proxyv2 ztunnel waypoint gateway gateways ingress egress eastwest eastwestgateway cross-network-gateway ' +
    'istio-proxy istio-init istio-validation discovery install-cni proxy cluster local svc pod pods service services namespace node nodes app name version ' +
    'true false none all Kubernetes kubernetes self mesh data template spec metadata labels system root user users group groups token ' +
    'Istio Root CA Intermediate Citadel Cluster Signing Authority Certificate CN OU ST DC cacerts coredns dns-default calico flannel cilium ' +
    'com org net io dev arpa internal lan localhost localdomain www spiffe sa ns docker library hub kind Node TCP UDP HTTP HTTPS GRPC TLS MONGO ' +
    'rev object sidecar-injector validation validate inject injector webhook webhooks webhookpath reader remote primary external host hosts port ports match ' +
    'authenticated unauthenticated masters serviceaccount serviceaccounts view edit cluster-admin Available Progressing Ready Running Pending ' +
    'prefix exact regex source destination source_network target network networks weight subset simple MUTUAL DISABLE STRICT PERMISSIVE ISTIO_MUTUAL SIMPLE PASSTHROUGH'
  ).split(' '),
);

const own =
  /^(?:istio-(?:system|ingress|egress|eastwest|cni|ca-|reader|remote|sidecar-injector|revision-tag|validator|leader|namespace-controller|gateway|init|proxy|validation|ip-autoallocate|clusterrole|node|serviceexport|kubeconfig|east-west|waypoint|operator)|istiod-|kubectl-(?:client-side-apply|create|edit|label|annotate|patch|rollout|scale|set)|kube-(?:system|public|node-lease|proxy|dns|apiserver|scheduler|controller-manager|root-ca|flannel)|kindnet|local-path|metrics-server|csi-|ISTIO_|PILOT_|[A-Z][A-Z0-9]*_[A-Z0-9_]+$|[a-f0-9]{32,}$)/;

/** Whether a word is known to everybody. Long names of Istio's that hold a name of somebody's (`istio-remote-secret-NAME`) are not words: their parts are. */
export function isWellKnown(word: string): boolean {
  return words.has(word) || own.test(word) || word.length < 2;
}

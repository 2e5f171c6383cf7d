/** Labels and annotations as Istio spells them (istio/api: label/labels.gen.go, annotation/annotations.gen.go). */
export const labels = {
  network: 'topology.istio.io/network',
  cluster: 'topology.istio.io/cluster',
  revision: 'istio.io/rev',
  tag: 'istio.io/tag',
  injection: 'istio-injection',
  inject: 'sidecar.istio.io/inject',
  multiCluster: 'istio/multiCluster',
  tlsMode: 'security.istio.io/tlsMode',
  gatewayPort: 'networking.istio.io/gatewayPort',
  dataplaneMode: 'istio.io/dataplane-mode',
  global: 'istio.io/global',
  operatorVersion: 'operator.istio.io/version',
  appVersion: 'app.kubernetes.io/version',
  serviceName: 'kubernetes.io/service-name',
  /** On EndpointSlices a multi-cluster services controller imported: istiod leaves them alone. */
  importedServiceName: 'multicluster.kubernetes.io/service-name',
  gatewayManaged: 'gateway.istio.io/managed',
  /** On what istiod makes for a Gateway of Kubernetes: its name. */
  gatewayName: 'gateway.networking.k8s.io/gateway-name',
  /** Name of the waypoint of a Service or, from its namespace, of all Services there; `none` = no waypoint. */
  useWaypoint: 'istio.io/use-waypoint',
  useWaypointNamespace: 'istio.io/use-waypoint-namespace',
  /** What a waypoint serves: `service` unless it says otherwise, `workload`, `all` or `none`. */
  waypointFor: 'istio.io/waypoint-for',
  /** Ingress gateways go through the waypoint, too. */
  ingressUseWaypoint: 'istio.io/ingress-use-waypoint',
  /** Selector by which a default tag switches the default revision's own injector off. */
  deactivated: 'istio.io/deactivated',
} as const;

export const annotations = {
  controlPlaneClusters: 'topology.istio.io/controlPlaneClusters',
  /** Name under which create-remote-secret was called; nothing in Istio reads it. */
  networkingCluster: 'networking.istio.io/cluster',
  leader: 'control-plane.alpha.kubernetes.io/leader',
  nodeSelector: 'traffic.istio.io/nodeSelector',
  /** Of a Gateway API object: type of the Service that istiod makes for it. */
  serviceType: 'networking.istio.io/service-type',
  exportTo: 'networking.istio.io/exportTo',
  sidecarStatus: 'sidecar.istio.io/status',
  proxyConfig: 'proxy.istio.io/config',
  /** The image that a pod is given as its proxy, whatever release istiod has. */
  proxyImage: 'sidecar.istio.io/proxyImage',
  revision: 'istio.io/rev',
  /** Comma-separated ports and blocks of addresses that a sidecar takes calls to, or leaves alone; read when the pod is injected. */
  excludeInterfaces: 'traffic.sidecar.istio.io/excludeInterfaces',
  excludeOutboundIPRanges: 'traffic.sidecar.istio.io/excludeOutboundIPRanges',
  excludeOutboundPorts: 'traffic.sidecar.istio.io/excludeOutboundPorts',
  includeOutboundIPRanges: 'traffic.sidecar.istio.io/includeOutboundIPRanges',
  includeOutboundPorts: 'traffic.sidecar.istio.io/includeOutboundPorts',
  /** Service account of the proxies of a Gateway API Gateway, where it is not the Gateway's own name. */
  gatewayServiceAccount: 'gateway.istio.io/service-account',
} as const;

/** Names of containers, as charts and injectors give them. */
export const containers = { proxy: 'istio-proxy', init: 'istio-init', istiod: 'discovery' } as const;

/** Gateway API classes of gateways between networks (pkg/config/constants). */
export const classes = {
  /** An ambient east-west gateway that istiod deploys. */
  eastWest: 'istio-east-west',
  /** Stands for a gateway in a place whose API this istiod cannot read. */
  remote: 'istio-remote',
  /** A waypoint that istiod deploys. */
  waypoint: 'istio-waypoint',
} as const;

/** Well-known ports of a multi-cluster mesh. */
export const ports = {
  crossNetwork: 15443,
  hbone: 15008,
  discovery: 15012,
  webhook: 15017,
  status: 15021,
} as const;

/** Names istiod gives or expects. */
export const names = {
  defaultRevision: 'default',
  defaultTag: 'default',
  /** CLUSTER_ID of an istiod that was not told one (pilot/pkg/features). */
  defaultClusterId: 'Kubernetes',
  defaultSystemNamespace: 'istio-system',
  rootConfigMap: 'istio-ca-root-cert',
  apiServerCaConfigMap: 'kube-root-ca.crt',
  namespaceElection: 'istio-namespace-controller-election',
  readerServiceAccount: 'istio-reader-service-account',
  readerTokenSecret: 'istio-reader-service-account-istio-remote-secret-token',
  externalKubeconfigSecret: 'istio-kubeconfig',
} as const;

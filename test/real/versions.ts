/** Everything the real tier builds or fetches, by version. The cache is keyed by these and by the Go modules beside this file. */
export const versions = {
  kubernetes: '1.34.4',
  etcd: '3.6.13',
  istio: '1.31.0',
  /** Commit of release 1.31 that the Go module proxy serves; its revision is in the module version. */
  istioModule: 'v0.0.0-20260827124520-eed52ebb66ad',
  coredns: '1.14.7',
  envoy: '1.40.0',
  /** Of the Kubernetes libraries that istioctl is built with: most of it is compiled already. */
  helm: '4.2.0',
} as const;

/** What istioctl and istiod believe their images to be: nothing is ever pulled. */
export const images = { hub: 'registry.example/istio', tag: versions.istio } as const;

import type { Brand } from '../base/brand.ts';

/** How the user names a cluster: a context, or the NAME of `--manifests NAME=DIR`. */
export type ClusterName = Brand<string, 'ClusterName'>;
/** What Istio calls a cluster: `CLUSTER_ID` of istiod, the data key of a remote secret, `ISTIO_META_CLUSTER_ID` of a proxy. */
export type ClusterId = Brand<string, 'ClusterId'>;
/** A value of `topology.istio.io/network`. */
export type NetworkId = Brand<string, 'NetworkId'>;
/** A value of `istio.io/rev` that an istiod runs as; `default` when none was given at install. */
export type Revision = Brand<string, 'Revision'>;

export const clusterName = (text: string): ClusterName => text as ClusterName;
export const clusterId = (text: string): ClusterId => text as ClusterId;
export const networkId = (text: string): NetworkId => text as NetworkId;
export const revision = (text: string): Revision => text as Revision;

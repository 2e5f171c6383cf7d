import { isAtLeast } from '../istio/versions.ts';

/** What an Istio release leaves behind in a cluster. Seen on 1.24.6 and 1.31.0; between them, at the release that istio's notes name. */
export interface ReleaseTraits {
  readonly hub: string;
  /** `divisor` of resource fields in env, as templates of the release spell it. */
  readonly divisor: '0' | '1';
  /** ConfigMap `values[-rev]`. */
  readonly hasValuesConfigMap: boolean;
  /** ConfigMap `istio-ca-crl` in every namespace, volume of that name in every sidecar. */
  readonly hasCrl: boolean;
  /** ConfigMap `istio-ip-autoallocate`, an election of its own. */
  readonly hasIpAutoallocate: boolean;
  /** The election of gateway status is a Lease, before that a ConfigMap. */
  readonly hasStatusLease: boolean;
  /** A remote's Service istiod has an EndpointSlice only; before that an `Endpoints` object and its mirror. */
  readonly backsRemoteBySlice: boolean;
  /** Service `istiod-revision-tag-<tag>` beside the webhooks of a tag. */
  readonly hasTagService: boolean;
  /** An installation of a named revision makes the default tag if there is none; one without a name always does. */
  readonly tagsNamedRevision: boolean;
  /** The reader of a cluster nobody manages may read ConfigMaps. */
  readonly readerReadsConfigMaps: boolean;
  /** Label `istio.io/dataplane-mode: none` on pods of gateways from the installer. */
  readonly marksGatewaysNone: boolean;
  /** GOMEMLIMIT in the environment of istiod. */
  readonly limitsIstiodMemory: boolean;
  /** istiod may read inference pools, and scale the gateways it deploys. */
  readonly knowsInferencePools: boolean;
  /** CRDs store version v1. */
  readonly storesV1: boolean;
}

/** Worked out once for each release: large meshes ask for every pod. */
const known = new Map<string, ReleaseTraits>();

export function traitsOf(release: string): ReleaseTraits {
  const traits = known.get(release) ?? workOut(release);
  known.set(release, traits);
  return traits;
}

function workOut(release: string): ReleaseTraits {
  const since = (version: string): boolean => isAtLeast(release, version) === true;
  return {
    hub: since('1.29.0') ? 'registry.istio.io/release' : 'docker.io/istio',
    divisor: since('1.25.0') ? '1' : '0',
    hasValuesConfigMap: since('1.26.0'),
    hasCrl: since('1.31.0'),
    hasIpAutoallocate: since('1.25.0'),
    hasStatusLease: since('1.25.0'),
    backsRemoteBySlice: since('1.28.0'),
    hasTagService: since('1.28.0'),
    tagsNamedRevision: since('1.27.0') || !since('1.24.0'),
    readerReadsConfigMaps: since('1.29.0') || (since('1.26.0') && !since('1.27.0')),
    marksGatewaysNone: since('1.25.0'),
    limitsIstiodMemory: !since('1.30.0'),
    knowsInferencePools: since('1.27.0'),
    storesV1: since('1.25.0'),
  };
}

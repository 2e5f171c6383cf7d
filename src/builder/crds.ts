import type { KubeObject } from '../model/kube.ts';
import { installed } from './installer.ts';
import { makerOf, present } from './objects.ts';
import type { Cluster, ControlPlane } from './plan.ts';
import { traitsOf } from './releases.ts';

interface Definition {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortName?: string;
  /** Served versions, the stored one first. */
  readonly versions: readonly string[];
}

const networking = (kind: string, plural: string, shortName?: string): Definition =>
  present({ group: 'networking.istio.io', kind, plural, shortName, versions: ['v1', 'v1alpha3', 'v1beta1'] });
const security = (kind: string, plural: string, shortName: string): Definition => ({
  group: 'security.istio.io',
  kind,
  plural,
  shortName,
  versions: ['v1', 'v1beta1'],
});

const definitions: readonly Definition[] = [
  security('AuthorizationPolicy', 'authorizationpolicies', 'ap'),
  networking('DestinationRule', 'destinationrules', 'dr'),
  { group: 'networking.istio.io', kind: 'EnvoyFilter', plural: 'envoyfilters', versions: ['v1alpha3'] },
  networking('Gateway', 'gateways', 'gw'),
  security('PeerAuthentication', 'peerauthentications', 'pa'),
  { group: 'networking.istio.io', kind: 'ProxyConfig', plural: 'proxyconfigs', versions: ['v1beta1'] },
  security('RequestAuthentication', 'requestauthentications', 'ra'),
  networking('ServiceEntry', 'serviceentries', 'se'),
  networking('Sidecar', 'sidecars'),
  { group: 'telemetry.istio.io', kind: 'Telemetry', plural: 'telemetries', shortName: 'telemetry', versions: ['v1alpha1', 'v1'] },
  networking('VirtualService', 'virtualservices', 'vs'),
  { group: 'extensions.istio.io', kind: 'WasmPlugin', plural: 'wasmplugins', versions: ['v1alpha1'] },
  networking('WorkloadEntry', 'workloadentries', 'we'),
  networking('WorkloadGroup', 'workloadgroups', 'wg'),
];

const since131: readonly Definition[] = [
  { group: 'extensions.istio.io', kind: 'TrafficExtension', plural: 'trafficextensions', versions: ['v1alpha1'] },
];

/** Istio's custom resources, without their schemas. */
export function istioCrds(cluster: Cluster, plane: ControlPlane, createdAt: string): KubeObject[] {
  const traits = traitsOf(plane.release);
  const labels = installed(plane, { part: 'Base', hasRelease: false });
  return [...definitions, ...(traits.hasCrl ? since131 : [])].map((definition) =>
    crd(cluster, createdAt, labels, definition, traits.storesV1),
  );
}

/** Custom resources of the Gateway API, standard channel. */
export function gatewayApiCrds(cluster: Cluster, createdAt: string): KubeObject[] {
  const group = 'gateway.networking.k8s.io';
  const annotations = { 'gateway.networking.k8s.io/bundle-version': 'v1.4.0', 'gateway.networking.k8s.io/channel': 'standard' };
  return [
    { kind: 'BackendTLSPolicy', plural: 'backendtlspolicies', shortName: 'btlspolicy', versions: ['v1'] },
    { kind: 'GatewayClass', plural: 'gatewayclasses', shortName: 'gc', versions: ['v1', 'v1beta1'] },
    { kind: 'Gateway', plural: 'gateways', shortName: 'gtw', versions: ['v1', 'v1beta1'] },
    { kind: 'GRPCRoute', plural: 'grpcroutes', versions: ['v1'] },
    { kind: 'HTTPRoute', plural: 'httproutes', versions: ['v1', 'v1beta1'] },
    { kind: 'ReferenceGrant', plural: 'referencegrants', shortName: 'refgrant', versions: ['v1beta1'] },
  ].map((definition) =>
    crd(cluster, createdAt, {}, { group, ...definition }, true, { annotations, isClusterWide: definition.kind === 'GatewayClass' }),
  );
}

function crd(
  cluster: Cluster,
  createdAt: string,
  labels: Readonly<Record<string, string>>,
  { group, kind, plural, shortName, versions }: Definition,
  storesFirst: boolean,
  more: { readonly annotations?: Readonly<Record<string, string>>; readonly isClusterWide?: boolean } = {},
): KubeObject {
  const stored = storesFirst || !versions.includes('v1beta1') ? versions[0] : 'v1beta1';
  const category = group.startsWith('gateway') ? ['gateway-api'] : ['istio-io', group.replaceAll('.', '-')];
  return makerOf(cluster.name, createdAt)(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    { name: `${plural}.${group}`, labels, annotations: more.annotations },
    {
      spec: {
        group,
        names: present({
          categories: category,
          kind,
          listKind: `${kind}List`,
          plural,
          shortNames: shortName === undefined ? undefined : [shortName],
          singular: kind.toLowerCase(),
        }),
        scope: more.isClusterWide === true ? 'Cluster' : 'Namespaced',
        versions: [...versions].sort().map((name) => ({ name, served: true, storage: name === stored })),
      },
    },
  );
}

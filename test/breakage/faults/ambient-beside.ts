import { namespaceLabelled, serviceLabelled } from '../../../src/builder/edits/ambient.ts';
import {
  ambientOnOneNetwork,
  ingressGatewayAdded,
  inTrustDomain,
  ofRelease,
  rootsExchanged,
  ztunnelAdded,
} from '../../../src/builder/edits/ambient-mesh.ts';
import { secondRoot } from '../../../src/builder/certificates.ts';
import { anotherRoot } from '../../../src/builder/edits/trust.ts';
import { withIstiodEnv } from '../../../src/builder/edits/control-plane.ts';
import type { Fault } from '../fault.ts';
import {
  allowsMethods,
  failoverByRegion,
  hboneGatewayElsewhere,
  resolvedEntry,
  secondTrustDomain,
  sidecarsBeside,
} from './ambient-edits.ts';

const use = 'istio.io/use-waypoint';
const multiNetwork = 'AMBIENT_ENABLE_MULTI_NETWORK';
const withWaypoints = ['ambient with a waypoint', 'ambient 1.28 with a waypoint', 'three ambient primaries'] as const;

/** Ambient beside sidecars, its trust, its releases, and topologies that it does not support. */
export const faults: readonly Fault[] = [
  {
    id: 'sidecars-beside-hbone-gateway',
    mode: 'AMB-04',
    says: 'In a release before 1.29 one namespace of an ambient mesh went on with sidecars.',
    meshes: ['ambient 1.28 with a waypoint'],
    edits: [sidecarsBeside({ cluster: 'east', like: 'shop' })],
  },
  {
    id: 'hbone-gateway-told-by-hand',
    mode: 'AMB-04',
    says: 'The ambient gateway of another cluster was described by a Gateway with its address, beside workloads with sidecars.',
    meshes: ['ambient with a waypoint', 'three ambient primaries'],
    edits: [sidecarsBeside({ cluster: 'east', like: 'shop' }), hboneGatewayElsewhere({ cluster: 'east', network: 'network2' })],
  },
  {
    id: 'ambient-ingress-setting-in-a-sidecar-mesh',
    mode: 'AMB-05',
    says: 'Ambient over several networks, with ingress, was switched on in a mesh of sidecars.',
    meshes: ['two primaries', 'three primaries'],
    edits: [
      withIstiodEnv('east', {
        PILOT_ENABLE_AMBIENT: 'true',
        [multiNetwork]: 'true',
        AMBIENT_ENABLE_MULTI_NETWORK_INGRESS: 'true',
      }),
    ],
  },
  {
    id: 'ambient-setting-in-a-sidecar-mesh',
    mode: 'AMB-05',
    says: 'Ambient over several networks was switched on in a mesh of sidecars, and ingress gateways no longer leave their network.',
    meshes: ['two primaries', 'three primaries', 'primary-remote'],
    edits: [withIstiodEnv('east', { PILOT_ENABLE_AMBIENT: 'true', [multiNetwork]: 'true' })],
  },
  {
    id: 'ambient-roots-exchanged',
    mode: 'AMB-06',
    says: 'Two ambient clusters have a root each and were given each other’s by caCertificates.',
    meshes: ['ambient', 'ambient with a waypoint', 'ambient 1.28 with a waypoint'],
    edits: [anotherRoot({ cluster: 'west', root: secondRoot, ca: 'plugged-in' }), rootsExchanged({ one: 'east', other: 'west' })],
  },
  {
    id: 'ambient-signs-for-itself',
    mode: 'AMB-06',
    says: 'One ambient cluster signs for itself, and the roots were exchanged by caCertificates.',
    meshes: ['ambient', 'ambient with a waypoint'],
    edits: [anotherRoot({ cluster: 'east', root: secondRoot, ca: 'self-signed' }), rootsExchanged({ one: 'east', other: 'west' })],
  },
  {
    id: 'ambient-trust-domains-differ',
    mode: 'AMB-07',
    says: 'An ambient cluster was installed with a trust domain of its own, and each knows the other as an alias.',
    meshes: ['ambient', ...withWaypoints],
    edits: [inTrustDomain({ cluster: 'west', trustDomain: 'west.example', aliases: ['cluster.local'] })],
    also: ['TRU-03'],
  },
  {
    id: 'own-trust-domain-in-an-old-release',
    mode: 'AMB-07',
    says: 'All ambient clusters have the same trust domain, which the release does not expect of gateways.',
    meshes: ['ambient 1.28 with a waypoint'],
    edits: [
      ...['east', 'west'].map((cluster) => ofRelease({ cluster, from: '1.28.6', to: '1.28.0' })),
      ...['east', 'west'].map((cluster) => secondTrustDomain({ cluster })),
    ],
    also: ['AMB-13', 'AMB-16', 'VER-05'],
  },
  {
    id: 'local-service-behind-global-waypoint',
    mode: 'AMB-09',
    says: 'A local service was put behind the waypoint of global ones, in a release that does not tell them apart.',
    meshes: ['ambient 1.28 with a waypoint'],
    edits: ['east', 'west'].flatMap((cluster) => [
      ofRelease({ cluster, from: '1.28.6', to: '1.27.3' }),
      serviceLabelled({ cluster, service: 'own.shop', label: use, value: 'waypoint' }),
    ]),
  },
  {
    id: 'namespace-behind-global-waypoint',
    mode: 'AMB-09',
    says: 'A whole namespace uses a global waypoint, its local services too, in a release that does not tell them apart.',
    meshes: ['ambient 1.28 with a waypoint'],
    edits: ['east', 'west'].flatMap((cluster) => [
      ofRelease({ cluster, from: '1.28.6', to: '1.28.0' }),
      namespaceLabelled({ cluster, namespace: 'shop', label: use, value: 'waypoint' }),
    ]),
  },
  {
    id: 'policy-built-into-ambient-gateway',
    mode: 'AMB-10',
    says: 'A policy about methods was attached to a global service, in a release that builds it into the east-west gateway.',
    meshes: ['ambient 1.28 with a waypoint'],
    edits: [allowsMethods({ cluster: 'west', target: 'service' })],
  },
  {
    id: 'policy-passed-by-ingress',
    mode: 'AMB-10',
    says: 'Calls from outside are to go through the waypoint of a global service, in a release whose ingress gateways pass by it.',
    meshes: ['ambient 1.28 with a waypoint'],
    edits: [
      serviceLabelled({ cluster: 'east', service: 'abc.shop', label: 'istio.io/ingress-use-waypoint', value: 'true' }),
      ingressGatewayAdded({ cluster: 'east', namespace: 'shop', network: 'network1' }),
      allowsMethods({ cluster: 'east', target: 'waypoint' }),
    ],
    // The gateway that the builder adds is of the newest release.
    also: ['VER-01'],
  },
  {
    id: 'global-waypoint-on-one-network',
    mode: 'AMB-11',
    says: 'Two ambient clusters of an old release share a network, and a service behind a global waypoint.',
    meshes: ['ambient 1.28 with a waypoint'],
    edits: [ambientOnOneNetwork({ clusters: { east: 'network1', west: 'network2' }, network: 'network1' })],
    also: ['AMB-15'],
  },
  {
    id: 'global-waypoint-of-a-namespace-on-one-network',
    mode: 'AMB-11',
    says: 'Two ambient clusters of an old release share a network, and a namespace behind a global waypoint.',
    meshes: ['ambient 1.28 with a waypoint'],
    edits: [
      ambientOnOneNetwork({ clusters: { east: 'network1', west: 'network2' }, network: 'network2' }),
      ...['east', 'west'].flatMap((cluster) => [
        serviceLabelled({ cluster, service: 'abc.shop', label: use, value: undefined }),
        namespaceLabelled({ cluster, namespace: 'shop', label: use, value: 'waypoint' }),
      ]),
    ],
    also: ['AMB-15'],
  },
  {
    id: 'release-that-forgets-clusters',
    mode: 'AMB-13',
    says: 'An ambient mesh runs a release that now and then forgets what it read of other clusters.',
    meshes: ['ambient', 'ambient with a waypoint'],
    edits: ['east', 'west'].map((cluster) => ofRelease({ cluster, from: '1.31.0', to: '1.28.2' })),
    also: ['AMB-16'],
  },
  {
    id: 'release-that-serves-before-it-read',
    mode: 'AMB-13',
    says: 'istiod of one cluster runs a release that serves ambient before it has read the other clusters.',
    meshes: ['ambient', 'three ambient primaries'],
    edits: [ofRelease({ cluster: 'west', from: '1.31.0', to: '1.30.2' })],
  },
  {
    id: 'entry-kept-from-remote-sidecars',
    mode: 'AMB-14',
    says: 'Ambient over several networks was switched on for an istiod with remotes, whose sidecars call a host outside.',
    meshes: ['primary-remote', 'two remotes'],
    edits: [
      withIstiodEnv('east', { PILOT_ENABLE_AMBIENT: 'true', [multiNetwork]: 'true' }),
      resolvedEntry({ cluster: 'east', resolution: 'DNS' }),
    ],
    also: ['AMB-05'],
  },
  {
    id: 'entry-of-many-addresses-kept-from-remote-sidecars',
    mode: 'AMB-14',
    says: 'The same with an entry of which DNS gives several addresses, exported to its own namespace.',
    meshes: ['primary-remote'],
    edits: [
      withIstiodEnv('east', { PILOT_ENABLE_AMBIENT: 'true', [multiNetwork]: 'true' }),
      resolvedEntry({ cluster: 'east', resolution: 'DNS_ROUND_ROBIN', exportTo: ['.'] }),
    ],
    also: ['AMB-05'],
  },
  {
    id: 'ztunnel-in-a-remote',
    mode: 'AMB-15',
    says: 'A primary and its remote were moved to ambient.',
    meshes: ['primary-remote'],
    edits: [
      withIstiodEnv('east', { PILOT_ENABLE_AMBIENT: 'true', [multiNetwork]: 'true' }),
      ztunnelAdded({ cluster: 'east', network: 'network1' }),
      ztunnelAdded({ cluster: 'west', network: 'network2' }),
    ],
    // Ingress gateways of the former mesh are still there, nobody installed the Gateway API, and the classic gateways stayed.
    also: ['AMB-05', 'AMB-12'],
  },
  {
    id: 'ztunnel-in-a-remote-on-one-network',
    mode: 'AMB-15',
    says: 'A primary and a remote on its own network were moved to ambient.',
    meshes: ['primary-remote on one network'],
    edits: [withIstiodEnv('east', { PILOT_ENABLE_AMBIENT: 'true' }), ztunnelAdded({ cluster: 'east' }), ztunnelAdded({ cluster: 'west' })],
  },
  {
    id: 'ambient-primaries-on-one-network',
    mode: 'AMB-15',
    says: 'Two ambient primaries were put on one network, with ambient over several networks switched on.',
    meshes: ['ambient', 'ambient with a waypoint'],
    edits: [ambientOnOneNetwork({ clusters: { east: 'network1', west: 'network2' }, network: 'network1' })],
  },
  {
    id: 'release-that-mixes-connections',
    mode: 'AMB-16',
    says: 'An ambient mesh runs a release before 1.30.',
    meshes: ['ambient', 'ambient with a waypoint'],
    edits: ['east', 'west'].map((cluster) => ofRelease({ cluster, from: '1.31.0', to: '1.29.5' })),
    also: ['AMB-13'],
  },
  {
    id: 'release-that-mixes-connections-in-one-cluster',
    mode: 'AMB-16',
    says: 'One of three ambient clusters was left at a release before 1.30.',
    meshes: ['three ambient primaries'],
    edits: [ofRelease({ cluster: 'south', from: '1.31.0', to: '1.29.7' })],
    also: ['AMB-13', 'VER-01'],
  },
  {
    id: 'failover-by-region-in-ambient',
    mode: 'AMB-17',
    says: 'A DestinationRule names the regions to fail over to for a global service.',
    meshes: ['ambient with a waypoint', 'three ambient primaries'],
    edits: [failoverByRegion({ cluster: 'east', how: 'failover' })],
  },
  {
    id: 'shares-of-regions-in-ambient',
    mode: 'AMB-17',
    says: 'A DestinationRule gives regions their shares of the calls of a global service.',
    meshes: ['ambient with a waypoint'],
    edits: [failoverByRegion({ cluster: 'west', how: 'distribute' })],
  },
];

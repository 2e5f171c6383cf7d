import {
  ambientGatewayConditioned,
  ambientGatewayListens,
  ambientGatewayOfClass,
  gatewayApiMissing,
  kubeGatewayDeleted,
  kubeGatewayNeverReady,
  namespaceLabelled,
  serviceDeleted,
  serviceLabelled,
  serviceScopes,
  workloadDown,
} from '../../../src/builder/edits/ambient.ts';
import { withIstiodEnv } from '../../../src/builder/edits/control-plane.ts';
import type { Fault } from '../fault.ts';
import { gatewayNeverProgrammed } from './ambient-edits.ts';

const global = 'istio.io/global';
const use = 'istio.io/use-waypoint';
const multiNetwork = 'AMBIENT_ENABLE_MULTI_NETWORK';
const withWaypoints = ['ambient with a waypoint', 'ambient 1.28 with a waypoint', 'three ambient primaries'] as const;
const passthrough = { name: 'tls', port: 15443, protocol: 'TLS', tls: { mode: 'Passthrough' } };

/** Ambient in several clusters. */
export const faults: readonly Fault[] = [
  {
    id: 'multi-network-setting-lost-in-an-upgrade',
    mode: 'AMB-01',
    says: 'istiod of one cluster was upgraded with values that lack the setting for several networks.',
    meshes: ['ambient', ...withWaypoints],
    edits: [withIstiodEnv('west', { [multiNetwork]: undefined })],
  },
  {
    id: 'multi-network-setting-never-made',
    mode: 'AMB-01',
    says: 'One cluster was installed without the setting for several networks, so its east-west gateway was never programmed.',
    meshes: ['ambient', 'ambient with a waypoint'],
    edits: [withIstiodEnv('east', { [multiNetwork]: undefined }), gatewayNeverProgrammed({ cluster: 'east' })],
  },
  {
    id: 'multi-network-setting-nowhere',
    mode: 'AMB-01',
    says: 'Both clusters were installed as the guide for one cluster has it, and given east-west gateways and global services later.',
    meshes: ['ambient', 'ambient with a waypoint'],
    edits: ['east', 'west'].flatMap((cluster) => [
      withIstiodEnv(cluster, { [multiNetwork]: undefined }),
      gatewayNeverProgrammed({ cluster }),
    ]),
  },
  {
    id: 'ambient-off-in-one-cluster',
    mode: 'AMB-01',
    says: 'istiod of one cluster was installed again with the default profile; ztunnel stayed.',
    meshes: ['ambient', ...withWaypoints],
    edits: [withIstiodEnv('west', { PILOT_ENABLE_AMBIENT: undefined })],
  },
  {
    id: 'global-label-forgotten',
    mode: 'AMB-02',
    says: 'The Service was labelled global in one cluster and not in another.',
    meshes: withWaypoints,
    edits: [serviceLabelled({ cluster: 'west', service: 'abc.shop', label: global, value: undefined })],
  },
  {
    id: 'global-label-misspelled',
    mode: 'AMB-02',
    says: 'The label of the Service has the value yes in one cluster.',
    meshes: withWaypoints,
    edits: [serviceLabelled({ cluster: 'east', service: 'abc.shop', label: global, value: 'yes' })],
  },
  {
    id: 'global-label-of-waypoint-forgotten',
    mode: 'AMB-02',
    says: 'Services were labelled global, the waypoint that they use was not.',
    meshes: withWaypoints,
    edits: ['east', 'west'].map((cluster) => serviceLabelled({ cluster, service: 'waypoint.shop', label: global, value: undefined })),
  },
  {
    id: 'global-label-of-waypoint-forgotten-in-one-cluster',
    mode: 'AMB-02',
    says: 'The waypoint was made anew in one cluster, scaled to nothing, and its Service not labelled.',
    meshes: withWaypoints,
    edits: [
      serviceLabelled({ cluster: 'west', service: 'waypoint.shop', label: global, value: undefined }),
      workloadDown({ cluster: 'west', workload: 'waypoint.shop', how: 'scaled' }),
    ],
  },
  {
    id: 'service-scopes-missing',
    mode: 'AMB-02',
    says: 'istiod of one cluster was installed by a chart without a profile, so its mesh configuration makes no service global.',
    meshes: withWaypoints,
    edits: [serviceScopes({ cluster: 'east' })],
  },
  {
    id: 'ambient-service-without-stub',
    mode: 'AMB-03',
    says: 'A global service was deployed to one cluster, and is called from another that does not declare it.',
    meshes: withWaypoints,
    edits: [serviceDeleted({ cluster: 'west', service: 'abc.shop' })],
    services: [{ namespace: 'shop', name: 'abc', port: 80 }],
  },
  {
    id: 'local-ambient-service-called-from-afar',
    mode: 'AMB-03',
    says: 'A service of one cluster that is not even global is called from the other.',
    meshes: ['ambient with a waypoint', 'ambient 1.28 with a waypoint'],
    edits: [serviceDeleted({ cluster: 'east', service: 'own.shop' })],
    services: [{ namespace: 'shop', name: 'own' }],
  },
  {
    id: 'waypoint-in-one-cluster',
    mode: 'AMB-08',
    says: 'The waypoint was created in one cluster, and its users labelled in both.',
    meshes: withWaypoints,
    edits: [kubeGatewayDeleted({ cluster: 'west', gateway: 'waypoint.shop' })],
  },
  {
    id: 'waypoint-used-in-one-cluster',
    mode: 'AMB-08',
    says: 'The Service uses the waypoint in one cluster only.',
    meshes: withWaypoints,
    edits: [serviceLabelled({ cluster: 'east', service: 'abc.shop', label: use, value: undefined })],
  },
  {
    id: 'waypoint-of-one-namespace',
    mode: 'AMB-08',
    says: 'The waypoint is used by the whole namespace in one cluster; the namespace of the other was forgotten.',
    meshes: withWaypoints,
    edits: [
      serviceLabelled({ cluster: 'east', service: 'abc.shop', label: use, value: undefined }),
      serviceLabelled({ cluster: 'west', service: 'abc.shop', label: use, value: undefined }),
      namespaceLabelled({ cluster: 'west', namespace: 'shop', label: use, value: 'waypoint' }),
    ],
  },
  {
    id: 'waypoint-never-started',
    mode: 'AMB-08',
    says: 'The pods of the waypoint of one cluster never became ready.',
    meshes: withWaypoints,
    edits: [kubeGatewayNeverReady({ cluster: 'west', gateway: 'waypoint.shop' })],
  },
  {
    id: 'ambient-gateway-of-class-istio',
    mode: 'AMB-12',
    says: 'The east-west gateway of ambient was written with the class of ordinary gateways.',
    meshes: ['ambient', ...withWaypoints],
    edits: [ambientGatewayOfClass({ cluster: 'west', className: 'istio' })],
  },
  {
    id: 'ambient-gateway-for-passthrough',
    mode: 'AMB-12',
    says: 'The east-west gateway of ambient was written with the listener of a classic one.',
    meshes: ['ambient', ...withWaypoints],
    edits: [ambientGatewayListens({ cluster: 'east', listener: passthrough })],
  },
  {
    id: 'ambient-gateway-refused',
    mode: 'AMB-12',
    says: 'istiod does not program the east-west gateway because what it asks for is invalid.',
    meshes: ['ambient', ...withWaypoints],
    edits: [ambientGatewayConditioned({ cluster: 'west', type: 'Programmed', status: 'False', reason: 'Invalid' })],
  },
  {
    id: 'gateway-api-missing',
    mode: 'AMB-12',
    says: 'The custom resources of the Gateway API were never installed in one cluster.',
    meshes: ['ambient'],
    edits: [gatewayApiMissing({ cluster: 'west' })],
  },
];

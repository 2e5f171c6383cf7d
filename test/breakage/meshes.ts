import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';

const withShop = (built: MeshBuilder): MeshBuilder =>
  built.namespace('shop', { injected: true }).service('abc.shop').namespace('plain').workload('batch.plain');

/** Beside the service itself, somebody who calls it. */
const withCallers = (built: MeshBuilder): MeshBuilder => withShop(built).namespace('callers', { injected: true }).workload('curl.callers');
const global = { 'istio.io/global': 'true' };

/** A service that two ambient clusters share behind a waypoint, and one that stays at home. */
const withWaypoint = (built: MeshBuilder): MeshBuilder =>
  built
    .namespace('shop', { injected: true })
    .service('abc.shop', { serviceLabels: { ...global, 'istio.io/use-waypoint': 'waypoint' } })
    .service('own.shop')
    .waypoint('waypoint.shop', { serviceLabels: global });

/** Healthy meshes that faults are staged on, every one of which is silent before. */
export const meshes = {
  'primary-remote': withShop(mesh().primaryRemote('east', 'west', { networks: 2 })),
  'primary-remote with a revision': withShop(mesh().primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })),
  'primary-remote 1.24 with a revision': withShop(
    mesh().primaryRemote('east', 'west', { networks: 2, release: '1.24.6', revision: '1-24-6' }),
  ),
  'primary-remote 1.24': withShop(mesh().primaryRemote('east', 'west', { networks: 2, release: '1.24.6' })),
  'primary-remote with callers': withCallers(mesh().primaryRemote('east', 'west', { networks: 2 })),
  'two primaries with callers': withCallers(mesh().multiPrimary('east', 'west', { networks: 2 })),
  'primary-remote on one network': withShop(mesh().primaryRemote('east', 'west', { networks: 1 })),
  'two remotes': withShop(mesh().primaryRemote('east', ['west', 'south'], { networks: 2 })),
  'two primaries': withShop(mesh().multiPrimary('east', 'west', { networks: 2 })),
  'two primaries on one network': withShop(mesh().multiPrimary('east', 'west', { networks: 1 })),
  'three primaries': withShop(mesh().multiPrimary('east', 'west', { networks: 2, more: ['south'] })),
  'an external control plane': mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }),
  ambient: mesh().ambient('east', 'west'),
  'ambient with a waypoint': withWaypoint(mesh().ambient('east', 'west')),
  'ambient 1.28 with a waypoint': withWaypoint(mesh().ambient('east', 'west', { release: '1.28.6' })),
  'three ambient primaries': withWaypoint(mesh().ambient('east', 'west', { more: ['south'] })),
  'an upgrade in flight': withShop(mesh().canary('east', 'west', { from: '1-24-6', to: '1-31-0', stage: 'remote' })),
} as const satisfies Readonly<Record<string, MeshBuilder>>;

export type MeshName = keyof typeof meshes;

import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import { type Edit, inCluster } from '../../src/builder/edits/edit.ts';
import { isRemoteSecret } from '../../src/builder/edits/find.ts';
import type { DeclaredTopology } from '../../src/model/snapshot.ts';

/** A topology as each release sets it up. */
export interface Healthy {
  readonly built: (release: string) => MeshBuilder;
  readonly releases: readonly string[];
  readonly declared?: DeclaredTopology;
  /** The recording of it on real components, of the newest release. */
  readonly recording?: string;
}

const releases = ['1.24.6', '1.27.9', '1.28.6', '1.29.4', '1.30.3', '1.31.0'];
/** Clusters on several networks in ambient mode came with 1.27. */
const ofAmbient = releases.filter((release) => release !== '1.24.6');
/** From which upgrades are in flight, to the newest. */
const before = ['1.24.6', '1.27.9', '1.28.6', '1.30.3'];
const newest = '1-31-0';

const withShop = (built: MeshBuilder): MeshBuilder =>
  built.namespace('shop', { injected: true }).service('abc.shop').namespace('plain').workload('batch.plain');
const named = (release: string): string => release.replaceAll('.', '-');

/** Two spokes that read their hub and not each other. */
const spokes = ['west', 'south'] as const;
const withoutSecretsOfSpokes: readonly Edit[] = spokes.map((cluster) =>
  inCluster(cluster, (objects) => objects.filter((object) => !isRemoteSecret(object) || object.metadata.name.endsWith('-east'))),
);

export const topologies: Readonly<Record<string, Healthy>> = {
  'primary-remote on two networks': {
    built: (release) => withShop(mesh().primaryRemote('east', 'west', { networks: 2, release })),
    releases,
  },
  'primary-remote on two networks, with a revision': {
    built: (release) => withShop(mesh().primaryRemote('east', 'west', { networks: 2, release, revision: named(release) })),
    releases,
    recording: 'primary-remote',
  },
  'primary-remote on one network': {
    built: (release) => withShop(mesh().primaryRemote('east', 'west', { networks: 1, release })),
    releases,
    recording: 'primary-remote-one-network',
  },
  'multi-primary on two networks': {
    built: (release) => withShop(mesh().multiPrimary('east', 'west', { networks: 2, release })),
    releases,
    recording: 'multi-primary',
  },
  'multi-primary on one network': {
    built: (release) => withShop(mesh().multiPrimary('east', 'west', { networks: 1, release })),
    releases,
    recording: 'multi-primary-one-network',
  },
  'an external control plane': {
    built: (release) => mesh().externalControlPlane('outside', 'inside', { remotes: ['south'], release }),
    releases,
    recording: 'external',
  },
  'one primary and two remotes': {
    built: (release) => withShop(mesh().primaryRemote('east', ['west', 'south'], { networks: 2, release })),
    releases,
  },
  'hub and spokes, all primaries, declared': {
    built: (release) =>
      withoutSecretsOfSpokes.reduce(
        (built, edit) => built.edit(edit),
        withShop(mesh().multiPrimary('east', 'west', { networks: 2, more: ['south'], release })),
      ),
    releases,
    declared: {
      withoutSecret: [
        { reader: 'west', read: 'south' },
        { reader: 'south', read: 'west' },
      ],
    },
  },
  'ambient on several networks': {
    built: (release) => mesh().ambient('east', 'west', { release }),
    releases: ofAmbient,
    recording: 'ambient',
  },
  'a canary in flight, control plane first': {
    built: (release) => withShop(mesh().canary('east', 'west', { from: named(release), to: newest, stage: 'control-plane' })),
    releases: before,
  },
  'a canary in flight, remote as well': {
    built: (release) => withShop(mesh().canary('east', 'west', { from: named(release), to: newest, stage: 'remote' })),
    releases: before,
    recording: 'canary',
  },
};

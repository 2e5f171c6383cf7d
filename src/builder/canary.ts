import { names } from '../istio/labels.ts';
import type { KubeObject } from '../model/kube.ts';
import { addressesOf } from './addresses.ts';
import { install, installRemote, istiodPod } from './control-plane.ts';
import { istioCrds } from './crds.ts';
import { istiodRoute } from './exposure.ts';
import { eastWestAddress, ingressGateway, ingressPorts } from './gateways.ts';
import { type Leader, ownElections, remoteElection } from './leaders.ts';
import { type ControlPlane, injectionOf, type Site } from './plan.ts';
import {
  type BuiltCluster,
  defaultRelease,
  joinsOf,
  planeOf,
  primaryRemote,
  type PrimaryRemoteOptions,
  releaseOfRevision,
} from './presets.ts';
import { traitsOf } from './releases.ts';
import { reader, readerRole } from './roles.ts';
import { times } from './timeline.ts';
import { rootConfigMaps } from './trust.ts';

export interface CanaryOptions extends Omit<PrimaryRemoteOptions, 'revision' | 'release' | 'tags'> {
  readonly from: string;
  readonly to: string;
  /**
   * How far the upgrade is. `control-plane`: the second istiod runs in the primary, nothing else knows it. `remote`: it is exposed as
   * well, and the remote has its injector. Namespaces stay on the old revision until they are told otherwise.
   */
  readonly stage?: 'control-plane' | 'remote';
}

/** A primary and its remote with a second revision of istiod beside the first. */
export function canary(numberOfFirst: number, primaryName: string, remoteName: string, options: CanaryOptions): BuiltCluster[] {
  const { from, to, stage, ...rest } = options;
  const before = primaryRemote(numberOfFirst, primaryName, [remoteName], {
    ...rest,
    revision: from,
    release: releaseOfRevision(from) ?? defaultRelease,
  });
  const [first, second] = before;
  if (first === undefined || second === undefined) return before;
  const release = releaseOfRevision(to) ?? defaultRelease;
  const plane = planeOf(first.site.cluster, { ...rest, release, revision: to, isExternal: true, tags: newTags(before, release) });
  const upgraded = withSecondIstiod(first, plane, from, stage === 'remote');
  if (stage !== 'remote') return [upgraded, second];
  const pod = istiodPod(upgraded.objects.filter((object) => object.metadata.labels?.['istio.io/rev'] === to));
  return [upgraded, withSecondInjector(second, { plane, pod, since: times.upgradeTag }, first.site)];
}

/** The installer makes the new revision the default one where there is no default yet. */
function newTags(before: readonly BuiltCluster[], release: string): readonly string[] {
  const hasDefault = before.some(({ objects }) =>
    objects.some((object) => object.kind === 'MutatingWebhookConfiguration' && object.metadata.labels?.['istio.io/tag'] === 'default'),
  );
  return hasDefault || !traitsOf(release).tagsNamedRevision ? [] : ['default'];
}

function withSecondIstiod({ objects, site }: BuiltCluster, plane: ControlPlane, from: string, isExposed: boolean): BuiltCluster {
  const { cluster } = site;
  const addresses = addressesOf(cluster.number, site.addressesUsed);
  const plant = install(cluster, addresses, plane, { createdAt: times.upgrade, tagAt: times.upgradeTag });
  const leader: Leader = { plane, pod: istiodPod(plant), since: times.upgradeTag };
  const leads = plane.tags.includes('default');
  const { hasCrl } = traitsOf(plane.release);
  const added = [
    ...plant,
    ...istioCrds(cluster, plane, times.istiod),
    ...readerRole(cluster, plane, times.upgrade, false),
    ...reader(cluster, plane, times.istiod, false),
    // The default revision is preferred as leader; a revision that is not waits.
    ...(leads
      ? [...ownElections(cluster, leader), ...rootConfigMaps(cluster, namespacesWithRoot(objects), plane.root, hasCrl, times.leading)]
      : ownElections(cluster, leader).filter((object) => object.metadata.name.includes(plane.revision))),
    ...ingressGateway(cluster, addresses, plane, ingressPorts, times.upgrade),
    ...(isExposed ? [istiodRoute(cluster, plane, times.upgradeTag)] : []),
  ];
  const isReplaced = (object: KubeObject): boolean => belongsToIngress(object) || added.some((other) => isSame(object, other));
  return {
    objects: [...objects.filter((object) => !isReplaced(object)), ...keepingAge(added, objects)],
    site: {
      ...site,
      hasCrl: site.hasCrl || (leads && hasCrl),
      injections: [...site.injections, injectionOf(plane, cluster)],
      joins: joinsOf({ ...plane, revision: from }),
      addressesUsed: addresses.used(),
    },
  };
}

function withSecondInjector({ objects, site }: BuiltCluster, leader: Leader, primary: Site): BuiltCluster {
  const { cluster } = site;
  const { plane } = leader;
  const { hasCrl } = traitsOf(plane.release);
  const leads = plane.tags.includes('default');
  const addresses = addressesOf(cluster.number, site.addressesUsed);
  const added = [
    ...installRemote(cluster, addresses, plane, {
      createdAt: times.upgrade,
      tagAt: times.upgradeTag,
      pilotAddress: eastWestAddress(primary.cluster),
    }),
    ...istioCrds(cluster, plane, times.remote),
    ...readerRole(cluster, plane, times.upgrade, true),
    ...reader(cluster, plane, times.remote, true),
    ...(leads
      ? [remoteElection(cluster, leader), ...rootConfigMaps(cluster, namespacesWithRoot(objects), plane.root, hasCrl, times.upgradeTag)]
      : []),
  ];
  return {
    objects: [...objects.filter((object) => !added.some((other) => isSame(object, other))), ...keepingAge(added, objects)],
    site: {
      ...site,
      hasCrl: site.hasCrl || (leads && hasCrl),
      injections: [...site.injections, injectionOf(plane, cluster)],
      addressesUsed: addresses.used(),
    },
  };
}

function namespacesWithRoot(objects: readonly KubeObject[]): string[] {
  return objects.filter((object) => object.metadata.name === names.rootConfigMap).flatMap((object) => object.metadata.namespace ?? []);
}

/** What was there keeps the time at which it was made; of two in `added` the first counts. */
function keepingAge(added: readonly KubeObject[], before: readonly KubeObject[]): KubeObject[] {
  return added
    .filter((object, index) => added.findIndex((other) => isSame(object, other)) === index)
    .map((object) => {
      const creationTimestamp = before.find((other) => isSame(object, other))?.metadata.creationTimestamp;
      return creationTimestamp === undefined ? object : { ...object, metadata: { ...object.metadata, creationTimestamp } };
    });
}

/** There is one ingress gateway, which the installer upgrades: its old ReplicaSet and pods go. */
function belongsToIngress(object: KubeObject): boolean {
  return object.metadata.namespace === 'istio-system' && object.metadata.name.startsWith('istio-ingressgateway');
}

function isSame(a: KubeObject, b: KubeObject): boolean {
  return (
    a.kind === b.kind &&
    a.apiVersion === b.apiVersion &&
    a.metadata.name === b.metadata.name &&
    a.metadata.namespace === b.metadata.namespace
  );
}

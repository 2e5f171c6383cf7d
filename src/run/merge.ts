import { SourceError } from '../base/errors.ts';
import { distinct } from '../base/sort.ts';
import { duration, list } from '../base/text.ts';
import { possibleSystemNamespaces } from '../collect/facts.ts';
import { kinds } from '../collect/kinds.ts';
import type { RunOptions } from '../config/options.ts';
import type { RegisteredCheck } from '../engine/types.ts';
import { type ClusterName, clusterName } from '../model/ids.ts';
import type { ClusterSnapshot, DeclaredTopology, KindRead, ReducedObject } from '../model/snapshot.ts';
import { type Recording, rewritten } from '../source/recording.ts';
import { type OwnSnapshot, replayed } from './replay.ts';

/** A recording, and how the user calls its file; `as`: what its only cluster is to be called. */
export interface Part {
  readonly shown: string;
  readonly as?: string;
  readonly recording: Recording;
}

/** Recordings whose times are further apart may contradict each other without anything being wrong, in seconds. */
const skew = 300;

/**
 * Recordings of clusters taken by different people, as one mesh with the selection of this run. Each is narrowed as it was read. The present of what has
 * none of its own is that of the latest.
 * @throws SourceError when two hold one cluster, or two clusters under one name
 */
export function merged(
  parts: readonly [Part, ...Part[]],
  given: RunOptions,
  checks: readonly RegisteredCheck[],
): { readonly snapshot: OwnSnapshot; readonly options: RunOptions; readonly notes: readonly string[] } {
  const named = parts.map(renamed);
  if (named.length === 1 && parts[0].as === undefined) return { ...replayed(parts[0].recording, given, checks), notes: [] };
  refuseTwice(named);
  const each = named.map(({ recording }) => ({ recording, ...replayed(recording, given, checks) }));
  const latest = named.map(({ recording }) => recording).reduce((a, b) => (Date.parse(b.at) > Date.parse(a.at) ? b : a));
  const times = named.map(({ recording }) => Date.parse(recording.at));
  const apart = (Math.max(...times) - Math.min(...times)) / 1000;
  const intent = given.topology ?? declared(named.flatMap(({ recording }) => recording.snapshot.intent ?? []));
  const systems = distinct(named.flatMap(({ recording }) => recording.snapshot.clusters.flatMap(systemNamespaces)));
  return {
    snapshot: {
      schema: 1,
      source: {
        kind: 'recorded',
        of: named.some(({ recording }) => recording.snapshot.source.kind === 'live') ? 'live' : 'manifests',
        at: latest.at,
        version: latest.version,
        ...(named.length === 1
          ? {}
          : {
              parts: named.map(({ recording: { at, version, snapshot } }) => ({
                at,
                version,
                clusters: snapshot.clusters.map(({ name }) => name),
              })),
            }),
      },
      ...(intent === undefined ? {} : { intent }),
      clusters: each.flatMap(({ recording, snapshot }) =>
        snapshot.clusters.map((cluster) => (recording.snapshot.source.kind === 'live' ? withUnseenNamespaces(cluster, systems) : cluster)),
      ),
      observations: each.flatMap(({ snapshot }) => snapshot.observations),
    },
    options: {
      ...given,
      now: latest.at,
      services: given.services.length > 0 ? given.services : once(named.flatMap(({ recording }) => recording.asked.services)),
    },
    notes:
      apart > skew
        ? [`The recordings were made up to ${duration(apart)} apart: what differs between clusters may have changed meanwhile.`]
        : [],
  };
}

function renamed({ shown, as, recording }: Part): Part {
  if (as === undefined) return { shown, recording };
  const [only, second] = recording.snapshot.clusters;
  if (only === undefined || second !== undefined) {
    throw new SourceError(
      'ERR_SOURCE_UNREADABLE',
      `${shown} holds ${list(
        recording.snapshot.clusters.map(({ name }) => name),
        'no cluster',
      )}, so it cannot be called ${as}.`,
      {
        hint: 'NAME=FILE names the cluster of a recording that holds one.',
      },
    );
  }
  return { shown, recording: withClusterName(recording, only.name, clusterName(as)) };
}

/** References of observations carry the name too, wherever they are. */
function withClusterName(recording: Recording, from: ClusterName, to: ClusterName): Recording {
  const { clusters, intent, ...rest } = recording.snapshot;
  const named = (text: string): string => (text === from ? to : text);
  return rewritten(recording, () => ({
    ...recording,
    snapshot: {
      ...rest,
      clusters: clusters.map((cluster) => ({ ...cluster, name: to })),
      observations: renamedIn(rest.observations, from, to),
      ...(intent === undefined ? {} : { intent: renamedIntent(intent, named) }),
    },
  }));
}

function renamedIn(value: unknown, from: string, to: string): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => renamedIn(item, from, to));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]: [string, unknown]) => [
      key,
      key === 'cluster' && item === from ? to : renamedIn(item, from, to),
    ]),
  );
}

function renamedIntent(intent: DeclaredTopology, named: (text: string) => string): DeclaredTopology {
  return {
    ...(intent.meshes === undefined ? {} : { meshes: intent.meshes.map((mesh) => ({ ...mesh, clusters: mesh.clusters.map(named) })) }),
    ...(intent.clusters === undefined
      ? {}
      : {
          clusters: Object.fromEntries(
            Object.entries(intent.clusters).map(([name, one]) => [
              named(name),
              one.servedBy === undefined ? one : { ...one, servedBy: one.servedBy.map(named) },
            ]),
          ),
        }),
    ...(intent.withoutSecret === undefined
      ? {}
      : { withoutSecret: intent.withoutSecret.map(({ reader, read }) => ({ reader: named(reader), read: named(read) })) }),
  };
}

function refuseTwice(parts: readonly Part[]): void {
  const byName = new Map<string, { readonly shown: string; readonly uid: string | undefined }>();
  const byUid = new Map<string, { readonly shown: string; readonly name: string }>();
  for (const { shown, recording } of parts) {
    for (const cluster of recording.snapshot.clusters) {
      const uid = uidOf(cluster);
      const twin = uid === undefined ? undefined : byUid.get(uid);
      if (twin !== undefined) {
        const names = twin.name === cluster.name ? twin.name : `${twin.name} and ${cluster.name}, which is one cluster,`;
        throw new SourceError(
          'ERR_SOURCE_UNREADABLE',
          `${twin.shown} and ${shown} both hold ${names}${names.endsWith(',') ? '' : ','} and only one of them can be judged.`,
          {
            hint: 'Leave one out; meshdoctor diff compares them.',
          },
        );
      }
      const namesake = byName.get(cluster.name);
      if (namesake !== undefined) {
        throw new SourceError(
          'ERR_SOURCE_UNREADABLE',
          `${namesake.shown} and ${shown} both call a cluster ${cluster.name}, and nothing says that it is one.`,
          {
            hint:
              recording.snapshot.clusters.length === 1
                ? `Name one of them otherwise: --from OTHER=${shown}`
                : 'Leave one out; meshdoctor diff compares them.',
          },
        );
      }
      byName.set(cluster.name, { shown, uid });
      if (uid !== undefined) byUid.set(uid, { shown, name: cluster.name });
    }
  }
}

/** What makes a cluster that one: the UID of its kube-system namespace. */
function uidOf(cluster: ClusterSnapshot): string | undefined {
  return objectsOf(cluster, 'namespaces').find(({ metadata }) => metadata.name === 'kube-system')?.metadata.uid;
}

function objectsOf({ kinds: reads }: ClusterSnapshot, kind: string): readonly ReducedObject[] {
  const read = reads[kind];
  return read?.status === 'read' ? read.objects : [];
}

function systemNamespaces(cluster: ClusterSnapshot): string[] {
  return possibleSystemNamespaces((kind) => objectsOf(cluster, kind.id));
}

/** Kinds that are only asked for in namespaces of Istio. */
const placed = new Set(kinds.filter(({ asks }) => asks.some(({ namespace }) => typeof namespace === 'object')).map(({ id }) => id));

/**
 * Who records one cluster looks into the namespaces that are Istio's there. Those that are Istio's elsewhere, and exist here, were perhaps not looked into: of
 * what is only asked for there it is then not known that there is no more.
 */
function withUnseenNamespaces(cluster: ClusterSnapshot, systems: readonly string[]): ClusterSnapshot {
  const own = systemNamespaces(cluster);
  const existing = new Set(objectsOf(cluster, 'namespaces').map(({ metadata }) => metadata.name));
  const isUnseen = systems.some((name) => !own.includes(name) && existing.has(name));
  if (!isUnseen) return cluster;
  const less = (id: string, read: KindRead): KindRead => (placed.has(id) && read.status === 'read' ? { ...read, complete: false } : read);
  return { ...cluster, kinds: Object.fromEntries(Object.entries(cluster.kinds).map(([id, read]) => [id, less(id, read)])) };
}

function declared(intents: readonly DeclaredTopology[]): DeclaredTopology | undefined {
  if (intents.length === 0) return undefined;
  const meshes = intents.flatMap((one) => one.meshes ?? []);
  const withoutSecret = intents.flatMap((one) => one.withoutSecret ?? []);
  const clusters = Object.fromEntries(intents.flatMap((one) => Object.entries(one.clusters ?? {})));
  return {
    ...(meshes.length === 0 ? {} : { meshes }),
    ...(Object.keys(clusters).length === 0 ? {} : { clusters }),
    ...(withoutSecret.length === 0 ? {} : { withoutSecret }),
  };
}

function once<T extends object>(items: readonly T[]): readonly T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}

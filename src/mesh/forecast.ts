import { compareText, distinct, groupBy } from '../base/sort.ts';
import { list } from '../base/text.ts';
import type { CaSecret, Certificate, ClusterFacts, FactName, RootConfigMap } from '../model/facts.ts';
import { clusterName, type ClusterName } from '../model/ids.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { valueOf } from './derived.ts';
import { daysLeft, type Expiring, type Expiry, expiries } from './expiry.ts';
import { usedEvents } from './forecast-used.ts';
import { type FactsByCluster, listOf, type Mesh } from './topology.ts';

/** One day on which something of the mesh ends by itself. */
export interface ForecastEvent {
  /** RFC 3339. */
  readonly at: string;
  /** Whole days from the present of the cluster that holds it; negative when it is over. */
  readonly days: number;
  readonly what: Exclude<Expiring, 'distributed-root'> | 'istiod-certificate' | 'workload-certificate';
  /** What ends, as people name it. */
  readonly name: string;
  /** Clusters that hold it. */
  readonly clusters: readonly ClusterName[];
  /** What no longer works from then on; empty where nothing stops. */
  readonly stops: string;
  /** Where what was prepared to replace it does not do so. */
  readonly gaps: readonly string[];
  /** Objects that hold it, system namespaces only: a root lies in every namespace. */
  readonly refs: readonly ObjectRef[];
}

export interface Forecast {
  /** What ends first comes first. */
  readonly events: readonly ForecastEvent[];
  /** What was not read and may end, too. */
  readonly unread: readonly { readonly cluster: ClusterName; readonly fact: FactName }[];
}

const read = ['rootConfigMaps', 'caSecrets', 'remoteSecrets', 'injectors'] as const satisfies readonly FactName[];

/** What ends by itself in one mesh within so many days from the present of its clusters, or has ended. */
export function forecastOf(mesh: Mesh, facts: FactsByCluster, days: number): Forecast {
  const members = [...mesh.members.values()].flatMap((member): Place[] => {
    const of = facts.get(member.cluster);
    if (of === undefined || of.today.status !== 'collected') return [];
    const system = member.systemNamespace;
    const own = <E extends { readonly namespace: string }>(items: readonly E[]): E[] =>
      items.filter(({ namespace }) => namespace === system);
    const secrets = own(listOf(of.caSecrets));
    return [
      {
        cluster: member.cluster,
        now: of.today.value.takenAt,
        isPrimary: own(listOf(of.controlPlanes)).length > 0,
        secret: secrets.find(({ source }) => source === 'plugged-in') ?? secrets[0],
        map: own(listOf(of.rootConfigMaps)).find(({ certificates }) => certificates.length > 0),
        ends: expiries({
          remoteSecrets: own(listOf(of.remoteSecrets)).filter(({ multiClusterLabel }) => multiClusterLabel === 'true'),
          caSecrets: secrets,
          rootConfigMaps: own(listOf(of.rootConfigMaps)),
          injectors: listOf(of.injectors).filter(({ target }) => target.service?.namespace === system || target.url !== undefined),
        }),
      },
    ];
  });
  const found = members.flatMap((place) => place.ends.map((end) => ({ place, end })));
  const events = [
    ...[...groupBy(found, ({ end }) => keyOf(end)).values()].flatMap((same) => eventOf(same, members, mesh, days) ?? []),
    ...usedEvents(mesh, facts, days),
  ];
  return {
    events: events.sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || compareText(a.what, b.what) || compareText(a.name, b.name)),
    unread: [...mesh.members.keys()].flatMap((cluster) =>
      read.filter((fact) => !isRead(facts.get(cluster), fact)).map((fact) => ({ cluster, fact })),
    ),
  };
}

interface Place {
  readonly cluster: ClusterName;
  readonly now: string;
  readonly isPrimary: boolean;
  /** What istiod signs with. */
  readonly secret: CaSecret | undefined;
  /** Roots that proxies are given. */
  readonly map: RootConfigMap | undefined;
  readonly ends: readonly Expiry[];
}

interface Held {
  readonly place: Place;
  readonly end: Expiry;
}

function isRead(facts: ClusterFacts | undefined, fact: FactName): boolean {
  return facts?.[fact].status === 'collected' || facts?.[fact].status === 'absent';
}

/** A certificate is one thing wherever it lies; a token is its Secret's. */
function keyOf({ certificate, ref, field }: Expiry): string {
  return certificate === undefined ? `${refKey(ref)} ${field}` : certificate.fingerprint;
}

const order: readonly Expiring[] = ['root', 'distributed-root', 'signing-ca', 'ca-bundle', 'api-server-ca', 'remote-secret-token'];

function eventOf(same: readonly Held[], members: readonly Place[], mesh: Mesh, days: number): ForecastEvent | undefined {
  const [first] = [...same].sort((a, b) => order.indexOf(a.end.what) - order.indexOf(b.end.what));
  if (first === undefined) return undefined;
  const { expiresAt: at, certificate } = first.end;
  const left = daysLeft(at, first.place.now);
  if (left === undefined || left >= days) return undefined;
  const clusters = distinct(same.map(({ place }) => place.cluster));
  const common = {
    at,
    days: Math.floor(left),
    name: certificate === undefined ? `token in Secret ${first.end.ref.namespace ?? ''}/${first.end.ref.name}` : nameOf(certificate),
    clusters,
    refs: distinctRefs(same.map(({ end }) => end.ref)),
  };
  const { what } = first.end;
  if (what === 'root' || what === 'distributed-root') {
    const holders = members.filter(({ map, secret }) =>
      [...(map?.certificates ?? []), ...(secret?.roots ?? [])].some((one) => one.fingerprint === certificate?.fingerprint),
    );
    return { ...common, what: 'root', ...endOfRoot(certificate, holders, members) };
  }
  if (what === 'signing-ca')
    return {
      ...common,
      what,
      stops: `certificates that istiod of ${list(clusters)} issues, in ${list(servedBy(mesh, clusters))}`,
      gaps: [],
    };
  if (what === 'ca-bundle')
    return {
      ...common,
      what,
      stops: `pod creation through ${list(
        common.refs.map(({ name }) => name),
        '',
        2,
      )} of ${list(clusters)}`,
      gaps: [],
    };
  return { ...common, what, stops: `reading what ${opened(mesh, same)} runs, by istiod of ${list(clusters)}`, gaps: [] };
}

/** The mesh with the clock moved to the end of a root: who has another one then, who signs under it, and who still meets whom. */
function endOfRoot(
  root: Certificate | undefined,
  holders: readonly Place[],
  members: readonly Place[],
): Pick<ForecastEvent, 'stops' | 'gaps'> {
  const after = (place: Place): Certificate[] =>
    (place.map?.certificates ?? place.secret?.roots ?? []).filter(
      (one) => root !== undefined && Date.parse(one.notAfter) > Date.parse(root.notAfter),
    );
  const bare = holders.filter((place) => after(place).length === 0);
  const prepared = holders.filter((place) => after(place).length > 0);
  const signing = prepared.filter(({ secret }) => root !== undefined && secret?.leadsTo?.includes(root.fingerprint) === true);
  const untraced = prepared.filter(({ isPrimary, secret }) => isPrimary && secret?.leadsTo === undefined);
  const primaries = members.filter(({ isPrimary }) => isPrimary);
  const apart = prepared.flatMap((one, index) =>
    primaries
      .filter((other) => other.cluster !== one.cluster && after(other).length > 0 && !prepared.slice(0, index).includes(other))
      .filter((other) => !after(other).some((mine) => after(one).some(({ fingerprint }) => fingerprint === mine.fingerprint)))
      .map((other) => `${one.cluster} and ${other.cluster} have no root in common from then on`),
  );
  const isOwn = holders.some(({ isPrimary, secret }) => isPrimary && secret?.source === 'self-signed');
  const names = (places: readonly Place[]): string => list(places.map(({ cluster }) => cluster));
  return {
    stops:
      bare.length === 0 && signing.length === 0
        ? ''
        : `all mutual TLS of ${names([...bare, ...signing])}, and proxies there that connect to istiod`,
    gaps: [
      ...(prepared.length > 0 && bare.length > 0
        ? [
            `${names(bare)} ${bare.length === 1 ? 'has' : 'have'} no other root, ${names(prepared)} ${prepared.length === 1 ? 'has' : 'have'}`,
          ]
        : []),
      ...(signing.length > 0 ? [`istiod of ${names(signing)} still signs under it, although a root that lasts lies beside it`] : []),
      ...(untraced.length > 0 ? [`under which root istiod of ${names(untraced)} signs is not known`] : []),
      ...apart,
      ...(isOwn ? ['istiod made it itself and renews it before that'] : []),
    ],
  };
}

function nameOf({ subject, fingerprint }: Certificate): string {
  return `${subject.replaceAll('\n', ', ')} (SHA-256 ${fingerprint.slice(0, 12)}…)`;
}

function distinctRefs(refs: readonly ObjectRef[]): ObjectRef[] {
  return [...new Map(refs.map((ref) => [refKey(ref), ref])).entries()].sort(([a], [b]) => compareText(a, b)).map(([, ref]) => ref);
}

/** Clusters that the istiods of these serve. */
function servedBy(mesh: Mesh, primaries: readonly ClusterName[]): ClusterName[] {
  const served = mesh.couples.filter(
    ({ controlPlane, serves }) => primaries.includes(clusterName(controlPlane.cluster)) && valueOf(serves) === true,
  );
  return distinct([...primaries, ...served.map(({ member }) => member)]);
}

/** Clusters that these entries of remote secrets open, by the user's names where they are known. */
function opened(mesh: Mesh, same: readonly Held[]): string {
  const names = mesh.couples.flatMap(({ member, credentials }) =>
    credentials.some(({ secret, entry }) =>
      same.some(({ end }) => refKey(end.ref) === refKey(secret.ref) && end.field === `.data[${JSON.stringify(entry.clusterId)}]`),
    )
      ? [member]
      : [],
  );
  return names.length > 0 ? list(distinct(names)) : list(distinct(same.map(({ end }) => end.field.slice('.data["'.length, -'"]'.length))));
}

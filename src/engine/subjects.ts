import { type AnyCheck, type Needs, sideNeeds } from '../api/check.ts';
import { distinct } from '../base/sort.ts';
import { listOf, type Member, type Mesh } from '../mesh/topology.ts';
import type { ClusterFacts, FactName, MissingFact, Service } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import { clusterRef, refKey } from '../model/refs.ts';

/** `namespace/name` of services that a run was asked about. Port absent = any. */
export type NamedServices = readonly { readonly namespace: string; readonly name: string; readonly port?: number }[];

/** One thing a check is asked about: what it sees, which clusters the answer counts for, and what it would need to see. */
export interface Subject {
  readonly name: string;
  readonly clusters: readonly ClusterName[];
  /** Clusters whose working a finding touches unless it says otherwise. */
  readonly concerns: readonly ClusterName[];
  readonly missing: readonly MissingFact[];
  /** The clusters behind the words PRIMARY and REMOTE of a check's pages. */
  readonly ends?: { readonly primary: ClusterName; readonly remote: ClusterName; readonly systemNamespace: string };
  readonly context: () => object;
}

export function subjectsOf(check: AnyCheck, mesh: Mesh, facts: ReadonlyMap<ClusterName, ClusterFacts>, named: NamedServices): Subject[] {
  const members = dataPlane(mesh);
  const view = (cluster: ClusterName, side: 'primary' | 'member' | 'from' | 'to' | 'any'): object =>
    clusterView(cluster, mesh, facts, sideNeeds(check.needs, side), sideNeeds(check.uses, side));
  const lacking = (cluster: ClusterName, side: 'primary' | 'member' | 'from' | 'to' | 'any'): MissingFact[] =>
    missingNeeds(cluster, facts, sideNeeds(check.needs, side));
  switch (check.scope) {
    case 'cluster':
      return members.map(({ cluster }) => ({
        name: cluster,
        clusters: [cluster],
        concerns: [cluster],
        missing: lacking(cluster, 'any'),
        context: () => ({ cluster: view(cluster, 'any'), mesh }),
      }));
    case 'managed':
      return mesh.couples.map((couple) => {
        const primary = couple.controlPlane.cluster;
        const controlPlane = listOf(facts.get(primary)?.controlPlanes ?? notAsked).find(
          (candidate) => refKey(candidate.ref) === refKey(couple.controlPlane.ref),
        );
        return {
          name: `${refKey(couple.controlPlane.ref)} ${couple.member}`,
          clusters: distinct<ClusterName>([primary, couple.member]),
          concerns: [couple.member],
          ends: { primary, remote: couple.member, systemNamespace: couple.controlPlane.namespace },
          missing: [
            ...(couple.kind === 'undetermined' && 'unknown' in couple.serves ? couple.serves.unknown : []),
            ...lacking(primary, 'primary'),
            ...lacking(couple.member, 'member'),
          ],
          context: () => ({ primary: view(primary, 'primary'), member: view(couple.member, 'member'), controlPlane, couple, mesh }),
        };
      });
    case 'pair':
      return members.flatMap((from) =>
        members
          .filter((to) => to !== from)
          .map((to) => ({
            name: `${from.cluster} ${to.cluster}`,
            clusters: [from.cluster, to.cluster],
            concerns: [from.cluster, to.cluster],
            missing: [...lacking(from.cluster, 'from'), ...lacking(to.cluster, 'to')],
            context: () => ({ from: view(from.cluster, 'from'), to: view(to.cluster, 'to'), mesh }),
          })),
      );
    case 'service':
      return serviceSubjects(members, mesh, facts, named, view, lacking);
    case 'mesh': {
      const names = members.map((member) => member.cluster);
      const missing = names.flatMap((cluster) => lacking(cluster, 'any'));
      const readable = check.partial === true ? names.filter((cluster) => lacking(cluster, 'any').length === 0) : names;
      return [
        {
          name: 'mesh',
          clusters: names,
          concerns: names,
          missing: check.partial === true && readable.length > 0 ? [] : missing,
          context: () => ({ clusters: readable.map((cluster) => view(cluster, 'any')), mesh }),
        },
      ];
    }
    default:
      return check.scope satisfies never;
  }
}

function serviceSubjects(
  members: readonly Member[],
  mesh: Mesh,
  facts: ReadonlyMap<ClusterName, ClusterFacts>,
  named: NamedServices,
  view: (cluster: ClusterName, side: 'any') => object,
  lacking: (cluster: ClusterName, side: 'any') => MissingFact[],
): Subject[] {
  const names = members.map((member) => member.cluster);
  const missing = names.flatMap((cluster) => lacking(cluster, 'any'));
  const instances = new Map<string, { namespace: string; name: string; instances: Map<ClusterName, Service> }>();
  for (const cluster of names) {
    for (const service of listOf(facts.get(cluster)?.services ?? notAsked)) {
      const key = `${service.namespace}/${service.name}`;
      const entry = instances.get(key) ?? { namespace: service.namespace, name: service.name, instances: new Map() };
      entry.instances.set(cluster, service);
      instances.set(key, entry);
    }
  }
  const asked = new Map(
    named.map((service) => [`${service.namespace}/${service.name}`, service.port === undefined ? {} : { port: service.port }]),
  );
  for (const { namespace, name } of named) {
    // What a cluster of another mesh has was asked of that mesh.
    if (hasService(facts, namespace, name)) continue;
    if (!instances.has(`${namespace}/${name}`)) instances.set(`${namespace}/${name}`, { namespace, name, instances: new Map() });
  }
  const clusters = names.map((cluster) => view(cluster, 'any'));
  return [...instances].map(([key, service]) => ({
    name: key,
    clusters: names,
    concerns: names,
    missing,
    context: () => ({ service, named: asked.get(key), clusters, mesh }),
  }));
}

function hasService(facts: ReadonlyMap<ClusterName, ClusterFacts>, namespace: string, name: string): boolean {
  return [...facts.values()].some((own) =>
    listOf(own.services).some((service) => service.namespace === namespace && service.name === name),
  );
}

/** Only what the check declared: needs as values, uses as facts. */
function clusterView(cluster: ClusterName, mesh: Mesh, facts: ReadonlyMap<ClusterName, ClusterFacts>, needs: Needs, uses: Needs): object {
  const all = facts.get(cluster);
  const view: Record<string, unknown> = {
    name: cluster,
    ref: clusterRef(cluster),
    member: mesh.members.get(cluster),
    isComplete: (fact: FactName) => {
      const state = all?.[fact];
      return state?.status === 'collected' && state.partial !== true;
    },
  };
  for (const fact of uses) view[fact] = all?.[fact] ?? notAsked;
  for (const fact of needs) {
    const state = all?.[fact];
    // An API that is not served has no objects.
    view[fact] = state?.status === 'collected' ? state.value : [];
  }
  return Object.freeze(view);
}

export function missingNeeds(cluster: ClusterName, facts: ReadonlyMap<ClusterName, ClusterFacts>, needs: Needs): MissingFact[] {
  return needs.flatMap((fact) => {
    const state = facts.get(cluster)?.[fact] ?? notAsked;
    return state.status === 'collected' || state.status === 'absent' ? [] : [{ cluster, fact, why: state }];
  });
}

/** Members that traffic flows between: all but the cluster that only hosts an external control plane. */
export function dataPlane(mesh: Mesh): Member[] {
  return [...mesh.members.values()].filter((member) => !('known' in member.role && member.role.known === 'external'));
}

export const notAsked = { status: 'not-asked', because: 'deselected' } as const;

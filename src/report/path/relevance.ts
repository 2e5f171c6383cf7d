import type { callPaths, Finding, ObjectRef, Scope } from '../../api/index.ts';
import { refKey } from '../../api/index.ts';
import { groupBy } from '../../base/sort.ts';
import type { Judgement } from '../../engine/types.ts';

type HopName = callPaths.HopName;

/** The subjects in which a finding was seen: what it is about beside the object where it stands. */
interface Subject {
  readonly scope: Scope;
  readonly name: string;
  readonly clusters: readonly string[];
}

/** One way of a call, by what findings can be about. */
export interface Passage {
  readonly from: string;
  /** The cluster of the endpoints; several for hops that all ways share. */
  readonly to: readonly string[];
  /** The control plane of the caller. */
  readonly istiod: string | undefined;
  /** `namespace/name` of the services on the way. */
  readonly services: ReadonlySet<string>;
  /** Everything that hops named: by `refKey`. */
  readonly objects: ReadonlySet<string>;
  readonly systemNamespaces: ReadonlySet<string>;
}

export interface Meeting {
  readonly hop: HopName;
  /** Objects or measurements say that the hop does not work. */
  readonly isBroken: boolean;
  /** All hops that such a finding can break. */
  readonly among: readonly HopName[];
}

export type Relevance = (finding: Finding, meeting: Meeting, passage: Passage) => boolean;

/** Tells whether a finding is about a hop of a call, from the subjects of the check that found it and from the objects that it names. */
export function relevanceIn({ outcomes, checks }: Judgement): Relevance {
  const scopes = new Map(checks.map(({ check }) => [check.id, check.scope]));
  const seen = outcomes.flatMap((outcome) =>
    outcome.kind !== 'findings'
      ? []
      : outcome.findings.map(({ fingerprint }) => ({
          fingerprint,
          subject: { scope: scopes.get(outcome.check) ?? 'mesh', name: outcome.subject, clusters: outcome.clusters },
        })),
  );
  const subjects = groupBy(seen, ({ fingerprint }) => fingerprint);
  return (finding, meeting, passage) => {
    const { between } = finding;
    if (between !== undefined && (between.from !== passage.from || !passage.to.includes(between.to))) return false;
    const own = subjects.get(finding.fingerprint) ?? [];
    const isService = own.some(({ subject }) => subject.scope === 'service');
    const isMentioned = mentions(finding).some((ref) => passage.objects.has(refKey(ref)));
    // Something of another application is no matter of this call; of the mesh itself it is, where it breaks something.
    if (!isService && !isMentioned && !(isOfMesh(finding.at, passage) && finding.severity === 'error')) return false;
    return own.some(({ subject }) => fits(subject, finding, passage, { ...meeting, isMentioned }));
  };
}

function mentions({ at, related, evidence }: Finding): ObjectRef[] {
  return [at, ...related, ...evidence.map(({ ref }) => ref)];
}

const ofMesh: ReadonlySet<string> = new Set([
  'Cluster',
  'Gateway',
  'ClusterRole',
  'ClusterRoleBinding',
  'MutatingWebhookConfiguration',
  'CustomResourceDefinition',
  'Node',
  'EnvoyFilter',
]);

function isOfMesh({ kind, namespace, name }: ObjectRef, { systemNamespaces }: Passage): boolean {
  return (
    ofMesh.has(kind) || systemNamespaces.has(namespace ?? '') || (kind === 'Namespace' && systemNamespaces.has(name)) || kind === 'Secret'
  );
}

/** Which end of a call a hop belongs to. */
const sides = {
  caller: 'from',
  name: 'from',
  route: 'from',
  cluster: 'from',
  endpoints: 'to',
  network: 'both',
  gateway: 'to',
  sni: 'to',
  mtls: 'both',
  authorization: 'to',
} as const satisfies Record<HopName, 'from' | 'to' | 'both'>;

interface How extends Meeting {
  /** It names an object of the call. */
  readonly isMentioned: boolean;
}

function fits({ scope, name, clusters }: Subject, finding: Finding, passage: Passage, how: How): boolean {
  const { from, to, istiod } = passage;
  const { hop, among, isMentioned } = how;
  const ends: readonly string[] = sides[hop] === 'from' ? [from] : sides[hop] === 'to' ? to : [from, ...to];
  // At the caller's end of a network only its own pod counts: what others there are given is another call's.
  const isAtEnd = (cluster: string): boolean =>
    hop !== 'network' ? ends.includes(cluster) : cluster === from ? isMentioned : to.includes(cluster);
  switch (scope) {
    case 'cluster':
      // What one cluster sees of another is about both ends, and which it sees was compared already.
      return finding.between !== undefined || clusters.some(isAtEnd);
    case 'pair':
      return clusters[0] === from && to.includes(clusters[1] ?? '');
    case 'service':
      // A finding of one caller's cluster stands there, or at the Service.
      return passage.services.has(name) && (finding.at.cluster === from || isMentioned);
    case 'managed': {
      const [controlPlane, member] = coupleOf(name);
      if (hop === 'caller') return controlPlane === istiod && member === from;
      // What can also withhold endpoints is about the clusters that have the service, wherever a call meets it.
      if (hop === 'endpoints' || ((hop === 'name' || hop === 'route') && among.includes('endpoints')))
        return controlPlane === istiod && to.includes(member);
      return isAtEnd(member);
    }
    case 'mesh':
      if (hop === 'endpoints' || hop === 'network') {
        // Within a cluster only what is of the application itself.
        if (to.every((cluster) => cluster === from)) return isMentioned;
        const [isHere, isThere] = [touches(finding, from), to.some((cluster) => touches(finding, cluster))];
        return isHere && isThere ? true : how.isBroken && (isHere || isThere);
      }
      if (hop === 'gateway' || hop === 'sni')
        return isMentioned || to.includes(finding.at.cluster) || (how.isBroken && to.some((cluster) => touches(finding, cluster)));
      return ends.some((cluster) => touches(finding, cluster));
    default:
      return scope satisfies never;
  }
}

function touches({ at, concerns }: Finding, cluster: string): boolean {
  return at.cluster === cluster || concerns.some((one) => one === cluster);
}

/** `east:Deployment/istio-system/istiod west`: a control plane and the cluster that it reads. */
function coupleOf(subject: string): readonly [controlPlane: string, member: string] {
  const space = subject.indexOf(' ', subject.indexOf(':'));
  return [subject.slice(0, space), subject.slice(space + 1)];
}

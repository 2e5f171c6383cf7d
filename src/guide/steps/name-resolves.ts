import { itemsOf, listed } from '../looking.ts';
import { sampleService } from '../sample.ts';
import type { Look, Place, Plan, Step, World } from '../types.ts';

type Caller = World['report']['names'][number]['callers'][number];

/** What all the rest is for: a pod of one cluster resolves the name of a service that another one has, and the address leads there. */
export const nameResolves: Step = {
  id: 'name-resolves',
  title: ({ site, read }) => `A name of ${read?.cluster ?? ''} resolves in ${site.cluster}`,
  checks: [
    'unanswered-name',
    'unresolvable-service',
    'ambiguous-service',
    'cluster-local-service',
    'leftover-global-name',
    'mismatched-port-name',
    'mixed-headless-service',
    'unexported-service',
    'unmerged-port',
    'unnamed-stateful-pod',
    'unreachable-headless-service',
    'unrouted-stub-service',
  ],
  places: ({ primaries, remotes }) => {
    const all = [...primaries, ...remotes];
    return all.flatMap((site) => all.filter(({ cluster }) => cluster !== site.cluster).map((read) => ({ site, read })));
  },
  look,
  doing: (world, { site, read }, plan) => {
    if (read === undefined || plan.services.length > 0) return { commands: [] };
    if (!hasSidecars(world, site, read)) return { waitsFor: 'workload' };
    return { commands: [sampleService(plan, read)], note: `a service that only ${read.cluster} has` };
  },
};

/** Somebody could be asked, and somebody be asked for. */
function hasSidecars(world: World, site: Place['site'], read: Place['read']): boolean {
  return [site, read ?? site].every(({ cluster }) => itemsOf(world, cluster, 'pods').some(({ proxy }) => proxy?.kind === 'sidecar'));
}

function look(world: World, { site, read }: Place, plan: Plan): Look {
  const { report, facts } = world;
  for (const { cluster } of [site, read ?? site]) {
    const pods = listed(world, cluster, 'pods');
    if ('because' in pods) return { state: 'unknown', because: pods.because };
  }
  const cells = report.names.flatMap(({ service, callers }) =>
    callers
      .filter(
        ({ cluster, leadsTo }) =>
          cluster === site.cluster && (plan.services.length > 0 || leadsTo.some((lead) => lead.cluster === read?.cluster)),
      )
      .map((caller) => ({ service, caller })),
  );
  const worst = (['broken', 'unknown', 'predicted', 'ok'] as const)
    .map((verdict) => cells.find(({ caller }) => caller.verdict === verdict))
    .find((cell) => cell !== undefined);
  const probed = facts.get(site.cluster)?.nameAnswers;
  if (worst === undefined && hasSidecars(world, site, read) && probed?.status === 'not-asked' && probed.because === 'probes off')
    return { state: 'unknown', because: 'probes are off, so nobody was asked' };
  if (worst === undefined)
    return { state: 'missing', what: `no service that only ${read?.cluster ?? 'another cluster'} has was asked for in ${site.cluster}` };
  const { service, caller } = worst;
  switch (caller.verdict) {
    case 'ok':
      return { state: 'there', what: `${service}: ${answerOf(caller)}` };
    case 'broken':
      return { state: 'other', what: `${service}: ${caller.because}` };
    case 'predicted':
      return { state: 'unknown', because: `${service} should resolve in ${site.cluster}, but nobody was asked: ${caller.because}` };
    case 'unknown':
      return { state: 'unknown', because: `${service} in ${site.cluster}: ${caller.because}` };
    default:
      return caller.verdict satisfies never;
  }
}

function answerOf({ measured, leadsTo }: Caller): string {
  const answered = measured.find(({ outcome }) => outcome === 'answered');
  const to = leadsTo.map(({ cluster, via }) => (via === 'gateway' ? `${cluster} by its gateway` : cluster));
  return [answered?.addresses.join(', '), to.length === 0 ? undefined : `leads to ${to.join(', ')}`].filter(Boolean).join(', ');
}

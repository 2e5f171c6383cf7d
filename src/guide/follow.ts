import type { ClusterName } from '../model/ids.ts';
import type { Report, ReportFinding } from '../report/schema.ts';
import { steps } from './steps.ts';
import type { Guidance, Look, Place, Plan, Step, StepResult, StepState, World } from './types.ts';

/** How far the set-up is: each step in each place by what there is and what checks say of it. Pure. */
export function guidanceOf(plan: Plan, world: World): Guidance {
  const placed = steps.flatMap((step) => step.places(plan).map((place) => ({ step, place })));
  const looks = placed.map(({ step, place }) => step.look(world, place, plan));
  const blame = blameOf(world.report, placed);
  const results = placed.map(({ step, place }, index) =>
    resultOf({ step, place, look: looks[index] ?? { state: 'unknown', because: 'it was not looked at' } }, blame[index] ?? [], plan, world),
  );
  const others = otherCauses(world.report, new Set(blame.flat().map(({ fingerprint }) => fingerprint)));
  const counts: Record<StepState, number> = { done: 0, undone: 0, wrong: 0, 'too-late': 0, unknown: 0 };
  for (const { state } of results) counts[state] += 1;
  const next = nextOf(results);
  const isOpen = counts.undone + counts.wrong + counts['too-late'] + others.length > 0;
  return {
    schema: 1,
    topology: plan.topology,
    names: {
      meshId: plan.meshId,
      revision: plan.revision,
      namespace: plan.namespace,
      ...(plan.release === undefined ? {} : { release: plan.release }),
      clusters: [...plan.primaries, ...plan.remotes],
    },
    steps: results,
    ...(next === undefined ? {} : { next }),
    others,
    counts,
    exit: isOpen ? 1 : counts.unknown > 0 ? 3 : 0,
  };
}

interface Placed {
  readonly step: Step;
  readonly place: Place;
}

/**
 * For each step in its place the findings of its checks that are about it, bad and sure enough to stop at. What a finding of another step explains
 * is that step's.
 */
function blameOf(report: Report, placed: readonly Placed[]): readonly (readonly ReportFinding[])[] {
  const findings = report.findings.filter(({ severity, certainty, advice }) => severity !== 'info' && certainty !== 'possible' && !advice);
  const own = placed.map(({ step, place }) => {
    const of = [...step.checks, ...(step.tooLate ?? [])];
    const homes = placed.filter((other) => other.step.id === step.id).map((other) => other.place.site.cluster);
    return findings.filter((finding) => of.includes(finding.check) && isAbout(finding, place, homes));
  });
  const isIn = (list: readonly ReportFinding[], fingerprint: string): boolean => list.some((one) => one.fingerprint === fingerprint);
  return own.map((list) =>
    list.filter((finding) => {
      const cause = report.causes.find(({ explains }) => explains.includes(finding.fingerprint));
      return cause === undefined || isIn(list, cause.fingerprint) || !own.some((other) => isIn(other, cause.fingerprint));
    }),
  );
}

/** A finding is about the place it lies in; one that lies where no place of the step is, about all that it concerns. */
function isAbout({ at, concerns }: ReportFinding, { site, read }: Place, homes: readonly ClusterName[]): boolean {
  if (read === undefined)
    return at.cluster === site.cluster || (!homes.some((home) => home === at.cluster) && concerns.includes(site.cluster));
  if (!concerns.includes(read.cluster)) return false;
  // Of two that read each other the one is meant in which it lies.
  return at.cluster === site.cluster || (at.cluster === read.cluster && !concerns.includes(site.cluster));
}

function resultOf(
  { step, place, look }: Placed & { readonly look: Look },
  findings: readonly ReportFinding[],
  plan: Plan,
  world: World,
): StepResult {
  const common = { step: step.id, title: step.title(place, plan), cluster: place.site.cluster };
  const by = 'by' in look && look.by !== undefined ? { by: look.by } : {};
  const named = findings.map(({ code, message, fingerprint }) => ({ code, message, fingerprint }));
  if (look.state === 'unknown') return { ...common, state: 'unknown', says: look.because, findings: named, commands: [] };
  if (look.state === 'missing') return { ...common, state: 'undone', says: look.what, findings: [], ...doingOf(step, place, plan, world) };
  const [worst] = findings;
  if (worst !== undefined) {
    const state = step.tooLate?.includes(worst.check) === true ? 'too-late' : 'wrong';
    return { ...common, state, says: worst.message, ...by, findings: named, ...mendingOf(worst, world.report) };
  }
  if (look.state === 'other') return { ...common, state: 'wrong', says: look.what, ...by, findings: [], commands: [] };
  const gap = gapOf(step, place, world.report);
  if (gap !== undefined) return { ...common, state: 'unknown', says: `${look.what}; ${gap}`, ...by, findings: [], commands: [] };
  return { ...common, state: 'done', says: look.what, ...by, findings: [], commands: [] };
}

function doingOf(step: Step, place: Place, plan: Plan, world: World): Pick<StepResult, 'commands' | 'note' | 'waitsFor'> {
  const doing = step.doing(world, place, plan);
  if ('waitsFor' in doing) return { commands: [], waitsFor: doing.waitsFor };
  return { commands: doing.commands, ...(doing.note === undefined ? {} : { note: doing.note }) };
}

/** The remedy of what is behind a finding: of itself where nothing explains it. */
function mendingOf(finding: ReportFinding, report: Report): Pick<StepResult, 'commands' | 'note'> {
  const cause = report.causes.find(({ explains }) => explains.includes(finding.fingerprint));
  const behind = report.findings.find(({ fingerprint }) => fingerprint === cause?.fingerprint) ?? finding;
  const [remedy] = behind.remedy;
  return remedy === undefined ? { commands: [] } : { commands: remedy.command, note: remedy.note };
}

/** Why a step that is there may still be wrong: a check of its could not be made. */
function gapOf(step: Step, place: Place, { notChecked }: Report): string | undefined {
  const gap = notChecked.find(
    ({ incomplete, checks, clusters }) =>
      incomplete &&
      checks.some((check) => step.checks.includes(check)) &&
      clusters.some((cluster) => cluster === (place.read ?? place.site).cluster),
  );
  return gap === undefined ? undefined : `not checked: ${gap.reason}`;
}

/** What is wrong beside the steps: causes that belong to none of them, and explain nothing of theirs. */
function otherCauses(report: Report, blamed: ReadonlySet<string>): Guidance['others'] {
  return report.causes.flatMap(({ fingerprint, explains, severity, certainty }) => {
    if (severity === 'info' || certainty === 'possible' || blamed.has(fingerprint) || explains.some((effect) => blamed.has(effect)))
      return [];
    const finding = report.findings.find((one) => one.fingerprint === fingerprint);
    return finding === undefined || finding.advice ? [] : [{ code: finding.code, message: finding.message, cluster: finding.at.cluster }];
  });
}

/** The first step that is not done: each rests on those before it. What cannot be seen keeps nobody from going on. */
function nextOf(results: readonly StepResult[]): number | undefined {
  const open = results.findIndex(({ state }) => state === 'undone' || state === 'wrong' || state === 'too-late');
  return open < 0 ? undefined : open;
}

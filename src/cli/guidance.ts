import type { Style } from '../api/reporter.ts';
import type { Guidance, StepResult, StepState } from '../guide/types.ts';
import { count } from '../base/text.ts';
import { fit, hanging, table } from '../report/layout.ts';
import { type Ink, inkOf, type Mark } from '../report/symbols.ts';

const marks = { done: 'passed', undone: 'none', wrong: 'error', 'too-late': 'warning', unknown: 'unknown' } as const satisfies Record<
  StepState,
  Mark
>;

const words = { done: '', undone: 'undone: ', wrong: 'wrong: ', 'too-late': 'too late: ', unknown: 'unknown: ' } as const satisfies Record<
  StepState,
  string
>;

/** A guide for people: where it stands, every step, and what to do next, which can be pasted as it is. */
export function guidanceText(guidance: Guidance, style: Style): string {
  const ink = inkOf(style);
  const { steps, next } = guidance;
  const upcoming = next === undefined ? undefined : steps[next];
  const lines = [ink.bold(ink.plain(headline(guidance)))];
  if (style.verbosity >= 0)
    lines.push(...about(guidance, ink), '', ...checklist(steps, ink, style.width), ...beside(guidance, ink, style.width));
  if (upcoming !== undefined) lines.push('', ...todo('NEXT', upcoming, ink, style.width));
  if (style.verbosity > 0)
    for (const [index, step] of steps.entries())
      if (index !== next && step.commands.length > 0) lines.push('', ...todo('THEN', step, ink, style.width));
  return `${lines.join('\n')}\n`;
}

export function headline({ topology, steps, next, others, counts }: Guidance): string {
  const progress = `${topology}: ${counts.done} of ${count(steps.length, 'step')} done`;
  const upcoming = next === undefined ? undefined : steps[next];
  if (upcoming !== undefined) return `${progress}; next: ${upcoming.title} (${upcoming.cluster})`;
  if (others.length > 0) return `${progress}; ${count(others.length, 'other fault')}`;
  return counts.unknown > 0 ? `${progress}; ${counts.unknown} could not be looked at` : `${progress}: the mesh is set up`;
}

/** One line for each step that changed, for logs. */
export function transitions(before: Guidance | undefined, after: Guidance): readonly string[] {
  return after.steps.flatMap((step, index) => {
    const old = before?.steps[index];
    if (old?.state === step.state && old.says === step.says) return [];
    const change = old === undefined || old.state === step.state ? step.state : `${old.state} -> ${step.state}`;
    return [`${step.cluster}  ${step.title}: ${change}: ${step.says}`];
  });
}

function about({ names }: Guidance, ink: Ink): string[] {
  const dot = ` ${ink.character('dot')} `;
  const release = names.release === undefined ? [] : [`Istio ${names.release}`];
  return [
    [`mesh ${names.meshId}`, `revision ${names.revision}`, names.namespace, ...release].join(dot),
    ...names.clusters.map(({ cluster, role, clusterId, network }) =>
      [`${cluster}: ${role}`, `cluster ID ${clusterId}`, network].filter(Boolean).join(', '),
    ),
  ].map((line) => ink.dim(ink.plain(line)));
}

function checklist(steps: readonly StepResult[], ink: Ink, width: number): string[] {
  const rows = steps.map((step) => [
    '',
    step.cluster,
    ink.plain(step.title),
    ink.plain(`${words[step.state]}${step.says}${writtenBy(step)}`),
  ]);
  const [, ...widths] = fit(rows, width - ink.markWidth - 1, [2, 3], 24);
  return steps.flatMap((step, index) => {
    const [first = '', ...rest] = table([rows[index]?.slice(1) ?? []], widths);
    const blank = ' '.repeat(ink.markWidth + 1);
    return [`${ink.mark(marks[step.state])} ${first}`, ...rest.map((line) => `${blank}${line}`)];
  });
}

function writtenBy({ by }: StepResult): string {
  if (by === undefined || (by.manager === undefined && by.time === undefined)) return '';
  return ` (${[by.manager, by.time?.replace('T', ' ').replace(/:\d\d(?:\.\d+)?Z$/, ' UTC')].filter(Boolean).join(', ')})`;
}

function beside({ others }: Guidance, ink: Ink, width: number): string[] {
  if (others.length === 0) return [];
  return [
    '',
    ink.bold('ALSO FOUND'),
    ...others.flatMap(({ code, message }) => hanging(`${ink.mark('error')} `, ink.plain(`${code}: ${message}`), width, ink.markWidth + 1)),
    ink.dim('meshdoctor check with the same contexts says more'),
  ];
}

/** Flush left and unwrapped: a heredoc ends where its line begins. */
function todo(what: string, step: StepResult, ink: Ink, width: number): string[] {
  const title = ink.bold(ink.plain(`${what}  ${step.title} (${step.cluster})`));
  if (step.waitsFor !== undefined) return [title, ...hanging('# ', `comes after step ${step.waitsFor}`, width)];
  const why = step.state === 'undone' ? [] : hanging('# ', step.says, width);
  const note = step.note === undefined ? [] : hanging('# ', step.note, width);
  // Comments, so that the whole block can be pasted.
  const comments = [...why, ...note].map((line) => ink.dim(ink.plain(line.startsWith('#') ? line : `#${line.slice(1)}`)));
  if (step.commands.length === 0)
    return [title, ...comments, ink.dim('# nothing to run: it may take a moment, or look with meshdoctor check')];
  return [title, ...comments, ...step.commands];
}

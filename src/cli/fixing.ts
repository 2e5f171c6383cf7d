import type { Style } from '../api/reporter.ts';
import { count } from '../base/text.ts';
import type { KubeObject } from '../model/kube.ts';
import { objectPath } from '../model/refs.ts';
import type { Outcome } from '../remedy/carry-out.ts';
import type { Outlook } from '../remedy/outlook.ts';
import type { Action, FixPlan } from '../remedy/plan.ts';
import { hanging } from '../report/layout.ts';
import { type Ink, inkOf } from '../report/symbols.ts';

/** A plan with everything that is known before anything is changed. */
export interface Planned {
  readonly plan: FixPlan;
  readonly outlook: Outlook;
  /** Objects as API servers had them. */
  readonly objects: ReadonlyMap<Action, KubeObject>;
  /** What API servers would say to each; absent where none was asked. */
  readonly trials: ReadonlyMap<Action, Outcome>;
}

export function plannedText({ plan, outlook, trials }: Planned, style: Style): string {
  const ink = inkOf(style);
  const { causes, actions, commands, byHand } = plan;
  if (causes.length === 0) return `${ink.mark('passed')} Nothing to fix.\n`;
  const lines = [ink.bold(ink.plain(headline(plan, outlook)))];
  for (const [index, action] of actions.entries()) lines.push('', ...actionLines(index + 1, action, trials.get(action), ink, style.width));
  for (const [index, { cluster, code, command, note }] of commands.entries()) {
    lines.push('', ink.bold(ink.plain(`${actions.length + index + 1}  ${cluster}  run for ${code}`)));
    lines.push(...hanging('    ', ink.plain(note), style.width), ...command.map((line) => `    ${line}`));
  }
  if (commands.length > 0) lines.push('', ...hanging('', ink.dim(ink.plain(ofCommands)), style.width));
  for (const { code, cluster, command, note, because } of byHand) {
    lines.push('', `${ink.mark('warning')} ${ink.bold(ink.plain(`by hand  ${cluster}  ${code}`))}`);
    lines.push(
      ...hanging('    ', ink.dim(ink.plain([because, note].filter(Boolean).join('; '))), style.width),
      ...command.map((line) => `    ${line}`),
    );
  }
  if (outlook.leaves.length > 0 && actions.length > 0)
    lines.push(
      '',
      ink.dim('Not gone by changes of objects alone; a restart, a person or time has to do the rest:'),
      ...told(outlook.leaves, ink, style.width),
    );
  if (outlook.introduces.length > 0) lines.push('', ink.bold('The plan would introduce:'), ...told(outlook.introduces, ink, style.width));
  return `${lines.join('\n')}\n`;
}

const ofCommands =
  'Command lines are run in the current folder, after changes and before restarts. Nobody can try them first, and what they clear is not counted. What they make, change and delete is taken back by --undo, but for what a Secret held: that is never written down.';

export function headline({ causes, actions, commands, byHand }: FixPlan, { clears, of, introduces }: Outlook): string {
  const clusters = new Set([...actions.map(({ cluster }) => cluster), ...commands.flatMap((command) => command.clusters)]).size;
  const hands = byHand.length === 0 ? '' : `, ${byHand.length} by hand`;
  const run = [
    ...(actions.length === 0 ? [] : [count(actions.length, 'change')]),
    ...(commands.length === 0 ? [] : [count(commands.flatMap(({ command }) => command).length, 'command line')]),
  ].join(' and ');
  if (actions.length + commands.length === 0)
    return `PLAN: nothing that can be done without a person for ${count(causes.length, 'cause')}${hands}`;
  return `PLAN: ${run} in ${count(clusters, 'cluster')} for ${count(causes.length, 'cause')}${hands}; clears ${clears} of ${count(of, 'finding')}, introduces ${introduces.length}`;
}

function actionLines(number: number, action: Action, trial: Outcome | undefined, ink: Ink, width: number): string[] {
  const { cluster, ref, code, command, note, isRestart } = action;
  const what = isRestart ? 'restart' : action.remedy.action;
  return [
    ink.bold(ink.plain(`${number}  ${cluster}  ${what} ${objectPath(ref)}`)),
    ...hanging('    ', ink.plain(`for ${code}; ${note}`), width),
    ...command.map((line) => `    ${line}`),
    ...(trial === undefined
      ? []
      : trial.state === 'done'
        ? [`    ${ink.mark('passed')} its API server would accept it`]
        : hanging(`    ${ink.mark('unknown')} `, ink.plain(`not tried: ${trial.because}`), width, 5 + ink.markWidth)),
  ];
}

function told(findings: readonly { readonly code: string; readonly message: string }[], ink: Ink, width: number): string[] {
  return findings.flatMap(({ code, message }) => hanging('  ', ink.plain(`${code}: ${message}`), width));
}

/** The plan for machines. */
export function plannedJson({ plan, outlook, trials }: Planned): string {
  const actions = plan.actions.map((action) => ({
    cluster: action.cluster,
    code: action.code,
    fingerprint: action.fingerprint,
    ref: action.ref,
    action: action.isRestart ? 'restart' : action.remedy.action,
    ...(action.remedy.patch === undefined ? {} : { patch: action.remedy.patch }),
    command: action.command,
    note: action.note,
    ...(trials.has(action) ? { trial: trials.get(action) } : {}),
  }));
  const commands = plan.commands.map(({ pipes: _pipes, ...command }) => command);
  return `${JSON.stringify({ schema: 1, causes: plan.causes, actions, commands, byHand: plan.byHand, outlook }, null, 2)}\n`;
}

import { sideNeeds } from '../../api/check.ts';
import type { FactName } from '../../api/index.ts';
import { readsFor } from '../../collect/facts.ts';
import type { RegisteredCheck } from '../../engine/types.ts';
import { hanging, fit, table } from '../../report/layout.ts';
import { inkOf } from '../../report/symbols.ts';
import type { Host } from '../host.ts';
import type { Given } from '../parser.ts';
import { styleOf } from '../style.ts';
import { areaOrder, areaTitle, knownChecks, styleFlags } from './common.ts';
import { flag } from '../flags.ts';

/** Every check: what it is, and with --reads what it reads before anything is read. */
export async function listCommand(given: Given, host: Host): Promise<number> {
  const checks = await knownChecks(given, host);
  const style = styleOf(styleFlags(given), host);
  const ink = inkOf(style);
  const rows = checks.map((registered) => rowOf(registered));
  const head = ['CHECK', 'SEVERITY', 'CERTAINTY', 'SCOPE', 'FAILURE MODES'];
  const widths = fit([head, ...rows], style.width, [0, 4]);
  const lines: string[] = [ink.dim(table([head], widths).join('\n'))];
  for (const area of areaOrder(checks)) {
    const own = checks.filter((check) => check.area === area);
    lines.push('', ink.bold(ink.plain(areaTitle(area))));
    for (const registered of own) {
      lines.push(...table([rowOf(registered)], widths));
      if (style.verbosity > 0) lines.push(...hanging('    ', ink.plain(registered.check.title), style.width));
      if (flag.on(given, 'reads') === true) lines.push(...readsOf(registered).flatMap((line) => hanging('    ', line, style.width)));
    }
  }
  host.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

function rowOf({ check }: RegisteredCheck): string[] {
  const advice = check.advice === true ? ' (advice)' : '';
  return [check.id, `${check.severity}${advice}`, check.certainty, check.scope, (check.catalogue ?? []).join(', ')];
}

function readsOf({ check }: RegisteredCheck): string[] {
  const needs = sideNeeds(check.needs, 'any');
  const uses = sideNeeds(check.uses, 'any').filter((fact) => !needs.includes(fact));
  const reads = readsFor([...needs, ...uses] as FactName[]).map(
    ({ resource, group, verbs }) => `${verbs.join(',')} ${resource}${group === '' ? '' : `.${group}`}`,
  );
  return [
    `needs ${needs.join(', ') || 'nothing but the topology'}`,
    ...(uses.length === 0 ? [] : [`uses  ${uses.join(', ')}`]),
    ...(reads.length === 0 ? [] : [`reads ${reads.join('; ')}`]),
  ];
}

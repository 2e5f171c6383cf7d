import { type AnyCheck, type Scope, sideNeeds } from '../api/check.ts';
import { readsFor } from '../collect/facts.ts';
import { modes } from '../../checks/modes.ts';

const scopes = {
  cluster: 'each cluster by itself',
  managed: 'each control plane and each cluster that it reads or must read',
  pair: 'each two clusters of a mesh, in the direction of a call',
  service: 'each service of the mesh',
  mesh: 'the mesh as a whole',
} as const satisfies Record<Scope, string>;

/** A check as Markdown, from the check itself: what `explain` prints and its README begins with. */
export function explanation(check: AnyCheck, area: string): string[] {
  const { docs } = check;
  return [
    `# ${check.id}`,
    '',
    `${check.title}.`,
    '',
    '| | |',
    '| --- | --- |',
    `| Severity | ${check.severity}${check.advice === true ? ' (advice: shown with --advice only)' : ''} |`,
    `| Certainty | ${check.certainty}, unless a message says less |`,
    `| Asked of | ${scopes[check.scope]} |`,
    `| Area | ${area} |`,
    ...((check.catalogue ?? []).length === 0 ? [] : [`| Failure modes | ${modesOf(check).join('; ')} |`]),
    ...(docs.since === undefined ? [] : [`| Since | ${docs.since} |`]),
    '',
    '## What it reads',
    '',
    ...readsOf(check),
    '',
    '## Why it matters',
    '',
    docs.why,
    '',
    '## How to confirm',
    '',
    '```sh',
    ...docs.confirm.split(/;\s+/),
    '```',
    '',
    '## How to fix',
    '',
    docs.fix,
    '',
    ...(docs.notWhen === undefined ? [] : ['## When not to worry', '', docs.notWhen, '']),
    ...((docs.see ?? []).length === 0 ? [] : ['## See also', '', ...(docs.see ?? []).map((url) => `- <${url}>`), '']),
  ];
}

function modesOf(check: AnyCheck): string[] {
  return (check.catalogue ?? []).map((id) => {
    const mode = modes.find((candidate) => candidate.id === id);
    return mode === undefined ? id : `${id} (${mode.title})`;
  });
}

/** Facts, and the rights that reading them takes. */
function readsOf(check: AnyCheck): string[] {
  const needs = sideNeeds(check.needs, 'any');
  const uses = sideNeeds(check.uses, 'any').filter((fact) => !needs.includes(fact));
  const reads = readsFor([...needs, ...uses]);
  const lines = [
    needs.length === 0 ? 'It needs nothing beyond what tells the topology.' : `It needs ${needs.join(', ')}.`,
    ...(uses.length === 0 ? [] : [`It is sharper with ${uses.join(', ')}.`]),
  ];
  if (reads.length === 0) return [lines.join(' ')];
  return [
    lines.join(' '),
    '',
    '| Resource | API group | Verbs | Where |',
    '| --- | --- | --- | --- |',
    ...reads.map(
      ({ resource, group, verbs, place }) =>
        `| ${resource} | ${group === '' ? 'core' : group} | ${verbs.join(', ')} | ${place === 'system' ? 'system namespaces' : 'all namespaces'} |`,
    ),
  ];
}

import { groupBy } from '../../src/base/sort.ts';
import { modes } from '../../checks/modes.ts';
import { knownMisses, knownMissesInRecordings, knownStrangers } from './known-misses.ts';
import { isTold, type Pair, shareOf, type Single, targets } from './matrix.ts';
import type { Results } from './results.ts';

/** docs/breakage.md: every scripted fault, and what is said of it. */
export function breakagePage({ faults, singles, recorded, pairs: { pairs, seed, impossible } }: Results): string {
  const found = singles.filter(({ told }) => told === 'found').length;
  const strange = singles.filter(({ strangers }) => strangers.length > 0).length;
  const inRecordings = recorded.singles.filter(({ told }) => told === 'found').length;
  const strangeInRecordings = recorded.singles.filter(({ strangers }) => strangers.length > 0).length;
  const told = pairs.filter(isTold).length;
  const asCauses = pairs.filter(areCauses).length;
  const strangePairs = pairs.filter(({ strangers }) => strangers.length > 0).length;
  const titles = new Map(modes.map(({ id, title }) => [id, title]));
  return [
    '<!-- Written by `npm run gen -- breakage`. Do not edit. -->',
    '',
    '# Scripted faults',
    '',
    'Every fault is written from what people do and what Istio and Kubernetes make of it, knows no check, and is put into healthy meshes on which',
    'every check is silent. Then all checks run. *Found* is a fault where a check that claims its failure mode names a cause, or is folded under',
    'one that comes with the fault by nature. *Unexpected* is a warning or error about something else. `npm run breakage` does it again.',
    '',
    '| | | |',
    '|---|---:|---:|',
    `| scripted faults | ${faults.length} | of ${new Set(faults.map(({ mode }) => mode)).size} failure modes |`,
    `| single faults in built meshes | ${singles.length} | each fault in every mesh where it can happen |`,
    `| found | ${found} | ${percent(found, singles.length)} (at least ${targets.singlesFound * 100} %) |`,
    `| something unexpected beside it | ${strange} | ${percent(strange, singles.length)} (at most ${targets.unexpected * 100} %) |`,
    `| single faults in recordings of real meshes | ${recorded.singles.length} | ${recorded.unfit} more do not fit what a recording keeps |`,
    `| found | ${inRecordings} | ${percent(inRecordings, recorded.singles.length)} |`,
    `| something unexpected beside it | ${strangeInRecordings} | ${percent(strangeInRecordings, recorded.singles.length)} |`,
    `| pairs of faults, seed ${seed} | ${pairs.length} | ${impossible} more were drawn in which one undoes the other |`,
    `| both told | ${told} | ${percent(told, pairs.length)} (at least ${targets.pairsFound * 100} %) |`,
    `| both as causes of their own | ${asCauses} | ${percent(asCauses, pairs.length)} |`,
    `| something unexpected beside them | ${strangePairs} | ${percent(strangePairs, pairs.length)} |`,
    '',
    '## Single faults',
    '',
    ...modes.flatMap(({ id }) =>
      ofMode(
        id,
        titles.get(id) ?? '',
        singles.filter(({ fault }) => fault.mode === id),
      ),
    ),
    ...misses(),
    '## Pairs',
    '',
    'Two faults of different modes in one mesh, drawn at random. Where one of them makes the other unobservable, or accounts for all that is seen of',
    'it, that one is said to be *folded* under the first or *blocked* by it: both are told. These pairs were not told as two causes:',
    '',
    '| mesh | one | other |',
    '|---|---|---|',
    ...pairs
      .filter((pair) => !areCauses(pair))
      .map(rowOf)
      .sort(),
    '',
  ].join('\n');
}

function ofMode(id: string, title: string, singles: readonly Single[]): string[] {
  if (singles.length === 0) return [];
  return [
    `### ${id} ${title}`,
    '',
    '| fault | meshes | found by |',
    '|---|---|---|',
    ...[...groupBy(singles, ({ fault }) => fault.id)].map(([faultId, own]) => {
      const finders = [...new Set(own.flatMap((single) => single.finders.map((name) => `\`${name.split('/')[1] ?? name}\``)))].sort();
      const missed = own.filter(({ told }) => told !== 'found');
      const but = missed.length === 0 ? '' : `, not in: ${missed.map(({ mesh }) => mesh).join(', ')}`;
      return `| ${own[0]?.fault.says ?? faultId} | ${own.length} | ${finders.join(', ') || 'nobody'}${but} |`;
    }),
    '',
  ];
}

function misses(): string[] {
  const lines = [
    ...knownMisses.map(({ fault, mesh, why }) => `- ${fault} in the mesh *${mesh}* is not found: ${why}`),
    ...knownStrangers.map(({ fault, mesh, why }) => `- ${fault} in the mesh *${mesh}* has something beside it: ${why}`),
    ...knownMissesInRecordings.map(({ fault, mesh, why }) => `- ${fault} in the recording *${mesh}* is not found: ${why}`),
  ];
  return lines.length === 0 ? [] : ['## Not found, and why', '', ...lines, ''];
}

function areCauses({ told }: Pair): boolean {
  return told.every((one) => one === 'found');
}

function rowOf({ mesh, faults, told }: Pair): string {
  const cell = (index: 0 | 1): string => `${faults[index].id} (${faults[index].mode}): ${told[index]}`;
  return `| ${mesh} | ${cell(0)} | ${cell(1)} |`;
}

function percent(part: number, whole: number): string {
  return `${(100 * shareOf(part, whole)).toFixed(1)} %`;
}

// npm run breakage [-- --only MODE|ID …] [--pairs N] [--seed S]: scripted faults on healthy meshes, one at a time and in pairs.
// Exits with 1 when fewer are found, or more is said beside them, than the targets allow.
import { parseArgs } from 'node:util';
import { scriptedFaults } from './faults.ts';
import { committedPairs, committedSeed, isTold, pairsOf, shareOf, singlesOf, targets } from './matrix.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    pairs: { type: 'string' },
    seed: { type: 'string', default: String(committedSeed) },
  },
});
const { only } = values;
const all = await scriptedFaults();
const faults = all.filter(({ id, mode }) => only.length === 0 || only.includes(id) || only.includes(mode));
if (faults.length === 0) throw new Error(`No fault is called ${only.join(' or ')}.`);

const percent = (part: number, whole: number): string => `${part} of ${whole} (${(100 * shareOf(part, whole)).toFixed(1)} %)`;

const singles = await singlesOf(faults);
for (const { fault, mesh, told, finders, strangers } of singles) {
  if (told !== 'found' || strangers.length > 0 || only.length > 0)
    console.log(`${told.padEnd(7)} ${fault.mode} ${fault.id} (${mesh})${finders.length > 0 ? ` by ${finders.join(', ')}` : ''}`);
  for (const line of strangers) console.log(`        beside it: ${line}`);
}
const found = singles.filter(({ told }) => told === 'found').length;
const strange = singles.filter(({ strangers }) => strangers.length > 0).length;
console.log(`\n${faults.length} faults of ${new Set(faults.map(({ mode }) => mode)).size} modes`);
console.log(`found: ${percent(found, singles.length)}; with something unexpected beside it: ${percent(strange, singles.length)}`);
let isMet = shareOf(found, singles.length) >= targets.singlesFound && shareOf(strange, singles.length) <= targets.unexpected;

const wanted = Number(values.pairs ?? (only.length === 0 ? committedPairs : 0));
if (wanted > 0) {
  const { pairs, impossible, seed } = await pairsOf(faults, wanted, Number(values.seed));
  for (const pair of pairs.filter((one) => !isTold(one) || one.strangers.length > 0)) {
    const [one, other] = pair.faults;
    console.log(`\n${one.mode} ${one.id} (${pair.told[0]}) + ${other.mode} ${other.id} (${pair.told[1]}) in ${pair.mesh}`);
    for (const line of pair.strangers) console.log(`        beside them: ${line}`);
  }
  const told = pairs.filter(isTold).length;
  const causes = pairs.filter((pair) => pair.told.every((one) => one === 'found')).length;
  console.log(`\npairs of seed ${seed}, ${impossible} of those drawn could not be done one after the other:`);
  console.log(`both told: ${percent(told, pairs.length)}, both as causes: ${percent(causes, pairs.length)}`);
  isMet &&= shareOf(told, pairs.length) >= targets.pairsFound;
}
if (!isMet) process.exitCode = 1;

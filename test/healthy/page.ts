import { access } from './odd/access.ts';
import { doors } from './odd/doors.ts';
import { gateways } from './odd/gateways.ts';
import { known } from './odd/known.ts';
import { setups } from './odd/setups.ts';
import { sources } from './odd/sources.ts';
import { tenants } from './odd/tenants.ts';
import { topologies as places } from './odd/topologies.ts';
import { topologies } from './releases.ts';
import { verified } from './verified.ts';

/** Entries of the list of what looks wrong and is not for which a mesh cannot be made, and what stands for it. */
export const elsewhere: Readonly<Record<number, string>> = {
  15: 'metrics of 1.29 that say timeout of every cluster: the meshes of 1.29 with what their istiods say (`odd.test.ts`)',
  17: 'noise in logs of istiod and gateways: logs are not read',
  20: 'debug endpoints that let nobody in (`odd.test.ts`)',
};

/** How many entries that list has. */
export const entries = 24;

const number = (name: string): number => Number(/^FP-(\d+): /.exec(name)?.[1]);

/** docs/healthy.md: every mesh that is healthy and has to be passed over in silence. */
export function healthyPage(): string {
  const odd = { ...known, ...places, ...gateways, ...access, ...sources, ...doors, ...setups, ...tenants };
  const more = Object.keys(odd).filter((name) => Number.isNaN(number(name)));
  const named = (entry: number): string => {
    const meshes = Object.keys(odd).flatMap((name) => (number(name) === entry ? name.replace(/^FP-\d+: /, '') : []));
    return meshes.length > 0 ? meshes.join('; ') : (elsewhere[entry] ?? 'none');
  };
  return [
    '<!-- Written by `npm run gen -- healthy`. Do not edit. -->',
    '',
    '# Healthy meshes',
    '',
    'Every mesh here is healthy, and nothing may be said about any of them at warning or above. They are made anew by `src/builder` for each test',
    '(`test/healthy`); recordings are of real Kubernetes, istiod and Envoy ([real.md](real.md)).',
    '',
    '## Topologies',
    '',
    '| topology | releases | recording of real components |',
    '|---|---|---|',
    ...Object.entries(topologies).map(([name, { releases, recording }]) => `| ${name} | ${releases.join(', ')} | ${recording ?? '—'} |`),
    '',
    '## What looks wrong and is not',
    '',
    'Judged as a whole and in part, with and without a time.',
    '',
    '| entry | meshes |',
    '|---|---|',
    ...Array.from({ length: entries }, (_, index) => `| FP-${index + 1} | ${named(index + 1)} |`),
    '',
    '## What was seen in real healthy meshes',
    '',
    'Each mesh is held to have it, and is judged with what probes see.',
    '',
    ...Object.keys(verified).map((name) => `- ${name}`),
    '',
    '## More of the kind',
    '',
    ...more.map((name) => `- ${name}`),
    '',
  ].join('\n');
}

import { builtin } from '../../checks/index.ts';
import { modes } from '../../checks/modes.ts';
import type { SingleResults } from './results.ts';
import { servedFaults, unserved } from './served-faults.ts';
import { undecided } from './undecided.ts';

/** Failure modes for which a fault was found by a check that claims them. */
export function detectedModes({ singles, recorded }: Pick<SingleResults, 'singles' | 'recorded'>): ReadonlySet<string> {
  return new Set([...singles, ...recorded.singles].filter(({ told }) => told === 'found').map(({ fault }) => fault.mode));
}

/** Where each check fired: ids of scripted faults. */
export function firedInFaults({ singles, recorded }: Pick<SingleResults, 'singles' | 'recorded'>): ReadonlyMap<string, readonly string[]> {
  const fired = new Map<string, Set<string>>();
  for (const { fault, fired: checks } of [...singles, ...recorded.singles]) {
    for (const check of checks) {
      const known = fired.get(check);
      if (known === undefined) fired.set(check, new Set([fault.id]));
      else known.add(fault.id);
    }
  }
  return new Map([...fired].map(([check, ids]) => [check, [...ids]]));
}

/** docs/coverage.md: every failure mode with its checks and their proof, every check with where it fired. */
export function coveragePage(results: SingleResults): string {
  const detected = detectedModes(results);
  const fired = firedInFaults(results);
  const { inRecordings, onRealComponents, singles } = results;
  const proofs = (mode: string): string => {
    const own = new Set(singles.filter(({ fault, told }) => fault.mode === mode && told === 'found').map(({ fault }) => fault.id));
    return `${own.size} faults: ${some([...own])}`;
  };
  const real = (checks: readonly string[]): string =>
    some([...new Set(checks.flatMap((check) => inRecordings.get(check) ?? []))].sort()) || '—';
  const gaps = Object.entries(unserved);
  const open = modes.filter(({ id }) => !detected.has(id));
  return [
    '<!-- Written by `npm run gen -- coverage`. Do not edit. -->',
    '',
    '# Coverage of known failure modes',
    '',
    `${detected.size} of ${modes.length} known failure modes are detected: a scripted fault of the mode is found by a check that claims it.`,
    'What each fault is, and in which meshes it was put: [breakage.md](breakage.md). What was seen on real components: [real.md](real.md).',
    '',
    '## Detected',
    '',
    '| mode | what breaks | checks | proof | recordings of real meshes in which they fired |',
    '|---|---|---|---|---|',
    ...modes
      .filter(({ id }) => detected.has(id))
      .map(({ id, title }) => {
        const claiming = claimantsOf(id);
        return `| ${id} | ${title} | ${claiming.map((check) => `\`${check}\``).join(', ')} | ${proofs(id)} | ${real(claiming)} |`;
      }),
    '',
    ...(open.length === 0
      ? []
      : [
          '## Not detected, and why',
          '',
          '| mode | what breaks | why not |',
          '|---|---|---|',
          ...open.map(({ id, title }) => `| ${id} | ${title} | ${undecided[id] ?? 'not proven by any scripted fault'} |`),
          '',
        ]),
    '## Where each check fired',
    '',
    'No check is silent because what it reads is never collected. What each column proves:',
    '',
    '- *Recordings* are of real Kubernetes, istiod and Envoy, *real faults* those of the last run on real components of which the check named the',
    '  first cause. There real API servers were asked, and real proxies.',
    '- *Read over the API* is a scripted fault in a mesh of doubles: API servers of the sandbox serve it, and the istiods, proxies and gateways',
    '  behind them behave as it makes them. It is asked over HTTP as `meshdoctor check` asks, with the lists, selectors and probes of a run, its',
    '  recording is written and read again, and the check finds the fault both times (`test/roads/collected.test.ts`). So what it reads is asked',
    '  for and kept. That real servers answer as the doubles do is what the first two columns prove, and not this one.',
    '- *Scripted faults* are handed to the judge as objects, and as what probes would see: they prove judging, and nothing of reading.',
    '',
    'Only of *real faults* it is said that the check named the cause; elsewhere it may also have spoken of what another finding explains.',
    '',
    '| check | recordings | real faults | read over the API | scripted faults |',
    '|---|---|---|---|---|',
    ...builtin.map(({ check: { id }, area }) => {
      const cells = [inRecordings.get(id), onRealComponents.get(id), servedFaults[id]?.slice(0, 1), fired.get(id)];
      return `| [${id}](../checks/${area}/${id}/README.md) | ${cells.map((names = []) => some(names) || '—').join(' | ')} |`;
    }),
    '',
    ...(gaps.length === 0
      ? []
      : [
          '## Not read over the API, and why',
          '',
          '| check | why not |',
          '|---|---|',
          ...gaps.map(([id, why]) => `| ${id} | ${why} |`),
          '',
        ]),
  ].join('\n');
}

export function claimantsOf(mode: string): string[] {
  return builtin.filter(({ check }) => check.catalogue?.includes(mode) === true).map(({ check }) => check.id);
}

/** The first few, and how many more. */
function some(items: readonly string[], most = 3): string {
  const more = items.length - most;
  return `${items.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

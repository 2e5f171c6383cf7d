import type { Guidance } from '../../../src/guide/types.ts';
import type { Lab } from '../lab/lab.ts';
import { pause } from '../lab/processes.ts';
import { versions } from '../versions.ts';
import type { Topology } from './topology.ts';

/*
 * Meshes that nobody built: from empty clusters, by executing what `meshdoctor guide` prints and nothing else.
 */

const clusters = [
  { name: 'cluster1', region: 'north' },
  { name: 'cluster2', region: 'south' },
];

export const guidedPrimaryRemote: Topology = {
  name: 'guided-primary-remote',
  about: 'a primary and a remote on two networks, set up from empty clusters by what guide prints and nothing else',
  clusters,
  build: async (lab) => await followGuide(lab, ['primary-remote', '--primary', 'cluster1', '--remote', 'cluster2', '--revision', '1-31-0']),
};

export const guidedMultiPrimary: Topology = {
  name: 'guided-multi-primary',
  about: 'two primaries on two networks, set up from empty clusters by what guide prints and nothing else',
  clusters,
  build: async (lab) => await followGuide(lab, ['multi-primary', '--primary', 'cluster1', '--primary', 'cluster2']),
};

/** More than a guide has steps: whoever needs as many goes round in a ring. */
const mostSteps = 60;

/** What is wrong rights itself as a rule: pods start, names spread. Only what stays is done something about. */
const patience = 60_000;

async function followGuide(lab: Lab, args: readonly string[]): Promise<void> {
  const ran: string[] = [];
  for (let taken = 0; taken < mostSteps; taken++) {
    const guidance = await settledGuide(lab, args);
    if (guidance.exit === 0) return;
    const next = guidance.next === undefined ? undefined : guidance.steps[guidance.next];
    if (next === undefined || next.commands.length === 0)
      throw new Error(`guide has nothing to do:\n${spoken(guidance)}\nafter:\n${ran.join('\n')}`);
    for (const command of next.commands) {
      const done = await lab.shell(command, { cwd: lab.folder, limit: 360_000 });
      if (done.code !== 0) throw new Error(`what guide printed failed:\n${command}\n${done.stderr}${done.stdout}`);
      ran.push(command);
    }
  }
  throw new Error(`guide never ends:\n${ran.join('\n')}`);
}

/** The guide once it has something to do that is not merely on its way. */
async function settledGuide(lab: Lab, args: readonly string[]): Promise<Guidance> {
  const end = Date.now() + patience;
  for (;;) {
    const ran = await lab.meshdoctor(['guide', ...args, '--istio-version', versions.istio, '-o', 'json']);
    if (ran.code !== 0 && ran.code !== 1 && ran.code !== 3) throw new Error(`guide ended with ${ran.code}: ${ran.stderr}`);
    // Its own document; the program under test wrote it.
    const guidance = JSON.parse(ran.stdout) as Guidance;
    const next = guidance.next === undefined ? undefined : guidance.steps[guidance.next];
    if (guidance.exit === 0 || (next?.state === 'undone' && next.commands.length > 0) || Date.now() > end) return guidance;
    await pause(1000);
  }
}

function spoken({ steps, others }: Guidance): string {
  return [
    ...steps.filter(({ state }) => state !== 'done').map(({ cluster, title, state, says }) => `  ${cluster}  ${title}: ${state}: ${says}`),
    ...others.map(({ code, message }) => `  ${code}: ${message}`),
  ].join('\n');
}

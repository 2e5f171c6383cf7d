import { UsageError } from '../../base/errors.ts';
import { type Footprint, readingFootprints } from '../../base/footprint.ts';
import { nearest } from '../../base/text.ts';
import { runOptions } from '../../config/options.ts';
import { parseDuration } from '../../config/values.ts';
import { guidanceOf } from '../../guide/follow.ts';
import { planOf, type Wishes } from '../../guide/plan.ts';
import { type Guidance, guided, type GuidedTopology } from '../../guide/types.ts';
import { names } from '../../istio/labels.ts';
import { parseVersion } from '../../istio/versions.ts';
import { clusterName } from '../../model/ids.ts';
import { factsOf, inKubeconfig, judgeSnapshot, prepare, readClusters } from '../../run/check.ts';
import { asking } from '../asking.ts';
import { flag } from '../flags.ts';
import { guidanceText, headline, transitions } from '../guidance.ts';
import type { Host } from '../host.ts';
import type { Given } from '../parser.ts';
import { statsText } from '../stats.ts';
import { styleOf } from '../style.ts';
import { configOf, runFlags, runIo, styleFlags } from './common.ts';

/** Walks through a set-up: what is done, what is next. It reads only; what is to be done it prints. */
export async function guideCommand(given: Given, host: Host): Promise<number> {
  const wishes = wishesOf(given);
  const format = formatOf(given);
  const interval = intervalOf(given, format);
  const style = styleOf(styleFlags(given), host);
  const look = await looker(given, wishes, host);
  if (interval === undefined) {
    const guidance = await look();
    host.stdout.write(format === 'json' ? `${JSON.stringify(guidance, null, 2)}\n` : guidanceText(guidance, style));
    return guidance.exit;
  }
  let last: Guidance | undefined;
  for (;;) {
    const guidance = await look();
    const changed = transitions(last, guidance);
    if (changed.length > 0) {
      if (host.stdout.isTTY) host.stdout.write(`\u001B[H\u001B[2J${guidanceText(guidance, style)}`);
      else host.stdout.write([...changed.map((line) => `${host.now()}  ${line}`), `${host.now()}  ${headline(guidance)}`, ''].join('\n'));
    }
    last = guidance;
    if (guidance.exit === 0) return 0;
    await host.sleep(interval);
    const interrupted = host.interrupted();
    if (interrupted !== undefined) return interrupted === 'SIGINT' ? 130 : 143;
  }
}

/** Looks at the clusters once; what the user wrote is understood before the first of them is asked. */
async function looker(given: Given, wishes: Wishes, host: Host): Promise<() => Promise<Guidance>> {
  const config = await configOf(given, host);
  const flags = { ...runFlags(given), context: [...wishes.primaries, ...wishes.remotes], istioNamespace: wishes.namespace };
  const io = runIo(host);
  const optionsNow = (): ReturnType<typeof runOptions> => {
    const options = runOptions(flags, config, { cwd: host.cwd, now: host.now() });
    refuseToCreate(options.live?.probe);
    return options;
  };
  const prepared = await prepare(optionsNow(), io);
  return async () => {
    const options = optionsNow();
    const { result, requests } = await asking(host, { isLive: true, verbosity: flag.count(given, 'verbose') }, async (live) => {
      const { snapshot, ...known } = await readClusters(options, prepared.checks, { ...io, live });
      const report = await judgeSnapshot(snapshot, options, prepared, io, known);
      return { report, facts: known.facts ?? factsOf(snapshot, options.now) };
    });
    if (flag.on(given, 'stats') === true) host.stderr.write(statsText(requests, flag.count(given, 'verbose') > 0));
    const guidance = guidanceOf(planOf(wishes, result), result);
    return options.live?.kubeconfig === undefined ? guidance : located(guidance, options.live.kubeconfig);
  };
}

/** Probes that create something have no place in what only reads, whether a flag or the configuration file asks for them. */
function refuseToCreate(probe: Footprint | undefined): void {
  if (probe === undefined || readingFootprints.includes(probe)) return;
  throw new UsageError('ERR_BAD_VALUE', `guide only reads, and --probe=${probe} asks API servers to create pods.`, {
    hint: 'Use --probe=query, which is the default, or off; meshdoctor check takes the others.',
  });
}

function located(guidance: Guidance, file: string): Guidance {
  return { ...guidance, steps: guidance.steps.map((step) => ({ ...step, commands: inKubeconfig(step.commands, file) })) };
}

const example = 'For example: meshdoctor guide primary-remote --primary east --remote west';

function wishesOf(given: Given): Wishes {
  const primaries = flag.list(given, 'primary') ?? [];
  const remotes = flag.list(given, 'remote') ?? [];
  const topology = topologyOf(given.words[0]);
  if (primaries.length === 0) throw new UsageError('ERR_BAD_VALUE', 'guide needs --primary CONTEXT.', { hint: example });
  if (primaries.length + remotes.length < 2)
    throw new UsageError('ERR_BAD_VALUE', 'guide needs a second cluster: --remote CONTEXT, or --primary once more.', { hint: example });
  const all = [...primaries, ...remotes];
  const twice = all.find((name, index) => all.indexOf(name) !== index);
  if (twice !== undefined)
    throw new UsageError('ERR_BAD_VALUE', `Context ${twice} is given more than once; the clusters of a mesh differ.`);
  const pattern = all.find((name) => name.includes('*'));
  if (pattern !== undefined) throw new UsageError('ERR_BAD_VALUE', `guide takes whole names of contexts, not ${JSON.stringify(pattern)}.`);
  if (topology === 'primary-remote' && primaries.length > 1)
    throw new UsageError('ERR_BAD_VALUE', 'primary-remote has one primary; several are multi-primary.', { hint: example });
  const release = flag.text(given, 'istio-version');
  if (release !== undefined && parseVersion(release) === undefined)
    throw new UsageError('ERR_BAD_VALUE', `--istio-version needs a release such as 1.31.0, not ${JSON.stringify(release)}.`);
  return {
    topology,
    primaries: primaries.map(clusterName),
    remotes: remotes.map(clusterName),
    namespace: flag.text(given, 'istio-namespace') ?? names.defaultSystemNamespace,
    meshId: nameOf(given, 'mesh-id'),
    revision: nameOf(given, 'revision'),
    release: release?.replace(/^v/, ''),
    networks: byCluster(given, 'network', all),
    clusterIds: byCluster(given, 'cluster-id', all),
    services: flag.list(given, 'service') ?? [],
  };
}

function topologyOf(word: string | undefined): GuidedTopology | undefined {
  if (word === undefined) return undefined;
  const found = guided.find((topology) => topology === word);
  if (found !== undefined) return found;
  const meant = nearest(word, guided);
  throw new UsageError('ERR_BAD_VALUE', `There is no guide for ${JSON.stringify(word)}; there is for ${guided.join(' and ')}.`, {
    hint: meant === undefined ? undefined : `Did you mean ${meant}?`,
  });
}

/** A value that goes into names of objects. */
const nameLike = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/i;

function nameOf(given: Given, name: string): string | undefined {
  const value = flag.text(given, name);
  if (value !== undefined && !nameLike.test(value))
    throw new UsageError('ERR_BAD_VALUE', `--${name} needs letters, digits and dashes, not ${JSON.stringify(value)}.`);
  return value;
}

/** `CONTEXT=NAME`, repeatable. */
function byCluster(given: Given, name: string, clusters: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    (flag.list(given, name) ?? []).map((text): [string, string] => {
      const at = text.lastIndexOf('=');
      const [cluster, value] = [text.slice(0, at), text.slice(at + 1)];
      if (at <= 0 || !nameLike.test(value))
        throw new UsageError('ERR_BAD_VALUE', `--${name} needs CONTEXT=NAME, not ${JSON.stringify(text)}.`);
      if (!clusters.includes(cluster)) {
        const meant = nearest(cluster, clusters);
        throw new UsageError('ERR_BAD_VALUE', `--${name} is about ${JSON.stringify(cluster)}, which is none of the contexts given.`, {
          hint: meant === undefined ? undefined : `Did you mean ${meant}?`,
        });
      }
      return [cluster, value];
    }),
  );
}

function formatOf(given: Given): 'text' | 'json' {
  const format = flag.text(given, 'output') ?? 'text';
  if (format === 'text' || format === 'json') return format;
  throw new UsageError('ERR_UNKNOWN_FORMAT', `guide prints text or json, not ${JSON.stringify(format)}.`);
}

/** Milliseconds between two looks; nothing for a single one. */
function intervalOf(given: Given, format: 'text' | 'json'): number | undefined {
  const watch = flag.text(given, 'watch');
  if (watch === undefined) return undefined;
  if (format === 'json') throw new UsageError('ERR_BAD_VALUE', '--watch goes on, and -o json is one document; give one of them.');
  return watch === '' ? 5000 : parseDuration('--watch', watch);
}

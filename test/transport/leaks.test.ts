import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { mesh } from '../../src/builder/mesh.ts';
import type { Flags } from '../../src/config/options.ts';
import type { Mishap } from '../../src/sandbox/mishaps.ts';
import type { Fault, OwnAnswer, Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { checkLive } from '../support/live-check.ts';

/* After a run, however it ended, nothing of it is open: no connection, no port-forward, no call of a gateway, no timer, no pod. */

const shop = mesh()
  .primaryRemote('east', 'west', { networks: 2 })
  .namespace('shop', { injected: true })
  .service('only.shop', { in: ['east'] })
  .workload('caller.shop', { in: ['west'] });

let sandbox: Sandbox;
/** What this process has open when no run is under way. */
let before: Readonly<Record<string, number>>;
beforeAll(async () => {
  sandbox = await startSandbox(shop.objects(), { takenAt: shop.takenAt });
  await checkLive(sandbox, { probe: 'off' });
  await untilQuiet();
  before = resources();
}, 60_000);
afterAll(async () => await sandbox.close());
afterEach(async () => {
  await sandbox.stage([]);
  for (const cluster of sandbox.clusters.values()) {
    cluster.setFault(null);
    cluster.setAnswer(null);
  }
});

/** Sockets, streams and timers that keep this process running, by kind. */
function resources(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo())
    if (/Socket|TCP|TLS|Timeout|Pipe|Process/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

const open = (): number =>
  sandbox.openCalls() + [...sandbox.clusters.values()].reduce((sum, { open: of }) => sum + of().connections + of().forwards, 0);

/** The double hears of an end in a later turn than who ended it. What is never let go ends this by the time of the test. */
async function untilQuiet(): Promise<void> {
  while (open() > 0) await nextTurns();
}

/** Lets others have their turns, without keeping a busy machine busy. */
const nextTurns = async (): Promise<void> => await new Promise((next) => setTimeout(next, 5));

const isMore = (): boolean => Object.entries(resources()).some(([kind, count]) => count > (before[kind] ?? 0));

const pods = (): string[] =>
  [...sandbox.objects().values()]
    .flat()
    .flatMap(({ kind, metadata }) => (kind === 'Pod' && metadata.name.startsWith('meshdoctor') ? [metadata.name] : []));

const asking: Flags = { service: ['only.shop'], requestTimeout: '2s', timeout: '40s' };
const everything: Flags = { ...asking, probe: 'pod', probeNamespace: 'shop' };

/** A run that leaves nothing behind. */
async function clean(flags: Flags, more: Parameters<typeof checkLive>[2] = {}): Promise<Awaited<ReturnType<typeof checkLive>>> {
  const run = await checkLive(sandbox, flags, more);
  await untilQuiet();
  // Whoever closes a socket is told so by the next turns.
  while (isMore()) await nextTurns();
  expect(pods()).toEqual([]);
  return run;
}

describe('nothing is left open', { timeout: 60_000 }, () => {
  test('after a run in which everything is asked', async () => {
    const { requests } = await clean(everything);
    expect(requests.filter(({ path, status }) => /portforward/.test(path) && status === 101).length).toBeGreaterThan(4);
  });

  const east = { cluster: 'east', port: 15443 } as const;
  const mute: OwnAnswer = () => new Promise(() => undefined);
  const refusal = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Forbidden', code: 403, message: 'pods is forbidden' };
  const denied = { kind: 'status', status: 403, body: JSON.stringify(refusal), contentType: 'application/json' } as const;
  const refused: Fault = { ...denied, match: /portforward/ };
  const failures: Readonly<
    Record<string, { readonly mishaps?: readonly Mishap[]; readonly istiod?: OwnAnswer; readonly fault?: Fault; readonly asksPods?: true }>
  > = {
    'an address that says nothing': { mishaps: [{ on: 'address', ...east, does: 'hold' }] },
    'a gateway that ends calls': { mishaps: [{ on: 'gateway', ...east, does: 'end' }] },
    'what breaks off TLS': { mishaps: [{ on: 'address', ...east, does: 'other-protocol' }] },
    'a DNS that fails': { mishaps: [{ on: 'sidecar-dns', cluster: 'west', does: 'no-table' }] },
    'an istiod that does not answer': { istiod: mute },
    'port-forwards that are refused': { fault: refused },
    'port-forwards that are reset': { fault: { kind: 'reset', match: /portforward/ } },
    'port-forwards that hang': { fault: { kind: 'stall', milliseconds: 60_000, phase: 'headers', match: /portforward/ } },
    'logs of pods that cannot be read': { fault: { ...denied, match: /\/log\?/ }, asksPods: true },
  };
  test.each(Object.entries(failures))('after %s', async (_, { mishaps = [], istiod = null, fault = null, asksPods = false }) => {
    await sandbox.stage(mishaps);
    sandbox.clusters.get('east')?.setAnswer(istiod);
    for (const cluster of sandbox.clusters.values()) cluster.setFault(fault);
    await clean(asksPods ? everything : asking);
  });

  test.each([
    ['while an istiod is asked', /^\/debug\/clusterz$/],
    ['in the middle of its answers', /^\/debug\/mesh$/],
  ])('after an interruption %s', async (_, path) => {
    const end = new AbortController();
    sandbox.clusters.get('east')?.setAnswer((asked) => {
      if (!path.test(asked.path)) return undefined;
      end.abort();
      return new Promise(() => undefined);
    });
    const { report } = await clean(everything, { signal: end.signal, interrupted: () => (end.signal.aborted ? 'SIGINT' : undefined) });
    expect(report.exit.code).toBe(130);
  });

  test('after an interruption while lists are read', async () => {
    const end = new AbortController();
    const run = clean(everything, {
      signal: end.signal,
      interrupted: () => (end.signal.aborted ? 'SIGINT' : undefined),
    });
    end.abort();
    expect((await run).report.exit.code).toBe(130);
  });
});

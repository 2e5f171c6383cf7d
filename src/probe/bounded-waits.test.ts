import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { planInput } from '../../test/support/probe-mesh.ts';
import { virtualClock } from '../../test/support/virtual-clock.ts';
import { dnsPod } from '../../test/support/probe-mesh.ts';
import { mesh } from '../builder/mesh.ts';
import type { ProbeIo } from './probe.ts';
import { observe } from './run.ts';

/*
 * What is dead costs one bounded wait, however many names are asked of it: proven by the attempts that are made, and by a clock that
 * counts what is waited and takes no time.
 */

const timeout = 5000;
/** At most so many streams wait beside each other, each begun a quarter of a second after the one before. */
const [atATime, patience] = [8, 250];

const few = 2;
const many = 60;

/** One service for each name, behind the gateway of east. */
function shopOf(services: number) {
  let built = mesh()
    .primaryRemote('east', 'west', { networks: 2 })
    .namespace('shop', { injected: true })
    .workload('caller.shop', { in: ['west'] })
    .break((m) => m.cluster('west').add(dnsPod('coredns-a')));
  for (let at = 0; at < services; at++) built = built.service(`s${at}.shop`, { in: ['east'] });
  return built;
}

const named = (services: number) => Array.from({ length: services }, (_, at) => ({ namespace: 'shop', name: `s${at}` }));

interface Dead {
  /** Ports of pods, as `west 15053`, whose streams open and never say anything; all others are refused. */
  readonly mute?: RegExp;
  /** Addresses that take no packet; all others refuse. */
  readonly dropped?: RegExp;
}

/** What was tried, and how long it took, when this is dead. */
async function tried(services: number, { mute = /never/, dropped = /never/ }: Dead, maxTargets = services) {
  const { facts, topology } = planInput(shopOf(services), named(services));
  const clock = virtualClock();
  const attempts: string[] = [];
  const io: ProbeIo = {
    forward: async (cluster, _pod, port) => {
      const at = `${cluster} ${port}`;
      if (!mute.test(at)) return { status: 'failed', code: 'refused', reason: 'connection refused' };
      attempts.push(at);
      // It takes what is written and gives nothing back.
      const stream = new PassThrough({ readableHighWaterMark: 0 });
      stream.write = () => true;
      return await Promise.resolve({ status: 'read', value: stream });
    },
    connect: async ({ host, port }) => {
      const at = `${host}:${port}`;
      if (!dropped.test(at)) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
      attempts.push(at);
      return await new Promise(() => undefined);
    },
    get: async () => await Promise.resolve({ status: 'absent' }),
    now: clock.now,
    after: clock.after,
  };
  const options = { footprint: 'query', services: named(services), maxTargets, timeout, signal: new AbortController().signal } as const;
  const observations = await clock.until(observe(facts, topology, io, options));
  return { attempts, waited: clock.now(), observations };
}

describe('what is dead costs one bounded wait', () => {
  test.each([
    ['the DNS of sidecars, or what they ask upstream', /^west 15053$/],
    ['the DNS of a cluster', /^west 53$/],
  ])('%s', async (_, mute) => {
    const [one, other] = [await tried(few, { mute }), await tried(many, { mute })];
    expect(one.attempts.length).toBeGreaterThan(0);
    expect(other.attempts.length).toBeLessThanOrEqual(atATime);
    expect(other.waited).toBeLessThanOrEqual(timeout + atATime * patience);
    const names = other.observations.flatMap(({ nameAnswers }) => (nameAnswers?.status === 'observed' ? nameAnswers.value : []));
    // Every name has its answer all the same: that nobody answered.
    expect(names.filter(({ outcome }) => 'failed' in outcome && outcome.failed === 'timeout').length).toBeGreaterThan(many);
  });

  test('an address of a gateway, for however many services it is called', async () => {
    const { attempts, waited, observations } = await tried(many, { dropped: /:15443$/ });
    expect(attempts.filter((at) => at === '10.200.1.1:15443')).toHaveLength(1);
    expect(waited).toBe(timeout);
    const calls = observations[0]?.gatewayHandshakes;
    expect(calls?.status === 'observed' && calls.value.length).toBeGreaterThan(many);
  });

  test('its pod, after an address that is dead as well', async () => {
    const { attempts, waited } = await tried(many, { dropped: /:15443$/, mute: /^east 15443$/ });
    expect(attempts.filter((at) => at === 'east 15443')).toHaveLength(1);
    expect(waited).toBe(2 * timeout);
  });

  test('istiod at its gateway, called for discovery and for injection', async () => {
    const { attempts, waited } = await tried(few, { dropped: /:1501[27]$/ });
    expect(attempts.sort()).toEqual(['10.200.1.1:15012', '10.200.1.1:15017']);
    expect(waited).toBe(timeout);
  });

  test('an istiod pod', async () => {
    const { attempts, waited } = await tried(many, { mute: /^east (?:15014|8080)$/ });
    expect(attempts).toEqual(['east 15014']);
    expect(waited).toBe(timeout);
  });

  test('a sidecar pod', async () => {
    const { attempts, waited } = await tried(many, { mute: /^west 15000$/ });
    expect(attempts).toEqual(['west 15000']);
    expect(waited).toBe(timeout);
  });

  test('everything at once: addresses, and then their pods', async () => {
    const { waited } = await tried(many, { mute: /./, dropped: /./ });
    // An address, its pod, and whether that is ready.
    expect(waited).toBeLessThanOrEqual(3 * timeout + atATime * patience);
  });
});

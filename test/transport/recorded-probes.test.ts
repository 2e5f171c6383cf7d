import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtin } from '../../checks/index.ts';
import { mesh } from '../../src/builder/mesh.ts';
import { type Flags, runOptions } from '../../src/config/options.ts';
import { observedFacts } from '../../src/model/observations.ts';
import { reporters } from '../../src/report/formats.ts';
import type { Report } from '../../src/report/schema.ts';
import { judgeSnapshot } from '../../src/run/check.ts';
import { recordingOf, replayed } from '../../src/run/replay.ts';
import type { Mishap } from '../../src/sandbox/mishaps.ts';
import type { OwnAnswer, Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { prepared, readLive } from '../support/live-check.ts';

/*
 * What every kind of probe saw, recorded and judged on another day: the report is the same to the byte, but for what says where it was
 * read. Everything is asked that can be: istiods twice, sidecars, DNS, gateways, dry runs and pods.
 */

const everything: Flags = { service: ['only.shop'], probe: 'pod', probeNamespace: 'shop', sample: '10ms' };
const shop = mesh()
  .primaryRemote('east', 'west', { networks: 2 })
  .namespace('shop', { injected: true })
  .service('only.shop', { in: ['east'] })
  .workload('caller.shop', { in: ['west'] });

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox(shop.objects(), { takenAt: shop.takenAt });
}, 60_000);
afterAll(async () => await sandbox.close());

interface Row {
  readonly mishaps?: readonly Mishap[];
  readonly istiod?: OwnAnswer;
  /** One of the codes that are found. */
  readonly found: string;
}

let errors = 0;
const east = { cluster: 'east', port: 15443 } as const;
const rows: Readonly<Record<string, Row>> = {
  'names: no table yet': { mishaps: [{ on: 'sidecar-dns', cluster: 'west', does: 'no-table' }], found: 'unanswered-name/untabled' },
  'name tables of istiod': { mishaps: [{ on: 'name-table', cluster: 'west' }], found: 'unanswered-name/unwatched' },
  'handshakes with gateways, and with their pods': {
    mishaps: [{ on: 'address', ...east, does: 'terminate' }],
    found: 'terminated-cross-network-tls/inFront',
  },
  'whether gateways are ready': { mishaps: [{ on: 'gateway', cluster: 'east', does: 'wait' }], found: 'unconfigured-gateway' },
  'handshakes with istiods': {
    mishaps: [{ on: 'gateway', cluster: 'east', port: 15017, does: 'end' }],
    found: 'rejected-istiod-call/halfOpen',
  },
  'what agrees on no protocol': {
    mishaps: [{ on: 'istiod', cluster: 'east', does: 'no-protocol' }],
    found: 'rejected-istiod-call/noHttp2',
  },
  'certificates of sidecars': {
    mishaps: [{ on: 'workload', cluster: 'east', trustDomain: 'elsewhere.example' }],
    found: 'unrenewed-sidecar-certificate/otherTrustDomain',
  },
  'states of istiods': {
    istiod: ({ path }) => (path === '/debug/mesh' ? { status: 200, json: { trustDomain: 'old.example' } } : undefined),
    found: 'stale-mesh-config',
  },
  'counters that were read twice': {
    istiod: ({ path }) =>
      path === '/metrics' ? { status: 200, text: `controller_sync_errors_total{cluster="west"} ${(errors += 40)}\n` } : undefined,
    found: 'severed-cluster/severed',
  },
};

/** The same run judged as it was read, and from its recording on a later day. */
async function judgedTwice(): Promise<{ readonly live: Report; readonly later: Report; readonly recorded: string }> {
  const { options, read } = await readLive(sandbox, everything);
  const io = { version: '0.0.0', nodeVersion: process.versions.node, builtIn: builtin };
  const live = await judgeSnapshot(read.snapshot, options, prepared, io, read);
  const recorded = JSON.stringify(recordingOf(read.snapshot, options, '0.0.0'));
  const given = runOptions({ from: ['x.json'] }, undefined, { cwd: '/', now: '2030-01-01T00:00:00Z' });
  const again = replayed(JSON.parse(recorded) as Parameters<typeof replayed>[0], given, builtin);
  return { live, later: await judgeSnapshot(again.snapshot, again.options, prepared, io), recorded };
}

/** What says where a report was read, and when that was recorded. */
function placeless({ source: _source, recorded: _recorded, ...report }: Report): Omit<Report, 'source' | 'recorded'> {
  return report;
}

const style = { width: 100, colour: false, unicode: true, verbosity: 2 };
/** A format without its lines about where it was read. */
const rendered = (report: Report, like: Report): string[] =>
  reporters.map(({ format, render }) => `${format}\n${render({ ...placeless(report), source: like.source }, style)}`);

describe('recorded and judged later', { timeout: 120_000 }, () => {
  test('a healthy mesh, of which everything was asked', async () => {
    const { live, later, recorded } = await judgedTwice();
    const { snapshot } = JSON.parse(recorded) as {
      readonly snapshot: { readonly observations: readonly Record<string, { status?: string }>[] };
    };
    const { observations } = snapshot;
    const seen = new Set(observations.flatMap((own) => Object.keys(own).filter((name) => own[name]?.status === 'observed')));
    // A gateway that answers is not asked whether it is ready.
    expect([...seen].sort()).toEqual(observedFacts.filter((name) => name !== 'gatewayReadiness').sort());
    expect(live.findings.filter(({ severity }) => severity !== 'info').map(({ message }) => message)).toEqual([]);
    expect(JSON.stringify(placeless(later))).toBe(JSON.stringify(placeless(live)));
    expect(rendered(later, live)).toEqual(rendered(live, live));
  });

  test.each(Object.entries(rows))('%s', async (_, { mishaps = [], istiod = null, found }) => {
    await sandbox.stage(mishaps);
    sandbox.clusters.get('east')?.setAnswer(istiod);
    const { live, later } = await judgedTwice();
    expect(live.findings.map(({ code }) => code)).toContain(found);
    expect(JSON.stringify(placeless(later))).toBe(JSON.stringify(placeless(live)));
    expect(rendered(later, live)).toEqual(rendered(live, live));
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { builtin } from '../../checks/index.ts';
import { withIstiodEnv } from '../../src/builder/edits/control-plane.ts';
import { mesh } from '../../src/builder/mesh.ts';
import { runOptions } from '../../src/config/options.ts';
import type { KubeObject, MeshObjects } from '../../src/model/kube.ts';
import type { Report } from '../../src/report/schema.ts';
import { judgeSnapshot } from '../../src/run/check.ts';
import { recordingOf, replayed } from '../../src/run/replay.ts';
import type { HttpAnswer, OwnAnswer, Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { type Real, testsOnReal } from '../recorded/on-real.ts';
import { checkLive, loud, prepared, readLive } from '../support/live-check.ts';

/*
 * Whatever keeps an istiod from saying what it knows is told as that, of that replica, and accuses nobody. What it says of itself that is
 * known to mislead accuses nobody either.
 */

const built = mesh().multiPrimary('east', 'west', { networks: 2 }).namespace('shop', { injected: true }).service('abc.shop');
const second = 'istiod-second';
let sandbox: Sandbox;

/** A second replica of the istiod of east, which runs as long as the first. */
function withSecond(objects: MeshObjects): MeshObjects {
  return new Map(
    [...objects].map(([cluster, own]): [string, readonly KubeObject[]] => [
      cluster,
      own.flatMap((object) =>
        cluster === 'east' && object.kind === 'Pod' && object.metadata.labels?.['app'] === 'istiod'
          ? [object, { ...object, metadata: { ...object.metadata, name: second, uid: `${object.metadata.uid ?? ''}-2` } }]
          : [object],
      ),
    ]),
  );
}

beforeAll(async () => {
  sandbox = await startSandbox(withSecond(built.objects()), { takenAt: built.takenAt, reconcile: false });
  // Keys and certificates are made when somebody first asks for them, which takes a busy machine longer than a caller waits.
  await checkLive(sandbox, { timeout: '50s' });
}, 120_000);
afterAll(async () => await sandbox.close());
afterEach(() => sandbox.clusters.get('east')?.setAnswer(null));

const says = (status: number, text = ''): HttpAnswer => ({ status, text });
const notFound = says(404, '404 page not found\n');
const isDebug = (path: string): boolean => path.startsWith('/debug/');
const ofSecond =
  (answer: (path: string) => HttpAnswer | undefined): OwnAnswer =>
  ({ pod, path }) =>
    pod === second ? answer(path) : undefined;

interface Row {
  readonly answer: OwnAnswer;
  /** What is said of the second replica. */
  readonly rung: 'debug' | 'metrics' | 'none';
  readonly said: RegExp;
  /** Codes of what is found; nothing but this. */
  readonly found?: readonly string[];
  /** Whether a real istiod shows it. */
  readonly real: Real;
}

const rows: Readonly<Record<string, Row>> = {
  'debug 400: it was not told how to list clusters': {
    answer: ofSecond((path) => (path === '/debug/clusterz' ? says(400) : undefined)),
    rung: 'debug',
    said: /^\/debug\/clusterz: HTTP 400$/,
    real: { never: 'every istiod is told' },
  },
  'debug 401: what forwards does not come from loopback': {
    answer: ofSecond((path) => (isDebug(path) ? says(401) : undefined)),
    rung: 'metrics',
    said: /^port 15014: HTTP 401\nport 8080: HTTP 401$/,
    real: { case: 'istiod-that-asks-who-calls' },
  },
  'debug 403: the namespace of whoever asks is not let in': {
    answer: ofSecond((path) => (isDebug(path) ? says(403) : undefined)),
    rung: 'metrics',
    said: /^port 15014: HTTP 403\nport 8080: HTTP 403$/,
    real: { never: 'a port-forward carries no token that names a namespace' },
  },
  'debug 404 of one endpoint that its release does not have': {
    answer: ofSecond((path) => (path === '/debug/networkz' ? notFound : undefined)),
    rung: 'debug',
    said: /^\/debug\/networkz: HTTP 404: 404 page not found$/,
    real: { never: 'such a release is not served' },
  },
  'debug 404 of everything: the handlers are off': {
    answer: ofSecond((path) => (isDebug(path) ? notFound : undefined)),
    rung: 'metrics',
    said: /^port 15014: HTTP 404 for everything under \/debug, which ENABLE_DEBUG_ON_HTTP=false switches off\nport 8080: HTTP 404/,
    real: { case: 'istiod-without-debug-endpoints' },
  },
  'nothing of it is for whoever asks': {
    answer: ofSecond(() => says(403)),
    rung: 'none',
    said: /^port 15014: HTTP 403\nport 8080: HTTP 403$/,
    real: { case: 'istiod-that-asks-who-calls' },
  },
  'it does not answer in time': {
    answer: ({ pod }) => (pod === second ? new Promise(() => undefined) : undefined),
    rung: 'none',
    said: /^port 15014: no answer within 3s$/,
    real: { never: 'an istiod that hangs is restarted' },
  },
  'two replicas differ in the gateways that they know': {
    answer: ofSecond((path) => (path === '/debug/networkz' ? { status: 200, json: [] } : undefined)),
    rung: 'debug',
    said: /^$/,
    found: ['divergent-replicas/gateways', 'unlisted-gateway/unlisted'],
    real: { never: 'replicas of one release read the same objects' },
  },
  'two replicas differ in the clusters that they have read': {
    answer: ofSecond((path) =>
      path === '/debug/clusterz'
        ? {
            status: 200,
            json: [
              { id: 'east', secretName: '', syncStatus: 'synced' },
              { id: 'west', secretName: 'istio-system/istio-remote-secret-west', syncStatus: 'timeout' },
            ],
          }
        : undefined,
    ),
    rung: 'debug',
    said: /^$/,
    found: ['divergent-replicas/clusters', 'unsynced-cluster/partly'],
    real: { never: 'what keeps a replica from an API server there keeps meshdoctor from it, too' },
  },
  'two replicas differ in their mesh config': {
    answer: ofSecond((path) =>
      path === '/debug/mesh' ? { status: 200, json: { trustDomain: 'old.example', rootNamespace: 'istio-system' } } : undefined,
    ),
    rung: 'debug',
    said: /^$/,
    found: ['divergent-replicas/mesh', 'stale-mesh-config'],
    real: { never: 'replicas of one release read the same objects' },
  },
};

/** Long enough for a busy machine, short for the one that never answers. */
const quick = { requestTimeout: '3s', timeout: '50s' } as const;

function ofReplica({ istiods = [] }: Report, name: string) {
  const found = istiods.find(({ cluster, pod }) => cluster === 'east' && pod === `istio-system/${name}`);
  if (found === undefined) throw new Error(`nothing is said of ${name}`);
  return found;
}

const first = () =>
  sandbox
    .objects()
    .get('east')
    ?.find(({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith('istiod-') && metadata.name !== second)?.metadata.name ?? '';

describe('one replica of two: the other says all it knows, and so does every other istiod', () => {
  test.each(Object.entries(rows))('%s', { timeout: 60_000 }, async (_, { answer, rung, said, found = [] }) => {
    sandbox.clusters.get('east')?.setAnswer(answer);
    const { report } = await checkLive(sandbox, quick);
    expect(codes(report)).toEqual(found);
    const odd = ofReplica(report, second);
    expect(odd.rung).toBe(rung);
    expect([...odd.above, ...odd.gaps.map(({ question, reason }) => `${question}: ${reason}`)].join('\n')).toMatch(said);
    expect(ofReplica(report, first())).toMatchObject({ rung: 'debug', port: 15014, above: [], gaps: [] });
    // What clusterz does not say of clusters, metrics do.
    if (found.length === 0 && !said.source.includes('clusterz')) expect(report.verdict.text).not.toMatch(/^HEALTHY/);
  });

  test('the same, recorded and judged later', { timeout: 60_000 }, async () => {
    sandbox.clusters.get('east')?.setAnswer(rows['debug 401: what forwards does not come from loopback']?.answer ?? null);
    const { options, read } = await readLive(sandbox, quick);
    const io = { version: '0.0.0', nodeVersion: process.versions.node, builtIn: builtin };
    const live = await judgeSnapshot(read.snapshot, options, prepared, io, read);
    const text = JSON.stringify(recordingOf(read.snapshot, options, '0.0.0'));
    const given = runOptions({ from: ['x.json'] }, undefined, { cwd: '/', now: '2030-01-01T00:00:00Z' });
    const later = replayed(JSON.parse(text) as Parameters<typeof replayed>[0], given, builtin);
    const offline = await judgeSnapshot(later.snapshot, later.options, prepared, io);
    expect({ ...offline, source: live.source, recorded: undefined }).toEqual({ ...live, recorded: undefined });
    expect(ofReplica(offline, second).rung).toBe('metrics');
  });
});

describe('what a real istiod shows of it is staged with one', () => {
  testsOnReal(Object.entries(rows).map(([about, { found: codes = [], real }]) => ({ about, codes, real })));
});

/** All that was found at warning or above, whatever is folded under what. */
function codes({ findings }: Report): string[] {
  return [...new Set(findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code))].sort();
}

describe('handlers that are off by their own setting, in every replica', () => {
  const off = (release: string) =>
    mesh()
      .primaryRemote('east', 'west', { networks: 2, release })
      .namespace('shop', { injected: true })
      .service('abc.shop')
      .edit(withIstiodEnv('east', { ENABLE_DEBUG_ON_HTTP: 'false' }));

  test.each(['1.29.3', '1.31.0'])('%s: metrics are read, also those that are known to mislead', { timeout: 60_000 }, async (release) => {
    const built = off(release);
    const staged = await startSandbox(built.objects(), { takenAt: built.takenAt, reconcile: false });
    try {
      const { report } = await checkLive(staged, quick);
      expect(loud(report).filter((code) => !code.startsWith('known-bad-release') && !code.startsWith('unsupported'))).toEqual([]);
      expect(report.istiods?.map(({ rung, port }) => [rung, port])).toEqual([['metrics', 15014]]);
      const said = report.checks.find(({ id }) => id === 'unsynced-cluster')?.results.map(({ result }) => result);
      // What 1.29 says of clusters cannot be believed; what 1.31 says can.
      expect([...new Set(said)], JSON.stringify(report.notChecked)).toEqual([release === '1.29.3' ? 'unknown' : 'passed']);
    } finally {
      await staged.close();
    }
  });
});

test('the false timeout of 1.29 beside a clusterz that answers: nobody is accused', { timeout: 60_000 }, async () => {
  const of129 = mesh()
    .primaryRemote('east', 'west', { networks: 2, release: '1.29.3' })
    .namespace('shop', { injected: true })
    .service('abc.shop');
  const staged = await startSandbox(of129.objects(), { takenAt: of129.takenAt, reconcile: false });
  try {
    const { read } = await readLive(staged, quick);
    const states = read.snapshot.observations.flatMap(({ istiodStates }) =>
      istiodStates?.status === 'observed' ? istiodStates.value : [],
    );
    expect(JSON.stringify(states.map(({ metrics }) => metrics))).toContain('"status":"timeout"},"value":1');
    const { report } = await checkLive(staged, quick);
    expect(loud(report).filter((code) => !code.startsWith('known-bad-release') && !code.startsWith('unsupported'))).toEqual([]);
    expect(report.istiods?.map(({ rung, gaps }) => [rung, gaps])).toEqual([['debug', []]]);
  } finally {
    await staged.close();
  }
});

describe('counters that are read twice', () => {
  const lost: OwnAnswer = ({ path }) =>
    path === '/metrics' ? { status: 200, text: `controller_sync_errors_total{cluster="west"} ${(errors += 40)}\n` } : undefined;
  let errors = 0;

  test('an API server that was lost after it was read', { timeout: 60_000 }, async () => {
    sandbox.clusters.get('east')?.setAnswer(lost);
    const { report } = await checkLive(sandbox, { ...quick, sample: '50ms' });
    expect(codes(report)).toEqual(['severed-cluster/severed']);
    expect(ofReplica(report, second).rising).toEqual([
      { counter: 'controller_sync_errors_total{cluster="west"}', by: expect.any(Number) as number, seconds: 0.05 },
    ]);
  });

  test('once only, unless somebody asks', { timeout: 60_000 }, async () => {
    sandbox.clusters.get('east')?.setAnswer(lost);
    const { report } = await checkLive(sandbox, quick);
    expect(codes(report)).toEqual([]);
    const of = report.checks.find(({ id }) => id === 'severed-cluster');
    expect(of?.results.every(({ result }) => result === 'not-applicable')).toBe(true);
  });
});

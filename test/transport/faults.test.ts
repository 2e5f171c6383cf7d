import { createServer } from 'node:https';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { mesh } from '../../src/builder/mesh.ts';
import type { Flags } from '../../src/config/options.ts';
import type { Fault, Sandbox, SandboxCluster } from '../../src/sandbox/sandbox.ts';
import { mintCertificate } from '../../src/sandbox/certificates.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { checkLive, loud } from '../support/live-check.ts';

/*
 * Whatever goes wrong on the way to a healthy mesh, it must look neither broken nor sound: what passes is complete, what could not be
 * read is said to be missing.
 */

const built = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop');
const quick: Flags = { probe: 'off', requestTimeout: '500ms', timeout: '20s' };
let sandbox: Sandbox;
const west = (): SandboxCluster => sandbox.clusters.get('west')!;

beforeAll(async () => {
  sandbox = await startSandbox(built.objects(), { takenAt: built.takenAt, reconcile: false, mintCertificates: false });
});
afterAll(async () => await sandbox.close());
afterEach(() => west().setFault(null));

const html = { body: '<html><body>Sign in</body></html>', contentType: 'text/html' };
const lists = /limit=/;

/** Faults that end: the read is made good, and the mesh is as sound as it is. */
const passing: Readonly<Record<string, Fault>> = {
  'a list is refused for a moment by fairness': {
    kind: 'status',
    match: lists,
    times: 2,
    status: 429,
    body: 'Too many requests, please try again later.',
    contentType: 'text/plain',
    headers: { 'retry-after': '0' },
  },
  'the server shuts down and comes back': { kind: 'status', match: lists, times: 2, status: 503, headers: { 'retry-after': '0' } },
  'a body is cut by a reset, once': { kind: 'cut', match: lists, times: 1, by: 'reset' },
  'a body ends before its length, once': { kind: 'cut', match: lists, times: 1, by: 'close' },
  'a chunked body ends early and cleanly, once': { kind: 'cut', match: lists, times: 1, by: 'chunk-end' },
  'a connection is reset, once': { kind: 'reset', match: lists, times: 1 },
  'a list stalls, once': { kind: 'stall', match: /\/pods\?/, times: 1, milliseconds: 1500, phase: 'headers' },
};

/** Faults that last for part of what is read: the rest is judged, and the gap is said. */
const partial: Readonly<Record<string, readonly [Fault, reason: RegExp]>> = {
  'Secrets are forbidden': [
    {
      kind: 'status',
      match: /\/secrets/,
      status: 403,
      body: JSON.stringify({
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        message: 'secrets is forbidden: User "sre" cannot list resource "secrets" in API group "" at the cluster scope',
        reason: 'Forbidden',
        details: { kind: 'secrets' },
        code: 403,
      }),
    },
    /forbidden: needs "list" on secrets/,
  ],
  'Secrets are refused by something in front': [{ kind: 'status', match: /\/secrets/, status: 403, ...html }, /403/],
  'Pods cannot be read': [{ kind: 'status', match: /\/pods\?/, status: 500 }, /not read/],
  'Services stall in the middle of a body': [{ kind: 'stall', match: /\/services\?/, milliseconds: 3000, phase: 'body' }, /not read/],
  'Deployments are always cut': [{ kind: 'cut', match: /\/deployments/, by: 'chunk-end' }, /not read/],
  'a proxy answers lists of Services with a page of its own': [{ kind: 'status', match: /\/services\?/, status: 200, ...html }, /not read/],
  'lists of Services are led to a login page': [
    { kind: 'status', match: /\/services\?/, status: 302, headers: { location: 'https://login.invalid/' } },
    /not read/,
  ],
};

/** Faults that hide the whole cluster. */
const whole: Readonly<Record<string, readonly [Fault, reason: RegExp]>> = {
  'every answer is 401': [{ kind: 'status', status: 401 }, /unauthori[sz]ed|401|credential/i],
  'every answer is 502 from a load balancer': [{ kind: 'status', status: 502, ...html }, /502/],
  'every answer is 500': [{ kind: 'status', status: 500 }, /500/],
  'every connection is reset': [{ kind: 'reset' }, /reset|closed/],
  'nothing ever comes': [{ kind: 'stall', milliseconds: 5000, phase: 'headers' }, /timeout|no answer|within/i],
};

describe('faults that pass leave a complete and sound result', () => {
  test.each(Object.entries(passing))('%s', async (_, fault) => {
    west().setFault(fault);
    const { report } = await checkLive(sandbox, quick);
    expect(report.exit, JSON.stringify(report.notChecked)).toMatchObject({ code: 0 });
    expect(loud(report)).toEqual([]);
  });
});

describe('faults that last leave a gap, no finding and no pass', () => {
  test.each(Object.entries({ ...partial, ...whole }))('%s', async (_, [fault, reason]) => {
    west().setFault(fault);
    const { report } = await checkLive(sandbox, quick);
    expect(loud(report)).toEqual([]);
    expect(report.exit.code).toBe(3);
    expect(report.verdict.state).toBe('incomplete');
    const reasons = report.notChecked.filter(({ incomplete }) => incomplete).map((gap) => gap.reason);
    expect(
      reasons.some((text) => reason.test(text)),
      reasons.join('\n'),
    ).toBe(true);
  });

  test.each(Object.entries(whole))('%s: the cluster heads the report', async (_, [fault, reason]) => {
    west().setFault(fault);
    const { report } = await checkLive(sandbox, quick);
    const { unreached } = report.clusters.find(({ name }) => name === 'west')!;
    expect(unreached?.reason).toMatch(reason);
    expect(report.clusters.find(({ name }) => name === 'east')!.unreached).toBeUndefined();
  });
});

describe('continue tokens that expire', () => {
  test.each([
    ['with a token for the rest', true],
    ['without one', false],
  ])('%s, once', async (_, resumable) => {
    west().setFault({ kind: 'expired', resumable, times: 1 });
    const { report } = await checkLive(sandbox, quick);
    expect(report.exit.code).toBe(0);
  });
});

describe('who the server is', () => {
  const edited = (change: (text: string) => string): string => change(sandbox.kubeconfig());

  test('another authority: not trusted, and nothing is sent to it', async () => {
    const before = west().requests.length;
    const eastCa = Buffer.from(sandbox.clusters.get('east')!.ca).toString('base64');
    const westCa = Buffer.from(west().ca).toString('base64');
    const { report } = await checkLive(sandbox, quick, { kubeconfig: edited((text) => text.replace(westCa, eastCa)) });
    expect(report.clusters.find(({ name }) => name === 'west')!.unreached).toMatchObject({ failure: 'tls-untrusted' });
    expect(report.exit.code).toBe(3);
    expect(loud(report)).toEqual([]);
    expect(west().requests).toHaveLength(before);
  });

  test('another name than its certificate bears', async () => {
    const { report } = await checkLive(sandbox, quick, {
      kubeconfig: edited((text) => text.replace(west().server, west().server.replace('127.0.0.1', '127.0.0.2'))),
    });
    // Nobody listens at 127.0.0.2 on some systems; where somebody does, the certificate is not for that name.
    expect(['tls-name', 'refused', 'timeout']).toContain(report.clusters.find(({ name }) => name === 'west')!.unreached?.failure);
    expect(report.exit.code).toBe(3);
  });
});

test('a certificate that ran out: said with its date, and nothing is sent', async () => {
  const [notBefore, notAfter] = [new Date(Date.now() - 20 * 86_400_000), new Date(Date.now() - 86_400_000)];
  const authority = await mintCertificate({
    subject: [['CN', 'old']],
    isAuthority: true,
    notBefore,
    notAfter: new Date(Date.now() + 86_400_000),
  });
  const own = await mintCertificate({ subject: [['CN', 'old']], issuer: authority, ipAddresses: ['127.0.0.1'], notBefore, notAfter });
  let asked = 0;
  const server = createServer({ cert: own.cert, key: own.key }, (_, response) => {
    asked++;
    response.end('{}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    const config = parse(sandbox.kubeconfig()) as { clusters: { name: string; cluster: Record<string, string> }[] };
    const { port } = server.address() as { port: number };
    config.clusters.find(({ name }) => name === 'west')!.cluster = {
      server: `https://127.0.0.1:${port}`,
      'certificate-authority-data': Buffer.from(authority.cert).toString('base64'),
    };
    const { report } = await checkLive(sandbox, quick, { kubeconfig: stringify(config) });
    const { unreached } = report.clusters.find(({ name }) => name === 'west')!;
    expect(unreached).toMatchObject({ failure: 'tls-expired' });
    expect(unreached?.reason).toContain(notAfter.toISOString().slice(0, 10));
    expect([report.exit.code, loud(report), asked]).toEqual([3, [], 0]);
  } finally {
    server.close();
  }
});

test('one of three clusters dead: the other two are judged whole, and the dead one costs one request timeout', async () => {
  const three = mesh().multiPrimary('a', 'b', { networks: 2, more: ['c'] });
  const other = await startSandbox(three.objects(), { takenAt: three.takenAt, reconcile: false, mintCertificates: false });
  try {
    other.clusters.get('c')!.setFault({ kind: 'stall', milliseconds: 60_000, phase: 'headers' });
    const { report, requests } = await checkLive(other, quick);
    expect(report.exit.code).toBe(3);
    expect(loud(report)).toEqual([]);
    const dead = requests.filter(({ cluster }) => cluster === 'c');
    expect(
      dead.every(({ path }) => path === '/version'),
      dead.map(({ path }) => path).join(' '),
    ).toBe(true);
    // What is only about the other two, one by one or together, has its answer.
    for (const { id, scope, results } of report.checks.filter((check) => ['cluster', 'managed', 'pair'].includes(check.scope)))
      for (const { cluster, result } of results)
        if (cluster !== 'c')
          expect(['passed', 'not-applicable', ...(scope === 'pair' ? ['unknown'] : [])], `${id} in ${cluster}`).toContain(result);
  } finally {
    await other.close();
  }
});

test('a clock that is off by a day is the present of its own cluster only', async () => {
  const aged = await startSandbox(built.objects(), {
    takenAt: built.takenAt,
    clock: built.takenAt,
    reconcile: false,
    mintCertificates: false,
  });
  try {
    const { report } = await checkLive(aged, quick);
    expect(report.exit.code).toBe(0);
    expect(loud(report)).toEqual([]);
  } finally {
    await aged.close();
  }
});

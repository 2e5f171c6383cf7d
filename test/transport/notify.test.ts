import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Ran, ran } from '../support/run-cli.ts';

/* A receiver on this machine, and runs over directories: what is told, to whom, how often, and what of it is seen elsewhere. */

const place = mkdtempSync(join(tmpdir(), 'meshdoctor-notify-'));
const secret = 'T0KEN-in-the-path';
const healthy = '--manifests east=fixtures/demo/healthy/east --manifests west=fixtures/demo/healthy/west';
const broken = '--manifests east=fixtures/demo/broken/east --manifests west=fixtures/demo/broken/west';

interface Message {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly text?: string;
    readonly appeared?: readonly { code: string }[];
    readonly cleared?: readonly { code: string }[];
  };
}

let server: Server;
let port = 0;
let answers: number[] = [];
let got: Message[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (piece: Buffer) => (text += piece.toString()));
    request.on('end', () => {
      got.push({ url: request.url ?? '', headers: request.headers, body: JSON.parse(text) as Message['body'] });
      response.writeHead(answers.shift() ?? 200, { location: `http://127.0.0.1:${port}/elsewhere` }).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  ({ port } = server.address() as AddressInfo);
});
afterAll(async () => {
  await new Promise((done) => server.close(done));
  rmSync(place, { recursive: true });
});
afterEach(() => {
  answers = [];
  got = [];
});

const fresh = (): string => mkdtempSync(join(place, 'h-'));
const webhook = (): string => `http://127.0.0.1:${port}/hooks/${secret}?key=${secret}`;

let minute = 0;
/** Runs come one after the other. */
async function check(
  dir: string,
  flags: string,
  more: { readonly env?: Record<string, string>; readonly sleep?: (ms: number) => Promise<void> } = {},
): Promise<Ran> {
  minute += 1;
  return await ran(`check --history ${dir} ${flags}`, { now: () => new Date(Date.UTC(2026, 10, 24, 12, minute)).toISOString(), ...more });
}

describe('a webhook', () => {
  test('is told what changed, and only that', { timeout: 120_000 }, async () => {
    const dir = fresh();
    await check(dir, `${healthy} --notify ${webhook()}`);
    expect(got).toEqual([]);
    await check(dir, `${broken} --notify ${webhook()}`);
    await check(dir, `${broken} --notify ${webhook()}`);
    expect(got).toHaveLength(1);
    const report = JSON.parse((await check(dir, `${broken} -o json`)).stdout) as { causes: { code: string }[] };
    expect(got[0]?.body.appeared?.map(({ code }) => code).sort()).toEqual(report.causes.map(({ code }) => code).sort());
    expect(got[0]?.url).toBe(`/hooks/${secret}?key=${secret}`);
    await check(dir, `${healthy} --notify ${webhook()}`);
    expect(got[1]?.body).toMatchObject({ appeared: [], cleared: got[0]?.body.appeared?.map(({ code }) => ({ code })) });
  });

  test.each(['slack', 'teams'])('is told in the form of %s', async (format) => {
    await check(fresh(), `${broken} --notify ${webhook()} --notify-format ${format}`);
    expect(got).toHaveLength(1);
    expect(got[0]?.headers['content-type']).toBe('application/json');
    const { body } = got[0]!;
    const lines = format === 'slack' ? body.text?.split('\n') : textRuns(body);
    expect(lines?.[0]).toContain('BROKEN');
    expect(lines?.slice(1).every((line) => line.startsWith('✗ new: '))).toBe(true);
  });

  test('is told later what it was not told when it was down; the report is there all the same', async () => {
    const dir = fresh();
    const report = join(place, 'report.json');
    const waits: number[] = [];
    answers = [503, 503, 503, 503];
    const down = await check(dir, `${broken} --notify ${webhook()} -o json=${report}`, {
      sleep: async (ms) => await Promise.resolve(void waits.push(ms)),
    });
    expect(got).toHaveLength(4);
    expect(waits).toEqual([1000, 3000, 9000]);
    expect(down).toEqual({
      stdout: '',
      stderr: `What changed could not be told: 127.0.0.1:${port} answered 503, after 4 tries. The next run tells it.\n`,
      exit: 1,
    });
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ exit: { code: 1 } });
    got = [];
    await check(dir, `${broken} --notify ${webhook()}`);
    expect(got[0]?.body.appeared).not.toEqual([]);
  });

  test.each([
    ['comes back in time', [503, 200], 2, ''],
    ['refuses', [403], 1, 'answered 403. The'],
    ['sends somewhere else, where nobody goes', [302], 1, 'answered 302. The'],
  ] as const)('that %s', async (_, given, tries, said) => {
    answers = [...given];
    const { stderr } = await check(fresh(), `${broken} --notify ${webhook()}`);
    expect(stderr).toContain(said);
    expect(got.map(({ url }) => url)).toEqual(Array.from({ length: tries }, () => `/hooks/${secret}?key=${secret}`));
  });

  test.each([
    ['', 0],
    ['--notify-required', 3],
  ])('that cannot be told makes exit code 3 only when that was asked for: %s', async (flags, exit) => {
    answers = [500, 500, 500, 500];
    expect((await check(fresh(), `${broken} --fail-on never --notify ${webhook()} ${flags}`)).exit).toBe(exit);
  });

  test('is reached through the proxy that the environment names, by its URL from a file', async () => {
    const file = join(place, 'url');
    writeFileSync(file, `http://user:${secret}@hooks.test/${secret}\n`);
    await check(fresh(), `${broken} --notify-file ${file}`, { env: { HTTP_PROXY: `http://127.0.0.1:${port}` } });
    expect(got.map(({ url }) => url)).toEqual([`http://hooks.test/${secret}`]);
    expect(got[0]?.headers['authorization']).toBe(`Basic ${Buffer.from(`user:${secret}`).toString('base64')}`);
  });
});

describe('the URL of a webhook is nowhere to be seen', () => {
  test.each<[string, number[]]>([
    ['when it is told', []],
    ['when it is down', [500, 500, 500, 500]],
    ['when it refuses', [401]],
  ])('%s', async (_, given) => {
    answers = [...given];
    const dir = fresh();
    const formats = ['json', 'yaml', 'junit', 'prometheus'].map((format) => `-o ${format}=${join(dir, format)}`).join(' ');
    const { stdout, stderr } = await check(dir, `${broken} --notify -v --stats ${formats} -o text`, {
      env: { MESHDOCTOR_NOTIFY_URL: webhook() },
    });
    expect(got.length).toBeGreaterThan(0);
    const files = readdirSync(dir).flatMap((name) => [name, readFileSync(join(dir, name), 'utf8')]);
    expect([stdout, stderr, ...files].filter((text) => text.includes(secret))).toEqual([]);
  });

  test.each([
    [`--notify ftp://${secret}/x`, 'What --notify holds is no URL of http or https.'],
    [`--notify ${secret}`, 'What --notify holds is no URL of http or https.'],
    ['--notify', '--notify needs a URL, or MESHDOCTOR_NOTIFY_URL that holds one.'],
    ['--notify-required', '--notify-required needs --notify: there is nobody to be told.'],
    ['--notify-format slak --notify https://a.test', '--notify-format takes generic, slack, teams; not "slak".'],
    ['--notify-file /nowhere', '/nowhere, which should hold the URL of a webhook, cannot be read.'],
  ])('when it is wrong: %s', async (flags, said) => {
    const { stdout, stderr, exit } = await check(fresh(), `${broken} ${flags}`);
    expect([stdout, exit]).toEqual(['', 2]);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain(secret);
  });

  test('and without a history nothing can be told', async () => {
    const { stderr, exit } = await ran(`check ${broken} --notify ${webhook()}`);
    expect([exit, stderr.split('\n')[0]]).toEqual([2, '--notify needs --history DIR: without a history nothing is known to have changed.']);
  });
});

/** The texts of a card, line by line. */
function textRuns(body: unknown): string[] {
  return [...JSON.stringify(body).matchAll(/"type":"TextRun","text":("(?:[^"\\]|\\.)*")/g)].map(
    ([, text]) => JSON.parse(text ?? '""') as string,
  );
}

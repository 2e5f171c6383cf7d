import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig } from './file.ts';
import { parseConfig } from './parse.ts';
import { type Flags, runOptions } from './options.ts';

const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const whole = `# the mesh of the shop
clusters:
  east: { manifests: ./east, complete: true }
  west:
    manifests: clusters/west
    takenAt: "2026-11-22T21:27:43Z"
topology:
  meshes: [{ name: shop, clusters: [east, west] }]
  clusters: { west: { role: remote, servedBy: [east] } }
services: ["abc.default:5000"]
skip: [dns]
failOn: warning
plugins: [./rules.mjs]
outputs: [text, json=report.json]
`;
mkdirSync(join(folder, 'deep/er'), { recursive: true });
writeFileSync(join(folder, 'meshdoctor.config.yaml'), whole);
writeFileSync(join(folder, 'empty.yaml'), '');

const options = async (flags: Flags = {}): Promise<ReturnType<typeof runOptions>> =>
  runOptions(flags, await loadConfig(join(folder, 'deep/er')), { cwd: join(folder, 'deep/er'), now: '2026-11-24T12:00:00Z' });

describe('the file', () => {
  test('is found upwards, and its paths start from its own folder', async () => {
    expect(await options()).toMatchObject({
      clusters: [
        { name: 'east', dir: '../../east', complete: true },
        { name: 'west', dir: '../../clusters/west', takenAt: '2026-11-22T21:27:43Z' },
      ],
      services: [{ namespace: 'default', name: 'abc', port: 5000 }],
      skip: ['dns'],
      failOn: 'warning',
      minCertainty: 'likely',
      plugins: [{ spec: './rules.mjs', from: folder }],
    });
  });

  test('may be named, and may be empty', async () => {
    expect((await loadConfig(folder, 'empty.yaml'))?.values).toEqual({});
    expect((await loadConfig(join(folder, 'deep'), '../meshdoctor.config.yaml'))?.file).toBe('../meshdoctor.config.yaml');
  });

  test('that is named has to be there', async () => {
    await expect(loadConfig(folder, 'nowhere.yaml')).rejects.toThrow('Configuration file nowhere.yaml cannot be read.');
  });
});

describe('flags win over the file', () => {
  test('one by one', async () => {
    const given = await options({
      manifests: ['east=./e', 'west=./w'],
      only: ['a,b', 'c'],
      skip: [],
      failOn: 'never',
      plugin: ['other'],
      allowIncomplete: 'forbidden',
    });
    expect(given.clusters).toEqual([
      { name: 'east', dir: './e' },
      { name: 'west', dir: './w' },
    ]);
    expect(given).toMatchObject({ only: ['a', 'b', 'c'], skip: [], failOn: 'never', allowIncomplete: ['forbidden'] });
    expect(given.plugins.map(({ spec }) => spec)).toEqual(['./rules.mjs', 'other']);
  });

  test.each<[string, Flags, string]>([
    ['no name', { manifests: ['./east'] }, '--manifests needs NAME=DIR, not "./east".'],
    ['a cluster twice', { manifests: ['a=x', 'a=y'] }, 'Cluster a is given twice: x and y.'],
    ['a service without namespace', { service: ['abc'] }, '--service needs NAME.NAMESPACE or NAME.NAMESPACE:PORT, not "abc".'],
    [
      'a port that is none',
      { service: ['abc.default:99999'] },
      '--service needs NAME.NAMESPACE or NAME.NAMESPACE:PORT, not "abc.default:99999".',
    ],
    [
      'a time without zone',
      { takenAt: '2026-11-22T21:27:43' },
      '--taken-at needs a time such as 2026-11-22T21:27:43Z, not "2026-11-22T21:27:43".',
    ],
    [
      'a month that is none',
      { now: '2026-13-22T21:27:43Z' },
      '--now needs a time such as 2026-11-22T21:27:43Z, not "2026-13-22T21:27:43Z".',
    ],
    ['a misspelt severity', { failOn: 'eror' }, '--fail-on takes error, warning, info, never; not "eror".'],
    ['what may never fail', { minCertainty: 'possible' }, '--min-certainty takes certain, likely; not "possible".'],
    ['an unknown reason', { allowIncomplete: 'forbiden' }, '--allow-incomplete takes forbidden, unreachable; not "forbiden".'],
  ])('%s is refused', async (_, flags, message) => {
    const config = { ...(await loadConfig(folder))!, values: {} };
    expect(() => runOptions(flags, config, { cwd: folder, now: '' })).toThrow(message);
  });

  test('a declared topology names clusters that are there', async () => {
    const values = parseConfig('c.yaml', 'clusters: { east: { manifests: e } }\ntopology: { clusters: { esat: { role: primary } } }');
    expect(() => runOptions({}, { file: 'c.yaml', dir: folder, values }, { cwd: folder, now: '' })).toThrow(
      'c.yaml: topology names cluster esat, which is not one of the clusters given.',
    );
  });
});

describe('what is wrong is named with its place', () => {
  test.each([
    ['failOn: eror', 'c.yaml:1:1: failOn: expected error, warning, info or never, found "eror".', 'Did you mean error?'],
    ['\nfailon: error', 'c.yaml:2:1: failon: unknown key.', 'Did you mean failOn?'],
    ['clusters:\n  east:\n    manifest: x', 'c.yaml:3:5: clusters.east.manifest: unknown key.', 'Did you mean manifests?'],
    ['clusters:\n  east: {}', 'c.yaml:2:3: clusters.east: expected manifests or values, found keys and values.', undefined],
    [
      'clusters:\n  east:\n    manifests: x\n    compete: true',
      'c.yaml:4:5: clusters.east.compete: unknown key.',
      'Did you mean complete?',
    ],
    ['clusters:\n  east: ./east', 'c.yaml:2:3: clusters.east: expected keys and values, found "./east".', undefined],
    ['only: [1]', 'c.yaml:1:8: only.0: expected text, found 1.', undefined],
    [
      'clusters: { e: { manifests: x, takenAt: yesterday } }',
      'c.yaml:1:32: clusters.e.takenAt: expected a time such as 2026-11-22T21:27:43Z, found "yesterday".',
      undefined,
    ],
    [
      'allowIncomplete: sometimes',
      'c.yaml:1:1: allowIncomplete: expected true, false or a list of forbidden and unreachable, found "sometimes".',
      undefined,
    ],
    [
      'topology: { clusters: { a: { role: master } } }',
      'c.yaml:1:30: topology.clusters.a.role: expected primary, remote, config or external, found "master".',
      undefined,
    ],
    ['- a', 'c.yaml:1:1: expected keys and values, found a list.', undefined],
    ['only: *there', 'c.yaml: Unresolved alias', undefined],
    ['a: [', 'c.yaml:1:5: not YAML: ', undefined],
  ])('%j', (text, message, hint) => {
    let thrown: unknown;
    try {
      parseConfig('c.yaml', text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    expect((thrown as Error).message).toContain(message);
    expect((thrown as { hint?: string }).hint).toBe(hint);
  });
});

describe('live clusters', () => {
  const live = (
    flags: Flags,
    values: Parameters<typeof runOptions>[1] extends infer C ? (C extends { values: infer V } ? V : never) : never = {},
  ) => runOptions(flags, { file: 'c.yaml', dir: folder, values }, { cwd: folder, now: '' });

  test('are what is asked when nothing names a directory', () => {
    expect(live({}).live).toMatchObject({
      contexts: [],
      inCluster: false,
      probe: 'query',
      requestTimeout: 10_000,
      timeout: 60_000,
      resolve: [],
    });
    expect(live({}).clusters).toEqual([]);
  });

  test('come from the file, and flags win over it', () => {
    const values = { contexts: ['east', 'west'], kubeconfig: './kube/config', probe: 'off' as const };
    expect(live({}, values).live).toMatchObject({ contexts: ['east', 'west'], kubeconfig: join('kube', 'config'), probe: 'off' });
    expect(live({ context: ['a,b', 'c'], kubeconfig: 'mine', probe: 'connect' }, values).live).toMatchObject({
      contexts: ['a', 'b', 'c'],
      kubeconfig: 'mine',
      probe: 'connect',
    });
  });

  test('a recording on the command line wins over whatever the file names', () => {
    for (const values of [{ contexts: ['east'] }, { clusters: { east: { manifests: './east' } } }]) {
      const options = live({ from: ['mesh.json.gz'] }, { ...values, topology: { clusters: { nobody: { role: 'remote' } } } });
      expect([options.live, options.clusters, options.from]).toEqual([
        undefined,
        [],
        [{ path: join(folder, 'mesh.json.gz'), shown: 'mesh.json.gz' }],
      ]);
    }
  });

  test.each<[string, Flags]>([
    ['--manifests', { manifests: ['east=./east'] }],
    ['--context', { context: ['east'] }],
    ['--probe', { probe: 'off' }],
    ['--taken-at', { takenAt: '2026-11-22T21:27:43Z' }],
    ['--complete', { complete: true }],
    ['--now', { now: '2026-11-22T21:27:43Z' }],
  ])('%s does not go with a recording', (spelled, flags) => {
    expect(() => live({ from: ['mesh.json.gz'], ...flags })).toThrow(`${spelled} does not go with --from`);
  });

  test('directories on the command line win over contexts in the file', () => {
    const options = live({ manifests: ['east=./east'] }, { contexts: ['east'] });
    expect([options.live, options.clusters]).toEqual([undefined, [{ name: 'east', dir: './east' }]]);
  });

  test.each([
    ['90', 90_000],
    ['1m30s', 90_000],
    ['250ms', 250],
    ['1.5s', 1500],
    ['1h', 3_600_000],
  ])('--timeout %s', (text, milliseconds) => {
    expect(live({ timeout: text }).live?.timeout).toBe(milliseconds);
  });

  test.each(['', '0', '-1s', '1 s', '10x', '30h', 's', '1m 30s'])('--timeout %j is refused', (text) => {
    expect(() => live({ timeout: text })).toThrow('--timeout needs a duration such as 10s or 1m30s');
  });

  test.each([
    ['192.0.2.1:15443=127.0.0.1:31443', { from: { host: '192.0.2.1', port: 15_443 }, to: { host: '127.0.0.1', port: 31_443 } }],
    ['lb.example.com:15443=[::1]:31443', { from: { host: 'lb.example.com', port: 15_443 }, to: { host: '::1', port: 31_443 } }],
    ['[2001:db8::1]:15443=bastion:1', { from: { host: '2001:db8::1', port: 15_443 }, to: { host: 'bastion', port: 1 } }],
  ])('--resolve %s', (text, mapping) => {
    expect(live({ resolve: [text] }).live?.resolve).toEqual([mapping]);
  });

  test.each(['', 'a=b', '1.2.3.4:1', '1.2.3.4:1=:2', '1.2.3.4:0=a:1', '1.2.3.4:1=a:70000', '2001:db8::1:443=a:1'])(
    '--resolve %j is refused',
    (text) => {
      expect(() => live({ resolve: [text] })).toThrow('--resolve needs ADDRESS:PORT=HOST:PORT');
    },
  );
});

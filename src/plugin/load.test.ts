import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadPlugins } from './load.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-plugins-'));
afterAll(() => rmSync(folder, { recursive: true }));

const options = { knownFacts: new Set(['namespaces', 'pods']), nodeVersion: '20.19.0' };

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const check = `{ id: 'odd-name', title: 'All names are even', severity: 'error', certainty: 'certain', scope: 'cluster', needs: ['namespaces'],
  docs: { why: 'w', confirm: 'c', fix: 'f' }, messages: { odd: () => ({ text: 'Odd.' }) }, *run() {} }`;

const load = async (...specs: string[]): ReturnType<typeof loadPlugins> =>
  await loadPlugins(
    specs.map((spec) => ({ spec, from: folder })),
    options,
  );

describe('the example', () => {
  test('is loaded through a function of the api, and its ids are its own', async () => {
    const [acme] = await loadPlugins([{ spec: './fixtures/plugins/acme/rules.mjs', from: root }], options);
    expect(acme?.checks.map(({ id }) => id)).toEqual(['acme/foreign-network-name', 'acme/missing-owner']);
    expect(acme?.checks[0]?.explains).toEqual([{ code: 'acme/missing-owner', match: 'object' }]);
    expect(acme?.reporters.map(({ format }) => format)).toEqual(['acme/chat']);
    expect(acme?.origin).toBe('./fixtures/plugins/acme/rules.mjs');
  });
});

describe('where a plug-in is found', () => {
  test('an installed package, by what its package.json says', async () => {
    write(
      'node_modules/@acme/rules/package.json',
      JSON.stringify({ version: '2.1.0', exports: { '.': { types: './x.d.ts', import: './lib/main.mjs' } } }),
    );
    write('node_modules/@acme/rules/lib/main.mjs', `export default { name: 'acme', api: 1, checks: [${check}] };`);
    expect(await load('@acme/rules')).toMatchObject([{ name: 'acme', version: '2.1.0', origin: '@acme/rules' }]);
  });

  test('a package by its main', async () => {
    write('node_modules/plain/package.json', JSON.stringify({ version: '1.0.0', main: 'main.mjs' }));
    write('node_modules/plain/main.mjs', `export default { name: 'plain', api: 1 };`);
    expect(await load('plain')).toMatchObject([{ name: 'plain', version: '1.0.0' }]);
  });

  test.each([
    ['./nowhere.mjs', /^Plug-in \.\/nowhere\.mjs is not a file in /],
    ['not-installed', /^Plug-in package not-installed is not installed in /],
    ['no such thing', /^Plug-in "no such thing" is neither a path nor the name of a package\.$/],
  ])('%s is refused', async (spec, message) => {
    await expect(load(spec)).rejects.toThrow(message);
  });

  test('two plug-ins of one name are refused', async () => {
    write('a.mjs', `export default { name: 'same', api: 1 };`);
    write('b.mjs', `export default { name: 'same', api: 1 };`);
    await expect(load('./a.mjs', './b.mjs')).rejects.toThrow('Plug-ins ./a.mjs and ./b.mjs are both called same.');
  });
});

describe('TypeScript', () => {
  test('is refused with a way out where Node does not run it', async () => {
    write('rules.ts', `export default { name: 'typed', api: 1 };`);
    await expect(load('./rules.ts')).rejects.toMatchObject({
      message: 'Plug-in ./rules.ts is TypeScript, which Node 20.19.0 does not run.',
      hint: 'Use Node 22.18 or newer, or name the compiled JavaScript file.',
    });
  });
});

describe('a plug-in that does not keep the contract is an error', () => {
  const plugin = (body: string): string => `export default { name: 'bad', api: 1, ${body} };`;
  const changed = (from: string, to: string): string => plugin(`checks: [${check.replace(from, to)}]`);
  test.each([
    ['nothing exported', 'export const a = 1;', 'its default export is neither an object nor a function that returns one.'],
    [
      'another contract',
      `export default { name: 'bad', api: 2 };`,
      'is written for version 2 of the plug-in contract; this meshdoctor has version 1.',
    ],
    ['no name', 'export default { api: 1 };', 'name: expected string, found nothing.'],
    ['an odd name', `export default { name: 'Bad Name', api: 1 };`, 'name: expected a kebab-case name such as acme, found "Bad Name".'],
    ['a misspelt key', plugin(`check: [${check}]`), 'unknown key check.'],
    [
      'an odd id',
      changed(`'odd-name'`, `'OddName'`),
      'check OddName: id: expected a kebab-case id such as unserved-revision, found "OddName".',
    ],
    ['no documentation', changed(`fix: 'f'`, ''), 'check odd-name: docs.fix: expected string, found nothing.'],
    [
      'an unknown severity',
      changed(`severity: 'error'`, `severity: 'fatal'`),
      'check odd-name: severity: expected error, warning, info, found "fatal".',
    ],
    [
      'a message that is no function',
      changed(`() => ({ text: 'Odd.' })`, `'Odd.'`),
      'check odd-name: messages.odd: expected a function, found "Odd.".',
    ],
    [
      'no message',
      changed(`{ odd: () => ({ text: 'Odd.' }) }`, '{}'),
      'check odd-name: messages: expected at least one message, found an object.',
    ],
    ['no run', changed('*run() {}', ''), 'check odd-name: run: expected a function, found nothing.'],
    ['an unknown fact', changed(`['namespaces']`, `['namespace']`), 'check odd-name reads namespace, which is no known fact.'],
    [
      'needs of another scope',
      changed(`['namespaces']`, `{ from: [], to: [] }`),
      'check odd-name: needs and uses per end must be those of scope cluster.',
    ],
    ['two checks of one id', plugin(`checks: [${check}, ${check}]`), 'it has two checks odd-name.'],
  ])('%s', async (name, text, message) => {
    const file = `${name.replaceAll(' ', '-')}.mjs`;
    write(file, text);
    await expect(load(`./${file}`)).rejects.toThrow(message);
  });

  test('code that throws', async () => {
    write('throws.mjs', `throw new Error('out of order');`);
    await expect(load('./throws.mjs')).rejects.toThrow('Plug-in ./throws.mjs cannot be loaded: out of order.');
  });

  test('the nearest fact is named', async () => {
    write('nearest.mjs', changed(`['namespaces']`, `['namespace']`));
    await expect(load('./nearest.mjs')).rejects.toMatchObject({ hint: 'Did you mean namespaces?' });
  });
});

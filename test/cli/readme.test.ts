import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { commands } from '../../src/cli/table.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { reporters } from '../../src/report/formats.ts';
import { environment, ran, root } from './shell.ts';

/* What the README promises, tried. */

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text]) => text ?? '');

test('every flag and format in it exists', () => {
  const flags = new Set(commands.flatMap((command) => Object.keys(command.flags)));
  const kubectl = /kubectl[^\n]*/g;
  const named = [...readme.replace(kubectl, '').matchAll(/(?<=[\s`[])--([a-z][a-z-]*)/g)].map(([, name]) => name ?? '');
  expect([...new Set(named)].filter((name) => !flags.has(name))).toEqual([]);
  for (const { format } of reporters) expect(readme).toContain(`\`${format}\``);
});

test('its configuration is one', () => {
  for (const text of blocks('yaml')) expect(() => parseConfig('README.md', text)).not.toThrow();
  expect(blocks('yaml')).not.toEqual([]);
});

test('its script reads two clusters and judges them', () => {
  const folder = join(environment.TMP, 'readme');
  mkdirSync(join(folder, 'bin'), { recursive: true });
  serve(join(folder, 'bin/kubectl'));
  const [script = ''] = blocks('sh').filter((text) => text.includes('kubectl'));
  const { stdout, stderr, exit } = ran(
    `cd ${folder} && PATH=${folder}/bin:$PATH && ${script.replace(/--taken-at "[^"]*"/, '--taken-at 2026-11-22T21:27:43Z')}`,
  );
  expect([stderr, exit]).toEqual(['', 0]);
  expect(stdout).toMatch(/^✓ (HEALTHY|NO FAULT FOUND)/);
  expect(readdirSync(join(folder, 'east'))).toContain('version.json');
});

/** Puts a kubectl there that answers as one of the demonstration's clusters would: a List for each kind, and its version. */
function serve(file: string): void {
  const objects = Object.fromEntries(
    ['east', 'west'].map((cluster) => {
      const dir = join(root, 'fixtures/demo/healthy', cluster);
      const files = readdirSync(dir).filter((name) => name !== 'meshdoctor.yaml');
      return [
        cluster,
        files.flatMap((name) => parseAllDocuments(readFileSync(join(dir, name), 'utf8')).map((document) => document.toJS() as unknown)),
      ];
    }),
  );
  writeFileSync(`${file}.json`, JSON.stringify(objects));
  writeFileSync(
    file,
    `#!/usr/bin/env node
const { readFileSync } = require('node:fs');
const [, , , cluster, , resource, rawPath] = process.argv;
if (resource === '--raw') {
  if (rawPath !== '/version') process.exit(1);
  console.log(JSON.stringify({ major: '1', minor: '34', gitVersion: 'v1.34.0' }));
  process.exit(0);
}
const [plural, ...group] = resource.split('.');
const items = JSON.parse(readFileSync(__filename + '.json', 'utf8'))[cluster].filter(({ apiVersion, kind }) => {
  const own = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  return (kind.toLowerCase() + 's' === plural || kind.toLowerCase() === plural) && (group.length === 0 || own === group.join('.'));
});
console.log(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
`,
  );
  chmodSync(file, 0o755);
}

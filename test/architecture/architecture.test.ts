import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { modulesIn, stripped } from './modules.ts';
import { violations } from './rules.ts';

const root = resolve(import.meta.dirname, '../..');

test('every module keeps to its layer', () => {
  expect(violations(modulesIn(root))).toEqual([]);
});

describe('planted violations are caught', () => {
  const trees: string[] = [];
  afterAll(() => trees.forEach((tree) => rmSync(tree, { recursive: true })));

  /** A tree that is in order but for `files`. */
  function planted(files: Readonly<Record<string, string>>): readonly string[] {
    const tree = mkdtempSync(join(tmpdir(), 'meshdoctor-architecture-'));
    trees.push(tree);
    const whole: Readonly<Record<string, string>> = {
      'src/cli/main.ts': "import { builtin } from '../../checks/index.ts';\nconsole.log(builtin);",
      'src/api/index.ts': "export * from '../model/refs.ts';",
      'src/model/refs.ts': 'export const a = 1;',
      'src/testkit/index.ts': '',
      'src/engine/types.ts': "import type { a } from '../api/index.ts';\nexport type RegisteredCheck = typeof a;",
      'checks/index.ts':
        "import type { RegisteredCheck } from '../src/engine/types.ts';\nimport one from './area/one/check.ts';\nexport const builtin: RegisteredCheck[] = [one];",
      'checks/area/_area.ts': "export const title = 'Area';",
      'checks/area/one/check.ts': "import { a } from 'meshdoctor/api';\nimport { title } from '../_area.ts';\nexport default { a, title };",
      'checks/area/one/check.test.ts': "import { vi } from 'vitest';\nconsole.log(vi);",
      ...files,
    };
    for (const [path, content] of Object.entries(whole)) {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      writeFileSync(join(tree, path), content);
    }
    return violations(modulesIn(tree));
  }

  test('nothing is planted', () => {
    expect(planted({})).toEqual([]);
  });

  test.each([
    [
      'a check that reads files',
      'checks/area/one/check.ts',
      "import { readFileSync } from 'node:fs';\nexport default readFileSync;",
      'checks/area/one/check.ts: checks may not import node:fs',
    ],
    [
      'a check that goes around the api',
      'checks/area/one/check.ts',
      "import { a } from '../../../src/model/refs.ts';\nexport default a;",
      'checks/area/one/check.ts: a check may not import ../../../src/model/refs.ts',
    ],
    [
      'a check that goes around the api for types',
      'checks/area/one/check.ts',
      "import type { a } from '../../../src/model/refs.ts';\nexport default {} as typeof a;",
      'checks/area/one/check.ts: a check may not import ../../../src/model/refs.ts',
    ],
    [
      'a layer that looks up',
      'src/model/refs.ts',
      "import { builtin } from '../../checks/index.ts';\nexport const a = builtin;",
      'src/model/refs.ts: src/model may not import checks (../../checks/index.ts)',
    ],
    [
      'a type from above',
      'src/model/refs.ts',
      "import { type RegisteredCheck } from '../engine/types.ts';\nexport const a: RegisteredCheck = 1;",
      'src/model/refs.ts: src/model may not import types of src/engine (../engine/types.ts)',
    ],
    [
      'a package nobody agreed on',
      'src/model/refs.ts',
      "import yaml from 'yaml';\nexport const a = yaml;",
      'src/model/refs.ts: src/model may not import yaml',
    ],
    [
      'a package over several lines',
      'src/model/refs.ts',
      "import {\n  parse,\n  stringify,\n} from 'yaml';\nexport const a = [parse, stringify];",
      'src/model/refs.ts: src/model may not import yaml',
    ],
    ['a re-export', 'src/model/refs.ts', "export * from 'yaml';\nexport const a = 1;", 'src/model/refs.ts: src/model may not import yaml'],
    [
      'an import for its effects',
      'src/model/refs.ts',
      "import 'node:fs';\nexport const a = 1;",
      'src/model/refs.ts: src/model may not import node:fs',
    ],
    [
      'an import in the middle',
      'src/model/refs.ts',
      "export const a = await import('node:fs');",
      'src/model/refs.ts: src/model may not import node:fs',
    ],
    [
      'an import by a variable',
      'src/model/refs.ts',
      'export const a = (name: string) => import(name);',
      'src/model/refs.ts: imports what is only known when it runs',
    ],
    [
      'the Kubernetes client at the start',
      'src/kube/client.ts',
      "import { KubeConfig } from '@kubernetes/client-node';\nexport const a = KubeConfig;",
      'src/kube/client.ts: imports @kubernetes/client-node at the start; only import() may',
    ],
    [
      'a hand on clusters where only reading is meant',
      'src/cli/reach.ts',
      "import { openWriter } from '../kube/write.ts';\nexport const a = openWriter;",
      'src/cli/reach.ts: imports src/kube/write.ts, which changes clusters',
    ],
    [
      'a test in the program',
      'src/model/refs.ts',
      "import one from './one.test.ts';\nexport const a = one;",
      'src/model/refs.ts: imports src/model/one.test.ts, which is no part of the program',
    ],
    [
      'a fixture in the program',
      'src/model/refs.ts',
      "import one from '../../fixtures/one.ts';\nexport const a = one;",
      'src/model/refs.ts: imports fixtures/one.ts, which is no part of the program',
    ],
    [
      'a file that is not there',
      'src/model/refs.ts',
      "import { b } from './gone.ts';\nexport const a = b;",
      'src/model/refs.ts: imports ./gone.ts, which does not exist',
    ],
    ['a word on the console', 'src/model/refs.ts', "export const a = 1;\nconsole.log('x');", 'src/model/refs.ts: uses console'],
    ['the environment', 'src/model/refs.ts', 'export const a = process.env;', 'src/model/refs.ts: uses process'],
    ['the environment inside a template', 'src/model/refs.ts', 'export const a = `x${process.pid}`;', 'src/model/refs.ts: uses process'],
    ['the clock', 'src/model/refs.ts', 'export const a = Date.now();', 'src/model/refs.ts: uses Date.now'],
    ['the clock in disguise', 'src/model/refs.ts', 'export const a = new Date( );', 'src/model/refs.ts: uses new Date()'],
    ['a die', 'src/model/refs.ts', 'export const a = Math.random();', 'src/model/refs.ts: uses Math.random'],
    ['a timer', 'src/model/refs.ts', 'export const a = setTimeout(() => {}, 1);', 'src/model/refs.ts: uses setTimeout'],
    ['a file that nobody uses', 'src/model/lost.ts', 'export const a = 1;', 'src/model/lost.ts: nothing leads to it'],
    [
      'a file outside the layers',
      'src/other/one.ts',
      "import { a } from '../model/refs.ts';\nexport const b = a;",
      'src/other/one.ts: belongs to no layer',
    ],
  ])('%s', (_what, path, content, complaint) => {
    expect(planted({ [path]: content })).toContain(complaint);
  });

  test('a ring of imports', () => {
    const found = planted({
      'src/model/refs.ts': "import { b } from './ids.ts';\nexport const a = b;",
      'src/model/ids.ts': "import { a } from './refs.ts';\nexport const b = a;",
    });
    expect(found).toContain('src/model/ids.ts → src/model/refs.ts → …: imports go round in a ring');
  });

  test('a ring of types is none', () => {
    expect(
      planted({
        'src/model/refs.ts': "import type { b } from './ids.ts';\nexport const a = 1;",
        'src/model/ids.ts': "import { a } from './refs.ts';\nexport const b = a;",
      }),
    ).toEqual([]);
  });
});

test('what comments, strings, templates and patterns say is no code', () => {
  const { code, text } = stripped(
    "a; // console\n/* process */ b('console', \"process\", `console ${c} process`, /console['\"]/.test(d)); import x from 'y';",
  );
  expect(code).not.toMatch(/console|process/);
  expect(code).toContain('${c}');
  expect(text).toContain("from 'y'");
});

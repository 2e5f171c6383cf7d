import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { json } from '../../src/report/reporters/json.ts';
import { yaml } from '../../src/report/reporters/yaml.ts';
import { reportSchema } from '../../src/report/schema.ts';
import { demoReport } from './demo.ts';
import { sampleReport } from './sample.ts';

const style = { width: 80, colour: false, unicode: true, verbosity: 0 };
const published: unknown = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../docs/report.schema.json'), 'utf8'));
const validate = new Ajv2020({ strict: true, strictTypes: false, validateFormats: false }).compile(published as object);

const reports = {
  'the broken demonstration': await demoReport('broken'),
  'the healthy demonstration': await demoReport('healthy'),
  'every kind of outcome': sampleReport(),
  'an interrupted run': sampleReport(
    () => false,
    {},
    { interrupted: 'SIGINT', today: '2026-11-24', plugins: [{ name: 'acme', origin: './acme.mjs', checks: 1 }] },
  ),
};

describe.each(Object.entries(reports))('%s', (_, report) => {
  test('is what the published schema describes', () => {
    validate(JSON.parse(json.render(report, style)));
    expect(validate.errors ?? []).toEqual([]);
  });

  test('is what the types say, and nothing more', () => {
    expect(reportSchema.parse(report)).toEqual(report);
  });

  test('says the same as YAML', () => {
    expect(parse(yaml.render(report, style))).toEqual(JSON.parse(json.render(report, style)));
  });
});

test('the published schema refuses what is no report', () => {
  expect(validate({ ...sampleReport(), surprise: true })).toBe(false);
  expect(validate({ ...sampleReport(), verdict: undefined })).toBe(false);
});

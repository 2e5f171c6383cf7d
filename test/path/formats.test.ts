import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { pathReporters } from '../../src/report/path/formats.ts';
import { pathSchema, type PathReport } from '../../src/report/path/schema.ts';
import { readRecording } from '../../src/source/recording.ts';
import { followRecorded } from './follow.ts';
import { onPath } from './on-path.ts';

const root = resolve(import.meta.dirname, '../..');
const published: unknown = JSON.parse(readFileSync(join(root, 'docs/path.schema.json'), 'utf8'));
const validate = new Ajv2020({ strict: true, strictTypes: false, validateFormats: false }).compile(published as object);
const plain = { width: 100, colour: false, unicode: true, verbosity: 0 };

async function recorded(name: string, from: string, to: string): Promise<PathReport> {
  return await followRecorded(await readRecording(join(root, `fixtures/recorded/${name}.json.gz`)), from, to);
}
const faulty = async (name: keyof typeof onPath): Promise<PathReport> =>
  await recorded(name, onPath[name]?.from ?? '', onPath[name]?.to ?? '');

const reports = {
  'a way that works': await recorded('primary-remote', 'cluster1/sample/client', 'def.sample'),
  'a broken hop with what was found': await faulty('gateway-of-remote-scaled-to-zero'),
  'one of two ways': await faulty('ambient-gateway-missing'),
  'a cluster that was not read': await faulty('api-server-of-primary-stopped'),
};
const render = (format: string, report: PathReport, more: Partial<typeof plain> = {}): string =>
  pathReporters.find((one) => one.format === format)?.render(report, { ...plain, ...more }) ?? '';

describe.each(Object.entries(reports))('%s', (_, report) => {
  test('is what the published schema describes, and what the types say', () => {
    validate(JSON.parse(render('json', report)));
    expect(validate.errors ?? []).toEqual([]);
    expect(pathSchema.parse(report)).toEqual(report);
  });

  test('stays within the width, but for commands, and is ASCII where that is asked for', () => {
    for (const width of [80, 100, 120]) {
      const long = render('text', report, { width })
        .split('\n')
        .filter((line) => line.length > width && !/kubectl|istioctl|openssl|meshdoctor explain/.test(line))
        // A name without a space stays on a line of its own.
        .filter((line) => line.trim().split(/ +/).length > 2);
      expect(long).toEqual([]);
    }
    expect(render('text', report, { unicode: false })).toMatch(/^[\x00-\x7F]*$/);
  });

  test('names every hop that the call comes by in text, and all but the inapplicable in pictures', () => {
    const hops = [...report.hops, ...report.ways.flatMap(({ hops: own }) => own)].filter(({ verdict }) => verdict !== 'not-applicable');
    const diagram = render('mermaid', report);
    expect(diagram.match(/:::/g)).toHaveLength(hops.length);
    const picture = render('svg', report);
    expect(picture.match(/rx="6"/g)).toHaveLength(hops.length);
    expect(diagram.split('\n').filter((line) => line.includes(':::first'))).toHaveLength(report.first === undefined ? 0 : 1);
    expect(picture.match(/stroke-width="4"/g) ?? []).toHaveLength(report.first === undefined ? 0 : 1);
  });

  test('a picture is well-formed, and loads nothing', () => {
    const picture = render('svg', report);
    const open: string[] = [];
    for (const [tag, slash, name, closed] of picture.matchAll(/<(\/?)([a-zA-Z]+)[^<>]*?(\/?)>/g)) {
      if (slash === '/') expect([tag, open.pop()]).toEqual([tag, name]);
      else if (closed !== '/') open.push(name ?? '');
    }
    expect(open).toEqual([]);
    expect(picture.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|href|<script|<image|<style/);
  });
});

test('what Mermaid and SVG would read as their own is escaped', () => {
  const [first, ...rest] = reports['a way that works'].hops;
  const odd = {
    ...reports['a way that works'],
    hops: [{ ...first!, predicted: { ...first!.predicted, text: 'a "b" <c> & `d`' } }, ...rest],
  };
  expect(render('mermaid', odd)).toContain('a #quot;b#quot; #lt;c#gt; #amp; #96;d#96;');
  expect(render('svg', odd)).toContain('a &quot;b&quot; &lt;c&gt; &amp; `d`');
});

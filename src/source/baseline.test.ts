import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { baselineText, readBaseline } from './baseline.ts';

const dir = mkdtempSync(join(tmpdir(), 'meshdoctor-baseline-'));
afterAll(() => rmSync(dir, { recursive: true }));

async function read(content: string) {
  const file = join(dir, 'b.json');
  writeFileSync(file, content);
  return await readBaseline(file, 'b.json');
}

test('what is written is read again, sorted, with what people wrote', async () => {
  const entries = [
    { fingerprint: 'b x', code: 'b', reason: 'planned', owner: 'team', until: '2026-12-31' },
    { fingerprint: 'a x', code: 'a', message: 'A.' },
  ];
  expect(await read(baselineText(entries, '0.1.0'))).toEqual([entries[1], entries[0]]);
  expect(await read(baselineText([], '0.1.0'))).toEqual([]);
  expect(await readBaseline(join(dir, 'none.json'), 'none.json')).toBeUndefined();
});

test.each([
  ['{', /b\.json is no baseline of meshdoctor: it is not JSON/],
  ['{"kind":"meshdoctor recording","schema":1}', /b\.json is no baseline of meshdoctor/],
  [
    '{"kind":"meshdoctor baseline","schema":2,"version":"9.0.0"}',
    /written by meshdoctor 9\.0\.0 in form 2; this version reads no later form than 1/,
  ],
  [
    '{"kind":"meshdoctor baseline","schema":1,"version":"0","findings":[{"fingerprint":"a"}]}',
    /findings\.0\.code is not what a baseline holds/,
  ],
])('%s is refused', async (content, message) => {
  await expect(read(content)).rejects.toThrow(message);
});

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { html } from '../../src/report/reporters/html.ts';
import type { Report } from '../../src/report/schema.ts';
import { demoReport } from './demo.ts';
import { sampleReport } from './sample.ts';

const style = { width: 120, colour: false, unicode: true, verbosity: 0 };
const sample = sampleReport();

/** A mesh of many clusters: every second direction between neighbours is broken. */
function fleet(size: number): Report {
  const [mesh] = sample.topology.meshes;
  const [first] = sample.clusters;
  const names = Array.from({ length: size }, (_, n) => `cluster-${String(n).padStart(2, '0')}`);
  const member = mesh!.members[0]!;
  const pairs = names.flatMap((from) => names.map((to) => ({ from, to })));
  return {
    ...sample,
    clusters: names.map((name) => ({ ...first!, name })),
    topology: {
      ...sample.topology,
      meshes: [
        {
          ...mesh!,
          members: names.map((cluster, n) => ({ ...member, cluster, network: { known: `network-${n % 5}`, evidence: [] } })),
          controlPlanes: names.map((cluster) => ({ ...mesh!.controlPlanes[0]!, cluster })),
        },
      ],
    },
    matrix: [
      { clusters: names, cells: pairs.map(({ from, to }) => ({ from, to, state: from === to ? 'none' : from < to ? 'ok' : 'broken' })) },
    ],
  };
}

const pages: Readonly<Record<string, Report>> = {
  sample,
  'demo, broken': await demoReport('broken'),
  'demo, healthy': await demoReport('healthy'),
  '24 clusters': fleet(24),
};
const empty = new Set(['meta', 'br', 'rect', 'path']);

/** Opening and closing tags as they follow each other, attributes apart. */
function tagsOf(page: string): { readonly name: string; readonly isEnd: boolean; readonly attributes: string }[] {
  return [...page.matchAll(/<(\/?)([a-z][a-z0-9]*)([^>]*)>/gi)].map(([, end, name = '', attributes = '']) => ({
    name,
    isEnd: end === '/',
    attributes,
  }));
}

describe.each(Object.entries(pages))('%s', (_, report) => {
  const page = html.render(report, style);

  test('every element is closed where it was opened', () => {
    const open: string[] = [];
    for (const { name, isEnd } of tagsOf(page.replace(/<style>[^]*?<\/style>/, ''))) {
      if (empty.has(name)) continue;
      if (!isEnd) open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
  });

  test('every place is there once, and every link leads to one', () => {
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    const links = [...page.matchAll(/ href="([^"]*)"/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !link.startsWith('#') || !ids.includes(link.slice(1)))).toEqual([]);
  });

  test('nothing runs, and nothing comes from anywhere else', () => {
    const names = new Set(tagsOf(page).map(({ name }) => name));
    expect(
      [...names].filter((name) => ['script', 'link', 'img', 'iframe', 'object', 'base', 'form', 'image', 'use'].includes(name)),
    ).toEqual([]);
    expect(tagsOf(page).filter(({ attributes }) => /\s(on\w+|src|style)=/.test(attributes))).toEqual([]);
    expect(page).not.toMatch(/@import|url\((?!#)/);
  });

  test('all that was found is in it', () => {
    for (const { fingerprint } of report.causes) {
      const finding = report.findings.find((one) => one.fingerprint === fingerprint);
      expect(
        page.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&gt;', '>').replaceAll('&lt;', '<').replaceAll('&amp;', '&'),
      ).toContain(finding?.message);
    }
  });
});

test('whatever a text holds is text', () => {
  const evil = `</style><script>alert(1)</script><img src=x onerror="alert(1)">'"&`;
  const text = JSON.stringify(sample).replaceAll('west', JSON.stringify(evil).slice(1, -1));
  const page = html.render(JSON.parse(text) as Report, style);
  const usual = html.render(sample, style);
  const shape = (of: string): string[] => tagsOf(of).map(({ name, isEnd }) => `${isEnd ? '/' : ''}${name}`);
  expect(shape(page)).toEqual(shape(usual));
});

const tools = join(
  process.env['MESHDOCTOR_TOOLS'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'meshdoctor-tools'),
  'chromium',
);

interface Page {
  goto(url: string): Promise<unknown>;
  on(event: string, listener: (what: { text(): string }) => void): void;
  evaluate<T>(script: string): Promise<T>;
  emulateMedia(media: Record<string, string>): Promise<void>;
  keyboard: { press(key: string): Promise<void> };
  setViewportSize(size: { width: number; height: number }): Promise<void>;
}

describe.skipIf(!existsSync(join(tools, 'node_modules')))(`in a real Chromium (${tools})`, () => {
  test('it is read without scripts, at every width, in the dark, in print and by keyboard', { timeout: 180_000 }, async () => {
    const load = createRequire(join(tools, 'node_modules', 'package.json'));
    const { default: packed } = (await import(pathToFileURL(load.resolve('@sparticuz/chromium')).href)) as {
      default: { args: string[]; executablePath(): Promise<string> };
    };
    const { chromium } = load('playwright-core') as {
      chromium: { launch(options: object): Promise<{ newPage(options: object): Promise<Page>; close(): Promise<void> }> };
    };
    const place = mkdtempSync(join(tmpdir(), 'meshdoctor-html-'));
    const browser = await chromium.launch({ args: packed.args, executablePath: await packed.executablePath(), headless: true });
    try {
      const page = await browser.newPage({ javaScriptEnabled: false });
      const said: string[] = [];
      page.on('console', (message) => said.push(message.text()));
      for (const [index, report] of Object.values(pages).entries()) {
        const file = join(place, `${index}.html`);
        writeFileSync(file, html.render(report, style));
        await page.goto(pathToFileURL(file).href);
        for (const width of [1200, 375]) {
          await page.setViewportSize({ width, height: 800 });
          expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBeLessThanOrEqual(0);
        }
        const ground = 'getComputedStyle(document.body).backgroundColor';
        await page.emulateMedia({ colorScheme: 'light' });
        const light = await page.evaluate(ground);
        await page.emulateMedia({ colorScheme: 'dark' });
        expect(await page.evaluate(ground)).not.toBe(light);
        await page.emulateMedia({ colorScheme: 'light', media: 'print' });
        expect(await page.evaluate('getComputedStyle(document.querySelector("nav")).display')).toBe('none');
        await page.emulateMedia({ media: 'screen' });
        await page.keyboard.press('Tab');
        expect(await page.evaluate('document.activeElement.className')).toBe('skip');
        await page.keyboard.press('Tab');
        expect(await page.evaluate('document.activeElement.getAttribute("href")')).toMatch(/^#/);
        expect(await page.evaluate('[...document.querySelectorAll("svg")].every((one) => one.getBoundingClientRect().width > 100)')).toBe(
          true,
        );
      }
      expect(said).toEqual([]);
    } finally {
      await browser.close();
      rmSync(place, { recursive: true });
    }
  });
});

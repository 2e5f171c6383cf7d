import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reporters } from '../../src/report/formats.ts';
import { short } from '../../src/report/reporters/short.ts';
import { text } from '../../src/report/reporters/text.ts';
import { atLeast } from '../../src/report/show.ts';
import { demoReport } from './demo.ts';
import { sampleReport } from './sample.ts';

const here = import.meta.dirname;
const plain = { width: 120, colour: false, unicode: true, verbosity: 0 };
const broken = await demoReport('broken');
const healthy = await demoReport('healthy');
const reports = { 'demo-broken': broken, 'demo-healthy': healthy, sample: sampleReport() };

/** Every way in which a screen differs from the widest one. */
const screens = {
  '120': plain,
  '80': { ...plain, width: 80 },
  '80-ascii': { ...plain, width: 80, unicode: false },
  '120-colour': { ...plain, colour: true },
  '120-verbose': { ...plain, verbosity: 1 },
  '120-quiet': { ...plain, verbosity: -1 },
} as const;

describe.each(Object.entries(reports))('%s', (name, report) => {
  test.each(Object.entries(screens))('as text %s', async (screen, style) => {
    const shown = text.render(report, style);
    await expect(name === 'sample' ? shown : uncounted(shown)).toMatchFileSnapshot(join(here, 'screens', `${name}-${screen}.txt`));
  });

  // A whole document of the demonstration would change with every word of every check.
  test.each(
    reporters
      .filter(({ format }) => format === 'short' || (name === 'sample' && format !== 'text'))
      .map((reporter) => [reporter.format, reporter] as const),
  )('as %s', async (format, reporter) => {
    await expect(reporter.render(report, plain)).toMatchFileSnapshot(join(here, 'documents', `${name}-${format}.${reporter.extension}`));
  });

  test('no line but a command is wider than the screen', () => {
    for (const width of [80, 120]) {
      const commands = [
        'meshdoctor explain',
        ...report.findings.flatMap((finding) => [...finding.confirm, ...finding.remedy.flatMap((remedy) => remedy.command)]),
      ];
      const wide = text
        .render(report, { ...plain, width })
        .split('\n')
        .filter((line) => line.length > width && !commands.some((command) => line.includes(command)) && line.trim().includes(' '));
      expect(wide).toEqual([]);
    }
  });

  test('ASCII is ASCII', () => {
    expect(text.render(report, { ...plain, unicode: false })).toMatch(/^[\x00-\x7F]*$/);
  });

  test('colour changes no character', () => {
    expect(text.render(report, { ...plain, colour: true }).replace(/\u001B\[[0-9;]*m/g, '')).toBe(text.render(report, plain));
  });
});

/** The number of checks grows; the report made by hand keeps counting. */
function uncounted(shown: string): string {
  return shown
    .replace(/\b(?:\d+ of )?\d+ checks\b/g, 'N checks')
    .replace(/(?<=(?:✓|\bok) )\d+/g, 'N')
    .replace(/\(\d+%\)/g, '(N%)');
}

test('a healthy mesh has nothing to grep for', () => {
  expect(short.render(healthy, plain)).toBe('');
});

test('of many causes alike the first are told in full', () => {
  const report = sampleReport(({ check }) => check === 'unresolvable-name');
  const shown = text.render(report, plain);
  expect(shown.match(/^CAUSE /gm)).toHaveLength(3);
  expect(shown).toContain('20 MORE CAUSES of these kinds (--show all)');
  expect(shown.match(/^! unresolvable-name/gm)).toHaveLength(23);
  expect(text.render(report, { ...plain, verbosity: 1 }).match(/^CAUSE /gm)).toHaveLength(23);
});

describe('--show', () => {
  test('hides what is less than asked for, and says how much', () => {
    const shown = text.render(atLeast(sampleReport(), 'error'), plain);
    expect(shown).not.toContain('expiring-root  The root');
    expect(shown).toContain('not shown (--show)');
  });

  test('keeps a warning that is the cause of an error', () => {
    const report = sampleReport();
    const [first, ...rest] = report.findings;
    const turned = { ...report, findings: [{ ...first!, severity: 'warning' as const }, ...rest] };
    expect(atLeast(turned, 'error').findings.map(({ code }) => code)).toContain(first!.code);
  });
});

// README.md of every check and docs/checks.md: what the check objects and the first broken case of their tests say.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AnyCheck } from '../../src/api/check.ts';
import { explanation } from '../../src/cli/explanation.ts';
import { correlate } from '../../src/correlate/correlate.ts';
import { buildReport } from '../../src/report/build.ts';
import { defaultPolicy } from '../../src/report/policy.ts';
import { causeBlocks } from '../../src/report/reporters/text-causes.ts';
import { inkOf } from '../../src/report/symbols.ts';
import { recorder } from '../../src/testkit/check-tester.ts';
import { type Cases, suiteOf } from '../../src/testkit/suite.ts';
import { areas, builtin } from '../../checks/index.ts';
import { root, writeGenerated } from '../generated.ts';

const notice = '<!-- Written by `npm run gen`. Do not edit. -->';

const files = new Map<string, string>();
for (const { check, area } of builtin) files.set(`checks/${area}/${check.id}/README.md`, await readme(check, area));
files.set('docs/checks.md', index());
writeGenerated(files);

/** What `meshdoctor explain` prints, and an example. */
async function readme(check: AnyCheck, area: string): Promise<string> {
  const title = areas.find(({ id }) => id === area)?.title ?? area;
  return [notice, '', ...explanation(check, title), ...(await exampleOf(check, area))].join('\n');
}

/** What the first broken case of its test looks like on a terminal; nothing when the test cannot be loaded by itself. */
async function exampleOf(check: AnyCheck, area: string): Promise<string[]> {
  const cases = await casesOf(check, area);
  const [first] = Object.entries(cases?.broken ?? {});
  if (first === undefined) return [];
  const suite = await suiteOf(check, { healthy: {}, broken: Object.fromEntries([first]) });
  const judgement = suite.cases[0]?.judgement;
  if (judgement === undefined || judgement.findings.length === 0) return [];
  const style = { width: 120, colour: false, unicode: true, verbosity: 0 };
  const report = buildReport(judgement, correlate(judgement), { ...defaultPolicy }, { version: '0.0.0' });
  const [block = []] = causeBlocks(report, inkOf(style), style);
  return ['## Example', '', `${capital(first[0])}:`, '', '```text', ...block.slice(1).map((line) => line.trimEnd()), '```', ''];
}

async function casesOf(check: AnyCheck, area: string): Promise<Cases | undefined> {
  let cases: Cases | undefined;
  if (!existsSync(join(root, 'checks', area, check.id, 'check.test.ts'))) return undefined;
  recorder.record = (recorded, given) => {
    if (recorded.id === check.id) cases ??= given;
  };
  try {
    await import(`../../checks/${area}/${check.id}/check.test.ts`);
  } catch (error) {
    // A test file may do more than call checkTester, and there is no test runner here.
    if (cases === undefined) console.error(`no example for ${check.id}: ${String(error)}`);
  }
  return cases;
}

function index(): string {
  const lines = [
    notice,
    '',
    '# Checks',
    '',
    `${builtin.length} checks, by what they look at. Each name leads to what it reads, why it matters and how to fix what it finds.`,
    '',
  ];
  for (const { id, title } of areas) {
    const own = builtin.filter(({ area }) => area === id);
    if (own.length === 0) continue;
    lines.push(
      `## ${title}`,
      '',
      '| Check | What holds when all is well | Severity | Scope | Failure modes |',
      '| --- | --- | --- | --- | --- |',
    );
    for (const { check } of own) {
      const claimed = (check.catalogue ?? []).join(', ');
      lines.push(
        `| [${check.id}](../checks/${id}/${check.id}/README.md) | ${check.title} | ${check.severity} | ${check.scope} | ${claimed} |`,
      );
    }
    lines.push('');
  }
  return lines.join('\n');
}

function capital(sentence: string): string {
  return sentence.slice(0, 1).toUpperCase() + sentence.slice(1);
}

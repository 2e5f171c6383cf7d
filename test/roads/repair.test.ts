import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { KubeObject, MeshObjects } from '../../src/model/kube.ts';
import type { Report, ReportFinding } from '../../src/report/schema.ts';
import { complete } from '../../src/sandbox/complete.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { rawManifests } from '../../src/source/manifests.ts';
import { checkLive } from '../support/live-check.ts';

/*
 * Every mesh of the demonstration is mended step by step with the real kubectl and the commands that the report prints, word for word,
 * until check is green. What istioctl or a load balancer would do is the equivalent edit kept beside the story.
 */

const root = resolve(import.meta.dirname, '../..');
const place = mkdtempSync(join(tmpdir(), 'meshdoctor-repair-'));
afterAll(() => rmSync(place, { recursive: true }));
const hasKubectl = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' }).status === 0;

interface Edit {
  readonly cause?: string;
  readonly instead?: string;
  readonly run: string;
}

const meshes = [
  { name: 'the demonstration', folder: join(root, 'fixtures/demo/broken'), services: ['abc.default:5000'] },
  ...readdirSync(join(root, 'fixtures/stories'))
    // The simulated istiods resolve no names of load balancers.
    .filter((name) => name !== '05-host-names-and-a-lost-port')
    .map((name) => ({ name, folder: join(root, 'fixtures/stories', name), services: [] as string[] })),
];

async function load(folder: string): Promise<{ objects: MeshObjects; takenAt: string }> {
  const objects = new Map<string, readonly KubeObject[]>();
  let at = '';
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const raw = await rawManifests(join(folder, entry.name));
    objects.set(entry.name, raw.objects as readonly KubeObject[]);
    at = raw.takenAt ?? at;
  }
  return { objects: complete(objects), takenAt: at };
}

function editsOf(folder: string): readonly Edit[] {
  const file = join(folder, 'repair.yaml');
  return existsSync(file) ? (parse(readFileSync(file, 'utf8')) as Edit[]) : [];
}

/** Causes that a step brought about: not there before, in a check that had passed there. What a mended fault had hidden is not made worse. */
function worsened(before: Report, after: Report): string[] {
  const causes = (report: Report): ReportFinding[] =>
    report.causes
      .filter(({ severity, certainty }) => severity !== 'info' && certainty !== 'possible')
      .flatMap(({ fingerprint }) => report.findings.filter((finding) => finding.fingerprint === fingerprint));
  const known = new Set(before.findings.map(({ fingerprint }) => fingerprint));
  return causes(after)
    .filter(({ fingerprint }) => !known.has(fingerprint))
    .filter(({ check, at }) => {
      const results = before.checks.find(({ id }) => id === check)?.results ?? [];
      return results.some(({ cluster, result }) => cluster === at.cluster && result === 'passed');
    })
    .map(({ fingerprint, message }) => `${fingerprint}: ${message}`);
}

/** Runs a script while this process goes on serving. */
async function shell(script: string, kubeconfig: string): Promise<{ status: number; stderr: string }> {
  return await new Promise((done) => {
    execFile('sh', ['-ec', script], { env: { ...process.env, KUBECONFIG: kubeconfig }, timeout: 60_000 }, (error, _, stderr) =>
      done({ status: error === null ? 0 : 1, stderr }),
    );
  });
}

async function mend(sandbox: Sandbox, cause: ReportFinding, edits: readonly Edit[], attempt: number): Promise<string[]> {
  const kubeconfig = join(place, 'kubeconfig');
  writeFileSync(kubeconfig, sandbox.kubeconfig(), { mode: 0o600 });
  const remedy = cause.remedy[attempt];
  const lines = remedy?.command ?? edits.filter((edit) => edit.cause === cause.code).map(({ run }) => run);
  const ran: string[] = [];
  for (const line of lines) {
    const script = edits.find(({ instead }) => instead !== undefined && line.startsWith(instead))?.run ?? line;
    const { status, stderr } = await shell(script, kubeconfig);
    expect(status, `${script}\n${stderr}`).toBe(0);
    ran.push(line);
    await sandbox.settled();
  }
  return ran;
}

describe.skipIf(!hasKubectl)('mended step by step, as printed', () => {
  test.each(meshes)('$name', { timeout: 180_000 }, async ({ folder, services }) => {
    const { objects, takenAt } = await load(folder);
    const edits = editsOf(folder);
    const sandbox = await startSandbox(objects, { takenAt });
    const steps: string[] = [];
    try {
      await sandbox.settled();
      // What merely never works is a warning: stories about that are mended, too.
      const flags = { service: services, failOn: 'warning' as const };
      let { report } = await checkLive(sandbox, flags);
      expect(report.exit.code, 'it is broken to begin with').toBe(1);
      let [last, attempt] = ['', 0];
      for (let step = 0; step < 12 && report.exit.code !== 0; step++) {
        const [cause] = report.causes.filter(({ severity, certainty }) => severity !== 'info' && certainty !== 'possible');
        const finding = report.findings.find(({ fingerprint }) => fingerprint === cause?.fingerprint);
        if (finding === undefined)
          throw new Error(
            `nothing left to mend, and still exit ${report.exit.code}: ${report.exit.reason}\n${JSON.stringify(report.notChecked)}`,
          );
        attempt = finding.fingerprint === last ? attempt + 1 : 0;
        last = finding.fingerprint;
        const before = report;
        const ran = await mend(sandbox, finding, edits, attempt);
        if (ran.length === 0) throw new Error(`${finding.code} has no further remedy:\n${finding.message}\nafter:\n${steps.join('\n')}`);
        steps.push(...ran);
        ({ report } = await checkLive(sandbox, flags));
        const worse = worsened(before, report);
        expect(worse, `made worse by:\n${ran.join('\n')}`).toEqual([]);
      }
      expect(report.exit, `${report.findings.map(({ message }) => message).join('\n')}\nafter:\n${steps.join('\n')}`).toMatchObject({
        code: 0,
      });
    } finally {
      await sandbox.close();
    }
  });
});

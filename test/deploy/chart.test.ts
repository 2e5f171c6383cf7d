import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { commands } from '../../src/cli/table.ts';
import { isBuilt, programPath } from '../real/programs.ts';
import { ran, root } from '../support/run-cli.ts';

/* The chart is the source, the plain manifests are made from it; helm itself is there where the real tier was built. */

const deploy = join(root, 'deploy');
const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string; bin: Record<string, string> };

interface Object {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  readonly rules?: unknown;
  readonly spec?: unknown;
}

interface PodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly securityContext: { runAsNonRoot: boolean; runAsUser: number; seccompProfile: { type: string } };
  readonly containers: readonly { args: string[]; securityContext: unknown; resources: { limits: object; requests: object } }[];
  readonly volumes: readonly Record<string, unknown>[];
}

function objectsOf(text: string): Object[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Object);
}

/** Pods that these objects lead to. */
function podsOf(objects: readonly Object[]): PodSpec[] {
  return objects
    .filter(({ kind }) => kind === 'CronJob')
    .map(({ spec }) => (spec as { jobTemplate: { spec: { template: { spec: PodSpec } } } }).jobTemplate.spec.template.spec);
}

async function printedRules(probe: string): Promise<unknown> {
  const { stdout } = await ran(`rbac --probe ${probe}`);
  return objectsOf(stdout)[0]?.rules;
}

const manifests = readdirSync(join(deploy, 'manifests')).map(
  (file) => [file, objectsOf(readFileSync(join(deploy, 'manifests', file), 'utf8'))] as const,
);

describe('rights', () => {
  test.each(['query', 'connect', 'off'])('of the chart with probe %s are those that rbac prints', { timeout: 60_000 }, async (probe) => {
    expect(parse(readFileSync(join(deploy, `chart/files/rules-${probe}.yaml`), 'utf8'))).toEqual(await printedRules(probe));
  });

  test.each(manifests)('of %s too', { timeout: 60_000 }, async (_, objects) => {
    expect(objects.filter(({ kind }) => kind === 'ClusterRole').map(({ rules }) => rules)).toEqual([await printedRules('query')]);
  });
});

describe.each(manifests)('%s', (_, objects) => {
  test('runs as nobody, on a root that cannot be written, in a namespace that admits nothing else', () => {
    const home = objects.find(({ kind }) => kind === 'Namespace');
    expect(home?.metadata.labels).toEqual({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    for (const { securityContext, containers, volumes } of podsOf(objects)) {
      expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } });
      for (const container of containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(Object.keys(container.resources).sort()).toEqual(['limits', 'requests']);
      }
      expect(volumes.filter((volume) => 'hostPath' in volume)).toEqual([]);
    }
  });

  test('gives no flag that there is not', () => {
    for (const [name = '', ...flags] of podsOf(objects).flatMap(({ containers }) => containers.map(({ args }) => args))) {
      const known = Object.keys(commands.find((command) => command.name === name)?.flags ?? {});
      expect(flags.map((flag) => /^--([a-z-]+)/.exec(flag)?.[1]).filter((flag) => !known.includes(flag ?? ''))).toEqual([]);
    }
  });
});

test('the versions of the chart are those of the package', () => {
  expect(parse(readFileSync(join(deploy, 'chart/Chart.yaml'), 'utf8'))).toMatchObject({
    version: packageJson.version,
    appVersion: packageJson.version,
  });
});

test('the image is built from versions that are named, runs as nobody, and starts the program', () => {
  const lines = readFileSync(join(deploy, 'Dockerfile'), 'utf8').split('\n');
  const valuesOf = (instruction: string): string[] =>
    lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));
  expect(valuesOf('ARG')).toEqual([expect.stringMatching(/^NODE_IMAGE=node:\d+\.\d+\.\d+-/)]);
  expect(valuesOf('FROM')).toEqual(['${NODE_IMAGE} AS build', '${NODE_IMAGE}']);
  expect(valuesOf('USER')).toEqual(['65532:65532']);
  expect(JSON.parse(valuesOf('ENTRYPOINT')[0] ?? '')).toEqual(['node', `/app/${packageJson.bin['meshdoctor']}`]);
});

describe.skipIf(!isBuilt('helm'))('with helm (npm run real:build)', () => {
  const helm = (
    command: string,
    values: readonly string[],
  ): { readonly code: number | null; readonly said: string; readonly stdout: string } => {
    const words = [...command.split(' '), ...['image.repository=r.example/m', ...values].flatMap((value) => ['--set', value])];
    const { status, stdout, stderr } = spawnSync(programPath('helm'), words, { cwd: deploy, encoding: 'utf8' });
    return { code: status, said: `${stdout}${stderr}`, stdout };
  };
  const full = [
    'persistence.enabled=true',
    'clusters.kubeconfig.secret=c',
    'notify.secret=n',
    'config.failOn=warning',
    'outputs={text,html=/var/lib/meshdoctor/r.html}',
  ];
  const fleet = [
    'fleet.enabled=true',
    'clusters.own=false',
    'clusters.kubeconfig.secret=c',
    'clusters.kubeconfig.contexts={a,b,c}',
    'persistence.enabled=true',
  ];

  test.each([
    ['as it is', []],
    ['with everything', full],
    ['for a fleet', fleet],
    ['for a cluster that another one reads', ['cronJob.enabled=false', 'serviceAccount.tokenSecret=true']],
  ])('lint has nothing to say: %s', { timeout: 60_000 }, (_, values) => {
    expect(helm('lint chart --strict', values)).toMatchObject({ code: 0 });
  });

  test('the plain manifests are fresh', { timeout: 60_000 }, () => {
    const { stderr, status } = spawnSync(process.execPath, ['scripts/run-ts.mjs', 'scripts/gen/manifests.ts', '--check'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect([stderr, status]).toEqual(['', 0]);
  });

  test('a fleet is recorded cluster by cluster, and one cluster that fails keeps nobody from the others', { timeout: 60_000 }, () => {
    const objects = objectsOf(helm('template m chart', fleet).stdout).filter(({ kind }) => kind === 'CronJob');
    const [record, judge] = podsOf(objects).map(({ containers }) => containers[0]!.args);
    const files = [0, 1, 2].map((index) => `--from=/var/lib/meshdoctor/recording-${index}.json.gz`);
    expect(objects[0]?.spec).toMatchObject({
      jobTemplate: { spec: { completionMode: 'Indexed', completions: 3, parallelism: 3, backoffLimitPerIndex: 0 } },
    });
    expect(record).toEqual(
      expect.arrayContaining([
        '--output=/var/lib/meshdoctor/recording-$(JOB_COMPLETION_INDEX).json.gz',
        '--context-index=$(JOB_COMPLETION_INDEX)',
        '--context=a',
      ]),
    );
    expect(judge?.filter((arg) => arg.startsWith('--from'))).toEqual(files);
  });

  test.each([
    ['notify.secret=n', 'notify needs persistence.enabled'],
    ['clusters.own=false', 'clusters.kubeconfig.secret must name'],
    ['fleet.enabled=true', 'fleet.enabled needs clusters.own=false'],
    ['clusters.kubeconfig.contexts={a}', 'clusters.kubeconfig.contexts needs clusters.kubeconfig.secret'],
    ['probe=loud', "'query', 'connect', 'off'"],
    ['cronJob.schedule=hourly', 'does not match pattern'],
    ['image.repository=', 'image.repository is needed'],
    ['outputz=x', 'additional properties'],
  ])('%s is refused with a sentence', { timeout: 60_000 }, (value, said) => {
    const refused = helm('template m chart', [value]);
    expect(refused.code).toBe(1);
    expect(refused.said).toContain(said);
  });
});

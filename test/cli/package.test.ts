import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

/*
 * The package as it is published: packed, installed into an empty folder without anything from a registry, and run from there; by hand, as a plug-in of
 * kubectl, and as the files of deploy do it.
 */

const root = resolve(import.meta.dirname, '../..');
const place = mkdtempSync(join(tmpdir(), 'meshdoctor-package-'));
afterAll(() => rmSync(place, { recursive: true, force: true }), 300_000);

const tools = process.env['MESHDOCTOR_TOOLS'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'meshdoctor-tools');
const preCommit = join(tools, 'pre_commit');
const home = join(place, 'home');
const folder = join(place, 'empty');
const demo = ['east', 'west'].map((cluster) => `--manifests ${cluster}=node_modules/meshdoctor/fixtures/demo/broken/${cluster}`).join(' ');
let tarball = '';

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number | null;
}

function shell(script: string, cwd: string, more: Readonly<Record<string, string>> = {}): Ran {
  const path = [dirname(process.execPath), process.env['PATH'] ?? ''].join(':');
  const { stdout, stderr, status } = spawnSync('bash', ['-eo', 'pipefail', '-c', script], {
    cwd,
    env: { PATH: path, HOME: home, LANG: 'C.UTF-8', npm_config_offline: 'true', npm_config_update_notifier: 'false', ...more },
    encoding: 'utf8',
    timeout: 240_000,
  });
  return { stdout, stderr, exit: status };
}

beforeAll(() => {
  for (const dir of [home, folder]) mkdirSync(dir, { recursive: true });
  const packed = shell(`npm pack --ignore-scripts --silent --pack-destination ${place}`, root);
  tarball = join(place, packed.stdout.trim());
  const installed = shell(`npm install --no-audit --no-fund --ignore-scripts --loglevel=error ${tarball}`, folder);
  if (installed.exit !== 0) throw new Error(installed.stderr);
}, 300_000);

describe('installed into an empty folder', { timeout: 240_000 }, () => {
  const run = (line: string): Ran => shell(`export PATH=$PWD/node_modules/.bin:$PATH; ${line}`, folder);

  test('it judges directories', () => {
    const { stdout, stderr, exit } = run(`meshdoctor check ${demo} -o short`);
    expect([exit, stderr]).toEqual([1, '']);
    expect(stdout).toContain('error mismatched-exposed-revision east');
  });

  test('it shows its demonstration', () => {
    const { stdout, stderr, exit } = run('meshdoctor demo');
    expect(exit).toBe(0);
    expect(`${stdout}${stderr}`).toMatch(/^✗ BROKEN/m);
    expect(run('meshdoctor demo --list').stdout).toContain('broken');
  });

  test('it brings nothing along', () => {
    expect(run('ls node_modules').stdout.trim()).toBe('meshdoctor');
  });

  test.skipIf(shell('command -v kubectl', root).exit !== 0)('it is a plug-in of kubectl', () => {
    const { stdout, stderr, exit } = run(`kubectl meshdoctor check ${demo} -o github`);
    expect([exit, stderr]).toEqual([1, '']);
    expect(stdout).toContain('::error file=node_modules/meshdoctor/fixtures/demo/broken/');
    expect(run('kubectl meshdoctor chekc').stderr).toContain('Did you mean kubectl meshdoctor check?');
  });

  test('the licences of what is bundled are in it', () => {
    const licences = readFileSync(join(folder, 'node_modules/meshdoctor/dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const name of ['chalk', 'semver', 'undici', 'ws', 'yaml', 'yargs', 'zod'])
      expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'));
    expect(existsSync(join(folder, 'node_modules/meshdoctor/LICENSE'))).toBe(true);
  });
});

interface Step {
  readonly run: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly 'working-directory'?: string;
}

/** The mesh in Git with one of its pull requests, as CI checks it out. */
function checkout(name: string): string {
  const dir = join(place, name);
  cpSync(join(root, 'fixtures/pre-merge'), dir, { recursive: true });
  cpSync(join(dir, 'pull-requests/gateway-port'), join(dir, 'clusters'), { recursive: true });
  return dir;
}

describe('the action for GitHub', { timeout: 240_000 }, () => {
  const action = parse(readFileSync(join(root, 'deploy/github/action.yml'), 'utf8')) as {
    inputs: Record<string, { default: string }>;
    runs: { using: string; steps: Step[] };
  };

  /** Its steps, one after the other, as the runner would start them. */
  function play(
    repository: string,
    inputs: Readonly<Record<string, string>>,
  ): { readonly ran: Ran; readonly outputs: string; readonly summary: string } {
    const temp = join(repository, '../runner', `${Object.keys(inputs).length}`);
    mkdirSync(temp, { recursive: true });
    const values: Record<string, string> = {
      ...Object.fromEntries(Object.entries(action.inputs).map(([name, input]) => [name, input.default])),
      package: tarball,
      ...inputs,
    };
    const filled = (text: string): string => text.replaceAll(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, name: string) => values[name] ?? '');
    const files = { GITHUB_OUTPUT: join(temp, 'output'), GITHUB_STEP_SUMMARY: join(temp, 'summary') };
    let ran: Ran = { stdout: '', stderr: '', exit: 0 };
    for (const step of action.runs.steps) {
      const env = Object.fromEntries(Object.entries(step.env ?? {}).map(([name, value]) => [name, filled(value)]));
      ran = shell(step.run, join(repository, filled(step['working-directory'] ?? '.')), { ...env, ...files, RUNNER_TEMP: temp });
      if (ran.exit !== 0) break;
    }
    const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    return { ran, outputs: read(files.GITHUB_OUTPUT), summary: read(files.GITHUB_STEP_SUMMARY) };
  }

  test('annotates the line of a pull request that breaks the other cluster, and hands its documents on', () => {
    const { ran, outputs, summary } = play(checkout('github'), {});
    expect([ran.exit, ran.stderr]).toEqual([1, '']);
    expect(ran.stdout).toMatch(/^::error file=clusters\/primary\/eastwest-gateway\.yaml,line=\d+/);
    expect(outputs).toMatch(/^exit-code=1\nsarif=.*\nmarkdown=.*\n$/);
    expect(summary).toMatch(/^<!-- meshdoctor -->\n### ❌ BROKEN/);
  });

  test('takes arguments line by line, and ends as the program ends', () => {
    const { ran, outputs, summary } = play(checkout('github-arguments'), { arguments: '--only\n no-such-check \n', summary: 'false' });
    expect(ran.exit).toBe(2);
    expect(outputs).toBe('exit-code=2\n');
    expect(summary).toBe('');
  });

  test('no input is put into a script', () => {
    expect(action.runs.using).toBe('composite');
    for (const { run } of action.runs.steps) expect(run).not.toContain('${{');
  });
});

test('the job for GitLab leaves both reports', { timeout: 240_000 }, () => {
  const template = parse(readFileSync(join(root, 'deploy/gitlab/meshdoctor.gitlab-ci.yml'), 'utf8')) as {
    meshdoctor: { script: string[]; variables: Record<string, string>; artifacts: { paths: string[] } };
  };
  const { script, variables, artifacts } = template.meshdoctor;
  const repository = checkout('gitlab');
  const { exit, stdout } = shell(script.join('\n'), repository, { ...variables, MESHDOCTOR_PACKAGE: tarball });
  expect(exit).toBe(1);
  expect(stdout).toMatch(/^✗ BROKEN/m);
  for (const file of artifacts.paths) expect(readFileSync(join(repository, file), 'utf8')).toContain('missing-cross-network-port');
});

describe('the hook for pre-commit', () => {
  const [hook] = parse(readFileSync(join(root, '.pre-commit-hooks.yaml'), 'utf8')) as [{ entry: string; pass_filenames: boolean }];

  test('runs what it names', { timeout: 240_000 }, () => {
    const { exit, stdout } = shell(`export PATH=${folder}/node_modules/.bin:$PATH; ${hook.entry}`, checkout('pre-commit'));
    expect([hook.pass_filenames, exit]).toEqual([false, 1]);
    expect(stdout).toContain('error missing-cross-network-port');
  });

  // pre-commit clones a repository of these files, and lets npm install the clone: what it is built with comes from the registry.
  test.skipIf(!existsSync(preCommit))(`is installed and run by pre-commit itself (${preCommit})`, { timeout: 900_000 }, () => {
    const repository = checkout('pre-commit-itself');
    const env = { ...process.env, PYTHONPATH: preCommit, PRE_COMMIT_HOME: join(place, 'pre-commit-home') };
    const there = (line: string): Ran => {
      const { stdout, stderr, status } = spawnSync('bash', ['-ec', line], { cwd: repository, env, encoding: 'utf8', timeout: 900_000 });
      return { stdout, stderr, exit: status };
    };
    const source = join(place, 'source');
    const committed = 'git -c user.name=n -c user.email=n@example.com commit --quiet --message all';
    const copied = `cd ${root} && mkdir ${source} && git ls-files -coz --exclude-standard | tar --null --ignore-failed-read -T - -c | tar -x -C ${source}`;
    expect(there(`(${copied}); cd ${source} && git init -q . && git add -A && ${committed}`)).toMatchObject({ exit: 0 });
    expect(there('git init -q . && git add -A').exit).toBe(0);
    const { exit, stdout } = there(`python3 -m pre_commit try-repo ${source} meshdoctor --all-files --verbose --color=never`);
    expect(stdout).toContain('error missing-cross-network-port/missing primary Service/istio-system/istio-eastwestgateway');
    expect(stdout).toContain('- exit code: 1');
    expect(exit).toBe(1);
  });
});

describe('the manifest for krew', { timeout: 240_000 }, () => {
  interface Manifest {
    readonly apiVersion: string;
    readonly kind: string;
    readonly metadata: { readonly name: string };
    readonly spec: {
      readonly version: string;
      readonly shortDescription: string;
      readonly description: string;
      readonly caveats: string;
      readonly homepage?: string;
      readonly platforms: readonly {
        readonly uri: string;
        readonly sha256: string;
        readonly files: readonly { readonly from: string; readonly to: string }[];
        readonly bin: string;
        readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
      }[];
    };
  }
  const address = 'https://example.com/meshdoctor.tgz';
  const made = (): Manifest => parse(shell(`node ${join(root, 'scripts/krew.mjs')} ${tarball} ${address}`, root).stdout) as Manifest;

  test('is one by the rules that krew checks and its index asks for', () => {
    const { apiVersion, kind, metadata, spec } = made();
    expect([apiVersion, kind, Object.keys(metadata)]).toEqual(['krew.googlecontainertools.github.com/v1alpha2', 'Plugin', ['name']]);
    // No kubectl- in front, and not longer than a name may be.
    expect(metadata.name).toMatch(/^(?!kubectl-)[a-z][a-z0-9-]{0,62}$/);
    expect(spec.version).toMatch(/^v(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?$/);
    // Lists cut it at fifty; it is no sentence, and does not say that it is a plug-in of kubectl.
    expect(spec.shortDescription.length).toBeLessThanOrEqual(50);
    expect(spec.shortDescription).toMatch(/^[A-Z][^\n]*[^.\n]$/);
    expect(spec.shortDescription).not.toMatch(/kubectl|plugin/i);
    for (const line of `${spec.description}${spec.caveats}`.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
    const known = ['version', 'homepage', 'shortDescription', 'description', 'caveats', 'platforms'];
    expect(Object.keys(spec).filter((key) => !known.includes(key))).toEqual([]);
    for (const { uri, sha256, files, bin, selector } of spec.platforms) {
      expect([uri, sha256]).toEqual([address, expect.stringMatching(/^[0-9a-f]{64}$/)]);
      expect(Object.keys(selector)).toEqual(['matchLabels']);
      for (const { from, to } of files) for (const path of [from, to, bin]) expect(path).not.toMatch(/^\/|(?:^|\/)\.\.(?:\/|$)/);
    }
    // Every machine meets one platform and no more.
    const systems = spec.platforms.map(({ selector }) => selector.matchLabels['os']);
    expect(systems).toEqual([...new Set(systems)]);
  });

  test('names the archive as it is, and what is in it', () => {
    const unpacked = join(place, 'krew');
    mkdirSync(unpacked);
    shell(`tar xzf ${tarball}`, unpacked);
    for (const { sha256, files, bin } of made().spec.platforms) {
      expect(sha256).toBe(createHash('sha256').update(readFileSync(tarball)).digest('hex'));
      // As krew lays files out: what `from` matches goes to `to`, and is linked as kubectl-meshdoctor.
      expect(files).toEqual([{ from: 'package/*', to: '.' }]);
      // It makes nothing executable that is not.
      const { exit } = shell(`ln -sf ${join(unpacked, 'package', bin)} kubectl-meshdoctor && ./kubectl-meshdoctor version`, unpacked);
      expect(exit).toBe(0);
    }
  });
});

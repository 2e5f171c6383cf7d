import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build, canBuild, type Image, ignoredOf, instructionsOf, run, runInside } from '../support/image.ts';

/* deploy/Dockerfile: what it says, and its steps carried out, as far as that can be had without a container runtime. */

const root = resolve(import.meta.dirname, '../..');
const instructions = instructionsOf(readFileSync(join(root, 'deploy/Dockerfile'), 'utf8'));
const ignored = ignoredOf(join(root, 'deploy/Dockerfile.dockerignore'));
const of = (word: string): readonly string[] => instructions.filter((one) => one.word === word).map(({ text }) => text);

describe('the Dockerfile', () => {
  test('copies from the checkout what is there, and into the image nothing but the package', () => {
    const copies = of('COPY');
    const own = copies.filter((text) => !text.startsWith('--from='));
    for (const file of own.flatMap((text) => text.split(' ').slice(0, -1))) expect(existsSync(join(root, file)), file).toBe(true);
    expect(copies.filter((text) => !own.includes(text))).toEqual(['--from=build /app /app']);
    expect(instructions.slice(instructions.findLastIndex(({ word }) => word === 'FROM')).map(({ word }) => word)).toEqual([
      'FROM',
      'COPY',
      'ENV',
      'USER',
      'ENTRYPOINT',
      'CMD',
    ]);
  });

  test('installs what the lock file names, and runs no script of a dependency', () => {
    const installs = of('RUN').filter((text) => /npm (?:ci|install)/.test(text));
    expect(installs).toEqual(['npm ci --ignore-scripts']);
    expect(of('RUN').join('\n')).not.toMatch(/curl|wget|apt-get|sudo|npx/);
  });

  test('sees no history, no dependency and no bundle of the machine that builds it', () => {
    expect(ignored).toEqual(expect.arrayContaining(['.git', 'node_modules', 'dist']));
  });
});

// npm ci brings what the checkout has already, from npm's cache mostly.
describe.skipIf(!canBuild)('built in a root of its own (as root, with unshare and setpriv)', { timeout: 900_000 }, () => {
  const place = mkdtempSync(join(tmpdir(), 'meshdoctor-image-'));
  let image: Image;
  beforeAll(() => {
    image = build(instructions, root, ignored, place);
  }, 900_000);
  afterAll(() => rmSync(place, { recursive: true, force: true }), 300_000);

  test('runs as its user, who can write nowhere', () => {
    expect(runInside(image, ['id', '-u']).stdout).toBe('65532\n');
    expect(runInside(image, ['sh', '-c', 'for d in / /app /app/dist /tmp; do touch $d/x 2>/dev/null && echo $d; done; true'])).toEqual({
      stdout: '',
      exit: 0,
    });
    expect(run(image, ['version'])).toMatchObject({ exit: 0, stderr: '' });
  });

  test('judges, prints and ends as everywhere', () => {
    const clusters = ['east', 'west'].map((name) => `--manifests=${name}=/app/fixtures/demo/broken/${name}`);
    const { stdout, stderr, exit } = run(image, ['check', ...clusters, '-o', 'short']);
    expect([exit, stderr]).toEqual([1, '']);
    expect(stdout).toContain('error mismatched-exposed-revision east');
    const nowhere = run(image, ['check', ...clusters, '-o', 'json=/report.json']);
    expect([nowhere.exit, nowhere.stderr.split('\n')[0]]).toEqual([2, expect.stringContaining('/report.json')]);
  });

  test('started as it is, outside a pod, it says that it is in none', () => {
    expect(image.cmd).toEqual(['check', '--in-cluster']);
    const { exit, stderr } = run(image);
    expect(exit).toBe(2);
    expect(stderr.split('\n')[0]).toContain('This is no pod of a cluster');
  });

  test('holds no more than the package', () => {
    const { stdout } = runInside(image, ['sh', '-c', 'ls /app && find /app -name node_modules -o -name "*.test.*" -o -name ".git*"']);
    expect(stdout.trim().split('\n')).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'fixtures', 'package.json']);
  });
});

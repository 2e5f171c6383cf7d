import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { mesh } from '../../src/builder/mesh.ts';
import { shellWord } from '../../src/base/text.ts';
import { programRunner } from '../../src/cli/programs.ts';
import { pipesOf } from '../../src/remedy/command-line.ts';
import type { RunPipe } from '../../src/remedy/commands.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import type { FixPlan } from '../../src/remedy/plan.ts';
import type { UndoFile } from '../../src/remedy/undo.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { type Ran, ran } from '../support/run-cli.ts';

/*
 * Command lines that fix runs where no change of one object does it, on clusters that are served. What stands in for istioctl and kubectl here writes what
 * they write, under their names; they themselves run on the real tier.
 */

const built = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop');
const healthy = built.objects();
const secretPath = '/api/v1/namespaces/istio-system/secrets';
/** As the served mesh has it, before it is taken away. */
let remoteSecret: KubeObject;
const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
const { signal } = new AbortController();

const place = mkdtempSync(join(tmpdir(), 'meshdoctor-fix-commands-'));
const kubeconfig = join(place, 'kubeconfig');
const undoFile = join(place, 'undo.json');
let sandbox: Sandbox;

async function serve(without: 'none' | 'moved'): Promise<void> {
  sandbox = await startSandbox(healthy, { takenAt: built.takenAt });
  writeFileSync(kubeconfig, sandbox.kubeconfig(), { mode: 0o600 });
  const found = (sandbox.objects().get('east') ?? []).find(
    ({ kind, metadata }) => kind === 'Secret' && metadata.labels?.['istio/multiCluster'] === 'true',
  );
  if (found === undefined) throw new Error('The mesh has no remote secret.');
  remoteSecret = found;
  await as('kubectl', 'east', 'DELETE', `${secretPath}/${found.metadata.name}`);
  if (without === 'moved')
    await as('kubectl', 'east', 'POST', '/api/v1/namespaces/default/secrets', { ...found, metadata: { ...bare(), namespace: 'default' } });
  await sandbox.settled();
}

/** Metadata of the remote secret without what an API server adds. */
function bare(): KubeObject['metadata'] {
  const { name, namespace, labels, annotations } = remoteSecret.metadata;
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

afterEach(async () => await sandbox.close());
afterAll(() => rmSync(place, { recursive: true }));

/** A request as a tool makes it that people use; `manager` is how an API server knows it. */
async function as(manager: string, cluster: string, method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<void> {
  const api = sandbox.clusters.get(cluster);
  const token = api?.tokens.get('admin');
  if (api === undefined || token === undefined) throw new Error(`There is no ${cluster}.`);
  const answer = await request(`${api.server}${path}?fieldManager=${manager}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    dispatcher: new Agent({ connect: { ca: api.ca } }),
  });
  const said = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(said);
}

/** The remote secret as create-remote-secret makes it, applied by kubectl, which keeps a copy of it in an annotation. */
function applied(): KubeObject {
  const { metadata: _metadata, ...rest } = remoteSecret;
  const annotations = { ...bare().annotations, 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(rest) };
  return { ...rest, metadata: { ...bare(), annotations } };
}

const creating: RunPipe = async () => {
  await as('kubectl-client-side-apply', 'east', 'POST', secretPath, applied());
  return { isDone: true, said: 'secret/istio-remote-secret-west created' };
};

async function run(line: string, more: Parameters<typeof ran>[1] = {}): Promise<Ran> {
  let seconds = 0;
  const resolved = sandbox.resolve.map(({ from, to }) => `--resolve ${from.host}:${from.port}=${to.host}:${to.port}`).join(' ');
  return await ran(`${line}${line.includes('--undo ') ? '' : ` --context east --context west ${resolved}`}`, {
    env: { KUBECONFIG: kubeconfig, PATH: process.env['PATH'] },
    cwd: place,
    now: () => new Date().toISOString(),
    seconds: () => (seconds += 20),
    sleep: async () => await sandbox.settled(),
    ...more,
  });
}

const fix = `fix --apply --yes --undo-file ${undoFile} --allow=command`;

async function planned(line: string): Promise<Pick<FixPlan, 'actions' | 'commands' | 'byHand'>> {
  return JSON.parse((await run(`${line} -o json`)).stdout) as Pick<FixPlan, 'actions' | 'commands' | 'byHand'>;
}

function secrets(): readonly string[] {
  return (sandbox.objects().get('east') ?? []).flatMap(({ kind, metadata }) =>
    kind === 'Secret' && metadata.labels?.['istio/multiCluster'] === 'true' ? [`${metadata.namespace ?? ''}/${metadata.name}`] : [],
  );
}

function written(): UndoFile {
  return JSON.parse(readFileSync(undoFile, 'utf8')) as UndoFile;
}

/** Everything that a Secret holds, as it is and decoded. */
function secretWords(): readonly string[] {
  return Object.values((remoteSecret['data'] ?? remoteSecret['stringData'] ?? {}) as Readonly<Record<string, string>>).flatMap((text) => [
    text,
    ...(/token: *(\S+)/.exec(Buffer.from(text, 'base64').toString()) ?? []).slice(1),
  ]);
}

describe('a missing remote secret', () => {
  test('is left to a person who does not allow command lines, and says that they may', async () => {
    await serve('none');
    const { commands, byHand } = await planned('fix');
    expect(commands).toEqual([]);
    expect(byHand[0]?.because).toBe('it is no change of one object; --allow=command runs it');
    const { exit } = await run(`fix --apply --yes --undo-file ${undoFile}`, { runPipe: creating });
    expect([exit, secrets()]).toEqual([1, []]);
  }, 60_000);

  test('is made by the command that is shown, and taken back; no token is in the plan, what is said, or the undo file', async () => {
    await serve('none');
    const shown = await run('fix --allow=command');
    expect(shown.stdout).toContain('istioctl create-remote-secret --context=west --name=west -i istio-system | kubectl --context east');
    expect(shown.stdout.replaceAll('\n', ' ')).toContain('for what a Secret held: that is never written down.');
    const pipes: unknown[] = [];
    const fixed = await run(fix, {
      runPipe: async (pipe) => {
        pipes.push(pipe.programs.map(([program, ...words]) => `${program} ${words[0] ?? ''}`));
        return await creating(pipe);
      },
    });
    expect(fixed.exit, fixed.stderr).toBe(0);
    expect(pipes).toEqual([['istioctl create-remote-secret', 'kubectl --context']]);
    expect(secrets()).toEqual(['istio-system/istio-remote-secret-west']);
    expect(written().changes).toMatchObject([{ did: 'created', kind: 'Secret', name: 'istio-remote-secret-west' }]);
    const everything = `${shown.stdout}${shown.stderr}${fixed.stdout}${fixed.stderr}${readFileSync(undoFile, 'utf8')}`;
    expect(secretWords().length).toBeGreaterThan(1);
    for (const word of secretWords()) expect(everything).not.toContain(word);

    const undone = await run(`fix --undo ${undoFile} --yes`);
    expect([undone.exit, secrets()]).toEqual([0, []]);
  }, 60_000);

  test('is not made where only one of its two clusters may be changed', async () => {
    await serve('none');
    let isRun = false;
    await run(`fix --apply --undo-file ${undoFile} --allow=command`, {
      isInteractive: true,
      ask: async (question) => await Promise.resolve(question.includes('east')),
      runPipe: async (pipe) => {
        isRun = true;
        return await creating(pipe);
      },
    });
    expect([isRun, secrets()]).toEqual([false, []]);
  }, 60_000);

  test('is undone of what tools wrote, not of what anybody else did meanwhile, and as far as a failed command came', async () => {
    await serve('none');
    const labelled = { metadata: { labels: { team: 'shop' } } };
    const { stderr } = await run(fix, {
      runPipe: async (pipe) => {
        await as('some-controller', 'west', 'PATCH', '/api/v1/namespaces/shop', labelled);
        await as('kubectl-label', 'west', 'PATCH', '/api/v1/namespaces/istio-system', labelled);
        await creating(pipe);
        return { isDone: false, said: `error: eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln` };
      },
    });
    expect(stderr).toContain('NOT done: istioctl and kubectl failed: error: (redacted)');
    expect(written().changes).toMatchObject([
      { did: 'created', name: 'istio-remote-secret-west' },
      { did: 'patched', name: 'istio-system', context: 'west', undo: { metadata: { labels: { team: null } } } },
    ]);
    expect((await run(`fix --undo ${undoFile} --yes`)).exit).toBe(0);
    const teams = (sandbox.objects().get('west') ?? []).flatMap(({ kind, metadata }) =>
      kind === 'Namespace' && metadata.labels?.['team'] !== undefined ? [metadata.name] : [],
    );
    expect([teams, secrets()]).toEqual([['shop'], []]);
  }, 60_000);

  test.skipIf(!hasKubectl)(
    'is taken apart as a shell would: real programs read what the one before wrote, and files',
    async () => {
      await serve('none');
      const runPipe = programRunner({ cwd: place, env: { KUBECONFIG: kubeconfig, PATH: process.env['PATH'], HOME: place }, signal });
      const name = `it's "a" $(b) ; c`;
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'made', namespace: 'shop', annotations: { name } } };
      const text = shellWord(JSON.stringify(object));
      const { stderr } = await run(fix, {
        runPipe: async () => {
          for (const pipe of pipesOf(
            `printf '%s' ${text} > made.json && printf '%s' ${text} | kubectl --context east apply --validate=false -f -`,
          )) {
            if (typeof pipe === 'string') throw new Error(pipe);
            const done = await runPipe(pipe);
            if (!done.isDone) return done;
          }
          return await runPipe({ programs: [['kubectl', '--context', 'east', 'get', 'nothing-of-the-kind']] });
        },
      });
      expect(stderr).toContain('NOT done: istioctl and kubectl failed: error');
      expect(JSON.parse(readFileSync(join(place, 'made.json'), 'utf8'))).toEqual(object);
      const made = (sandbox.objects().get('east') ?? []).find(({ metadata }) => metadata.name === 'made');
      expect(made?.metadata.annotations?.['name']).toBe(name);
      expect(written().changes).toMatchObject([{ did: 'created', kind: 'ConfigMap', name: 'made' }]);
      await run(`fix --undo ${undoFile} --yes`);
      expect((sandbox.objects().get('east') ?? []).some(({ metadata }) => metadata.name === 'made')).toBe(false);
    },
    60_000,
  );

  test('that a command replaces cannot come back, which is said; nothing that it held is written', async () => {
    await serve('moved');
    const path = `/api/v1/namespaces/default/secrets/${remoteSecret.metadata.name}`;
    await run(fix, {
      runPipe: async (pipe) => {
        await as('kubectl-client-side-apply', 'east', 'PATCH', path, {
          data: { west: 'bmV3' },
          metadata: { annotations: applied().metadata.annotations },
        });
        return await creating(pipe);
      },
    });
    const { changes } = written();
    expect(changes.filter(({ did }) => did === 'lost')).toMatchObject([{ kind: 'Secret', namespace: 'default' }]);
    for (const word of secretWords()) expect(readFileSync(undoFile, 'utf8')).not.toContain(word);
    const undone = await run(`fix --undo ${undoFile} --yes`);
    expect(undone.exit).toBe(1);
    expect(undone.stdout).toContain('left as it is: what a Secret held is never written down');
  }, 60_000);
});

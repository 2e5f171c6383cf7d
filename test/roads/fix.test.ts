import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { mesh } from '../../src/builder/mesh.ts';
import { gatewayAddressPending } from '../../src/builder/edits/east-west.ts';
import { controlPlaneClusters, externalIstiodUnset } from '../../src/builder/edits/topology-leadership.ts';
import { exposureDeleted } from '../../src/builder/edits/exposure.ts';
import { injectionPath } from '../../src/builder/edits/topology-identity.ts';
import { apiServerCaOf, foreignRoot } from '../../src/builder/edits/trust.ts';
import { networkLabelRemoved } from '../../src/builder/edits/topology-networks.ts';
import { inOrder } from '../../src/builder/edits/edit.ts';
import { contextTarget, loadKubeconfig } from '../../src/kube/kubeconfig.ts';
import { openWriter } from '../../src/kube/write.ts';
import { fields, objects, tally, text } from '../../src/model/decode.ts';
import type { Json, KubeObject, MeshObjects } from '../../src/model/kube.ts';
import { plannedReads, rulesFor } from '../../src/run/plan.ts';
import { fixRules } from '../../src/remedy/rights.ts';
import type { FixPlan } from '../../src/remedy/plan.ts';
import type { Outlook } from '../../src/remedy/outlook.ts';
import type { UndoFile } from '../../src/remedy/undo.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { builtin } from '../../checks/index.ts';
import { type Ran, ran } from '../support/run-cli.ts';

/*
 * Plans, changes and their way back, on clusters that are served. What is planned here is judged by the same checks; what API servers make of it on
 * real ones is tried on the real tier.
 */

const built = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop');
const unmatched = controlPlaneClusters({ cluster: 'west', primary: 'east', value: 'Kubernetes', leader: 'restarted' });
const exposureGone = (objects: MeshObjects): MeshObjects =>
  new Map(objects).set(
    'east',
    (objects.get('east') ?? []).filter(({ metadata }) => metadata.name !== 'cross-network-gateway'),
  );
const broken = inOrder(unmatched, networkLabelRemoved({ cluster: 'west' }), exposureGone);

const place = mkdtempSync(join(tmpdir(), 'meshdoctor-fix-'));
const kubeconfig = join(place, 'kubeconfig');
const undoFile = join(place, 'undo.json');
let sandbox: Sandbox;

async function serve(objects: MeshObjects): Promise<void> {
  sandbox = await startSandbox(objects, { takenAt: built.takenAt });
  writeFileSync(kubeconfig, sandbox.kubeconfig(), { mode: 0o600 });
}

beforeEach(async () => await serve(broken(built.objects())), 60_000);
afterEach(async () => await sandbox.close());
afterAll(() => rmSync(place, { recursive: true }));

const both = '--context east --context west';
const flags = (): string =>
  `${both} ${sandbox.resolve.map(({ from, to }) => `--resolve ${from.host}:${from.port}=${to.host}:${to.port}`).join(' ')}`;

async function run(line: string, more: Parameters<typeof ran>[1] = {}): Promise<Ran> {
  let seconds = 0;
  return await ran(line, {
    env: { KUBECONFIG: kubeconfig, PATH: process.env['PATH'] },
    cwd: place,
    now: () => new Date().toISOString(),
    // Every look is a minute later, so that what never clears is given up.
    seconds: () => (seconds += 20),
    sleep: async () => await sandbox.settled(),
    ...more,
  });
}

interface Planned extends Pick<FixPlan, 'causes' | 'byHand'> {
  readonly outlook: Outlook;
  readonly actions: readonly {
    readonly cluster: string;
    readonly code: string;
    readonly action: string;
    readonly ref: { readonly kind: string; readonly name: string };
    readonly trial?: { readonly state: string; readonly because?: string };
  }[];
}

async function planned(line: string): Promise<Planned> {
  const { stdout, stderr } = await run(`${line} -o json`);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Planned;
}

function objectOf(cluster: string, kind: string, name: string): KubeObject | undefined {
  return (sandbox.objects().get(cluster) ?? []).find((object) => object.kind === kind && object.metadata.name === name);
}

const said = (cluster: string): string | undefined =>
  objectOf(cluster, 'Namespace', 'istio-system')?.metadata.annotations?.['topology.istio.io/controlPlaneClusters'];
const network = (): string | undefined => objectOf('west', 'Namespace', 'istio-system')?.metadata.labels?.['topology.istio.io/network'];
const exposure = (): KubeObject | undefined => objectOf('east', 'Gateway', 'cross-network-gateway');

describe('a plan', () => {
  test('says what it would clear, tries it, and changes nothing', async () => {
    const { actions, outlook, byHand } = await planned(`fix ${flags()}`);
    expect(byHand).toEqual([]);
    expect(outlook).toMatchObject({ clears: 3, of: 3, leaves: [] });
    expect(outlook.introduces).toEqual([]);
    expect(actions.map(({ trial }) => trial)).toEqual(actions.map(() => ({ state: 'done' })));
    expect([said('west'), network(), exposure()]).toEqual(['Kubernetes', undefined, undefined]);
  });

  test('ends with exit code 1 while there is something to fix, and names one cause where one is wanted', async () => {
    expect((await run(`fix ${flags()}`)).exit).toBe(1);
    const { causes } = await planned(`fix unexposed-services ${flags()}`);
    expect(causes.map(({ code }) => code.split('/')[0])).toEqual(['unexposed-services']);
  });

  test('is made without asking API servers, where nobody may write', async () => {
    const { actions } = await planned(`fix --no-dry-run ${flags()}`);
    expect(actions.every(({ trial }) => trial === undefined)).toBe(true);
  });

  test('sends nothing that changes anything: GET, and changes that are only tried', async () => {
    await run(`fix ${flags()}`);
    for (const { requests } of sandbox.clusters.values())
      for (const { method, path } of requests) expect(method === 'GET' || path.includes('dryRun=All'), `${method} ${path}`).toBe(true);
  });

  test('only tries to delete what it would delete', async () => {
    await sandbox.close();
    const root = apiServerCaOf('west')(built.objects());
    await serve(foreignRoot({ cluster: 'west', root, namespaces: ['shop'] })(built.objects()));
    const maps = (): readonly unknown[] =>
      (sandbox.objects().get('west') ?? []).flatMap(({ kind, metadata }) =>
        kind === 'ConfigMap' ? [[metadata.namespace, metadata.uid]] : [],
      );
    const before = maps();
    const { actions, outlook } = await planned(`fix foreign-root ${flags()}`);
    // istiod writes it again.
    expect(outlook).toEqual({ clears: 1, of: 1, introduces: [], leaves: [] });
    expect(actions).toMatchObject([{ action: 'delete', ref: { kind: 'ConfigMap' }, trial: { state: 'done' } }]);
    await sandbox.settled();
    expect(maps()).toEqual(before);
  });

  test('is made with the rights to read alone, and says which are missing to carry it out', async () => {
    const rules = rulesFor(plannedReads(builtin, 'query'), 'query');
    for (const cluster of sandbox.clusters.values()) cluster.addUser('reader', rules);
    writeFileSync(kubeconfig, sandbox.kubeconfig({ user: 'reader' }), { mode: 0o600 });
    const { actions, outlook } = await planned(`fix ${flags()}`);
    expect(actions.map(({ trial }) => trial?.state)).toEqual(actions.map(() => 'refused'));
    expect(actions[0]?.trial?.because).toContain('(meshdoctor rbac --fix)');
    expect(outlook.clears).toBeGreaterThanOrEqual(3);
  });

  test('of a recording is what it was for the clusters', async () => {
    await run(`record -o mesh.json.gz ${flags()}`);
    const live = await planned(`fix ${flags()}`);
    const recorded = await planned('fix --from mesh.json.gz');
    expect(recorded.outlook).toEqual(live.outlook);
    expect(recorded.causes).toEqual(live.causes);
    expect((await run('fix --from mesh.json.gz --apply --yes')).exit).toBe(2);
  });
});

describe('a fix', () => {
  test('makes the mesh whole, and its undo file brings the faults back', async () => {
    const fixed = await run(`fix --apply --yes --undo-file ${undoFile} ${flags()}`);
    expect(fixed.exit, fixed.stderr).toBe(0);
    expect([said('west'), network(), exposure()?.kind]).toEqual(['Kubernetes,east', 'network2', 'Gateway']);
    expect(fixed.stderr).toContain('Cleared 3 of 3 causes, introduced none; check now ends with exit code 0.');
    expect(statSync(undoFile).mode & 0o077).toBe(0);

    const undone = await run(`fix --undo ${undoFile} --yes`);
    expect(undone.exit, undone.stdout).toBe(0);
    expect([said('west'), network(), exposure()]).toEqual(['Kubernetes', undefined, undefined]);
    await sandbox.settled();
    expect((await run(`check ${flags()}`)).exit).toBe(1);
  });

  test('takes the rights that rbac --fix prints, and no more', async () => {
    const rules = [...rulesFor(plannedReads(builtin, 'query'), 'query'), ...fixRules()];
    for (const cluster of sandbox.clusters.values()) cluster.addUser('fixer', rules);
    writeFileSync(kubeconfig, sandbox.kubeconfig({ user: 'fixer' }), { mode: 0o600 });
    expect((await run(`fix --apply --yes --undo-file ${undoFile} ${flags()}`)).exit).toBe(0);
    expect((await run(`fix --undo ${undoFile} --yes`)).exit).toBe(0);
    const { stdout } = await run('rbac --fix --user team/fixer');
    const roles = parseAllDocuments(stdout).map((document) => document.toJS() as { kind: string; rules?: unknown });
    expect(roles.map(({ kind }) => kind)).toEqual(['ClusterRole', 'ClusterRoleBinding', 'ClusterRole', 'ClusterRoleBinding']);
    expect(roles[2]?.rules).toEqual(fixRules());
  });

  test('asks for each cluster, and leaves alone those that nobody agreed to', async () => {
    const asked: string[] = [];
    const ask = async (question: string): Promise<boolean> => {
      asked.push(question);
      return await Promise.resolve(question.includes('east'));
    };
    await run(`fix --apply --undo-file ${undoFile} ${flags()}`, { isInteractive: true, ask });
    expect(new Set(asked.map((question) => /to (\w+)\?/.exec(question)?.[1]))).toEqual(new Set(['east', 'west']));
    expect([said('west'), network(), exposure()?.kind]).toEqual(['Kubernetes', undefined, 'Gateway']);
    const { changes } = JSON.parse(readFileSync(undoFile, 'utf8')) as UndoFile;
    expect(new Set(changes.map(({ context }) => context))).toEqual(new Set(['east']));
  });

  test('asks nobody who is not there', async () => {
    for (const line of [`fix --apply ${flags()}`, `fix --undo ${undoFile}`]) {
      const { exit, stderr } = await run(line);
      expect([exit, stderr]).toEqual([2, expect.stringContaining('nobody sits at a terminal')]);
    }
    expect(exposure()).toBeUndefined();
  });

  test('that nobody answered may have been made: its undo file has it', async () => {
    sandbox.clusters.get('east')?.setFault({ kind: 'reset', match: /gateways\?fieldManager=meshdoctor$/, times: 1 });
    const { stderr } = await run(`fix unexposed-services --apply --yes --undo-file ${undoFile} ${flags()}`);
    expect(stderr).toContain('apply Gateway/istio-system/cross-network-gateway: sent, and not answered');
    const { changes } = JSON.parse(readFileSync(undoFile, 'utf8')) as UndoFile;
    expect(changes).toMatchObject([{ did: 'created', name: 'cross-network-gateway' }]);
  });

  test('is not undone where somebody changed the object since', async () => {
    await run(`fix --apply --yes --undo-file ${undoFile} ${flags()}`);
    const config = await loadKubeconfig({ explicit: kubeconfig, env: {}, home: place, platform: process.platform, cwd: place });
    const somebody = openWriter(contextTarget(config, 'west'));
    const patch = { metadata: { annotations: { 'topology.istio.io/controlPlaneClusters': '*' } } };
    await somebody.write({ verb: 'patch', path: '/api/v1/namespaces/istio-system', resource: 'namespaces', patch }, false);
    await somebody.close();
    const { exit, stdout } = await run(`fix --undo ${undoFile} --yes`);
    expect(exit).toBe(1);
    expect(stdout).toContain('left as it is: Namespace istio-system in west was changed since');
    expect([said('west'), network(), exposure()]).toEqual(['*', undefined, undefined]);
  });
});

describe('a fix of what changes while somebody decides', () => {
  /** Agrees, after something has happened. */
  const agreeing = (event: () => Promise<void>): Parameters<typeof ran>[1] => {
    let isOver = false;
    return {
      isInteractive: true,
      ask: async () => {
        if (!isOver) await event();
        isOver = true;
        return true;
      },
    };
  };

  test('does not touch what somebody wrote since, or made since, and does the rest', async () => {
    const config = await loadKubeconfig({ explicit: kubeconfig, env: {}, home: place, platform: process.platform, cwd: place });
    const event = async (): Promise<void> => {
      const [east, west] = [openWriter(contextTarget(config, 'east')), openWriter(contextTarget(config, 'west'))];
      const patch = { metadata: { annotations: { 'topology.istio.io/controlPlaneClusters': 'other' } } };
      await west.write({ verb: 'patch', path: '/api/v1/namespaces/istio-system', resource: 'namespaces', patch }, false);
      const gateway = built
        .objects()
        .get('east')
        ?.find(({ metadata }) => metadata.name === 'cross-network-gateway');
      const object = JSON.parse(
        JSON.stringify({ ...gateway, metadata: { name: 'cross-network-gateway', namespace: 'istio-system' } }),
      ) as Json;
      const path = '/apis/networking.istio.io/v1/namespaces/istio-system/gateways';
      await east.write({ verb: 'create', path, resource: 'gateways.networking.istio.io', object }, false);
      await Promise.all([east.close(), west.close()]);
    };
    const { stderr } = await run(`fix --apply --undo-file ${undoFile} ${flags()}`, agreeing(event));
    expect(stderr).toContain('west: annotate Namespace/istio-system: NOT done: it was changed since the plan was made');
    expect(stderr).toContain('east: apply Gateway/istio-system/cross-network-gateway: NOT done: it was made since the plan was');
    expect([said('west'), network()]).toEqual(['other', 'network2']);
    const { changes } = JSON.parse(readFileSync(undoFile, 'utf8')) as UndoFile;
    expect(changes.filter(({ did }) => did !== 'restarted')).toMatchObject([
      { did: 'patched', context: 'west', undo: { metadata: { labels: {} } } },
    ]);
  });

  test('of two clusters of which one goes away does the other, says what is not done, and is taken back', async () => {
    const event = async (): Promise<void> => await Promise.resolve(sandbox.clusters.get('west')?.setFault({ kind: 'reset' }));
    const { stderr, exit } = await run(`fix --apply --undo-file ${undoFile} ${flags()}`, agreeing(event));
    expect(exit).not.toBe(0);
    expect(stderr).toContain('east: apply Gateway/istio-system/cross-network-gateway: done');
    expect(stderr).toMatch(/west: label Namespace\/istio-system: NOT done: /);
    expect([said('west'), network(), exposure()?.kind]).toEqual(['Kubernetes', undefined, 'Gateway']);
    sandbox.clusters.get('west')?.setFault(null);
    const undone = await run(`fix --undo ${undoFile} --yes`);
    expect([undone.exit, exposure()], undone.stdout).toEqual([0, undefined]);
  });
});

describe('what is hidden under what is fixed', () => {
  test.each([
    [
      'the second of two objects that are missing',
      inOrder(exposureDeleted({ cluster: 'east', what: 'gateway' }), exposureDeleted({ cluster: 'east', what: 'route' })),
      ['apply Gateway', 'apply VirtualService'],
    ],
    [
      'the second injector, and pods that were made meanwhile',
      injectionPath({ cluster: 'west', primary: 'east', path: { cluster: 'west', network: 'network1' }, since: 'restarted' }),
      ['patch MutatingWebhookConfiguration', 'patch MutatingWebhookConfiguration', 'restart Deployment'],
    ],
  ])(
    'is planned for: %s',
    async (_, edit, changes) => {
      await sandbox.close();
      await serve(edit(built.objects()));
      const { actions, outlook, causes } = await planned(`fix ${flags()}`);
      expect(causes).toHaveLength(1);
      expect(actions.map(({ action, ref }) => `${action} ${ref.kind}`)).toEqual(changes);
      expect(outlook.introduces).toEqual([]);
      const fixed = await run(`fix --apply --yes --undo-file ${undoFile} ${flags()}`);
      expect(fixed.exit, fixed.stderr).toBe(0);
      const undone = await run(`fix --undo ${undoFile} --yes`);
      expect(undone.exit, undone.stdout).toBe(0);
    },
    60_000,
  );

  test('is not another cause, where one was asked for', async () => {
    const { actions, causes } = await planned(`fix unexposed-services ${flags()}`);
    expect([actions, causes].map((list) => list.map(({ code }) => code.split('/')[0]))).toEqual([
      ['unexposed-services'],
      ['unexposed-services'],
    ]);
  });
});

test('what a repository has is left to it, with and without command lines', async () => {
  await sandbox.close();
  const kept = new Map(
    [...broken(built.objects())].map(([cluster, objects]) => [
      cluster,
      objects.map((object) =>
        object.kind === 'Namespace'
          ? {
              ...object,
              metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, 'argocd.argoproj.io/tracking-id': 'mesh:x' } },
            }
          : object,
      ),
    ]),
  );
  await serve(kept);
  for (const more of ['', ' --allow=command']) {
    const { actions, byHand } = await planned(`fix${more} ${flags()}`);
    expect(actions.some(({ cluster, code }) => cluster === 'west' && code.startsWith('missing-network-label'))).toBe(false);
    expect(byHand.filter(({ because }) => because === 'a repository has it: it would be changed back').map(({ code }) => code)).toEqual(
      expect.arrayContaining(['missing-network-label']),
    );
  }
}, 60_000);

test('a variable of istiod is set beside the others, and taken back alone', async () => {
  await sandbox.close();
  await serve(externalIstiodUnset({ cluster: 'east' })(built.objects()));
  const variables = (): readonly string[] => {
    const odd = tally();
    const { template } = fields(odd, objectOf('east', 'Deployment', 'istiod-1-31-0')?.['spec']);
    const [container] = objects(odd, fields(odd, fields(odd, template)['spec'])['containers']);
    return objects(odd, container?.['env'])
      .map(({ name, value }) => `${text(odd, name) ?? ''}=${text(odd, value) ?? ''}`)
      .toSorted();
  };
  const before = variables();
  const fixed = await run(`fix --apply --yes --undo-file ${undoFile} ${flags()}`);
  expect(fixed.stderr).toContain('east: patch Deployment/istio-system/istiod-1-31-0: done');
  expect(variables()).toEqual([...before.filter((one) => !one.startsWith('EXTERNAL_ISTIOD=')), 'EXTERNAL_ISTIOD=true'].toSorted());
  const undone = await run(`fix --undo ${undoFile} --yes`);
  expect([undone.exit, variables()], undone.stdout).toEqual([0, before]);
}, 60_000);

test('what no command mends is left to a person', async () => {
  await sandbox.close();
  await serve(gatewayAddressPending({ cluster: 'west' })(built.objects()));
  const { actions, byHand } = await planned(`fix ${flags()}`);
  expect(actions).toEqual([]);
  expect(byHand).toMatchObject([
    {
      code: 'unaddressed-gateway/pending',
      because: expect.stringContaining('nothing that could be typed mends it: Gateway Service') as string,
    },
  ]);
});

test.each([
  ['fix --yes', '--yes agrees to --apply or --undo'],
  ['fix --undo missing.json --yes', 'missing.json cannot be read.'],
  ['fix --undo kubeconfig --yes', 'kubeconfig is no undo file'],
  ['fix no-such-cause --context east', 'There is no cause "no-such-cause".'],
  [`fix --undo undo.json some-cause --yes`, '--undo takes back what a file says'],
])('%s is a misunderstanding', async (line, complaint) => {
  const { exit, stderr } = await run(line);
  expect([exit, stderr]).toEqual([2, expect.stringContaining(complaint)]);
});

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, SourceError } from '../base/errors.ts';
import type { ClusterSnapshot, ReducedObject } from '../model/snapshot.ts';
import { clusterName } from '../model/ids.ts';
import { type ManifestsOptions, openManifests, readManifests } from './manifests.ts';
import { findPlaces } from './places.ts';

const root = mkdtempSync(join(tmpdir(), 'meshdoctor-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;

function directory(files: Readonly<Record<string, string | Uint8Array>>): string {
  const dir = join(root, `d${count++}`);
  mkdirSync(dir, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), content);
  }
  return dir;
}

async function open(
  files: Readonly<Record<string, string | Uint8Array>>,
  options: Partial<ManifestsOptions> = {},
): Promise<ClusterSnapshot> {
  const [snapshot] = await openManifests({ clusters: [{ name: 'west', dir: directory(files) }], ...options });
  if (snapshot === undefined) throw new Error('nothing was opened');
  return snapshot;
}

function objects(snapshot: ClusterSnapshot): ReducedObject[] {
  return Object.values(snapshot.kinds).flatMap((state) => (state.status === 'read' ? state.objects : []));
}

/** A file of `directory`, without what leads to it. */
function inside(text: string): string {
  return text.replaceAll(new RegExp(`${root}/d\\d+/`, 'g'), '');
}

/** `Service x/a @ file:line`, in order of files. */
function places(snapshot: ClusterSnapshot): string[] {
  return objects(snapshot).map(({ kind, metadata, origin }) => {
    const at = origin !== undefined && 'file' in origin ? `${inside(origin.file)}:${origin.line}` : '?';
    return `${kind} ${metadata.namespace ?? ''}/${metadata.name} @ ${at}`;
  });
}

const service = (name: string): string => `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\n  namespace: x\nspec: {}\n`;
const serviceJson = (name: string): object => ({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'x' }, spec: {} });

describe('what is read', () => {
  test('plain objects, several documents, JSON, in any folder, with file and line', async () => {
    const snapshot = await open({
      'a.yaml': `# remark\n---\n${service('a')}--- # next\n# remark\n${service('b')}---\n`,
      'deep/er/c.YML': service('c'),
      'd.json': JSON.stringify(serviceJson('d'), undefined, 2),
      'README.md': service('e'),
      '.git/f.yaml': service('f'),
      'node_modules/g.yaml': service('g'),
    });
    expect(places(snapshot)).toEqual([
      'Service x/a @ a.yaml:3',
      'Service x/b @ a.yaml:11',
      'Service x/c @ deep/er/c.YML:1',
      'Service x/d @ d.json:1',
    ]);
    expect(snapshot.oddities).toEqual({});
    expect(snapshot.skipped).toBeUndefined();
  });

  test('lists of both kinds; elements of a typed one need not name their kind', async () => {
    const snapshot = await open({
      'a.yaml':
        'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a, namespace: x}\n- metadata: {name: nothing}\n',
      'b.yaml':
        'apiVersion: v1\nkind: ServiceList\nitems:\n- metadata: {name: b, namespace: x}\n- metadata:\n    name: c\n    namespace: x\n',
      'c.json': JSON.stringify(
        { apiVersion: 'apps/v1', items: [{ metadata: { name: 'd', namespace: 'x' } }], kind: 'DeploymentList' },
        undefined,
        1,
      ),
    });
    expect(places(snapshot).sort()).toEqual([
      'Deployment x/d @ c.json:4',
      'Service x/a @ a.yaml:4',
      'Service x/b @ b.yaml:4',
      'Service x/c @ b.yaml:5',
    ]);
    expect(snapshot.oddities).toEqual({ documents: 1 });
  });

  test('lists without end', async () => {
    const deep = '{"apiVersion":"v1","kind":"List","items":['.repeat(20_000) + ']}'.repeat(20_000);
    expect((await open({ 'a.json': deep })).oddities).toEqual({ documents: 1 });
  });

  test('an empty list is an answer only of a complete directory', async () => {
    const list = { 'pods.json': JSON.stringify({ apiVersion: 'v1', kind: 'PodList', items: [] }), 'a.yaml': service('a') };
    expect((await open(list)).kinds['pods']).toEqual({ status: 'not-asked', because: 'directory does not say' });
    expect((await open(list, { complete: true })).kinds['pods']).toEqual({ status: 'read', objects: [], complete: true });
  });

  test('the answer of /version', async () => {
    const version = { major: '1', minor: '34', gitVersion: 'v1.34.4', goVersion: 'go1' };
    expect((await open({ 'version.json': JSON.stringify(version), 'a.yaml': service('a') })).version).toEqual({
      major: '1',
      minor: '34',
      gitVersion: 'v1.34.4',
    });
  });

  test('the answer of kubectl version', async () => {
    const version =
      'clientVersion: {major: "1", minor: "30", gitVersion: v1.30.0}\nserverVersion: {major: "1", minor: "34", gitVersion: v1.34.4}\n';
    expect((await open({ 'version.yaml': version })).version).toEqual({ major: '1', minor: '34', gitVersion: 'v1.34.4' });
  });

  test('a bare list of objects', async () => {
    const snapshot = await open({
      'a.json': JSON.stringify([serviceJson('a'), serviceJson('b')], undefined, 1),
      'b.yaml': `- ${service('c').trim().replaceAll('\n', '\n  ')}\n`,
    });
    expect(places(snapshot)).toEqual(['Service x/a @ a.json:2', 'Service x/b @ a.json:11', 'Service x/c @ b.yaml:1']);
  });

  test('what is no object is skipped and counted', async () => {
    const snapshot = await open({
      'a.yaml': service('a'),
      'values.yaml': 'replicas: 2\n',
      'Chart.yaml': 'apiVersion: v2\nname: x\n',
      'kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n',
      'list.json': '[1]',
      'text.yaml': 'just text\n',
      'empty.yaml': '# nothing\n---\n',
      'empty.json': ' ',
    });
    expect(snapshot.skipped).toBe(5);
    expect(snapshot.unread).toEqual([]);
  });

  test('a single file stands for a directory that holds it', async () => {
    const dir = directory({ 'a.yaml': service('a'), 'b.yaml': service('b') });
    const [snapshot] = await openManifests({ clusters: [{ name: 'west', dir: join(dir, 'a.yaml') }] });
    expect(snapshot && places(snapshot)).toEqual(['Service x/a @ a.yaml:1']);
  });

  test('YAML is read as kubectl reads it', async () => {
    const labels = 'on: "1"\n    time: 12:30:45\n    date: 2026-01-01\n    yes: "y"\n    dup: a\n    dup: b';
    const snapshot = await open({
      'a.yaml': `\uFEFFapiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  labels:\n    ${labels}\nspec:\n  publishNotReadyAddresses: yes\n  ports: [{port: 0120}]\n`,
    });
    const [found] = objects(snapshot);
    expect(found?.metadata.labels).toEqual({ true: 'y', time: '12:30:45', date: '2026-01-01', dup: 'b' });
    expect(found?.['spec']).toMatchObject({ publishNotReadyAddresses: true, ports: [{ port: 80 }] });
    expect(snapshot.oddities).toEqual({});
  });

  test('CustomResourceDefinitions are read without their schemas, lines unchanged', async () => {
    const schema = (indent: string): string =>
      [`${indent}openAPIV3Schema:`, `${indent}  properties: &broken [`, '', `${indent}  - never: closed`].join('\n');
    const crd = (kind: string): string =>
      `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: ${kind.toLowerCase()}s.networking.istio.io\nspec:\n  group: networking.istio.io\n  names:\n    kind: ${kind}\n  versions:\n  - name: v1\n    schema:\n${schema('      ')}\n    served: true\n`;
    const snapshot = await open({ 'crds.yaml': `${crd('Gateway')}---\n${crd('Sidecar')}` });
    expect(places(snapshot)).toEqual([
      'CustomResourceDefinition /gateways.networking.istio.io @ crds.yaml:1',
      'CustomResourceDefinition /sidecars.networking.istio.io @ crds.yaml:18',
    ]);
    expect(objects(snapshot).map((object) => object['spec'])).toEqual([
      { group: 'networking.istio.io', kind: 'Gateway', versions: ['v1'] },
      { group: 'networking.istio.io', kind: 'Sidecar', versions: ['v1'] },
    ]);
  });
});

describe('what a directory says of itself', () => {
  test('complete and takenAt; the options of the run win', async () => {
    const files = { 'a.yaml': service('a'), 'meshdoctor.yaml': 'complete: true\ntakenAt: 2026-11-22T21:27:43Z\n' };
    const snapshot = await open(files);
    expect(snapshot.takenAt).toBe('2026-11-22T21:27:43Z');
    expect(snapshot.kinds['pods']).toMatchObject({ status: 'read', complete: true });
    expect(snapshot.skipped).toBeUndefined();
    expect((await open(files, { takenAt: '2026-11-23T00:00:00Z' })).takenAt).toBe('2026-11-23T00:00:00Z');
    expect((await open(files, { complete: false })).kinds['pods']).toMatchObject({ status: 'not-asked' });
    expect((await open({ 'a.yaml': service('a'), 'meshdoctor.yaml': '# nothing yet\n' })).takenAt).toBeUndefined();
  });

  test.each([
    ['complete: true\ncompelte: true\n', 2, 'unknown key compelte', 'Did you mean complete?'],
    ['other: 1\n', 1, 'unknown key other', undefined],
    ['complete: 1\n', 1, 'complete must be true or false', undefined],
    ['# remark\ntakenAt: yesterday\n', 2, 'takenAt must be a time', undefined],
    ['[]\n', 1, 'expected the keys complete and takenAt', undefined],
    ['a: [\n', 2, 'not YAML', undefined],
  ])('%j is refused with file and line', async (text, line, problem, hint) => {
    const error: unknown = await open({ 'a.yaml': service('a'), 'meshdoctor.yaml': text }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining(`meshdoctor.yaml:${line}: ${problem}`) as unknown,
      hint,
    });
  });

  test('in a folder below it says nothing, and is no object either', async () => {
    const snapshot = await open({ 'a.yaml': service('a'), 'below/meshdoctor.yaml': 'complete: true\nkind: x' });
    expect(snapshot.kinds['pods']).toMatchObject({ status: 'not-asked' });
    expect(snapshot.skipped).toBeUndefined();
  });
});

describe('what cannot be read', () => {
  test('broken YAML: file and line, the other documents are read, completeness ends', async () => {
    const snapshot = await open({ 'a.yaml': `${service('a')}---\nkind: Secret\ndata: {hunter2\n---\n${service('b')}` }, { complete: true });
    expect(places(snapshot)).toEqual(['Service x/a @ a.yaml:1', 'Service x/b @ a.yaml:11']);
    expect(snapshot.unread).toEqual([
      { what: expect.stringMatching(/^a\.yaml:(8|9|10)$/) as unknown, reason: expect.stringMatching(/^not YAML: /) as unknown },
    ]);
    expect(snapshot.kinds['services']).toMatchObject({ complete: false });
    expect(snapshot.kinds['pods']).toMatchObject({ status: 'failed', code: 'unreadable-file' });
    expect(JSON.stringify(snapshot)).not.toContain('hunter2');
  });

  test('broken JSON: file and line, never a word of it', async () => {
    const snapshot = await open({ 'a.yaml': service('a'), 'b.json': '{\n  "token": hunter2\n}' });
    expect(snapshot.unread).toEqual([{ what: 'b.json:2', reason: 'not JSON' }]);
    expect(snapshot.kinds['pods']).toMatchObject({ status: 'failed', code: 'unreadable-file' });
    expect(JSON.stringify(snapshot)).not.toContain('hunter2');
  });

  test('templates, alias bombs, depth without end and bytes that are no text', async () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`),
    ].join('\n');
    const snapshot = await open({
      'a.yaml': service('a'),
      'b.yaml': '{{ if .Values.x }}\nkind: A\n{{ end }}\n',
      'c.yaml': bomb,
      'd.yaml': '['.repeat(20_000),
      'e.json': '['.repeat(200_000),
      'f.yaml': new Uint8Array([0xff, 0xfe, 0x00, 0x80]),
    });
    expect(snapshot.unread.map((entry) => entry.what.replace(/:\d+$/, ''))).toEqual(['b.yaml', 'c.yaml', 'd.yaml', 'e.json', 'f.yaml']);
    expect(places(snapshot)).toHaveLength(1);
  });

  test('nothing at all left: one sentence', async () => {
    await expect(open({ 'a.yaml': 'a: [' })).rejects.toMatchObject({
      code: 'ERR_NO_CLUSTER',
      message: expect.stringMatching(/a\.yaml:1: not YAML/) as unknown,
    });
    const error: unknown = await open({ 'README.md': '' }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(SourceError);
    expect(error).toMatchObject({ code: 'ERR_NO_CLUSTER', message: expect.stringContaining('No manifests were found') as unknown });
    await expect(open({ 'values.yaml': 'a: 1' })).rejects.toMatchObject({ code: 'ERR_NO_CLUSTER' });
  });

  test('one cluster without anything readable does not end the run', async () => {
    const clusters = [
      { name: 'west', dir: directory({ 'a.yaml': service('a') }) },
      { name: 'east', dir: directory({ 'a.yaml': 'a: [' }) },
    ];
    const [west, east] = await openManifests({ clusters });
    expect(west?.kinds['services']).toMatchObject({ status: 'read' });
    expect(east?.kinds['services']).toMatchObject({ status: 'failed', code: 'unreadable-file' });
  });

  test('a directory that is not there: the nearest name as hint', async () => {
    const dir = directory({ 'west/a.yaml': service('a') });
    await expect(openManifests({ clusters: [{ name: 'w', dir: join(dir, 'wset') }] })).rejects.toMatchObject({
      code: 'ERR_SOURCE_UNREADABLE',
      hint: `Did you mean ${join(dir, 'west')}?`,
    });
  });

  test('an interrupted run keeps what it has, and says that it is not all', async () => {
    const controller = new AbortController();
    controller.abort();
    const snapshot = await open({ 'a.yaml': service('a') }, { complete: true, signal: controller.signal });
    expect(snapshot.kinds['services']).toMatchObject({ status: 'failed', code: 'interrupted' });
  });

  test('links that lead in circles or nowhere', async () => {
    const dir = directory({ 'a.yaml': service('a') });
    symlinkSync(dir, join(dir, 'circle'));
    symlinkSync(join(dir, 'nowhere'), join(dir, 'b.yaml'));
    symlinkSync(join(dir, 'c.yaml'), join(dir, 'c.yaml'));
    const [snapshot] = await openManifests({ clusters: [{ name: 'west', dir }], complete: true });
    expect(snapshot && objects(snapshot)).toHaveLength(1);
    expect(snapshot?.unread).toEqual([
      { what: 'b.yaml', reason: 'no such file' },
      { what: 'c.yaml', reason: 'links lead in a circle' },
    ]);
    expect(snapshot?.kinds['pods']).toMatchObject({ status: 'failed' });
  });

  test('whatever the bytes, a file never ends the run', async () => {
    const pieces = fc.constantFrom(
      '---\n',
      'kind: Pod\n',
      'apiVersion: v1\n',
      'items:\n',
      '- ',
      '  ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '&a ',
      '*a',
      '!!binary ',
      '|\n',
      '<<: ',
      '? ',
      ': ',
      '\t',
      '%YAML 1.2\n',
      'metadata: {name: a}\n',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(pieces, fc.string())), async (parts) => {
        await open({ 'a.yaml': service('a'), 'b.yaml': parts.join(''), 'c.json': parts.join('') });
      }),
      { numRuns: 60 },
    );
  });
});

describe('documents that describe an installation', () => {
  const operator = 'apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  profile: minimal\n  revision: r1\n';

  test('stand for what would be installed, and the place of a field is that of its setting', async () => {
    const dir = directory({
      'primary.yaml': `# remark\n---\n${operator}  values:\n    global:\n      multiCluster: {clusterName: east}\n`,
    });
    const { clusters, origins } = await readManifests({ clusters: [{ name: 'west', dir }] });
    const [snapshot] = clusters;
    if (snapshot === undefined) throw new Error('nothing was opened');
    expect(places(snapshot)).toContain('Deployment istio-system/istiod-r1 @ primary.yaml:5');
    const ref = objects(snapshot).find(({ kind }) => kind === 'Deployment');
    const find = findPlaces(origins);
    const at = { cluster: clusterName('west'), kind: 'Deployment', namespace: 'istio-system', name: 'istiod-r1', origin: ref!.origin! };
    expect(await find(at, '.spec.template.spec.containers[*].env["CLUSTER_ID"]')).toMatchObject({ line: 10, column: 22 });
    expect(await find(at, '.metadata.labels["istio.io/rev"]')).toMatchObject({ line: 7, column: 3 });
    expect(await find(at, '.status')).toMatchObject({ line: 5, column: 1 });
  });

  test('of what installers make, a directory never holds everything, whatever it says of itself', async () => {
    const { kinds } = await open({ 'primary.yaml': operator }, { complete: true });
    expect(kinds['services']).toMatchObject({ status: 'read', complete: false });
    expect(kinds['clusterroles.rbac.authorization.k8s.io']).toEqual({ status: 'not-asked', because: 'directory does not say' });
    expect(kinds['deployments.apps']).toMatchObject({ status: 'read', complete: true });
    expect(kinds['virtualservices.networking.istio.io']).toMatchObject({ status: 'read', complete: true });
  });

  test('values of charts do so too', async () => {
    const dir = directory({
      'istiod.yaml': 'revision: r1\nglobal: {network: n1}\n',
      'gateway.yaml': 'networkGateway: n1\n',
      'umbrella.yaml': 'istiod:\n  revision: r2\n',
    });
    const release = { name: 'eastwest', namespace: 'gw' };
    const values = ['istiod.yaml', 'gateway.yaml', 'umbrella.yaml'].map((file) => ({ file: join(dir, file), release }));
    const { clusters } = await readManifests({ clusters: [{ name: 'west', values }] });
    const deployments = clusters.flatMap((snapshot) => places(snapshot)).filter((place) => place.startsWith('Deployment'));
    expect(deployments.map(inside)).toEqual([
      'Deployment gw/eastwest @ gateway.yaml:1',
      'Deployment istio-system/istiod-r1 @ istiod.yaml:1',
      'Deployment istio-system/istiod-r2 @ umbrella.yaml:1',
    ]);
  });

  test.each([
    ['networkGateway: n1\n', /holds values of a gateway, but not under which name/],
    ['a: b\n', /does not tell for which of Istio's charts it is/],
    ['- a\n', /holds no values of a chart/],
    ['a: [\n', /cannot be read: not YAML/],
  ])('values %j are refused', async (content, message) => {
    const file = join(directory({ 'v.yaml': content }), 'v.yaml');
    await expect(readManifests({ clusters: [{ name: 'west', values: [{ file }] }] })).rejects.toThrow(message);
  });
});

describe('standard input', () => {
  const read = async (text: string) =>
    await readManifests({ clusters: [{ name: 'west', dir: '-' }], stdin: async () => await Promise.resolve(text) });

  test('holds a cluster, as YAML or JSON, with lines', async () => {
    const { clusters, origins } = await read(`# kustomize\n---\n${service('a')}---\n${service('b')}`);
    expect(clusters.flatMap(places)).toEqual(['Service x/a @ stdin.yaml:3', 'Service x/b @ stdin.yaml:10']);
    const at = { cluster: clusterName('west'), kind: 'Service', namespace: 'x', name: 'b', origin: { file: 'stdin.yaml', line: 10 } };
    expect(await findPlaces(origins)(at, '.spec')).toMatchObject({ file: 'stdin.yaml', line: 15 });
    expect((await read(JSON.stringify(serviceJson('c'), undefined, 2))).clusters.flatMap(places)).toEqual(['Service x/c @ stdin.json:1']);
  });

  test('that is empty is no cluster', async () => {
    await expect(read('')).rejects.toMatchObject({ code: 'ERR_NO_CLUSTER', message: expect.stringContaining('standard input') as unknown });
  });
});

test('long schemas of definitions are passed over, and what follows them is read', async () => {
  const schema = Array.from({ length: 1200 }, (_, n) => `          p${n}: {type: string}\n`).join('');
  const crd = `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: x\nspec:\n  versions:\n  - schema:\n      openAPIV3Schema:\n        properties:\n${schema}    served: true\n    name: v1\n`;
  const snapshot = await open({ 'a.yaml': `${crd}---\n${service('a')}` });
  expect(snapshot.unread).toEqual([]);
  expect(places(snapshot)).toContain('Service x/a @ a.yaml:1213');
});

describe('copies', () => {
  test('identical ones fold, different ones fail their kind, naming both files', async () => {
    const same = await open({ 'a.yaml': service('a'), 'b.json': JSON.stringify(serviceJson('a')) });
    expect(places(same)).toEqual(['Service x/a @ a.yaml:1']);
    const different = await open(
      { 'a.yaml': service('a'), 'b.json': JSON.stringify({ ...serviceJson('a'), spec: { type: 'LoadBalancer' } }) },
      { complete: true },
    );
    const services = different.kinds['services'];
    expect(services).toMatchObject({ status: 'failed', code: 'contradicting-copies' });
    expect(services?.status === 'failed' && inside(services.reason)).toBe('Service x/a differs between a.yaml:1 and b.json:1');
    expect(different.kinds['pods']).toMatchObject({ status: 'read', complete: true });
  });
});

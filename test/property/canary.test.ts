import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { base64 } from '../support/read-objects.ts';
import { ran } from '../support/run-cli.ts';
import { redact } from '../../src/base/text.ts';
import { mesh } from '../../src/builder/mesh.ts';
import { type Edit, inOrder } from '../../src/builder/edits/edit.ts';
import { plainData, withPlainData } from '../../src/builder/edits/kubeconfig.ts';
import {
  kubeconfigRejected,
  readerTokenRevoked,
  remoteSecretLabelled,
  secretRekeyed,
  tokenExpires,
} from '../../src/builder/edits/remote-secret.ts';
import type { KubeObject, MeshObjects } from '../../src/model/kube.ts';
import { reporters } from '../../src/report/formats.ts';
import { recordingOf } from '../../src/run/replay.ts';
import { encodeRecording } from '../../src/source/recording.ts';
import { optionsOf, run, snapshotAt } from '../corpus/corpus.ts';

/*
 * Secrets that are planted wherever an object of an API server can hold one, and looked for in everything that comes out.
 */

/** Easy to tell from anything else, and like what it stands for. */
const canary = (place: string): string => `CANARY${place}x9Zq7Lw3Kd8Rt5Vb2`;
const places = [
  'Token', 'Password', 'ClientKey', 'ExecArgument', 'ExecEnv', 'IdToken', 'RefreshToken', 'SigningKey', 'SecretData', 'StringData', 'LastApplied',
  'Annotation', 'ConfigData', 'ProxyMetadata', 'Env', 'Argument', 'UrlPassword', 'ProxyPassword', 'ServerPassword', 'BrokenFile',
]; // biome-ignore format: a list

const planted: Edit = (objects) => new Map([...objects].map(([cluster, own]) => [cluster, own.map(plantedIn)]));

function plantedIn(object: KubeObject): KubeObject {
  const annotations = {
    ...object.metadata.annotations,
    'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ data: { token: canary('LastApplied') } }),
    'vault.example.com/token': canary('Annotation'),
  };
  const marked = { ...object, metadata: { ...object.metadata, annotations } };
  switch (object.kind) {
    case 'Secret':
      return { ...withSecrets(marked), stringData: { more: canary('StringData') } };
    case 'ConfigMap':
      return { ...marked, data: { ...withProxyMetadata(object['data']), 'database.properties': `password=${canary('ConfigData')}` } };
    case 'Deployment':
    case 'Pod':
      return JSON.parse(JSON.stringify(marked), (key, value: unknown) => {
        if (key === 'env' && Array.isArray(value)) return [...(value as unknown[]), { name: 'DATABASE_PASSWORD', value: canary('Env') }];
        if (key === 'args' && Array.isArray(value)) return [...(value as unknown[]), `--password=${canary('Argument')}`];
        return value;
      }) as KubeObject;
    case 'MutatingWebhookConfiguration':
      return JSON.parse(JSON.stringify(marked), (key, value: unknown) =>
        key === 'clientConfig' && typeof value === 'object'
          ? { ...value, url: `https://admin:${canary('UrlPassword')}@istiod.example.com/inject` }
          : value,
      ) as KubeObject;
    default:
      return marked;
  }
}

/** Beside what every kubeconfig holds: all that it may hold; and the keys of a certificate authority. */
function withSecrets(secret: KubeObject): KubeObject {
  return withPlainData(secret, (data) => ({
    ...Object.fromEntries(Object.entries(data).map(([key, text]) => [key, text.includes('kind: Config') ? kubeconfig(text) : text])),
    ...(secret.metadata.name.startsWith('istio-remote') ? {} : { extra: canary('SecretData') }),
    ...(secret.metadata.name === 'cacerts'
      ? { 'ca-key.pem': `-----BEGIN EC PRIVATE KEY-----\n${canary('SigningKey')}\n-----END EC PRIVATE KEY-----\n` }
      : {}),
  }));
}

function kubeconfig(text: string): string {
  return text
    .replace(
      /^(\s*)(token:)/m,
      `$1username: admin\n$1password: ${canary('Password')}\n$1client-key-data: ${base64(canary('ClientKey'))}\n$1$2`,
    )
    .replace(/(?<=exec:\n)/, `      env: [{ name: SECRET, value: ${canary('ExecEnv')} }]\n`)
    .replace(/args: \[/, `args: [--token=${canary('ExecArgument')}, `)
    .replace(/(?<=auth-provider:\n)/, `      config: { id-token: ${canary('IdToken')}, refresh-token: ${canary('RefreshToken')} }\n`)
    .replace(
      /^(\s*)server: https:\/\//m,
      `$1proxy-url: http://user:${canary('ProxyPassword')}@proxy.example.com\n$1server: https://admin:${canary('ServerPassword')}@`,
    )
    .replace(/^(\s*token: [^.\n]*\.[^.\n]*\.).*$/m, `$1${canary('Token')}`);
}

function withProxyMetadata(data: unknown): object {
  const own = typeof data === 'object' && data !== null ? data : {};
  if (!('mesh' in own) || typeof own.mesh !== 'string') return own;
  return { ...own, mesh: own.mesh.replace(/proxyMetadata:\n(\s*)/, `proxyMetadata:\n$1TRACING_TOKEN: ${canary('ProxyMetadata')}\n$1`) };
}

/** What may stand for the secret in an output: itself, or itself encoded. */
function leaks(text: string): string[] {
  return places.filter((place) =>
    [canary(place), base64(canary(place)).slice(4, -4), encodeURIComponent(canary(place))].some((form) => text.includes(form)),
  );
}

const whole = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0', trust: 'plugged-in' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'] });
const secretOf = { cluster: 'east', of: 'west' };
const edits: Readonly<Record<string, Edit>> = {
  'in order': (objects) => objects,
  'a kubeconfig that runs a program': kubeconfigRejected({ ...secretOf, auth: 'exec', leader: 'keeps' }),
  'a kubeconfig with a provider': kubeconfigRejected({ ...secretOf, auth: 'auth-provider', leader: 'keeps' }),
  'a kubeconfig that is none': kubeconfigRejected({ ...secretOf, auth: 'unreadable', leader: 'keeps' }),
  'a token that ran out': tokenExpires({ ...secretOf, minutes: -30 }),
  'a token that was taken back': readerTokenRevoked({ ...secretOf, by: 'rotated' }),
  'another key': secretRekeyed({ ...secretOf, key: 'nowhere' }),
  'no label': remoteSecretLabelled({ ...secretOf, value: undefined }),
};

test('every secret was planted somewhere', () => {
  const texts = Object.values(edits).flatMap((edit) =>
    [...whole.edit(inOrder(edit, planted)).objects().values()]
      .flat()
      .map((object) => JSON.stringify(object) + (object.kind === 'Secret' ? JSON.stringify(plainData(object)) : '')),
  );
  const missing = places.filter(
    (place) =>
      place !== 'BrokenFile' && !texts.some((text) => text.includes(place === 'ClientKey' ? base64(canary(place)) : canary(place))),
  );
  expect(missing).toEqual([]);
});

describe.each(Object.entries(edits))('planted secrets: %s', (_, edit) => {
  const objects: MeshObjects = whole.edit(inOrder(edit, planted)).objects();
  const snapshot = snapshotAt(objects, whole.takenAt);

  test('are in no snapshot', () => {
    expect(leaks(JSON.stringify(snapshot))).toEqual([]);
  });

  test('are in no recording, and nothing that looks like one', async () => {
    const bytes = await encodeRecording(recordingOf(snapshot, optionsOf({ service: ['abc.shop:80'] }), '0.0.0'), 'mesh.json');
    const text = Buffer.from(bytes).toString('utf8');
    expect(text.includes('"kind":"Secret"')).toBe(true);
    expect(leaks(text)).toEqual([]);
    // Value by value: between two of them there may be anything.
    const suspicious: string[] = [];
    JSON.parse(text, (key, value: unknown) => {
      for (const one of [key, value]) if (typeof one === 'string' && redact(one) !== one) suspicious.push(one);
    });
    expect(suspicious).toEqual([]);
  });

  test('are in no report, whatever the format', async () => {
    const { report } = await run(snapshot, { service: ['abc.shop:80'] });
    for (const verbosity of [0, 2]) {
      for (const reporter of reporters) {
        expect([reporter.format, leaks(reporter.render(report, { width: 100, colour: false, unicode: true, verbosity }))]).toEqual([
          reporter.format,
          [],
        ]);
      }
    }
  });
});

describe('planted secrets in files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-canary-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  for (const [cluster, objects] of whole.edit(planted).objects()) {
    mkdirSync(join(folder, cluster));
    writeFileSync(join(folder, cluster, 'all.yaml'), objects.map((object) => stringify(object)).join('---\n'));
  }
  const broken = `apiVersion: v1\nkind: Secret\nmetadata: [\nstringData: { a: ${canary('BrokenFile')} }\n`;
  writeFileSync(join(folder, 'east/broken.yaml'), broken);
  writeFileSync(join(folder, 'west/broken.json'), `{"kind": "Secret", "data": {"a": "${canary('BrokenFile')}" `);
  writeFileSync(join(folder, 'meshdoctor.config.yaml'), `failOn: [${canary('BrokenFile')}\n`);
  mkdirSync(join(folder, 'only-broken'));
  writeFileSync(join(folder, 'only-broken/broken.yaml'), broken);

  test.each([
    ...reporters.map(({ format }) => `check -vv -o ${format} --config /dev/null`),
    'check -vv -o text --complete --allow-incomplete --config /dev/null',
    'check',
    'check --config /dev/null --manifests x=only-broken',
  ])('%s', async (line) => {
    const manifests = line.includes('--manifests') ? '' : `--manifests east=${folder}/east --manifests west=${folder}/west`;
    const { stdout, stderr } = await ran(`${line.replace('x=', `x=${folder}/`)} ${manifests}`, { cwd: folder });
    const out = stdout + stderr;
    expect(out).not.toBe('');
    expect(leaks(out)).toEqual([]);
    expect(readFileSync(join(folder, 'east/broken.yaml'), 'utf8')).toContain(canary('BrokenFile'));
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mesh } from '../../src/builder/mesh.ts';
import type { KubeObject, MeshObjects } from '../../src/model/kube.ts';
import { reporters } from '../../src/report/formats.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { statsText } from '../../src/cli/stats.ts';
import { checkLive, type LiveRun } from '../support/live-check.ts';

/* What a default check sends, to whom, and what of what it reads it shows. */

const planted = 'PLANTED-c2VjcmV0LXZhbHVl';
const built = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop')
  .workload('client.shop');

/** Secrets wherever an object of an API server can hold one. */
function withSecrets(objects: MeshObjects): MeshObjects {
  const encoded = Buffer.from(planted).toString('base64');
  const secret = (name: string, type: string, data: Readonly<Record<string, string>>): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: 'shop',
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ stringData: { password: planted } }) },
    },
    type,
    data,
  });
  const marked = (object: KubeObject): KubeObject => ({
    ...object,
    metadata: {
      ...object.metadata,
      annotations: { ...object.metadata.annotations, 'kubectl.kubernetes.io/last-applied-configuration': `{"token":"${planted}"}` },
    },
    ...(object.kind === 'ConfigMap' ? { data: { ...(object['data'] as object), 'application.properties': `password=${planted}` } } : {}),
  });
  const withEnvironment = (object: KubeObject): KubeObject =>
    JSON.parse(JSON.stringify(object).replaceAll('"env":[', `"env":[{"name":"DATABASE_PASSWORD","value":"${planted}"},`)) as KubeObject;
  return new Map(
    [...objects].map(([name, own]) => [
      name,
      [
        ...own.map((object) => withEnvironment(object.metadata.namespace === 'shop' ? marked(object) : object)),
        secret('database', 'Opaque', { password: encoded }),
        secret('registry', 'kubernetes.io/dockerconfigjson', { '.dockerconfigjson': encoded }),
        secret('certificate', 'kubernetes.io/tls', { 'tls.crt': encoded, 'tls.key': encoded }),
        secret('istio-remote-secret-odd', 'Opaque', {
          odd: Buffer.from(`users:\n- name: a\n  user: { token: ${planted} }\n`).toString('base64'),
        }),
      ],
    ]),
  );
}

let sandbox: Sandbox;
let run: LiveRun;
beforeAll(async () => {
  sandbox = await startSandbox(withSecrets(built.objects()), { takenAt: built.takenAt });
  run = await checkLive(sandbox, { service: ['abc.shop'] });
}, 60_000);
afterAll(async () => await sandbox.close());

describe('a default check', () => {
  test('sends nothing but GET, access reviews and port-forward', () => {
    for (const [name, { requests }] of sandbox.clusters) {
      const own = requests.filter(({ headers }) => /meshdoctor/.test(String(headers['user-agent'])));
      expect(own.length, name).toBeGreaterThan(20);
      for (const { method, path } of own) {
        const isReview = method === 'POST' && /\/selfsubject(access|rules)reviews$/.test(path);
        expect(method === 'GET' || isReview, `${method} ${path}`).toBe(true);
      }
    }
  });

  test('measured through port-forward, and says so in its log', () => {
    expect(run.requests.filter(({ path, status }) => /portforward/.test(path) && status === 101).length).toBeGreaterThan(0);
  });

  test('gives each cluster its own credential and no other', () => {
    const tokens = new Map([...sandbox.clusters].map(([name, { tokens }]) => [name, [...tokens.values()]]));
    for (const [name, { requests }] of sandbox.clusters) {
      const foreign = [...tokens].filter(([other]) => other !== name).flatMap(([, own]) => own);
      for (const { headers } of requests) for (const token of foreign) expect(JSON.stringify(headers)).not.toContain(token);
    }
  });

  test('shows no secret in any format, log, note or progress', () => {
    const tokens = [...sandbox.clusters.values()].flatMap(({ tokens }) => [...tokens.values()]);
    const remoteTokens = [...built.objects().values()]
      .flat()
      .flatMap((object) => [...JSON.stringify(object).matchAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g)].map(([jwt]) => jwt));
    const style = { width: 120, colour: false, unicode: true, verbosity: 2 };
    const outputs = [
      ...reporters.map((reporter) => reporter.render(run.report, style)),
      JSON.stringify(run.report),
      statsText(run.requests, true),
      JSON.stringify(run.requests),
      run.notes.join('\n'),
      JSON.stringify(run.progress),
    ].join('\n');
    for (const secret of [planted, Buffer.from(planted).toString('base64'), ...tokens, ...remoteTokens])
      expect(outputs.includes(secret), secret.slice(0, 12)).toBe(false);
    expect(outputs).not.toMatch(/PRIVATE KEY/);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fakeConnection } from '../../test/support/fake-connection.ts';
import { type Kubeconfig, loadKubeconfig } from '../kube/kubeconfig.ts';
import type { LiveSource } from '../config/live.ts';
import type { KubeObject } from '../model/kube.ts';
import { ambiguous, chosenContexts, contextAt, remoteTargets } from './contexts.ts';

const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-contexts-'));
afterAll(() => rmSync(folder, { recursive: true }));

const source: LiveSource = {
  contexts: [],
  inCluster: false,
  impersonate: { groups: [] },
  requestTimeout: 1,
  timeout: 1,
  resolve: [],
  probe: 'off',
  probePod: { namespace: 'default' },
};
const authority = (name: string): string =>
  Buffer.from(`-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`).toString('base64');

async function kubeconfigOf(names: readonly string[], current?: string): Promise<Kubeconfig> {
  const file = join(folder, `${names.join('-')}-${current ?? 'none'}`.replaceAll(/[^\w-]/g, '_'));
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      ...(current === undefined ? {} : { 'current-context': current }),
      clusters: names.map((name) => ({
        name,
        cluster: { server: `https://${name}.example:6443`, 'certificate-authority-data': authority(name) },
      })),
      users: names.map((name) => ({ name, user: { token: `token-of-${name}` } })),
      contexts: names.map((name) => ({ name, context: { cluster: name, user: name } })),
    }),
  );
  return await loadKubeconfig({ explicit: file, env: {}, home: undefined, platform: 'linux', cwd: folder });
}

/** A remote secret with a kubeconfig per key. */
const secret = (keys: Readonly<Record<string, object>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'istio-remote-secret', namespace: 'istio-system', labels: { 'istio/multiCluster': 'true' } },
  type: 'Opaque',
  data: Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, Buffer.from(JSON.stringify(value)).toString('base64')])),
});

const opening = (server: string, ca: string, user: object): object => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'c',
  clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': ca } }],
  users: [{ name: 'c', user }],
  contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
});

describe('which contexts are meant', () => {
  test('names in the order given, patterns in the order of the file, each once', async () => {
    const kubeconfig = await kubeconfigOf(['prod-b', 'prod-a', 'test']);
    expect(chosenContexts(kubeconfig, ['prod-a', 'prod-*', 'test'])).toEqual(['prod-a', 'prod-b', 'test']);
  });

  test('a pattern that matches nothing is an error that names what there is', async () => {
    const kubeconfig = await kubeconfigOf(['prod-b', 'test']);
    expect(() => chosenContexts(kubeconfig, ['stage-*'])).toThrow('No context of the kubeconfig matches "stage-*".');
  });

  test('dots in names are dots', async () => {
    const kubeconfig = await kubeconfigOf(['a.b', 'axb']);
    expect(chosenContexts(kubeconfig, ['a.*'])).toEqual(['a.b']);
  });
});

describe('when none was chosen', () => {
  test('the command names those that the remote secrets lead to, by server or by authority', async () => {
    const kubeconfig = await kubeconfigOf(['east', 'other', 'south', 'west'], 'east');
    const home = fakeConnection('east', [
      secret({
        west: opening('https://west.example:6443', authority('behind a proxy'), { token: 't' }),
        south: opening('https://10.0.0.1:6443', authority('south'), { token: 't' }),
      }),
    ]);
    const { opened } = await remoteTargets(home, new AbortController().signal);
    const error = ambiguous(kubeconfig, opened, source);
    expect(error.hint).toContain('meshdoctor check --context east --context south --context west');
    expect(error.hint).not.toContain('other');
  });

  test('without a hint of what belongs together it is an example', async () => {
    const error = ambiguous(await kubeconfigOf(['east', 'west']), [], { ...source, kubeconfig: 'my file' });
    expect(error.hint).toBe("For example:\n  meshdoctor check --kubeconfig 'my file' --context east --context west");
  });
});

test('commands and files in a remote secret are refused, never run or read', async () => {
  const home = fakeConnection('east', [
    secret({
      run: opening('https://a:6443', authority('a'), {
        exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'touch', args: [join(folder, 'ran')] },
      }),
      file: opening('https://b:6443', authority('b'), { tokenFile: '/etc/passwd' }),
      good: opening('https://c:6443', authority('c'), { token: 't' }),
    }),
  ]);
  const { opened, refused } = await remoteTargets(home, new AbortController().signal);
  expect(opened.map(({ key }) => key)).toEqual(['good']);
  expect(refused).toHaveLength(2);
});

describe('of many contexts an indexed job', () => {
  test('opens the one in its place, in the order in which they were named', () => {
    expect(['0', '1', '2'].map((index) => contextAt(['west', 'east', 'south'], Number(index)))).toEqual([['west'], ['east'], ['south']]);
    expect(contextAt(['west', 'east'], undefined)).toEqual(['west', 'east']);
  });

  test('does not do as if there were more', () => {
    expect(() => contextAt(['west'], 1)).toThrow('There is no context 1, counted from 0: 1 context was chosen.');
  });
});

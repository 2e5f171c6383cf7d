import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { MeshdoctorError } from '../../src/base/errors.ts';
import { inClusterTarget } from '../../src/kube/in-cluster.ts';
import { contextTarget, type Kubeconfig, loadKubeconfig, parseKubeconfigText } from '../../src/kube/kubeconfig.ts';
import { complaint, hasKubectl, kubectl, makeFolder } from '../support/kube-files.ts';

const folder = makeFolder();
afterAll(() => folder.remove());

const load = (env: Record<string, string>, more: { explicit?: string; home?: string } = {}): Promise<Kubeconfig> =>
  loadKubeconfig({ env, home: join(folder.path, 'nobody'), platform: 'linux', cwd: folder.path, ...more });

async function failing(work: Promise<unknown> | (() => unknown)): Promise<MeshdoctorError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof MeshdoctorError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

const cluster = (name: string, server: string): string => `- name: ${name}\n  cluster: {server: "${server}"}\n`;
const user = (name: string, token: string): string => `- name: ${name}\n  user: {token: ${token}}\n`;
const context = (name: string, its: { cluster?: string; user?: string } = {}): string =>
  `- name: ${name}\n  context: {cluster: ${its.cluster ?? name}, user: ${its.user ?? name}}\n`;

const one = folder.write(
  'one/config',
  `clusters:\n${cluster('shared', 'https://first')}${cluster('west', 'https://west')}users:\n${user('shared', 'first')}contexts:\n${context('shared')}${context('west', { user: 'shared' })}`,
);
const two = folder.write(
  'two/config',
  `current-context: east\nclusters:\n${cluster('shared', 'https://second')}${cluster('east', 'https://east')}users:\n${user('shared', 'second')}${user('east', 'east')}contexts:\n${context('shared')}${context('east')}`,
);
const three = folder.write('three/config', `current-context: west\n`);
const empty = folder.write('empty', '');

describe('merging', () => {
  // As kubectl: the first file that has a name wins it.
  test('of equal names the first file wins, and current-context is the first that is set', async () => {
    const config = await load({ KUBECONFIG: `${one}:${two}:${three}` });
    expect(config.contexts.map(({ name }) => name)).toEqual(['east', 'shared', 'west']);
    expect(config.currentContext).toBe('east');
    expect(contextTarget(config, 'shared')).toMatchObject({ server: 'https://first', credential: { kind: 'token', token: 'first' } });
    expect(contextTarget(config, 'west')).toMatchObject({ server: 'https://west', credential: { kind: 'token', token: 'first' } });
  });

  // As kubectl: a file of the list that is not there is passed over.
  test('missing files of the list are passed over', async () => {
    const config = await load({ KUBECONFIG: `${folder.path}/missing:${one}::${one}` });
    expect(config.files).toEqual([
      { path: `${folder.path}/missing`, state: 'missing' },
      { path: one, state: 'read' },
    ]);
    expect(config.where).toBe(`${folder.path}/missing (does not exist) and ${one}`);
  });

  // As kubectl: an empty file is an empty configuration.
  test('empty files are empty', async () => {
    const config = await load({ KUBECONFIG: `${empty}:${one}` });
    expect(config.files[0]).toEqual({ path: empty, state: 'empty' });
    expect(config.contexts).toHaveLength(2);
  });

  test('the explicit file is alone, whatever KUBECONFIG says', async () => {
    const config = await load({ KUBECONFIG: two }, { explicit: 'one/config' });
    expect(config.files).toEqual([{ path: one, state: 'read' }]);
    expect(config.currentContext).toBeUndefined();
  });

  test('without either it is ~/.kube/config', async () => {
    const home = join(folder.path, 'home');
    folder.write('home/.kube/config', `current-context: at-home\n`);
    expect((await load({}, { home })).currentContext).toBe('at-home');
    expect((await load({ KUBECONFIG: '' }, { home })).currentContext).toBe('at-home');
  });

  test('nothing anywhere is no error, and says where was looked', async () => {
    const config = await load({});
    expect(config.contexts).toEqual([]);
    expect(config.where).toBe(`${folder.path}/nobody/.kube/config (does not exist)`);
    expect((await failing(() => contextTarget(config, 'west'))).message).toBe(
      `There is no context in ${folder.path}/nobody/.kube/config (does not exist).`,
    );
    const homeless = await loadKubeconfig({ env: {}, home: undefined, platform: 'linux', cwd: '/' });
    expect((await failing(() => contextTarget(homeless, 'west'))).message).toBe(
      'There is no context in any kubeconfig: there is no home directory to look in.',
    );
  });

  test('on Windows the list is separated by semicolons', async () => {
    const config = await loadKubeconfig({ env: { KUBECONFIG: 'C:\\a;D:\\b' }, home: undefined, platform: 'win32', cwd: 'C:\\' });
    expect(config.files.map(({ path }) => path)).toEqual(['C:\\a', 'D:\\b']);
  });
});

describe('relative paths are relative to their own file', () => {
  const file = folder.write(
    'deep/er/config',
    `
clusters: [{name: a, cluster: {server: https://a, certificate-authority: ../ca.pem}}]
users:
- {name: a, user: {client-certificate: c.pem, client-key: /abs/k.pem, tokenFile: ./t}}
- {name: b, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./login}}}
- {name: c, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: login}}}
contexts: [{name: a, context: {cluster: a, user: a}}, {name: b, context: {cluster: a, user: b}}, {name: c, context: {cluster: a, user: c}}]
`,
  );
  const at = (name: string): string => join(folder.path, 'deep', name);

  test('certificates, keys and token files', async () => {
    const target = contextTarget(await load({ KUBECONFIG: file }), 'a');
    expect(target.certificateAuthority).toEqual({ file: at('ca.pem') });
    expect(target.clientCertificate).toEqual({ certificate: { file: at('er/c.pem') }, key: { file: '/abs/k.pem' } });
    expect(target.credential).toEqual({ kind: 'token-file', file: at('er/t') });
  });

  // As kubectl: ./plugin is beside the kubeconfig, a bare name is looked up on PATH.
  test('commands with a separator', async () => {
    const config = await load({ KUBECONFIG: file });
    expect(contextTarget(config, 'b').credential).toMatchObject({ plugin: { command: at('er/login') } });
    expect(contextTarget(config, 'c').credential).toMatchObject({ plugin: { command: 'login' } });
  });
});

describe('bad input', () => {
  test('a broken file: which, which line, what', async () => {
    const file = folder.write('broken', 'clusters:\n- name: a\n  cluster:\n    server: [1]\n');
    const error = await failing(load({ KUBECONFIG: `${one}:${file}` }));
    expect([error.code, error.message]).toEqual([
      'ERR_SOURCE_UNREADABLE',
      `Kubeconfig ${file}, line 4, is broken: clusters[0].cluster.server must be a text, not a list.`,
    ]);
  });

  test('the explicit file is missing, or a directory', async () => {
    expect((await failing(load({}, { explicit: 'gone' }))).message).toBe(
      `Kubeconfig ${folder.path}/gone cannot be read: there is no such file.`,
    );
    expect((await failing(load({ KUBECONFIG: folder.path }))).message).toBe(`Kubeconfig ${folder.path} cannot be read: it is a directory.`);
  });

  test.skipIf(process.getuid?.() === 0)('a file that may not be read', async () => {
    const file = folder.write('closed', 'kind: Config\n');
    chmodSync(file, 0);
    expect((await failing(load({ KUBECONFIG: file }))).message).toContain('permission denied');
  });

  test('an unknown context: the nearest', async () => {
    const config = await load({ KUBECONFIG: one });
    const near = await failing(() => contextTarget(config, 'wset'));
    expect([near.code, near.message, near.hint]).toEqual(['ERR_BAD_VALUE', `There is no context "wset" in ${one}.`, 'Did you mean west?']);
    expect((await failing(() => contextTarget(config, 'production'))).hint).toBe('Contexts are shared and west.');
  });
});

/** Contexts that cannot be used, by what their file says beside a cluster and a user that are in order. */
const unusable: readonly [string, { cluster?: string; user?: string; context?: string }, string][] = [
  ['missing cluster', { context: 'cluster: gone, user: u' }, 'it names cluster "gone", which is in no kubeconfig'],
  ['missing user', { context: 'cluster: c, user: gone' }, 'it names user "gone", which is in no kubeconfig'],
  ['no server', { cluster: 'tls-server-name: x' }, 'cluster "c" has no server'],
  [
    'authority twice',
    { cluster: 'server: "https://127.0.0.1:1", certificate-authority: /x, certificate-authority-data: Zm9v' },
    'cluster "c" has both certificate-authority and certificate-authority-data',
  ],
  [
    'proxy-url',
    { cluster: 'server: "https://127.0.0.1:1", proxy-url: "ftp://x"' },
    'cluster "c" has a proxy-url that is no URL of http, https or socks5',
  ],
  [
    'token and password',
    { user: 'token: t, username: a, password: b' },
    'user "u" has both a token and a username, of which only one can be meant',
  ],
  ['certificate without key', { user: 'client-certificate-data: Zm9v' }, 'user "u" has a client certificate without its key'],
  ['groups for nobody', { user: 'as-groups: [g]' }, 'user "u" has as-uid, as-groups or as-user-extra without as'],
  [
    'exec and auth-provider',
    { user: 'exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: x}, auth-provider: {name: oidc}' },
    'user "u" has both exec and auth-provider',
  ],
  [
    'exec without mode',
    { user: 'exec: {apiVersion: client.authentication.k8s.io/v1, command: x}' },
    'user "u" has an exec entry whose interactiveMode is not Never, IfAvailable or Always',
  ],
  [
    'exec of a strange mode',
    { user: 'exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Maybe, command: x}' },
    'user "u" has an exec entry whose interactiveMode is not Never, IfAvailable or Always',
  ],
  [
    'exec without command',
    { user: 'exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}' },
    'user "u" has an exec entry without command',
  ],
  ['exec without version', { user: 'exec: {command: x, interactiveMode: Never}' }, 'user "u" has an exec entry without apiVersion'],
  [
    'exec of an unknown version',
    { user: 'exec: {command: x, interactiveMode: Never, apiVersion: client.authentication.k8s.io/v1alpha1}' },
    'user "u" has an exec entry of apiVersion client.authentication.k8s.io/v1alpha1; client.authentication.k8s.io/v1 and client.authentication.k8s.io/v1beta1 are known',
  ],
  [
    'authority and no verification',
    { cluster: 'server: "https://127.0.0.1:1", insecure-skip-tls-verify: true, certificate-authority-data: Zm9v' },
    'cluster "c" has a certificate authority and insecure-skip-tls-verify, of which only one can be meant',
  ],
];

const odd = (name: string, its: { cluster?: string; user?: string; context?: string }): string =>
  folder.write(
    `odd/${name.replaceAll(' ', '-')}`,
    `clusters: [{name: c, cluster: {${its.cluster ?? 'server: "https://127.0.0.1:1"'}}}]\nusers: [{name: u, user: {${its.user ?? 'token: t'}}}]\ncontexts: [{name: odd, context: {${its.context ?? 'cluster: c, user: u'}}}, {name: fine, context: {cluster: d, user: v}}]\n`,
  );

describe('a context that cannot be used is an error only when it is used', () => {
  test.each(unusable)('%s', async (name, its, problem) => {
    const file = odd(name, its);
    const other = folder.write('odd/fine', 'clusters: [{name: d, cluster: {server: https://d}}]\nusers: [{name: v, user: {}}]\n');
    const config = await load({ KUBECONFIG: `${file}:${other}` });
    expect(contextTarget(config, 'fine').server).toBe('https://d');
    const error = await failing(() => contextTarget(config, 'odd'));
    expect(error.code).toBe('ERR_NO_CLUSTER');
    expect(error.message).toBe(`Context odd (${file}, line 3) cannot be used: ${problem}.`);
  });

  test.skipIf(!hasKubectl).each(unusable.filter(([name]) => name !== 'exec of an unknown version'))(
    'the real kubectl refuses it too: %s',
    (name, its) => {
      const said = complaint(['--context', 'odd', 'get', '--raw', '/version'], { KUBECONFIG: odd(name, its) });
      expect(said).not.toBe('');
      // It would have gone on and found nobody there.
      if (name !== 'no server' && name !== 'missing user' && name !== 'missing cluster') expect(said).not.toContain('was refused');
    },
  );
});

describe('credentials of a user: the one that is sent', () => {
  const kindOf = async (its: string): Promise<string> =>
    contextTarget(await load({ KUBECONFIG: odd('user', { user: its }) }), 'odd').credential.kind;
  const exec = 'exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: x}';
  test.each([
    ['token: t', 'token'],
    ['token: t, tokenFile: /f', 'token-file'],
    [`token: t, ${exec}`, 'token'],
    ['username: a', 'basic'],
    [exec, 'exec'],
    [`client-certificate: /c, client-key: /k, ${exec}`, 'none'],
    ['auth-provider: {name: oidc}', 'auth-provider'],
    ['', 'none'],
  ])('%s: %s', async (its, kind) => expect(await kindOf(its)).toBe(kind));

  test('a context without user is anonymous', async () => {
    const config = await load({ KUBECONFIG: odd('nobody', { context: 'cluster: c' }) });
    expect(contextTarget(config, 'odd').credential).toEqual({ kind: 'none' });
  });

  // v1beta1 had no need to say it.
  test('before v1 a plugin may ask where it can', async () => {
    const config = await load({
      KUBECONFIG: odd('beta', { user: 'exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x}' }),
    });
    expect(contextTarget(config, 'odd').credential).toMatchObject({ plugin: { interactiveMode: 'IfAvailable' } });
  });
});

describe('a kubeconfig that was found in a cluster is data', () => {
  const text = (userBody: string, clusterBody = 'server: https://a, certificate-authority-data: Zm9v'): string =>
    `clusters: [{name: a, cluster: {${clusterBody}}}]\nusers: [{name: a, user: {${userBody}}}]\ncontexts: [{name: x, context: {cluster: a, user: a}}]\ncurrent-context: x\n`;

  test('a token is used', () => {
    expect(parseKubeconfigText(text('token: t'), 'Secret s, key west')).toEqual({
      name: 'Secret s, key west',
      server: 'https://a',
      certificateAuthority: { pem: 'foo' },
      insecureSkipTlsVerify: false,
      credential: { kind: 'token', token: 't' },
      disableCompression: false,
    });
  });

  test.each([
    [
      'exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: x}',
      'it wants a command run (exec), which meshdoctor does not do for kubeconfigs found in a cluster',
    ],
    ['auth-provider: {name: oidc}', 'it wants an auth-provider, which meshdoctor does not use for kubeconfigs found in a cluster'],
    ['tokenFile: /etc/shadow', 'it refers to files of another machine (tokenFile)'],
    ['client-certificate: /c, client-key: /k', 'it refers to files of another machine (client-certificate, client-key)'],
  ])('%s is refused', async (userBody, problem) => {
    const error = await failing(() => parseKubeconfigText(text(userBody), 'Secret s, key west'));
    expect(error.message).toBe(`Context x (Secret s, key west, line 3) cannot be used: ${problem}.`);
  });

  test('the authority as a file is refused', async () => {
    const error = await failing(() => parseKubeconfigText(text('token: t', 'server: https://a, certificate-authority: /etc/hosts'), 's'));
    expect(error.message).toContain('it refers to files of another machine (certificate-authority)');
  });

  test('without current context, or with one that is not there, or broken', async () => {
    expect((await failing(() => parseKubeconfigText('', 'the key'))).message).toBe('The kubeconfig of the key has no current context.');
    expect((await failing(() => parseKubeconfigText('current-context: x', 'the key'))).message).toContain('There is no context in the key');
    expect((await failing(() => parseKubeconfigText('contexts: [{name: z}]\ncurrent-context: x', 'the key'))).message).toBe(
      'The current context of the kubeconfig of the key is not in it.',
    );
    expect((await failing(() => parseKubeconfigText('[', 'the key'))).message).toMatch(/^Kubeconfig the key, line 1, is broken: not YAML/);
  });
});

describe('in a pod', () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
  const files: Record<string, string> = { token: 't\n', 'ca.crt': 'CA', namespace: 'istio-system\n' };
  const reader = (missing?: string) => (path: string) => {
    const name = path.split('/').at(-1) ?? '';
    return name === missing ? Promise.reject(Object.assign(new Error('x'), { code: 'ENOENT' })) : Promise.resolve(files[name] ?? '');
  };

  test('the service account of the pod', async () => {
    expect(await inClusterTarget(env, reader())).toEqual({
      name: 'in-cluster',
      server: 'https://10.96.0.1:443',
      namespace: 'istio-system',
      certificateAuthority: { pem: 'CA' },
      insecureSkipTlsVerify: false,
      credential: { kind: 'token-file', file: '/var/run/secrets/kubernetes.io/serviceaccount/token' },
      disableCompression: false,
    });
    expect((await inClusterTarget({ ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' }, reader('namespace'))).server).toBe(
      'https://[fd00::1]:443',
    );
  });

  // As kubectl: an error, and no server called undefined.
  test('outside of one it is an error', async () => {
    for (const other of [{}, { KUBERNETES_SERVICE_HOST: '10.96.0.1' }, { ...env, KUBERNETES_SERVICE_HOST: '' }])
      expect((await failing(inClusterTarget(other, reader()))).message).toBe(
        'This is no pod of a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set.',
      );
    expect((await failing(inClusterTarget(env, reader('token')))).message).toBe(
      'The service account of this pod cannot be used: /var/run/secrets/kubernetes.io/serviceaccount/token: there is no such file.',
    );
  });
});

describe.skipIf(!hasKubectl)('the real kubectl merges in the same way', () => {
  test.each([
    ['two files', `${one}:${two}:${three}`],
    ['the other way round', `${three}:${two}:${one}`],
    ['missing and empty ones', `${folder.path}/missing:${empty}:${one}`],
    ['the same twice', `${two}:${two}`],
  ])('%s', async (_, list) => {
    const theirs = JSON.parse(kubectl(['config', 'view', '--raw', '-o', 'json'], { KUBECONFIG: list })) as {
      clusters: { name: string; cluster: { server: string } }[] | null;
      users: { name: string; user: { token: string } }[] | null;
      contexts: { name: string; context: { cluster: string; user: string } }[] | null;
      'current-context': string;
    };
    const ours = await load({ KUBECONFIG: list });
    expect({
      clusters: [...ours.clusters.values()]
        .map(({ name, server }) => ({ name, cluster: { server } }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
      users: [...ours.users.values()].map(({ name, token }) => ({ name, user: { token } })).sort((a, b) => (a.name < b.name ? -1 : 1)),
      contexts: ours.contexts.map(({ name, cluster: itsCluster, user: itsUser }) => ({
        name,
        context: { cluster: itsCluster, user: itsUser },
      })),
      'current-context': ours.currentContext ?? '',
    }).toEqual({
      clusters: theirs.clusters,
      users: theirs.users,
      contexts: theirs.contexts,
      'current-context': theirs['current-context'],
    });
  });

  test.each([
    ['kind: Secret', true],
    ['apiVersion: v2\nkind: Config', true],
    ['[]', true],
    ['clusters: {}', true],
    ['clusters: [{name: a, cluster: {server: 5}}]', true],
    ['clusters: [{name: a}, {name: a}]', true],
    ['users: [{name: a, user: {client-key-data: "!"}}]', true],
    ['users: [{name: a, user: {token: yes}}]', true],
    ['clusters:\n- name: a\n cluster: x', true],
    ['', false],
    ['kind: Config', false],
    ['clusters: null', false],
    ['current-context: a\n---\nkind: Secret', false],
    ['current-context: a\ncurrent-context: b', false],
    ['unknown: 1', false],
  ])('and finds broken what is broken here: %j', async (text, isBroken) => {
    const file = folder.write('compared', text);
    expect(complaint(['config', 'view'], { KUBECONFIG: file }) !== '').toBe(isBroken);
    if (isBroken) await failing(load({ KUBECONFIG: file }));
    else await load({ KUBECONFIG: file });
  });
});

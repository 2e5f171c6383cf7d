import { describe, expect, test } from 'vitest';
import { readKubeconfig } from './kubeconfig-file.ts';
import { BrokenFile } from './yaml-spots.ts';

const asIs = { path: (path: string) => path, command: (command: string) => command };
const read = (text: string) => readKubeconfig(text, 'config', asIs);

/** Line and words of what is wrong. */
function wrong(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof BrokenFile) return `${error.place.line}: ${error.what}`;
    throw error;
  }
  return 'nothing';
}

describe('as kubectl: nothing in a file is an empty configuration', () => {
  test.each(['', '\n', '# a comment\n', '---\n', 'null\n', 'kind: Config\n', 'apiVersion: v1\nkind: Config\nclusters: null\n'])(
    '%j',
    (text) => {
      expect(read(text)).toEqual({ clusters: [], users: [], contexts: [] });
    },
  );
});

test('everything that is read of an entry', () => {
  const file = read(`
apiVersion: v1
kind: Config
current-context: west
clusters:
- name: west
  cluster:
    server: https://west.example:6443
    certificate-authority-data: ${Buffer.from('PEM').toString('base64')}
    tls-server-name: api.west
    proxy-url: socks5://127.0.0.1:1080
    disable-compression: true
    extensions:
    - name: other
      extension: {a: 1}
    - name: client.authentication.k8s.io/exec
      extension: {audience: mesh}
users:
- name: me
  user:
    tokenFile: /var/token
    as: system:admin
    as-uid: "1"
    as-groups: [a, b]
    as-user-extra: {scopes: [x, z]}
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: login
      args: [--cluster, west]
      env: [{name: A, value: b}]
      installHint: brew install login
      interactiveMode: Never
      provideClusterInfo: true
- name: oidc
  user: {auth-provider: {name: oidc, config: {client-id: x}}}
contexts:
- name: west
  context: {cluster: west, user: me, namespace: istio-system}
`);
  expect(file).toEqual({
    currentContext: 'west',
    clusters: [
      {
        name: 'west',
        place: { file: 'config', line: 6 },
        server: 'https://west.example:6443',
        certificateAuthorityData: 'PEM',
        insecureSkipTlsVerify: false,
        tlsServerName: 'api.west',
        proxyUrl: 'socks5://127.0.0.1:1080',
        disableCompression: true,
        execConfig: { audience: 'mesh' },
      },
    ],
    users: [
      {
        name: 'me',
        place: { file: 'config', line: 19 },
        tokenFile: '/var/token',
        as: 'system:admin',
        asUid: '1',
        asGroups: ['a', 'b'],
        asUserExtra: { scopes: ['x', 'z'] },
        exec: {
          apiVersion: 'client.authentication.k8s.io/v1',
          command: 'login',
          args: ['--cluster', 'west'],
          env: [{ name: 'A', value: 'b' }],
          installHint: 'brew install login',
          interactiveMode: 'Never',
          provideClusterInfo: true,
        },
      },
      {
        name: 'oidc',
        place: { file: 'config', line: 34 },
        asGroups: [],
        asUserExtra: {},
        authProvider: { name: 'oidc', config: { 'client-id': 'x' } },
      },
    ],
    contexts: [{ name: 'west', place: { file: 'config', line: 37 }, cluster: 'west', user: 'me', namespace: 'istio-system' }],
  });
});

test('as kubectl: only the first document counts', () => {
  expect(read('current-context: a\n---\ncurrent-context: b\nclusters: nonsense\n').currentContext).toBe('a');
});

test('JSON is YAML', () => {
  expect(read('{"kind": "Config", "current-context": "a"}').currentContext).toBe('a');
});

test('what an alias stands for is read, and its place is where it stands', () => {
  const text = 'x: &u {token: t}\nusers:\n- name: a\n  user: *u\n- name: b\n  user: *u\n';
  expect(read(text).users.map(({ name, token, place }) => [name, token, place.line])).toEqual([
    ['a', 't', 3],
    ['b', 't', 5],
  ]);
});

describe('broken: what is wrong, and in which line', () => {
  test.each([
    ['clusters:\n- name: a\n  cluster: {server: "x}\n', '4: not YAML (missing char)'],
    ['clusters:\n- name: a\n  cluster:\n    server: https://a\n   proxy-url: b\n', '5: not YAML (bad indent)'],
    ['[]\n', '1: a kubeconfig must be a map, not a list'],
    ['just words\n', '1: a kubeconfig must be a map, not a text'],
    ['kind: Secret\n', '1: kind must be Config'],
    ['kind: Config\napiVersion: v2\n', '2: apiVersion must be v1'],
    ['kind: Config\nclusters: {}\n', '2: clusters must be a list, not a map'],
    ['clusters:\n- just-a-name\n', '2: clusters[0] must be a map, not a text'],
    ['clusters:\n- name: a\n  cluster: {}\n- name: a\n  cluster: {}\n', '4: cluster "a" is there twice'],
    ['clusters:\n- name: a\n  cluster:\n    server: 5\n', '4: clusters[0].cluster.server must be a text, not a number'],
    [
      'clusters:\n- name: a\n  cluster:\n    insecure-skip-tls-verify: "true"\n',
      '4: clusters[0].cluster.insecure-skip-tls-verify must be true or false, not a text',
    ],
    [
      'clusters:\n- name: a\n  cluster:\n    certificate-authority-data: "!!!"\n',
      '4: clusters[0].cluster.certificate-authority-data is not base64',
    ],
    ['users:\n- name: a\n  user:\n    exec:\n      args: --x\n', '5: users[0].user.exec.args must be a list, not a text'],
    ['users:\n- name: a\n  user:\n    as-groups:\n    - 1\n', '5: users[0].user.as-groups[0] must be a text, not a number'],
    ['contexts:\n- name: 12\n', '2: contexts[0].name must be a text, not a number'],
    ['clusters:\n- *nothing\n', '1: its aliases cannot be followed'],
    // y is true, as it is for kubectl.
    ['users:\n- name: y\n', '2: users[0].name must be a text, not true or false'],
  ])('%j', (text, expected) => {
    expect(wrong(text)).toBe(expected);
  });

  test('no word of the file is in what is said', () => {
    const secret = 'hunter2-hunter2';
    for (const text of [
      `users: [{name: a, user: {token: "${secret}}]`,
      `users: [{name: a, user: {client-key-data: "${secret}!"}}]`,
      secret,
    ])
      expect(wrong(text)).not.toContain(secret);
  });

  test('an alias bomb is refused', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x,x]',
      ...['b', 'c', 'd', 'e', 'f', 'g'].map((name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdef'[index]}`).join(',')}]`),
    ];
    expect(wrong(bomb.join('\n'))).toBe('1: its aliases cannot be followed');
  });
});

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openConnection, type ConnectionOptions } from '../../src/kube/connect.ts';
import type { Connection } from '../../src/kube/connection.ts';
import type { ClusterTarget } from '../../src/kube/target.ts';
import { openTerminal } from '../../src/kube/terminal.ts';
import { mintAuthority } from '../support/kube-certificates.ts';
import { makeFolder, patient } from '../support/kube-files.ts';
import { type ApiServer, json, startApiServer, statusBody } from '../support/kube-server.ts';
import { execCredential, pluginOf, targetOf } from '../support/kube-target.ts';

const folder = makeFolder();
const open: Connection[] = [];
let server: ApiServer;
let other: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
  other = await startApiServer();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
  server.handle((_, response) => json(response, {}));
});
afterAll(async () => {
  await Promise.all([server.close(), other.close()]);
  folder.remove();
});

function connect(target: ClusterTarget, options: ConnectionOptions = {}): Connection {
  const connection = openConnection(target, { env: { PATH: process.env['PATH'] }, sleep: () => Promise.resolve(), ...options });
  open.push(connection);
  return connection;
}

const lastAuthorization = (at = server): string | undefined => at.requests.at(-1)?.headers.authorization;
const runs = (name: string): number => readFileSync(join(folder.path, name), 'utf8').trim().split('\n').length;

describe('token files', () => {
  // As kubectl: each context has its own token, whatever else is open.
  test('two contexts whose users take a token from a file: each its own', async () => {
    const west = connect(targetOf(server, { credential: { kind: 'token-file', file: folder.write('west-token', 'west') } }));
    const east = connect(targetOf(other, { name: 'east', credential: { kind: 'token-file', file: folder.write('east-token', 'east') } }));
    await Promise.all([west.get('/a'), east.get('/a'), west.get('/b'), east.get('/b')]);
    expect(server.requests.slice(-2).map(({ headers }) => headers.authorization)).toEqual(['Bearer west', 'Bearer west']);
    expect(other.requests.slice(-2).map(({ headers }) => headers.authorization)).toEqual(['Bearer east', 'Bearer east']);
  });

  // As kubectl: tokenFile is read, and what surrounds the token is no part of it.
  test('the token is trimmed', async () => {
    await connect(targetOf(server, { credential: { kind: 'token-file', file: folder.write('newline', '\n t0ken \n') } })).get('/a');
    expect(lastAuthorization()).toBe('Bearer t0ken');
  });

  test('the file is read again after a minute, and not before', async () => {
    const clock = { now: 0 };
    const file = folder.write('renewed', 'one');
    const connection = connect(targetOf(server, { credential: { kind: 'token-file', file } }), { now: () => clock.now });
    await connection.get('/a');
    writeFileSync(file, 'two');
    clock.now = 59_999;
    await connection.get('/a');
    expect(lastAuthorization()).toBe('Bearer one');
    clock.now = 60_000;
    await connection.get('/a');
    expect(lastAuthorization()).toBe('Bearer two');
  });

  test('a refusal has it read at once', async () => {
    const file = folder.write('refused', 'old');
    const connection = connect(targetOf(server, { credential: { kind: 'token-file', file } }));
    await connection.get('/a');
    writeFileSync(file, 'new');
    server.handle(({ headers }, response) =>
      headers.authorization === 'Bearer new'
        ? json(response, { ok: true })
        : json(response, statusBody(401, 'Unauthorized', 'Unauthorized'), 401),
    );
    expect(await connection.get('/a')).toEqual({ status: 'read', value: { ok: true } });
  });

  test('without a file the token beside it counts; without either the file is named', async () => {
    const file = join(folder.path, 'gone');
    await connect(targetOf(server, { credential: { kind: 'token-file', file, token: 'spare' } })).get('/a');
    expect(lastAuthorization()).toBe('Bearer spare');
    expect(await connect(targetOf(server, { credential: { kind: 'token-file', file } })).get('/a')).toEqual({
      status: 'failed',
      code: 'unreadable-file',
      reason: `token file ${file} cannot be used: there is no such file`,
    });
    const empty = folder.write('empty-token', '\n');
    expect(await connect(targetOf(server, { credential: { kind: 'token-file', file: empty } })).get('/a')).toMatchObject({
      reason: `token file ${empty} cannot be used: it is empty`,
    });
  });
});

test('tokens and passwords that do not change are sent as they are, and a refusal is final', async () => {
  await connect(targetOf(server, { credential: { kind: 'token', token: 'abc' } })).get('/a');
  expect(lastAuthorization()).toBe('Bearer abc');
  await connect(targetOf(server, { credential: { kind: 'basic', username: 'me', password: 'pä:ss' } })).get('/a');
  expect(lastAuthorization()).toBe(`Basic ${Buffer.from('me:pä:ss').toString('base64')}`);
  await connect(targetOf(server)).get('/a');
  expect(lastAuthorization()).toBeUndefined();
  server.handle((_, response) => json(response, statusBody(401, 'Unauthorized', 'Unauthorized'), 401));
  const before = server.requests.length;
  expect(await connect(targetOf(server, { credential: { kind: 'token', token: 'abc' } })).get('/a')).toEqual({
    status: 'failed',
    code: 'unauthorized',
    reason: '127.0.0.1 did not accept the credentials (401)',
  });
  expect(server.requests.length - before).toBe(1);
});

// As kubectl: as-uid, as-groups and as-user-extra are sent, too.
test('impersonation', async () => {
  await connect(targetOf(server, { impersonate: { user: 'jane', uid: '42', groups: ['a', 'b'], extra: { 'acme.com/x': ['y'] } } })).get(
    '/a',
  );
  expect(server.requests.at(-1)?.headers).toMatchObject({
    'impersonate-user': 'jane',
    'impersonate-uid': '42',
    'impersonate-group': 'a, b',
    'impersonate-extra-acme.com%2fx': 'y',
  });
});

describe.skipIf(process.platform === 'win32')('exec plugins', () => {
  const exec = (script: string, more = {}): ClusterTarget =>
    targetOf(server, { credential: { kind: 'exec', plugin: pluginOf(script, more) } });
  const printing = (status: Record<string, string>, before = ''): string => `${before}\ncat <<'END'\n${execCredential(status)}\nEND\n`;

  // As kubectl: KUBERNETES_EXEC_INFO is always there, with the cluster when provideClusterInfo says so.
  test('what a plugin is told', async () => {
    const seen = join(folder.path, 'info');
    const script = folder.script(
      'tell',
      printing({ token: 't' }, `printf %s "$KUBERNETES_EXEC_INFO" > ${seen}; printf '%s %s' "$1" "$OWN" > ${seen}-rest`),
    );
    await connect(exec(script, { args: ['--x'], env: [{ name: 'OWN', value: 'mine' }] })).get('/a');
    expect(JSON.parse(readFileSync(seen, 'utf8'))).toEqual({
      kind: 'ExecCredential',
      apiVersion: 'client.authentication.k8s.io/v1',
      spec: { interactive: false },
    });
    expect(readFileSync(`${seen}-rest`, 'utf8')).toBe('--x mine');
    await connect({
      ...exec(script, { provideClusterInfo: true, clusterConfig: { audience: 'mesh' }, apiVersion: 'client.authentication.k8s.io/v1' }),
      tlsServerName: '127.0.0.1',
    }).get('/a');
    expect(JSON.parse(readFileSync(seen, 'utf8'))).toMatchObject({
      spec: {
        interactive: false,
        cluster: {
          server: server.url,
          'tls-server-name': '127.0.0.1',
          'certificate-authority-data': Buffer.from(server.authority.pem).toString('base64'),
          config: { audience: 'mesh' },
        },
      },
    });
    expect(lastAuthorization()).toBe('Bearer t');
  });

  // As kubectl: many calls at once, one process.
  test('it runs once for ten calls at once, and not again while its credential is good', async () => {
    const script = folder.script('once', printing({ token: 't' }, `echo run >> ${folder.path}/once-runs; sleep 0.05`));
    const connection = connect(exec(script));
    await Promise.all(Array.from({ length: 10 }, (_, index) => connection.get(`/${index}`)));
    await connection.get('/later');
    expect(runs('once-runs')).toBe(1);
  });

  test('two contexts with the same plugin run it each for itself', async () => {
    const script = folder.script('each', printing({ token: 't' }, `echo run >> ${folder.path}/each-runs`));
    await Promise.all([connect(exec(script)).get('/a'), connect({ ...exec(script), name: 'east' }).get('/a')]);
    expect(runs('each-runs')).toBe(2);
  });

  test('it runs again shortly before its credential expires', async () => {
    const clock = { now: Date.parse('2026-11-22T12:00:00Z') };
    const script = folder.script(
      'expiring',
      `echo run >> ${folder.path}/expiring-runs\nprintf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t%s","expirationTimestamp":"2026-11-22T12:10:00Z"}}' "$(wc -l < ${folder.path}/expiring-runs | tr -d ' ')"`,
    );
    const connection = connect(exec(script), { now: () => clock.now });
    await connection.get('/a');
    clock.now += 580_000;
    await connection.get('/a');
    expect(lastAuthorization()).toBe('Bearer t1');
    clock.now += 15_000;
    await connection.get('/a');
    expect(lastAuthorization()).toBe('Bearer t2');
  });

  // As kubectl: a token that is refused has the plugin run again.
  test('a refusal has it run again, once for all calls', async () => {
    const script = folder.script(
      'again',
      `echo run >> ${folder.path}/again-runs\nprintf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t%s"}}' "$(wc -l < ${folder.path}/again-runs | tr -d ' ')"`,
    );
    server.handle(({ headers }, response) =>
      headers.authorization === 'Bearer t2'
        ? json(response, { ok: true })
        : json(response, statusBody(401, 'Unauthorized', 'Unauthorized'), 401),
    );
    const connection = connect(exec(script));
    const answers = await Promise.all(Array.from({ length: 6 }, (_, index) => connection.get(`/${index}`)));
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill('read'));
    expect(runs('again-runs')).toBe(2);
  });

  test('a refusal that the plugin cannot mend is final', async () => {
    const script = folder.script('same', printing({ token: 'same' }, `echo run >> ${folder.path}/same-runs`));
    server.handle((_, response) => json(response, statusBody(401, 'Unauthorized', 'Unauthorized'), 401));
    expect(await connect(exec(script)).get('/a')).toMatchObject({ status: 'failed', code: 'unauthorized' });
    expect(runs('same-runs')).toBe(2);
  });

  // As kubectl: the install hint is shown.
  test('a plugin that is not installed: its hint', async () => {
    expect(await connect(exec('/no/such/login', { installHint: 'Install it with\n  brew install login' })).get('/a')).toEqual({
      status: 'failed',
      code: 'exec-plugin',
      reason: 'context west: /no/such/login is not installed (Install it with brew install login)',
    });
    const file = folder.write('not-executable', 'x');
    expect(await connect(exec(file)).get('/a')).toMatchObject({ reason: `context west: ${file} cannot be run: permission denied` });
  });

  test('a plugin that fails: its own words without secrets', async () => {
    const token = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln';
    const script = folder.script(
      'failing',
      `echo "refresh $REFRESH and ${token} expired; run: login" >&2; echo "secret on stdout"; exit 3`,
    );
    const result = await connect(exec(script, { env: [{ name: 'REFRESH', value: 'hunter2-hunter2' }] })).get('/a');
    expect(result).toEqual({
      status: 'failed',
      code: 'exec-plugin',
      reason: `context west: ${script} ended with exit code 3: refresh (redacted) and (redacted) expired; run: login`,
    });
  });

  // As kubectl's rules for interaction have it, a run without a terminal never waits for an answer.
  test('a plugin that hangs is ended in time, with what it started', async () => {
    const script = folder.script(
      'hanging',
      `echo "open https://login.example in a browser" >&2\nsleep 60 & echo $! > ${folder.path}/hanging-pid\nwait`,
    );
    expect(await connect(exec(script), { pluginTimeout: 1500 }).get('/a')).toEqual({
      status: 'failed',
      code: 'exec-plugin',
      reason: `context west: ${script} gave no credential within 1.5s; it said: open https://login.example in a browser`,
    });
    const child = Number(readFileSync(join(folder.path, 'hanging-pid'), 'utf8'));
    await expect.poll(() => isRunning(child), patient).toBe(false);
  });

  test('a plugin that reads standard input finds its end, and no terminal', async () => {
    const script = folder.script(
      'reading',
      `if read line; then echo "got $line" >&2; exit 1; fi\nif (: < /dev/tty) 2>/dev/null; then echo "terminal" >&2; exit 2; fi\n${printing({ token: 'none-asked' })}`,
    );
    for (const interactiveMode of ['Never', 'IfAvailable'])
      expect(await connect(exec(script, { interactiveMode })).get('/a')).toMatchObject({ status: 'read' });
    expect(lastAuthorization()).toBe('Bearer none-asked');
  });

  test('a plugin that has to ask where nobody can answer is not run', async () => {
    const script = folder.script('asking', `echo run >> ${folder.path}/asking-runs`);
    expect(await connect(exec(script, { interactiveMode: 'Always' })).get('/a')).toEqual({
      status: 'failed',
      code: 'exec-plugin',
      reason: `context west: ${script} wants to ask somebody (interactiveMode Always), but standard input is no terminal`,
    });
    expect(() => runs('asking-runs')).toThrow('ENOENT');
  });

  test('at a terminal plugins ask one after the other, and what they say is shown', async () => {
    const shown: string[] = [];
    const log = join(folder.path, 'turns-log');
    const script = folder.script(
      'turns',
      `echo "Code: 1234" >&2; echo in >> ${log}; sleep 0.05; echo out >> ${log}\n${printing({ token: 't' })}`,
    );
    const terminal = openTerminal((text) => shown.push(text));
    const target = exec(script, { interactiveMode: 'IfAvailable' });
    await Promise.all(['a', 'b'].map((name) => connect({ ...target, name }, { isInteractive: true, terminal }).get('/a')));
    expect(readFileSync(log, 'utf8')).toBe('in\nout\nin\nout\n');
    expect(shown).toEqual(['Code: 1234\n', 'Code: 1234\n']);
  });

  test.each([
    ['', 'printed no credential'],
    ['token', 'printed something that is not JSON'],
    ['{}', 'printed something that is no ExecCredential'],
    [
      execCredential({ token: 't' }, 'client.authentication.k8s.io/v1beta1'),
      'printed a credential of client.authentication.k8s.io/v1beta1 where client.authentication.k8s.io/v1 was asked for',
    ],
    [execCredential({}), 'printed a credential with neither token nor certificate'],
    [execCredential({ clientCertificateData: 'x' }), 'printed a client certificate without its key, or a key alone'],
  ])('what it prints is checked: %s', async (printed, problem) => {
    const script = folder.script('odd', `cat <<'END'\n${printed}\nEND\n`);
    expect(await connect(exec(script)).get('/a')).toEqual({
      status: 'failed',
      code: 'exec-plugin',
      reason: `context west: ${script} ${problem}`,
    });
  });

  test('its certificate is presented, and the next one after a refusal', async () => {
    const clients = await mintAuthority('clients');
    const [first, second] = await Promise.all([clients.issue({ commonName: 'first' }), clients.issue({ commonName: 'second' })]);
    const strict = await startApiServer({ clients: { pem: clients.pem } });
    strict.handle(({ certificate }, response) =>
      certificate === 'second' ? json(response, { certificate }) : json(response, statusBody(401, 'Unauthorized', 'Unauthorized'), 401),
    );
    folder.write('cred-1', execCredential({ clientCertificateData: first.cert, clientKeyData: first.key }));
    folder.write('cred-2', execCredential({ clientCertificateData: second.cert, clientKeyData: second.key }));
    const script = folder.script(
      'certificates',
      `echo run >> ${folder.path}/cert-runs; cat "${folder.path}/cred-$(wc -l < ${folder.path}/cert-runs | tr -d ' ')"`,
    );
    expect(await connect(targetOf(strict, { credential: { kind: 'exec', plugin: pluginOf(script) } })).get('/a')).toEqual({
      status: 'read',
      value: { certificate: 'second' },
    });
    expect(strict.requests.map(({ certificate }) => certificate)).toEqual(['first', 'second']);
    await strict.close();
  });

  test('a run that is over ends the plugin', async () => {
    const controller = new AbortController();
    const script = folder.script('interrupted', `echo $$ > ${folder.path}/interrupted-pid; sleep 60`);
    const result = connect(exec(script), { signal: controller.signal }).get('/a');
    await expect.poll(() => runs('interrupted-pid'), patient).toBe(1);
    controller.abort();
    expect(await result).toMatchObject({ status: 'failed', code: 'interrupted' });
    const child = Number(readFileSync(join(folder.path, 'interrupted-pid'), 'utf8'));
    await expect.poll(() => isRunning(child), patient).toBe(false);
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A child that was ended and not yet waited for is still listed.
    return !/^\S+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('OIDC', () => {
  const jwt = (claims: object): string =>
    `${[{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.c2ln`;
  const hour = 3600;
  const now = (): number => Math.floor(Date.now() / 1000);

  /** An issuer that gives a new ID token for each refresh token; `mustPost`: it wants the client's secret in the body. */
  async function startIssuer(mustPost = false): Promise<ApiServer> {
    const issuer = await startApiServer();
    let given = 0;
    issuer.handle(({ path, body }, response) => {
      if (path.startsWith('/realm/.well-known/'))
        return json(response, { issuer: `${issuer.url}/realm`, token_endpoint: `${issuer.url}/token` });
      if (mustPost && !body.includes('client_secret='))
        return json(response, { error: 'invalid_client', error_description: 'no secret' }, 401);
      given++;
      return json(response, { id_token: jwt({ sub: `fresh-${given}`, exp: now() + hour }), refresh_token: `next-${given}` });
    });
    return issuer;
  }

  const configOf = (issuer: ApiServer, token: string): Record<string, string> => ({
    'client-id': 'kube',
    'id-token': token,
    'refresh-token': 'first',
    'idp-issuer-url': `${issuer.url}/realm/`,
    'idp-certificate-authority-data': Buffer.from(issuer.authority.pem).toString('base64'),
  });
  /** What the issuer was asked: form and Authorization header of each request for a token. */
  const refreshes = (issuer: ApiServer): unknown[] =>
    issuer.requests
      .filter(({ path }) => path === '/token')
      .map(({ body, headers }) => [Object.fromEntries(new URLSearchParams(body)), headers.authorization]);
  const subject = (authorization: string | undefined): unknown =>
    (JSON.parse(Buffer.from((authorization ?? '').split('.')[1] ?? '', 'base64url').toString('utf8')) as { sub: string }).sub;

  // As kubectl: a token that expired is refreshed, whoever else has one that did not.
  test('of two users the one whose token expired gets a new one, once', async () => {
    const issuer = await startIssuer();
    const user = (name: string, exp: number): ClusterTarget['credential'] => ({
      kind: 'auth-provider',
      name: 'oidc',
      config: configOf(issuer, jwt({ sub: name, exp })),
    });
    const good = connect(targetOf(server, { credential: user('good', now() + hour) }));
    const expired = connect(targetOf(other, { name: 'east', credential: user('expired', now() - hour) }));
    expect(await good.get('/a')).toMatchObject({ status: 'read' });
    expect(await expired.get('/a')).toMatchObject({ status: 'read' });
    await expired.get('/b');
    expect(subject(lastAuthorization())).toBe('good');
    expect(subject(lastAuthorization(other))).toBe('fresh-1');
    expect(refreshes(issuer)).toEqual([[{ grant_type: 'refresh_token', refresh_token: 'first', client_id: 'kube' }, undefined]]);
    await issuer.close();
  });

  test('a refresh token that was exchanged is not used again', async () => {
    const issuer = await startIssuer();
    const clock = { now: Date.now() };
    const credential = { kind: 'auth-provider', name: 'oidc', config: configOf(issuer, '') } as const;
    const connection = connect(targetOf(server, { credential }), { now: () => clock.now });
    await connection.get('/a');
    clock.now += 2 * hour * 1000;
    await connection.get('/a');
    const none = undefined;
    expect(refreshes(issuer)).toEqual([
      [{ grant_type: 'refresh_token', refresh_token: 'first', client_id: 'kube' }, none],
      [{ grant_type: 'refresh_token', refresh_token: 'next-1', client_id: 'kube' }, none],
    ]);
    expect(credential.config['refresh-token']).toBe('first');
    await issuer.close();
  });

  test('a client with a secret says it in the header, else in the body', async () => {
    const basic = `Basic ${Buffer.from('kube:s%26cret').toString('base64')}`;
    for (const mustPost of [false, true]) {
      const issuer = await startIssuer(mustPost);
      const credential = { kind: 'auth-provider', name: 'oidc', config: { ...configOf(issuer, ''), 'client-secret': 's&cret' } } as const;
      expect(await connect(targetOf(server, { credential })).get('/a')).toMatchObject({ status: 'read' });
      const byHeader = [{ grant_type: 'refresh_token', refresh_token: 'first' }, basic];
      const byBody = [{ grant_type: 'refresh_token', refresh_token: 'first', client_id: 'kube', client_secret: 's&cret' }, undefined];
      expect(refreshes(issuer)).toEqual(mustPost ? [byHeader, byBody] : [byHeader]);
      await issuer.close();
    }
  });

  test.each([
    [{ 'id-token': jwt({ sub: 'x', exp: 1 }) }, 'the ID token expired and cannot be refreshed'],
    [{}, 'the ID token is missing and cannot be refreshed'],
    [{ 'refresh-token': 'r', 'idp-issuer-url': 'https://127.0.0.1:1' }, 'the issuer cannot be asked: connection refused by 127.0.0.1:1'],
    [{ 'refresh-token': 'r', 'idp-issuer-url': 'nowhere' }, 'the address of the issuer is no URL'],
  ])('without a way to a token: %j', async (config, problem) => {
    expect(await connect(targetOf(server, { credential: { kind: 'auth-provider', name: 'oidc', config } })).get('/a')).toEqual({
      status: 'failed',
      code: 'exec-plugin',
      reason: `context west: auth-provider oidc: ${problem}`,
    });
  });

  test('what the issuer says against it', async () => {
    const issuer = await startApiServer();
    issuer.handle(({ path }, response) =>
      path === '/token'
        ? json(response, { error: 'invalid_grant', error_description: 'session ended' }, 400)
        : json(response, { token_endpoint: `${issuer.url}/token` }),
    );
    const credential = { kind: 'auth-provider', name: 'oidc', config: configOf(issuer, '') } as const;
    expect(await connect(targetOf(server, { credential })).get('/a')).toMatchObject({
      reason: 'context west: auth-provider oidc: instead of a token the issuer answered 400 (invalid_grant: session ended)',
    });
    await issuer.close();
  });
});

// The library caches one token for all contexts of a configuration: it is given one at a time.
test('other auth providers: two contexts with token files, each its own', async () => {
  const credential = (name: string): ClusterTarget['credential'] => ({
    kind: 'auth-provider',
    name: 'other',
    config: { tokenFile: folder.write(`library-${name}`, name) },
  });
  const west = connect(targetOf(server, { credential: credential('west') }));
  const east = connect(targetOf(other, { name: 'east', credential: credential('east') }));
  for (const connection of [west, east, west, east]) await connection.get('/a');
  expect([lastAuthorization(), lastAuthorization(other)]).toEqual(['Bearer west', 'Bearer east']);
});

test('a secret that a server repeats is in no reason', async () => {
  const token = 'opaque-token-of-west';
  server.handle(({ headers }, response) =>
    json(response, statusBody(500, 'InternalError', `cannot look up ${headers.authorization}`), 500),
  );
  const result = await connect(targetOf(server, { credential: { kind: 'token', token } })).get('/a');
  expect(result).toMatchObject({
    status: 'failed',
    code: 'server-error',
    reason: '127.0.0.1 answered 500: cannot look up Bearer (redacted)',
  });
});

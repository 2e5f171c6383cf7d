import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openConnection } from '../../src/kube/connect.ts';
import type { Connection, RequestRecord } from '../../src/kube/connection.ts';
import { contextTarget, loadKubeconfig } from '../../src/kube/kubeconfig.ts';
import { mintAuthority } from '../support/kube-certificates.ts';
import { makeFolder } from '../support/kube-files.ts';
import { refuseUpgrade } from '../support/kube-pods.ts';
import { type Proxy, startHttpProxy } from '../support/kube-proxies.ts';
import { type ApiServer, type Arrived, type Handler, json, startApiServer, statusBody } from '../support/kube-server.ts';
import { execCredential, keepingSink } from '../support/kube-target.ts';

/*
 * Credentials of every kind for two clusters, each with a word in it that is found nowhere else: none of them may reach the other cluster, and
 * none may be in anything that is said, whatever servers and plugins do.
 */

const folder = makeFolder();
const kinds = ['token', 'file', 'basic', 'exec', 'certificate', 'oidc'] as const;
const clusters = ['west', 'east'] as const;
type Kind = (typeof kinds)[number];
type Cluster = (typeof clusters)[number];
const secret = (cluster: Cluster, kind: Kind): string => `planted-${cluster}-${kind}`;
const proxyPassword = 'planted-proxy-password';
const pluginSetting = 'planted-plugin-setting';

const servers = new Map<Cluster, ApiServer>();
let proxy: Proxy;
let kubeconfig: string;
const said: string[] = [];

/** A server that repeats what it was told wherever it can. */
const gossip: Handler = (arrived, response) => {
  const heard = JSON.stringify(arrived.headers);
  if (arrived.path.startsWith('/text')) return void response.writeHead(503, { 'content-type': 'text/plain' }).end(heard);
  if (arrived.path.startsWith('/page')) return void response.writeHead(200, { 'content-type': 'text/html' }).end(heard);
  if (arrived.path.startsWith('/moved')) return void response.writeHead(302, { location: `https://x/?${encodeURIComponent(heard)}` }).end();
  if (arrived.path.startsWith('/forbidden')) return json(response, statusBody(403, 'Forbidden', heard), 403);
  if (arrived.path.startsWith('/refused')) return json(response, statusBody(401, 'Unauthorized', heard), 401);
  if (arrived.path.startsWith('/cut')) return void response.writeHead(200, { 'content-type': 'application/json' }).end(heard.slice(0, -2));
  if (arrived.path.startsWith('/api/v1/pods')) return json(response, statusBody(500, 'InternalError', heard), 500);
  return json(response, statusBody(422, 'Invalid', heard), 422);
};
const gossipAboutUpgrades = (request: IncomingMessage, socket: Duplex): void =>
  refuseUpgrade(socket, 500, JSON.stringify(statusBody(500, 'InternalError', JSON.stringify(request.headers))));

beforeAll(async () => {
  const clients = await mintAuthority('clients');
  proxy = await startHttpProxy();
  const entries = await Promise.all(
    clusters.map(async (cluster) => {
      const server = await startApiServer({
        handler: gossip,
        clients: { pem: clients.pem },
        onUpgrade: gossipAboutUpgrades,
        certificate: { names: [`${cluster}.test`] },
      });
      servers.set(cluster, server);
      const pair = await clients.issue({ commonName: secret(cluster, 'certificate') });
      const plugin = folder.script(
        `${cluster}-plugin`,
        `if [ -e ${folder.path}/broken ]; then echo "bad: $SETTING" >&2; exit 1; fi\ncat <<'END'\n${execCredential({ token: secret(cluster, 'exec') })}\nEND\n`,
      );
      const idToken = ['{}', JSON.stringify({ exp: 4_000_000_000, sub: secret(cluster, 'oidc') })].map((part) =>
        Buffer.from(part).toString('base64url'),
      );
      const users: Readonly<Record<Kind, string>> = {
        token: `{token: ${secret(cluster, 'token')}}`,
        file: `{tokenFile: ${folder.write(`${cluster}-token`, secret(cluster, 'file'))}}`,
        basic: `{username: me, password: ${secret(cluster, 'basic')}}`,
        exec: `{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: ${plugin}, env: [{name: SETTING, value: ${pluginSetting}}]}}`,
        certificate: `{client-certificate-data: ${Buffer.from(pair.cert).toString('base64')}, client-key-data: ${Buffer.from(pair.key).toString('base64')}}`,
        oidc: `{auth-provider: {name: oidc, config: {id-token: ${idToken.join('.')}.${secret(cluster, 'oidc')}}}}`,
      };
      const url = `https://${cluster}.test:${server.port}`;
      const through = proxy.url.replace('//', `//me:${proxyPassword}@`);
      return {
        cluster: `- {name: ${cluster}, cluster: {server: "${url}", proxy-url: "${through}", certificate-authority-data: ${Buffer.from(server.authority.pem).toString('base64')}}}`,
        users: kinds.map((kind) => `- {name: ${cluster}-${kind}, user: ${users[kind]}}`),
        contexts: kinds.map((kind) => `- {name: ${cluster}-${kind}, context: {cluster: ${cluster}, user: ${cluster}-${kind}}}`),
      };
    }),
  );
  kubeconfig = folder.write(
    'config',
    [
      'clusters:',
      ...entries.map((entry) => entry.cluster),
      'users:',
      ...entries.flatMap((entry) => entry.users),
      'contexts:',
      ...entries.flatMap((entry) => entry.contexts),
    ].join('\n'),
  );
});
afterAll(async () => {
  await Promise.all([...[...servers.values()].map((server) => server.close()), proxy.close()]);
  folder.remove();
});

const paths = ['/text', '/page', '/moved', '/forbidden', '/refused', '/cut', '/other'];

async function askEverything(connection: Connection): Promise<void> {
  const answers: unknown[] = await Promise.all([
    ...paths.map((path) => connection.get(path)),
    connection.list({ group: '', version: 'v1', resource: 'pods', kind: 'Pod' }, keepingSink()),
    connection.mayI({ verb: 'list', resource: 'pods' }),
    connection.forward({ namespace: 'n', name: 'p' }, 1),
  ]);
  said.push(...answers.map((answer) => JSON.stringify(answer)), JSON.stringify(connection.clock() ?? {}), connection.server);
}

async function connections(): Promise<readonly Connection[]> {
  const config = await loadKubeconfig({ env: { KUBECONFIG: kubeconfig }, home: undefined, platform: process.platform, cwd: '/' });
  return config.contexts.map(({ name }) =>
    openConnection(contextTarget(config, name), {
      env: { PATH: process.env['PATH'] },
      sleep: () => Promise.resolve(),
      onRequest: (record: RequestRecord) => void said.push(JSON.stringify(record)),
    }),
  );
}

/** What a request was sent with, as far as it is a secret. */
function presented({ headers, certificate }: Arrived): string {
  const { authorization = '' } = headers;
  const basic = authorization.startsWith('Basic ') ? Buffer.from(authorization.slice(6), 'base64').toString('utf8') : '';
  return `${authorization} ${basic} ${certificate ?? ''}`;
}

describe.skipIf(process.platform === 'win32')('two clusters, six kinds of credential, everything at once', () => {
  test('every credential reaches its own cluster, and no other', async () => {
    const all = await connections();
    expect(all).toHaveLength(kinds.length * clusters.length);
    await Promise.all(all.map(askEverything));
    await Promise.all(all.map((connection) => connection.close()));
    for (const cluster of clusters) {
      const seen = servers.get(cluster)?.requests.map(presented) ?? [];
      for (const kind of kinds) expect(seen.some((one) => one.includes(secret(cluster, kind)))).toBe(true);
      for (const other of clusters) if (other !== cluster) expect(seen.filter((one) => one.includes(`planted-${other}`))).toEqual([]);
      expect(seen.filter((one) => one.includes(proxyPassword) || one.includes(pluginSetting))).toEqual([]);
    }
    expect(proxy.asked.filter((one) => /planted-(?:west|east)/.test(one))).toEqual([]);
  });

  test('plugins and proxies that fail', async () => {
    folder.write('broken', '');
    proxy.answer = 407;
    const all = await connections();
    await Promise.all(all.map(askEverything));
    await Promise.all(all.map((connection) => connection.close()));
    expect(said.some((one) => one.includes('bad: (redacted)'))).toBe(true);
  });

  test('nothing that was said holds any of them', () => {
    expect(said.length).toBeGreaterThan(200);
    expect(said.filter((one) => one.includes('planted-'))).toEqual([]);
    expect(said.filter((one) => one.includes('PRIVATE KEY'))).toEqual([]);
  });
});

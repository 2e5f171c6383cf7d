import { readFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { clusterName, revision } from '../../src/model/ids.ts';
import { openForward, type Refusal } from '../../src/probe/forwarded.ts';
import { httpGet } from '../../src/probe/http-get.ts';
import { askInTurn } from '../../src/probe/in-turn.ts';
import { type Ask, askAgain, type AskedIstiod, askIstiod } from '../../src/probe/istiod-debug.ts';
import type { IstiodTarget } from '../../src/probe/istiod-questions.ts';
import { gate } from '../../src/probe/pace.ts';
import { servers, type World, worldIo } from '../support/probe-servers.ts';

const loopback = servers();
afterAll(() => loopback.close());

const east = clusterName('east');
const abc = 'abc.shop.svc.cluster.local';
const target: IstiodTarget = {
  pod: { cluster: east, kind: 'Pod', namespace: 'istio-system', name: 'istiod-1' },
  namespace: 'istio-system',
  revision: revision('default'),
  hosts: [abc],
  proxies: [{ cluster: clusterName('west'), kind: 'Pod', namespace: 'shop', name: 'caller-1' }],
  gateways: [],
  hasConfig: false,
  isLarge: false,
};

async function ask(pods: NonNullable<World['pods']>, of: Partial<IstiodTarget> = {}, timeout = 5000, mostBytes = Number.MAX_SAFE_INTEGER) {
  const io = worldIo({ pods });
  const limits = { timeout, signal: new AbortController().signal };
  const again: Ask = async (port, gets) => {
    const replies = await askInTurn(gets, {
      open: (signal) => openForward(io, { cluster: east, pod: { namespace: 'istio-system', name: 'istiod-1' }, port }, signal),
      ask: (stream, { path, most, sieve }) => httpGet(stream, path, Math.min(most, mostBytes), sieve),
      paced: gate(8),
      limits,
      onReply: undefined,
      isFirstDecisive: true,
    });
    return new Map(replies);
  };
  const asked: AskedIstiod | Refusal = await askIstiod({ ...target, ...of }, again);
  const { replica, state } = asked as AskedIstiod; // A refusal in one of the tests.
  return { replica: replica ?? (asked as Refusal), state, asked: asked as AskedIstiod, forwards: io.forwards, ask: again };
}

const usual = 'east istio-system/istiod-1:15014';
const other = 'east istio-system/istiod-1:8080';

const good: Readonly<Record<string, unknown>> = {
  '/debug/clusterz': [{ id: 'east', secretName: '', syncStatus: 'synced' }],
  '/debug/networkz': [{ Network: 'n1', Cluster: 'east', Addr: '198.51.100.1', Port: 15443, HBONEPort: 0 }],
  '/debug/endpointShardz': {
    [abc]: { shop: { Shards: { 'Kubernetes/east': [{ Addresses: ['10.1.1.4'], EndpointPort: 80, HealthStatus: 1 }] } } },
  },
  '/debug/ndsz?proxyID=caller-1.shop': { configs: [{ '@type': 'x/NameTable', table: { [abc]: { ips: ['10.96.0.4'] } } }] },
  '/debug/mesh': { trustDomain: 'cluster.local', rootNamespace: 'istio-system', defaultConfig: { meshId: 'm' }, enableAutoMtls: true },
  '/metrics': 'istiod_managed_clusters{cluster_type="remote"} 0\ngo_goroutines 12\n',
};

/** What an istiod is asked only where there is a reason to. */
const more: Readonly<Record<string, unknown>> = {
  '/debug/configz': [
    { kind: 'Gateway', apiVersion: 'networking.istio.io/v1', metadata: { name: 'b', namespace: 'shop' } },
    { kind: 'Gateway', apiVersion: 'gateway.networking.k8s.io/v1', metadata: { name: 'c', namespace: 'shop' } },
    { kind: 'AuthorizationPolicy', apiVersion: 'security.istio.io/v1', metadata: { name: 'a', namespace: 'shop' } },
  ],
  '/debug/syncz': [
    {
      proxy: 'a.shop',
      cluster_id: 'east',
      resources: { 'type.googleapis.com/envoy.config.cluster.v3.Cluster': { sent: 'n', acked: 'n' } },
    },
    {
      proxy: 'b.shop',
      cluster_id: 'west',
      resources: { 'type.googleapis.com/envoy.config.listener.v3.Listener': { sent: 'n', lastError: 'duplicate address.\nmore' } },
    },
  ],
};

type Route = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers as an istiod does, but for the paths given. */
function istiod(changed: Readonly<Record<string, Route>> = {}): RequestListener {
  return (request, response) => {
    const path = request.url ?? '';
    const route = changed[path];
    if (route !== undefined) route(request, response);
    else if (path in good || path in more) {
      const body = good[path] ?? more[path];
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    } else response.writeHead(404).end('404 page not found\n');
  };
}

const status =
  (code: number, body = ''): Route =>
  (_, response) => {
    response.writeHead(code).end(body);
  };

async function replicaOf(changed: Readonly<Record<string, Route>>, of: Partial<IstiodTarget> = {}, timeout?: number, most?: number) {
  return (await ask({ [usual]: await loopback.http(istiod(changed)) }, of, timeout, most)).replica;
}

const stateOf = async (changed: Readonly<Record<string, Route>>, of: Partial<IstiodTarget> = {}) =>
  (await ask({ [usual]: await loopback.http(istiod(changed)) }, of)).state;

describe('an istiod that answers', () => {
  test('everything it is asked', async () => {
    const asked: string[] = [];
    const port = await loopback.http((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      istiod()(request, response);
    });
    const { replica, state } = await ask({ [usual]: port });
    expect(replica).toEqual({
      pod: target.pod,
      namespace: 'istio-system',
      revision: 'default',
      clusters: { answer: [{ id: 'east', secret: '', syncStatus: 'synced' }] },
      gateways: { answer: [{ network: 'n1', cluster: 'east', address: '198.51.100.1', port: 15443, hbonePort: 0 }] },
      shards: {
        answer: [
          {
            host: abc,
            clusters: [
              {
                cluster: 'east',
                endpoints: [{ address: '10.1.1.4', port: 80, portName: '', network: '', tlsMode: '', health: 'healthy' }],
              },
            ],
          },
        ],
      },
      shardsAsked: [abc],
      nameTables: [{ proxy: target.proxies[0], table: { answer: [{ host: abc, ips: ['10.96.0.4'] }] } }],
    });
    expect(state).toEqual({
      pod: target.pod,
      namespace: 'istio-system',
      revision: 'default',
      mesh: {
        answer: {
          trustDomain: 'cluster.local',
          trustDomainAliases: [],
          rootNamespace: 'istio-system',
          discoveryAddress: '',
          meshId: 'm',
          enableAutoMtls: true,
          defaultServiceExportTo: [],
          discoverySelectors: [],
          dnsCapture: '',
        },
      },
      metrics: { answer: [{ name: 'istiod_managed_clusters', labels: { cluster_type: 'remote' }, value: 0 }] },
      rung: { by: 'debug', port: 15014, above: [] },
    });
    expect(asked.sort()).toEqual(
      Object.keys(good)
        .map((path) => `GET ${path}`)
        .sort(),
    );
  });

  test('at its other port, where it does not listen at the usual one', async () => {
    const { replica, state, forwards } = await ask({ [usual]: await loopback.unused(), [other]: await loopback.http(istiod()) });
    expect(replica.clusters).toHaveProperty('answer');
    expect(state.rung).toEqual({ by: 'debug', port: 8080, above: ['port 15014: connection refused'] });
    expect(forwards).toEqual([usual, other]);
  });

  test('what there is a reason to ask: its objects', async () => {
    const state = await stateOf({}, { hasConfig: true });
    expect(state.config).toEqual({ answer: ['AuthorizationPolicy/shop/a', 'Gateway/shop/b'] });
  });

  test('the state of its proxies, only after one of them refused something', async () => {
    expect(await stateOf({})).not.toHaveProperty('rejections');
    const state = await stateOf({ '/metrics': status(200, 'pilot_total_xds_rejects{type="lds"} 2\n') });
    expect(state.rejections).toEqual({ answer: [{ proxy: 'b.shop', cluster: 'west', types: ['Listener'], error: 'duplicate address' }] });
  });

  test('many questions in a row, without a warning of Node about listeners', async () => {
    const warnings: string[] = [];
    const listen = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', listen);
    const proxies = Array.from({ length: 15 }, (_, index) => ({ cluster: east, kind: 'Pod', namespace: 'shop', name: `caller-${index}` }));
    const { replica, forwards } = await ask({ [usual]: await loopback.http(istiod()) }, { proxies });
    // Node warns in a later turn.
    await new Promise((done) => setImmediate(done));
    process.off('warning', listen);
    expect([replica.nameTables.length, forwards.length, warnings]).toEqual([15, 1, []]);
  });

  test('its counters once more, later', async () => {
    let rejects = 0;
    const port = await loopback.http((request, response) =>
      response.end(request.url === '/metrics' ? `pilot_xds_write_timeout ${++rejects}\n` : 'null'),
    );
    const { asked, ask: again } = await ask({ [usual]: port });
    const counted = (value: number) => ({ answer: [{ name: 'pilot_xds_write_timeout', labels: {}, value }] });
    expect(await askAgain(asked, 30, again)).toMatchObject({ seconds: 30, before: counted(1), after: counted(2) });
  });

  test('nothing about names, when none is asked for', async () => {
    const { replica, forwards } = await ask({ [usual]: await loopback.http(istiod()) }, { hosts: [], proxies: [] });
    expect(replica).toMatchObject({ shards: { answer: [] }, shardsAsked: [], nameTables: [] });
    expect(forwards).toHaveLength(1);
  });

  test('that a proxy captures no DNS, as old and new versions say it, or that it is connected to another replica', async () => {
    const path = '/debug/ndsz?proxyID=caller-1.shop';
    const table = async (route: Route) => (await replicaOf({ [path]: route })).nameTables[0]?.table;
    expect(await table(status(400, 'DNS capture is not enabled in the proxy\n'))).toEqual({ answer: 'none' });
    expect(await table(status(200, '{}'))).toEqual({ answer: 'none' });
    expect(await table(status(404, 'Proxy not connected to this Pilot instance. It may be connected to another instance.\n'))).toEqual({
      answer: 'elsewhere',
    });
    expect(await table(status(400, 'You must provide a proxyID in the query string\n'))).toEqual({
      failed: 'server-error',
      reason: 'HTTP 400: You must provide a proxyID in the query string',
    });
  });
});

describe('an istiod that does not', () => {
  const off: RequestListener = (request, response) => {
    if (request.url === '/metrics') response.end('istiod_managed_clusters{cluster_type="remote"} 1\n');
    else response.writeHead(404).end('404 page not found\n');
  };

  test('because /debug is switched off at both ports: its metrics are what is left', async () => {
    const { replica, state, forwards } = await ask({ [usual]: await loopback.http(off), [other]: await loopback.http(off) });
    const failed = { failed: 'not-found', reason: expect.stringContaining('ENABLE_DEBUG_ON_HTTP') as string };
    expect(replica).toMatchObject({ clusters: failed, gateways: failed, shards: failed, nameTables: [{ table: failed }] });
    expect(state.metrics).toHaveProperty('answer');
    expect(state.rung).toEqual({
      by: 'metrics',
      port: 15014,
      above: [expect.stringMatching(/^port 15014: HTTP 404/), expect.stringMatching(/^port 8080: HTTP 404/)],
    });
    expect(forwards).toEqual([usual, other]);
  });

  test.each([401, 403])('because %i is all it says: neither at the other port nor its metrics', async (code) => {
    const port = await loopback.http((_, response) => response.writeHead(code).end());
    const { replica, state } = await ask({ [usual]: port, [other]: port });
    expect(replica.clusters).toEqual({ failed: code === 401 ? 'unauthorized' : 'forbidden', reason: `HTTP ${code}` });
    expect(state.rung).toEqual({ by: 'none', above: [`port 15014: HTTP ${code}`, `port 8080: HTTP ${code}`] });
  });

  test('because one question goes wrong: the others are not touched', async () => {
    const replica = await replicaOf({ '/debug/networkz': status(401, 'unauthorized\n'), '/debug/endpointShardz': status(500) });
    expect(replica.clusters).toHaveProperty('answer');
    expect(replica.gateways).toEqual({ failed: 'unauthorized', reason: 'HTTP 401: unauthorized' });
    expect(replica.shards).toEqual({ failed: 'server-error', reason: 'HTTP 500' });
    expect(replica.nameTables[0]?.table).toHaveProperty('answer');
  });

  test('in JSON, or not in the JSON one expects', async () => {
    const replica = await replicaOf({
      '/debug/networkz': status(200, '<html>login</html>'),
      '/debug/endpointShardz': status(200, '[1, 2]'),
      '/debug/ndsz?proxyID=caller-1.shop': status(200, ''),
    });
    expect(replica.gateways).toEqual({ failed: 'server-error', reason: 'the answer to /debug/networkz is not JSON, or not all of it' });
    expect(replica.shards).toEqual({ failed: 'server-error', reason: 'the answer to /debug/endpointShardz is of an unknown form' });
    expect(replica.nameTables[0]?.table).toEqual({
      failed: 'server-error',
      reason: 'the answer to /debug/ndsz is not JSON, or not all of it',
    });
  });

  test('to the end', async () => {
    const replica = await replicaOf({
      '/debug/networkz': (_, response) => {
        response.writeHead(200, { 'Content-Length': '1000' }).write('[{"Network":');
        setImmediate(() => response.destroy());
      },
      '/debug/endpointShardz': (_, response) => {
        response.write('{"abc');
        setImmediate(() => response.destroy());
      },
    });
    expect(replica.gateways).toMatchObject({ failed: 'reset' });
    expect(replica.shards).toMatchObject({ failed: 'reset' });
  });

  test('in measure', async () => {
    const most = 1024 * 1024;
    const replica = await replicaOf({ '/debug/endpointShardz': status(200, JSON.stringify({ [abc]: 'x'.repeat(most) })) }, {}, 5000, most);
    expect(replica.shards).toEqual({ failed: 'server-error', reason: 'the answer to /debug/endpointShardz is longer than 1 MiB' });
    expect(replica.gateways).toHaveProperty('answer');
  });

  test('in HTTP', async () => {
    const port = await loopback.tcp((socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.6\r\n')));
    const { replica, forwards } = await ask({ [usual]: port, [other]: await loopback.unused() });
    expect(replica.clusters).toEqual({ failed: 'server-error', reason: 'the answer is not HTTP' });
    expect(forwards).toEqual([usual, other]);
  });

  test('in time: it is asked once', async () => {
    const port = await loopback.http(() => undefined);
    const { replica, forwards } = await ask({ [usual]: port }, {}, 50);
    expect(replica.clusters).toEqual({ failed: 'timeout', reason: 'no answer within 50ms' });
    expect(replica.shards).toEqual(replica.clusters);
    expect(forwards).toEqual([usual]);
  });

  test('at any port', async () => {
    const { replica } = await ask({ [usual]: await loopback.unused(), [other]: await loopback.unused() });
    expect(replica.clusters).toEqual({ failed: 'refused', reason: 'connection refused' });
  });

  test('since its pod is gone, or may not be reached', async () => {
    expect((await ask({ [usual]: { status: 'absent' } })).replica.clusters).toEqual({
      failed: 'not-found',
      reason: 'pod istio-system/istiod-1 is gone',
    });
    const { replica } = await ask({ [usual]: { status: 'forbidden', verb: 'create', resource: 'pods/portforward' } });
    expect(replica).toEqual({ forbidden: { verb: 'create', resource: 'pods/portforward' } });
  });
});

/** Answers of real istiods. Without MESHDOCTOR_CORPUS these tests are skipped, visibly. */
const corpus = process.env['MESHDOCTOR_CORPUS'] ?? '';

describe.skipIf(corpus === '')('the istiod of a real mesh (MESHDOCTOR_CORPUS)', () => {
  const read = (mesh: string, file: string) => readFileSync(join(corpus, mesh, file), 'utf8');

  test('1.31, primary and remote on two networks', async () => {
    const from = (file: string) => status(200, read('primary-remote-1.31', `istiod/${file}.json`));
    const host = 'abc.sample.svc.cluster.local';
    const replica = await replicaOf(
      {
        '/debug/clusterz': from('clusterz'),
        '/debug/networkz': from('networkz'),
        '/debug/endpointShardz': from('endpointShardz'),
        '/debug/ndsz?proxyID=caller-1.shop': from('ndsz'),
      },
      { hosts: [host] },
    );
    expect(replica.clusters).toEqual({
      answer: [
        { id: 'cluster1', secret: '', syncStatus: 'synced' },
        { id: 'cluster2', secret: 'istio-system/istio-remote-secret-cluster2', syncStatus: 'synced' },
      ],
    });
    expect(replica.gateways).toEqual({
      answer: [
        { network: 'network1', cluster: 'cluster1', address: '10.200.1.1', port: 15443, hbonePort: 0 },
        { network: 'network2', cluster: 'cluster2', address: '10.200.2.1', port: 15443, hbonePort: 0 },
      ],
    });
    const endpoint = { address: '10.1.1.4', port: 5000, portName: 'http', network: 'network1', tlsMode: 'istio', health: 'healthy' };
    expect(replica.shards).toEqual({ answer: [{ host, clusters: [{ cluster: 'cluster1', endpoints: [endpoint] }] }] });
    expect(replica.nameTables[0]?.table).toEqual({ answer: [{ host, ips: ['10.96.102.211'] }] });
  });

  test.each(['primary-remote-1.24', 'multi-primary-1.31'])('%s', async (mesh) => {
    const folder = mesh === 'primary-remote-1.24' ? 'istiod' : 'istiod3';
    const replica = await replicaOf({
      '/debug/clusterz': status(200, read(mesh, `${folder}/clusterz.json`)),
      '/debug/networkz': status(200, read(mesh, `${folder}/networkz.json`)),
    });
    expect('answer' in replica.clusters && replica.clusters.answer.map(({ syncStatus }) => syncStatus)).toEqual(['synced', 'synced']);
    expect('answer' in replica.gateways && replica.gateways.answer.map(({ port }) => port)).toEqual([15443, 15443]);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import type { ClusterObservations } from '../../src/model/observations.ts';
import type { ProbeIo, ProbeOptions } from '../../src/probe/probe.ts';
import { observe } from '../../src/probe/run.ts';
import { authority, fingerprint, istiodCertificate, sidecarCertificate } from '../support/probe-certificates.ts';
import { dnsPod, planInput } from '../support/probe-mesh.ts';
import { dnsAnswer, servers, type World, worldIo } from '../support/probe-servers.ts';

const loopback = servers();
afterAll(() => loopback.close());

const shop = mesh()
  .primaryRemote('east', 'west', { networks: 2 })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'] })
  .workload('caller.shop', { in: ['west'] })
  .break((m) => m.cluster('west').add(dnsPod('coredns-a')));
const host = 'abc.shop.svc.cluster.local';
const forbidden = { status: 'forbidden', verb: 'create', resource: 'pods/portforward' } as const;
const interrupted = { status: 'failed', code: 'interrupted', reason: 'the run ended before the answer came' };
const off = { status: 'not-asked', because: 'probes off' };
const nothing = { status: 'not-asked', because: 'nothing to probe' };

function podIn(cluster: string, name: RegExp): KubeObject {
  const pod = shop
    .objects()
    .get(cluster)
    ?.find((object) => object.kind === 'Pod' && name.test(object.metadata.name));
  if (pod === undefined) throw new Error(`no pod ${name.source}`);
  return pod;
}

function podOf(cluster: string, name: RegExp): string {
  const { metadata } = podIn(cluster, name);
  return `${cluster} ${metadata.namespace}/${metadata.name}`;
}

/** Ports of pods of the healthy mesh. */
const at = {
  istiod: `${podOf('east', /^istiod-/)}:15014`,
  abc: `${podOf('east', /^abc-/)}:15053`,
  caller: `${podOf('west', /^caller-/)}:15053`,
  dns: `${podOf('west', /^coredns-a$/)}:53`,
  abcAdmin: `${podOf('east', /^abc-/)}:15000`,
  callerAdmin: `${podOf('west', /^caller-/)}:15000`,
  gateway: `${podOf('east', /^istio-eastwestgateway-/)}:15443`,
  status: `${podOf('east', /^istio-eastwestgateway-/)}:15021`,
};

let healthy: World;
let root: Awaited<ReturnType<typeof authority>>;

beforeAll(async () => {
  root = await authority('Root CA');
  const sidecar = await sidecarCertificate('spiffe://cluster.local/ns/shop/sa/default', root);
  const gateway = await loopback.tls({
    cert: sidecar.cert,
    key: sidecar.key,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const exposed = await istiodCertificate('istiod.istio-system.svc', root);
  const nobodyKnows = await loopback.tcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const sidecarDns = await loopback.dns((question) =>
    dnsAnswer(question, [{ type: 'A', name: question.name, ttl: 30, data: '10.96.0.4' }]),
  );
  const istiod = await loopback.http((request, response) => {
    const answers: Readonly<Record<string, unknown>> = {
      '/debug/clusterz': [{ id: 'east', secretName: '', syncStatus: 'synced' }],
      '/debug/networkz': null,
      '/debug/endpointShardz': {},
    };
    const answer = answers[request.url ?? ''];
    if (answer === undefined) response.writeHead(404).end('Proxy not connected');
    else response.end(JSON.stringify(answer));
  });
  const envoy = await loopback.http((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://envoy');
    response.end(JSON.stringify(envoyAnswer(pathname, searchParams, root.cert)));
  });
  const config = { data: { 'root-cert.pem': root.cert } };
  const path = '/api/v1/namespaces/istio-system/configmaps/istio-ca-root-cert';
  healthy = {
    pods: {
      [at.istiod]: istiod,
      [at.abc]: sidecarDns,
      [at.caller]: sidecarDns,
      [at.dns]: await loopback.dns((q) => dnsAnswer(q, [], 3)),
      [at.abcAdmin]: envoy,
      [at.callerAdmin]: envoy,
      [at.gateway]: gateway,
      [at.status]: await loopback.http((_, response) => void response.end()),
    },
    addresses: {
      '10.200.1.1:15443': gateway,
      '10.200.2.1:15443': nobodyKnows,
      '10.200.1.1:15012': await loopback.tls({ cert: exposed.cert, key: exposed.key, ALPNProtocols: ['h2'] }),
      '10.200.1.1:15017': await loopback.https({ cert: exposed.cert, key: exposed.key }, (request, response) => {
        response.writeHead(request.url === '/ready' ? 200 : 404).end();
      }),
    },
    objects: { [`east ${path}`]: config, [`west ${path}`]: config },
  };
});

/** As Envoy writes them: what is asked for and nothing else. */
function envoyAnswer(path: string, query: URLSearchParams, pem: string): unknown {
  const times = { valid_from: '2026-11-22T09:00:00Z', expiration_time: '2026-11-23T09:00:00Z' };
  if (path === '/certs') {
    const chain = [
      { path: '<inline>', serial_number: 'AB12', subject_alt_names: [{ uri: 'spiffe://cluster.local/ns/shop/sa/default' }], ...times },
    ];
    return {
      certificates: [
        { ca_cert: [{ serial_number: '01', ...times }], cert_chain: chain },
        { ca_cert: [], cert_chain: chain },
      ],
    };
  }
  if (query.get('resource') === 'dynamic_active_secrets' && query.get('name_regex') === 'ROOTCA')
    return {
      configs: [{ name: 'ROOTCA', secret: { validation_context: { trusted_ca: { inline_bytes: Buffer.from(pem).toString('base64') } } } }],
    };
  const endpoint = (address: string, port: number) => ({ endpoint: { address: { socket_address: { address, port_value: port } } } });
  const clusters = [
    {
      cluster_name: `outbound|80||${host}`,
      endpoints: [{ lb_endpoints: [endpoint('10.200.1.1', 15443)] }, { lb_endpoints: [endpoint('10.2.0.9', 8080)] }],
    },
    { cluster_name: `outbound|443||${host}` },
    { cluster_name: `outbound|80|v1|${host}`, endpoints: [] },
    { cluster_name: 'outbound|80||abcXshop.svc.cluster.local', endpoints: [] },
  ];
  const named = new RegExp(`^(?:${query.get('name_regex') ?? ''})$`);
  return { configs: clusters.filter((one) => named.test(one.cluster_name)).map((endpoint_config) => ({ endpoint_config })) };
}

async function run(
  world: World,
  options: Partial<ProbeOptions> = {},
  built: MeshBuilder = shop,
  wrap: (io: ProbeIo) => ProbeIo = (io) => io,
) {
  const { facts, topology } = planInput(built);
  const io = worldIo(world);
  const observations = await observe(facts, topology, wrap(io), {
    footprint: 'query',
    services: [],
    timeout: 5000,
    signal: new AbortController().signal,
    ...options,
  });
  const [east, west] = observations as readonly [ClusterObservations, ClusterObservations];
  return { observations, east, west, io };
}

describe('a mesh that is asked', () => {
  test('everything that is planned, each answer in its cluster', async () => {
    const { east, west, io } = await run(healthy);
    expect([east.cluster, west.cluster]).toEqual(['east', 'west']);
    expect(east.istiods).toMatchObject({
      status: 'observed',
      value: [
        {
          clusters: { answer: [{ id: 'east' }] },
          gateways: { answer: [] },
          shards: { answer: [] },
          shardsAsked: [host],
          nameTables: [{ table: { answer: 'elsewhere' } }, { table: { answer: 'elsewhere' } }],
        },
      ],
    });
    expect(west.istiods).toEqual(nothing);
    const names = west.nameAnswers?.status === 'observed' ? west.nameAnswers.value : [];
    expect(names.map(({ via, asked, outcome }) => [via, asked, outcome])).toEqual([
      ['sidecar', 'kubernetes.default.svc.cluster.local', { answer: { rcode: 'NOERROR', addresses: ['10.96.0.4'] } }],
      ['cluster', 'kubernetes.default.svc.cluster.local', { answer: { rcode: 'NXDOMAIN', addresses: [] } }],
      ['sidecar', 'abc.shop', { answer: { rcode: 'NOERROR', addresses: ['10.96.0.4'] } }],
      ['sidecar', host, { answer: { rcode: 'NOERROR', addresses: ['10.96.0.4'] } }],
      ['cluster', host, { answer: { rcode: 'NXDOMAIN', addresses: [] } }],
    ]);
    expect(west.sidecars).toMatchObject({
      status: 'observed',
      value: [
        {
          pod: { cluster: 'west', namespace: 'shop' },
          hosts: [host],
          endpoints: {
            answer: [
              {
                host,
                port: 80,
                addresses: [
                  { address: '10.2.0.9', port: 8080 },
                  { address: '10.200.1.1', port: 15443 },
                ],
              },
              { host, port: 443, addresses: [] },
            ],
          },
          certificate: {
            answer: { serial: 'ab12', uris: ['spiffe://cluster.local/ns/shop/sa/default'], notAfter: '2026-11-23T09:00:00Z' },
          },
          roots: { answer: [{ fingerprint: fingerprint(root) }] },
        },
      ],
    });
    expect(Object.keys(names[0] ?? {}).sort()).toEqual(['asked', 'outcome', 'pod', 'service', 'via']);
    expect(east.gatewayHandshakes).toMatchObject({
      status: 'observed',
      value: [
        {
          gateway: { kind: 'Service', namespace: 'istio-system', name: 'istio-eastwestgateway' },
          network: 'network1',
          host: '10.200.1.1',
          connectedTo: '127.0.0.1',
          purpose: 'target',
          service: { namespace: 'shop', name: 'abc', port: 80 },
          outcome: {
            stage: 'certificate',
            verifiedBy: [fingerprint(root)],
            rootsTried: [fingerprint(root)],
            afterwards: 'certificate-required',
          },
        },
        { purpose: 'control', outcome: { stage: 'certificate' } },
        {
          purpose: 'control',
          pod: { name: expect.stringMatching(/^istio-eastwestgateway-/) as string },
          outcome: { stage: 'certificate' },
        },
      ],
    });
    expect(west.gatewayHandshakes).toMatchObject({ status: 'observed', value: [{ purpose: 'control', outcome: { stage: 'reset' } }] });
    expect(JSON.stringify(east.gatewayHandshakes)).not.toMatch(/"roots"|"door"/);
    expect(east.istiodHandshakes).toMatchObject({
      status: 'observed',
      value: [
        {
          purpose: 'discovery',
          port: 15012,
          sni: 'istiod.istio-system.svc',
          members: ['west'],
          gateway: { name: 'istio-eastwestgateway' },
        },
        { purpose: 'injection', port: 15017, sni: 'istiod.istio-system.svc', ready: { answer: 200 } },
      ],
    });
    for (const one of east.istiodHandshakes?.status === 'observed' ? east.istiodHandshakes.value : [])
      expect(one.outcome).toMatchObject({ stage: 'certificate', dnsNames: ['istiod.istio-system.svc'], verifiedBy: [fingerprint(root)] });
    expect(west.istiodHandshakes).toEqual(nothing);
    // A name that nobody knows gets a certificate here: the pod is asked, too, and whether it is ready.
    expect(east.gatewayReadiness).toMatchObject({
      status: 'observed',
      value: [{ gateway: { name: 'istio-eastwestgateway' }, status: { answer: 200 } }],
    });
    expect(west.gatewayReadiness).toEqual(nothing);
    // Each root is read once, however many handshakes use it.
    expect(io.gets).toHaveLength(2);
  });

  test('says the same each time', async () => {
    const timeless = (observations: readonly ClusterObservations[]) =>
      JSON.parse(JSON.stringify(observations, (key, value: unknown) => (key === 'milliseconds' ? 0 : value))) as unknown;
    expect(timeless((await run(healthy)).observations)).toEqual(timeless((await run(healthy)).observations));
  });

  test('tells how far it is', async () => {
    const told: Parameters<NonNullable<ProbeOptions['onProgress']>>[0][] = [];
    await run(healthy, { onProgress: (progress) => told.push(progress) });
    const of = (cluster: string) => told.filter((one) => one.cluster === cluster);
    for (const [cluster, planned] of [
      ['east', 11 + 3 + 3 + 2 + 2],
      ['west', 5 + 3 + 1],
    ] as const) {
      // What is asked first is under way before all of it is planned.
      expect(of(cluster)[0]?.done).toBe(0);
      expect(of(cluster).at(-1)).toEqual({ cluster, done: planned, planned });
    }
  });

  test('not more than so much at a time in each cluster', async () => {
    let open = 0;
    let most = 0;
    const replica = podIn('east', /^istiod-/);
    const crowd = shop.break((m) => {
      const cluster = m.cluster('east');
      return Array.from({ length: 12 }, (_, index) => `${replica.metadata.name}-${index}`).reduce(
        (so, name) => so.add({ ...replica, metadata: { ...replica.metadata, name } }),
        cluster,
      );
    });
    await run(healthy, {}, crowd, (io) => ({
      ...io,
      forward: async (cluster, ...rest) => {
        if (cluster === 'east') most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 2));
        if (cluster === 'east') open--;
        return { status: 'failed', code: 'server-error', reason: `no ${rest[1]}` };
      },
    }));
    expect(most).toBe(8);
  });
});

describe('how far it may go', () => {
  test('off: nothing is touched', async () => {
    const { observations, io } = await run(healthy, { footprint: 'off' });
    const all = {
      istiods: off,
      injectionTrials: { status: 'not-asked', because: 'opt-in' },
      probePods: { status: 'not-asked', because: 'opt-in' },
      istiodStates: off,
      istiodSamples: { status: 'not-asked', because: 'not sampled' },
      sidecars: off,
      nameAnswers: off,
      gatewayHandshakes: off,
      istiodHandshakes: off,
      gatewayReadiness: off,
    };
    expect(observations).toEqual(['east', 'west'].map((cluster) => ({ cluster, ...all })));
    expect([io.forwards, io.dialled, io.gets]).toEqual([[], [], []]);
  });

  test('connect: gateways, and no pod', async () => {
    const { east, west, io } = await run(healthy, { footprint: 'connect' });
    for (const one of [east, west])
      expect(one).toMatchObject({ istiods: off, sidecars: off, nameAnswers: off, gatewayHandshakes: { status: 'observed' } });
    expect(io.forwards).toEqual([]);
    expect(new Set(io.dialled)).toEqual(new Set(['10.200.1.1:15012', '10.200.1.1:15017', '10.200.1.1:15443', '10.200.2.1:15443']));
  });
});

describe('what goes wrong', () => {
  test('no right to port-forward: that cluster says so, the other goes on', async () => {
    const { east, west } = await run({ ...healthy, pods: { ...healthy.pods, [at.caller]: forbidden, [at.dns]: forbidden } });
    expect(west.nameAnswers).toEqual(forbidden);
    expect(east.nameAnswers).toMatchObject({ status: 'observed' });
    const without = await run({ ...healthy, pods: { ...healthy.pods, [at.istiod]: forbidden, [at.abcAdmin]: forbidden } });
    expect([without.east.istiods, without.east.sidecars]).toEqual([forbidden, forbidden]);
  });

  test('no right in one namespace of several is the answer there', async () => {
    const { west } = await run({ ...healthy, pods: { ...healthy.pods, [at.dns]: forbidden } });
    const names = west.nameAnswers?.status === 'observed' ? west.nameAnswers.value : [];
    const refused = { failed: 'forbidden', reason: 'may not create pods/portforward' };
    expect(names.map(({ outcome }) => ('failed' in outcome ? outcome : 'answered'))).toEqual([
      'answered',
      refused,
      'answered',
      'answered',
      refused,
    ]);
  });

  test('pods that do not listen are answers, not failures of the whole', async () => {
    const unused = await loopback.unused();
    const { east, west } = await run({
      ...healthy,
      pods: {
        [at.istiod]: unused,
        [at.istiod.replace('15014', '8080')]: unused,
        [at.caller]: unused,
        [at.dns]: unused,
        [at.abc]: unused,
        [at.abcAdmin]: unused,
        [at.callerAdmin]: unused,
      },
    });
    expect(west.sidecars).toMatchObject({
      status: 'observed',
      value: [{ certificate: { failed: 'refused' }, endpoints: { failed: 'refused' } }],
    });
    expect(east.istiods).toMatchObject({ status: 'observed', value: [{ clusters: { failed: 'refused' } }] });
    expect(west.nameAnswers).toMatchObject({ status: 'observed', value: [{ outcome: { failed: 'refused' } }, {}, {}, {}, {}] });
  });

  test('a port-forward or a read that throws', async () => {
    const { east } = await run(healthy, {}, shop, (io) => ({
      ...io,
      forward: () => Promise.reject(new Error('boom')),
      get: () => Promise.reject(new Error('boom')),
    }));
    expect(east.istiods).toMatchObject({ status: 'observed', value: [{ clusters: { failed: 'reset', reason: 'boom' } }] });
    expect(east.gatewayHandshakes).toMatchObject({
      value: [{ outcome: { stage: 'certificate', verifiedBy: [], rootsTried: [] } }, {}, { outcome: { stage: 'tcp', reason: 'boom' } }],
    });
  });

  test('silence: each question ends in its time', async () => {
    const { east, west } = await run({}, { timeout: 40 });
    expect(east.istiods).toMatchObject({
      value: [{ clusters: { failed: 'timeout' }, nameTables: [{ table: { failed: 'timeout' } }, {}] }],
    });
    expect(west.nameAnswers).toMatchObject({ value: [{ outcome: { failed: 'timeout' } }, {}, {}, {}, {}] });
    const late = { outcome: { stage: 'tcp', code: 'timeout' } };
    // Nothing stands behind the gateway: its pod is asked for the name that nobody knows.
    expect(west.gatewayHandshakes).toMatchObject({ value: [late, { ...late, pod: { kind: 'Pod' } }] });
    expect(west.gatewayReadiness).toMatchObject({ value: [{ status: { failed: 'timeout' } }] });
    expect(east.istiodHandshakes).toMatchObject({
      value: [late, late, { ...late, pod: { kind: 'Pod' } }, { ...late, pod: { kind: 'Pod' } }],
    });
  });
});

describe('the run ends early', () => {
  test('before anything was asked: nothing is touched', async () => {
    const { east, west, io } = await run(healthy, { signal: AbortSignal.abort() });
    expect(east).toMatchObject({ istiods: interrupted, sidecars: interrupted, nameAnswers: interrupted, gatewayHandshakes: interrupted });
    expect(west).toMatchObject({ istiods: nothing, nameAnswers: interrupted, gatewayHandshakes: interrupted });
    expect([io.forwards, io.dialled]).toEqual([[], []]);
  });

  test('with some answers there: they stay', async () => {
    const end = new AbortController();
    const dns = await loopback.dns(() => void setImmediate(() => end.abort()));
    let others: () => void = () => undefined;
    const areAnswered = new Promise<void>((resolve) => (others = resolve));
    const { west, east } = await run(
      { ...healthy, pods: { ...healthy.pods, [at.dns]: dns } },
      {
        signal: end.signal,
        // The other questions are through before the slow ones are asked.
        timeout: 60_000,
        onProgress: ({ cluster, done, planned }) => cluster === 'west' && done === planned - 2 && others(),
      },
      shop,
      (io) => ({
        ...io,
        forward: async (cluster, pod, port, signal) => {
          if (port === 53) await areAnswered;
          return await io.forward(cluster, pod, port, signal);
        },
      }),
    );
    const names = west.nameAnswers?.status === 'observed' ? west.nameAnswers.value : [];
    expect(names.map(({ outcome }) => ('failed' in outcome ? outcome.failed : 'answered'))).toEqual([
      'answered',
      'interrupted',
      'answered',
      'answered',
      'interrupted',
    ]);
    expect(east.cluster).toBe('east');
  });
});

import { X509Certificate } from 'node:crypto';
import { get } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { decode, encode } from 'dns-packet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { annotate, put } from '../../src/builder/edits/edit.ts';
import { at as value, itemsAt, itemsOf, textAt } from '../../src/builder/edits/json.ts';
import { mesh } from '../../src/builder/mesh.ts';
import { sniOf } from '../../src/istio/hosts.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { type ObjectStore, openStore } from '../../src/sandbox/store.ts';
import { minted, pemBlocks } from '../../src/sandbox/world/authorities.ts';
import { clusterDns } from '../../src/sandbox/world/cluster-dns.ts';
import { type RunningWorld, runWorld } from '../../src/sandbox/world/run.ts';

const system = 'istio-system';
const built = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'], port: 5000 })
  .service('far.shop', { in: ['west'], port: 5000 })
  .workload('client.shop', { in: ['west'] })
  .namespace('plain')
  .workload('batch.plain', { in: ['west'] });

/** What a TLS client sees: the certificate it is shown, and how it ends. */
interface Seen {
  readonly names: string | undefined;
  readonly chain: readonly string[];
  readonly authorized: boolean;
  readonly protocol: string | null;
  readonly end: string;
}

async function shake(
  to: { host: string; port: number },
  servername: string,
  protocols: readonly string[],
  ca: readonly string[] = [],
  openAfter = 20_000,
): Promise<Seen> {
  return await new Promise((done) => {
    let seen: Omit<Seen, 'end'> = { names: undefined, chain: [], authorized: false, protocol: null };
    let end = 'closed';
    const socket: TLSSocket = connectTls({
      ...to,
      ...(servername === '' ? {} : { servername }),
      ALPNProtocols: [...protocols],
      ca: [...ca],
      minVersion: 'TLSv1.3',
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    socket.on('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      const chain: string[] = [];
      for (let one = certificate; one !== undefined; one = one.issuerCertificate) chain.push(one.subject ?? '');
      seen = { names: certificate?.subjectAltName, chain, authorized: socket.authorized, protocol: socket.getProtocol() };
      // Whoever is let in says nothing more; the others are told.
      setTimeout(() => {
        end = 'open';
        socket.destroy();
      }, openAfter);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      end = error.code ?? error.message;
    });
    socket.on('close', () => done({ ...seen, end }));
  });
}

async function answered(stream: Duplex, path: string): Promise<{ status: number; text: string; json: () => unknown }> {
  return await new Promise((done, failed) => {
    const asked = get({ path, headers: { connection: 'close' }, createConnection: () => stream }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => done({ status: response.statusCode ?? 0, text, json: () => JSON.parse(text) as unknown }));
    });
    asked.on('error', failed);
  });
}

async function asked(
  stream: Duplex,
  name: string,
  type: 'A' | 'AAAA' = 'A',
): Promise<{ rcode: string; isAuthoritative: boolean; answers: readonly unknown[] }> {
  const question = encode({ type: 'query', id: 7, flags: 1 << 8, questions: [{ type, name }] });
  stream.write(Buffer.concat([Buffer.from([0, question.length]), question]));
  const chunk = await new Promise<Buffer>((done) => stream.once('data', done));
  const packet = decode(chunk.subarray(2));
  stream.destroy();
  return {
    rcode: 'rcode' in packet ? String(packet.rcode) : '',
    isAuthoritative: packet.flag_aa,
    answers: (packet.answers ?? []).map(({ name: of, type: kind, ...rest }) => [
      kind,
      of,
      'data' in rest ? rest.data : '',
      'ttl' in rest ? rest.ttl : 0,
    ]),
  };
}

describe('what a mesh answers', () => {
  let world: RunningWorld;
  let stores: ReadonlyMap<string, ObjectStore>;
  const now = Date.parse(built.takenAt);

  beforeAll(async () => {
    const { mesh: objects, authorities } = await minted(built.objects(), 0);
    const clock = (): string => new Date(now).toISOString();
    stores = new Map(
      [...objects].map(([name, list]) => [name, openStore(name, [...list, ...clusterDns(name, list, built.takenAt)], { clock })]),
    );
    world = await runWorld({ stores, authorities, clock, isReconciling: true, answers: new Map() });
  });
  afterAll(() => world.close());

  const store = (cluster: string): ObjectStore => stores.get(cluster)!;
  const at = (host: string, port: number): { host: string; port: number } => {
    const found = world.resolve.find(({ from }) => from.host === host && from.port === port);
    if (found === undefined) throw new Error(`nobody listens for ${host}:${port}`);
    return found.to;
  };
  const pod = (cluster: string, namespace: string, prefix: string): KubeObject =>
    store(cluster)
      .list('Pod')
      .find(({ metadata }) => metadata.namespace === namespace && metadata.name.startsWith(prefix))!;
  const port = (cluster: string, object: KubeObject, number: number): Duplex | undefined => {
    const listener = world.ports(cluster, object, number);
    if (listener === undefined) return undefined;
    const [near, far] = duplexPair();
    listener(far);
    return near;
  };
  const istiod = (path: string, number = 15014) => answered(port('east', pod('east', system, 'istiod'), number)!, path);
  const root = (cluster: string): string =>
    textAt(store(cluster).get('ConfigMap', system, 'istio-ca-root-cert'), 'data', 'root-cert.pem') ?? '';
  const changed = async (
    cluster: string,
    kind: string,
    namespace: string | undefined,
    name: string,
    how: (object: KubeObject) => KubeObject,
  ): Promise<() => Promise<void>> => {
    const before = store(cluster).get(kind, namespace, name)!;
    store(cluster).put(how(before));
    await world.settled();
    return async () => {
      store(cluster).put({ ...before });
      await world.settled();
    };
  };
  const target = sniOf({ port: 5000, host: 'abc.shop.svc.cluster.local' });

  describe('the cross-network port of a gateway', () => {
    it('healthy: passes a service of its network on to a sidecar, which asks for a certificate', async () => {
      const seen = await shake(at('10.200.1.1', 15443), target, ['istio'], [root('west')]);
      expect(seen).toMatchObject({
        names: 'URI:spiffe://cluster.local/ns/shop/sa/default',
        authorized: true,
        protocol: 'TLSv1.3',
        end: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      });
      // Leaf and intermediate are sent, the root is not.
      expect(seen.chain).toEqual(['', 'O=Istio\nCN=Intermediate CA\nL=first']);
      expect((await shake(at('10.200.1.1', 15443), target, ['istio'])).authorized).toBe(false);
    });

    it.each([
      ['a name no gateway can know', 'nonsense.example', ['istio']],
      ['a port the service does not have', sniOf({ port: 80, host: 'abc.shop.svc.cluster.local' }), ['istio']],
      ['a service of the other network', sniOf({ port: 5000, host: 'far.shop.svc.cluster.local' }), ['istio']],
      ['a subset nobody defines', sniOf({ port: 5000, host: 'abc.shop.svc.cluster.local', subset: 'v1' }), ['istio']],
      ['no protocol of Istio', target, ['h2']],
      ['no protocol at all', target, []],
      ['no name', '', ['istio']],
    ] as const)('broken: %s is reset without a word', async (_what, name, protocols) => {
      expect(await shake(at('10.200.1.1', 15443), name, protocols)).toMatchObject({ names: undefined, end: 'ECONNRESET' });
    });

    it('broken: what is no TLS is reset', async () => {
      const end = await new Promise((done) => {
        const socket = connect(at('10.200.1.1', 15443));
        socket.write('GET / HTTP/1.1\r\n\r\n');
        socket.on('data', (data) => done(data.toString()));
        socket.on('error', (error: NodeJS.ErrnoException) => done(error.code));
      });
      expect(end).toBe('ECONNRESET');
    });

    it('broken: the same once nobody exposes services, mTLS is off, or the pod is not in the mesh', async () => {
      const peer: KubeObject = {
        apiVersion: 'security.istio.io/v1',
        kind: 'PeerAuthentication',
        metadata: { name: 'default', namespace: 'shop' },
        spec: { mtls: { mode: 'DISABLE' } },
      };
      store('east').put(peer);
      await world.settled();
      expect((await shake(at('10.200.1.1', 15443), target, ['istio'])).end).toBe('ECONNRESET');
      store('east').remove('PeerAuthentication', 'shop', 'default');
      await world.settled();
      expect((await shake(at('10.200.1.1', 15443), target, ['istio'])).names).toContain('spiffe');

      const abc = pod('east', 'shop', 'abc');
      const again = await changed('east', 'Pod', 'shop', abc.metadata.name, (object) =>
        put(object, ['metadata', 'labels', 'security.istio.io/tlsMode'], undefined),
      );
      expect((await shake(at('10.200.1.1', 15443), target, ['istio'])).end).toBe('ECONNRESET');
      await again();

      const gateway = store('east').get('Gateway.networking.istio.io', system, 'cross-network-gateway')!;
      store('east').remove('Gateway.networking.istio.io', system, 'cross-network-gateway');
      await world.settled();
      expect((await shake(at('10.200.1.1', 15443), target, ['istio'])).end).toBe('ECONNRESET');
      store('east').put({ ...gateway });
      await world.settled();
      expect((await shake(at('10.200.1.1', 15443), target, ['istio'])).end).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
    });

    it('broken: without a pod behind it the address refuses, and answers where it did when there is one again', async () => {
      const address = at('10.200.2.1', 15443);
      const name = sniOf({ port: 5000, host: 'far.shop.svc.cluster.local' });
      const scaled = async (replicas: number): Promise<void> => {
        await changed('west', 'Deployment', system, 'istio-eastwestgateway', (object) => put(object, ['spec', 'replicas'], replicas));
      };
      await scaled(0);
      expect(at('10.200.2.1', 15443)).toEqual(address);
      expect((await shake(address, name, ['istio'])).end).toBe('ECONNREFUSED');
      await scaled(1);
      expect((await shake(at('10.200.2.1', 15443), name, ['istio'])).end).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
    });

    it('an address that comes later gets a listener, and one that goes loses it', async () => {
      const again = await changed('west', 'Service', system, 'istio-eastwestgateway', (service) =>
        put(service, ['spec', 'externalIPs'], ['203.0.113.7']),
      );
      expect((await shake(at('203.0.113.7', 15443), sniOf({ port: 5000, host: 'far.shop.svc.cluster.local' }), ['istio'])).names).toContain(
        'spiffe',
      );
      await again();
      expect(world.resolve.map(({ from }) => from.host)).not.toContain('203.0.113.7');
    });
  });

  describe('istiod behind a gateway', () => {
    it('healthy: presents its own certificate, and says that it is ready', async () => {
      const seen = await shake(at('10.200.1.1', 15012), `istiod-1-31-0.${system}.svc`, ['h2'], [root('west')], 50);
      expect(seen).toMatchObject({
        names: ['istio-pilot', 'istiod-1-31-0', 'istiod-remote', 'istiod'].map((name) => `DNS:${name}.${system}.svc`).join(', '),
        authorized: true,
        end: 'open',
      });
      const ready = await new Promise((done, failed) => {
        request(
          {
            ...at('10.200.1.1', 15017),
            path: '/ready',
            servername: `istiod-1-31-0.${system}.svc`,
            ca: root('west'),
            headers: { connection: 'close' },
          },
          (response) => {
            response.resume();
            done(response.statusCode);
          },
        )
          .on('error', failed)
          .end();
      });
      expect(ready).toBe(200);
    });

    it.each([`istiod.${system}.svc`, `istiod-1-24-6.${system}.svc`, ''])('broken: under the name "%s" nobody answers', async (name) => {
      expect((await shake(at('10.200.1.1', 15012), name, ['h2'])).end).toBe('ECONNRESET');
    });

    it('healthy: a remote does not expose it', async () => {
      expect((await shake(at('10.200.2.1', 15012), `istiod-1-31-0.${system}.svc`, ['h2'])).end).toBe('ECONNRESET');
    });

    it('healthy: the gateway says that it is ready', async () => {
      expect((await answered(connect(at('10.200.2.1', 15021)), '/healthz/ready')).status).toBe(200);
      expect((await answered(connect(at('10.200.2.1', 15021)), '/else')).status).toBe(404);
    });
  });

  describe('the debug port of istiod', () => {
    it('lists clusters, gateways and endpoints as istiod does', async () => {
      expect((await istiod('/debug/clusterz')).json()).toEqual([
        { id: 'east', secretName: '', syncStatus: 'synced' },
        { id: 'west', secretName: `${system}/istio-remote-secret-west`, syncStatus: 'synced' },
      ]);
      expect((await istiod('/debug/networkz', 8080)).json()).toEqual([
        {
          Network: 'network1',
          Cluster: 'east',
          Addr: '10.200.1.1',
          Port: 15443,
          HBONEPort: 0,
          ServiceAccount: { Namespace: '', Name: '' },
        },
        {
          Network: 'network2',
          Cluster: 'west',
          Addr: '10.200.2.1',
          Port: 15443,
          HBONEPort: 0,
          ServiceAccount: { Namespace: '', Name: '' },
        },
      ]);
      const shards = (await istiod('/debug/endpointShardz')).json();
      expect(Object.keys(value(shards, 'far.shop.svc.cluster.local', 'shop', 'Shards') ?? {})).toEqual(['Kubernetes/west']);
      expect(value(shards, 'far.shop.svc.cluster.local', 'shop', 'Shards', 'Kubernetes/west', 0)).toMatchObject({
        Addresses: [textAt(pod('west', 'shop', 'far'), 'status', 'podIP')],
        EndpointPort: expect.any(Number) as number,
        Network: 'network2',
        TLSMode: 'istio',
        HealthStatus: 1,
        ServiceAccount: 'spiffe://cluster.local/ns/shop/sa/default',
        Locality: { ClusterID: 'west' },
      });
      const registry = itemsOf((await istiod('/debug/registryz')).json());
      expect(registry.find((one) => textAt(one, 'hostname') === 'far.shop.svc.cluster.local')).toMatchObject({
        Attributes: { Name: 'far', Namespace: 'shop' },
        Resolution: 0,
      });
    });

    it('lists proxies of both clusters, and the names each of them is given', async () => {
      const proxies = itemsOf((await istiod('/debug/syncz')).json()).map((one) =>
        [textAt(one, 'cluster_id'), textAt(one, 'proxy')?.replace(/-.*\./, '.'), textAt(one, 'proxy_type')].join(' '),
      );
      expect(proxies.sort()).toEqual([
        'east abc.shop sidecar',
        `east istio.${system} router`,
        `east istio.${system} router`,
        'west client.shop sidecar',
        'west far.shop sidecar',
        `west istio.${system} router`,
      ]);
      const client = pod('west', 'shop', 'client').metadata.name;
      const table = (await istiod(`/debug/ndsz?proxyID=${client}.shop`)).json();
      const clusterIP = textAt(store('east').get('Service', 'shop', 'abc'), 'spec', 'clusterIP');
      expect(value(table, 'configs', 0, '@type')).toMatch(/NameTable$/);
      expect(value(table, 'configs', 0, 'table', 'abc.shop.svc.cluster.local')).toEqual({
        ips: [clusterIP],
        registry: 'Kubernetes',
        shortname: 'abc',
        namespace: 'shop',
      });
      expect(await istiod('/debug/ndsz')).toMatchObject({ status: 400 });
      expect(await istiod('/debug/ndsz?proxyID=nobody.shop')).toMatchObject({ status: 404 });
      // Gateways are connected, and watch no names.
      expect((await istiod(`/debug/ndsz?proxyID=${pod('west', system, 'istio-eastwest').metadata.name}.${system}`)).json()).toEqual({});
    });

    it('has version, metrics and readiness where they belong, and nothing else', async () => {
      expect((await istiod('/version')).text).toContain('1.31.0');
      expect((await istiod('/metrics')).text).toContain('istiod_managed_clusters{cluster_type="remote"} 1');
      expect((await istiod('/ready', 8080)).status).toBe(200);
      expect((await istiod('/ready')).status).toBe(404);
      expect((await istiod('/debug/none')).status).toBe(404);
      expect(port('east', pod('east', system, 'istiod'), 15010)).toBeUndefined();
      expect(port('east', pod('east', 'shop', 'abc'), 15014)).toBeUndefined();
    });

    it('a label of the remote namespace counts at once, and pods keep their own', async () => {
      const again = await changed('west', 'Namespace', undefined, system, (namespace) =>
        put(namespace, ['metadata', 'labels', 'topology.istio.io/network'], undefined),
      );
      const shards = (await istiod('/debug/endpointShardz')).json();
      const networkOf = (host: string, namespace: string): unknown =>
        value(shards, host, namespace, 'Shards', 'Kubernetes/west', 0, 'Network');
      expect(networkOf('kube-dns.kube-system.svc.cluster.local', 'kube-system')).toBe('');
      expect(networkOf('far.shop.svc.cluster.local', 'shop')).toBe('network2');
      expect((await istiod('/debug/networkz')).json()).toHaveLength(2);
      await again();
    });

    it('a remote secret that goes takes its cluster along', async () => {
      const secret = store('east').get('Secret', system, 'istio-remote-secret-west')!;
      store('east').remove('Secret', system, 'istio-remote-secret-west');
      await world.settled();
      expect((await istiod('/debug/clusterz')).json()).toEqual([{ id: 'east', secretName: '', syncStatus: 'synced' }]);
      expect((await istiod('/debug/networkz')).json()).toHaveLength(1);
      store('east').put({ ...secret });
      await world.settled();
      expect((await istiod('/debug/clusterz')).json()).toHaveLength(2);
    });
  });

  describe('DNS', () => {
    const sidecar = (): Duplex => port('west', pod('west', 'shop', 'client'), 15053)!;
    const cluster = (name: string): Duplex => port(name, pod(name, 'kube-system', 'coredns'), 53)!;
    const clusterIP = (): string => textAt(store('east').get('Service', 'shop', 'abc'), 'spec', 'clusterIP') ?? '';

    it.each(['abc', 'abc.shop', 'abc.shop.svc', 'abc.shop.svc.cluster.local', 'ABC.Shop'])(
      'a sidecar knows %s, which only the other cluster has',
      async (name) => {
        expect(await asked(sidecar(), name)).toEqual({
          rcode: 'NOERROR',
          isAuthoritative: true,
          answers: [['A', name.toLowerCase(), clusterIP(), 30]],
        });
      },
    );

    it('what a search domain makes of a short name is answered at once', async () => {
      const name = 'abc.shop.shop.svc.cluster.local';
      expect((await asked(sidecar(), name)).answers).toEqual([
        ['CNAME', name, 'abc.shop', 30],
        ['A', 'abc.shop', clusterIP(), 30],
      ]);
      expect(await asked(sidecar(), name, 'AAAA')).toMatchObject({ rcode: 'NOERROR', answers: [] });
      // Names in the search domain are not expanded once more (pkg/dns/client/dns.go), those of other namespaces are.
      expect((await asked(sidecar(), `abc.shop.svc.cluster.local.shop.svc.cluster.local`)).rcode).toBe('NXDOMAIN');
      const elsewhere = 'kubernetes.default.svc.cluster.local';
      expect((await asked(sidecar(), `${elsewhere}.shop.svc.cluster.local`)).answers[0]).toEqual([
        'CNAME',
        `${elsewhere}.shop.svc.cluster.local`,
        elsewhere,
        30,
      ]);
    });

    it('that a name of its zone does not exist, or has no such address, the cluster says with authority', async () => {
      const denied = { isAuthoritative: true, answers: [] };
      expect(await asked(cluster('east'), 'nothing.shop.svc.cluster.local')).toEqual({ ...denied, rcode: 'NXDOMAIN' });
      expect(await asked(cluster('east'), 'abc.shop.svc.cluster.local', 'AAAA')).toEqual({ ...denied, rcode: 'NOERROR' });
      expect(await asked(sidecar(), 'nothing.shop.svc.cluster.local')).toEqual({ ...denied, rcode: 'NXDOMAIN' });
      expect(await asked(cluster('east'), 'nothing.example')).toMatchObject({ isAuthoritative: false, rcode: 'NXDOMAIN' });
    });

    it('other names are the cluster’s, and there is none; a name without an address of that family has no answer', async () => {
      expect((await asked(sidecar(), 'nothing.shop')).rcode).toBe('NXDOMAIN');
      expect(await asked(sidecar(), 'abc.shop', 'AAAA')).toMatchObject({ rcode: 'NOERROR', answers: [] });
    });

    it('the DNS of a cluster knows its own Services by their full names', async () => {
      expect((await asked(cluster('east'), 'abc.shop.svc.cluster.local')).answers).toEqual([
        ['A', 'abc.shop.svc.cluster.local', clusterIP(), 30],
      ]);
      expect((await asked(cluster('west'), 'abc.shop.svc.cluster.local')).rcode).toBe('NXDOMAIN');
      expect((await asked(cluster('east'), 'abc.shop')).rcode).toBe('NXDOMAIN');
    });

    it('nobody listens in a pod without capture, and a proxy that no istiod lets in has no table', async () => {
      expect(port('west', pod('west', 'plain', 'batch'), 15053)).toBeUndefined();
      const again = await changed('west', 'Service', system, 'istiod-1-31-0', (service) =>
        put(service, ['spec', 'ports', 0, 'port'], 15999),
      );
      expect((await asked(sidecar(), 'abc.shop')).rcode).toBe('SERVFAIL');
      await again();
    });
  });

  it('Envoy of a client has the gateway of the other network behind a service, and its own certificate', async () => {
    const admin = (path: string) => answered(port('west', pod('west', 'shop', 'client'), 15000)!, path);
    const clusters = itemsAt((await admin('/clusters?format=json')).json(), 'cluster_statuses');
    const abc = clusters.find((one) => textAt(one, 'name') === 'outbound|5000||abc.shop.svc.cluster.local');
    expect(itemsAt(abc, 'host_statuses').map((one) => value(one, 'address', 'socket_address'))).toEqual([
      { address: '10.200.1.1', port_value: 15443 },
    ]);
    const certificates = (await admin('/certs')).json();
    expect(value(certificates, 'certificates', 0, 'cert_chain', 0, 'subject_alt_names')).toEqual([
      { uri: 'spiffe://cluster.local/ns/shop/sa/default' },
    ]);
    expect(value(certificates, 'certificates', 0, 'ca_cert', 0, 'serial_number')).toBe(
      new X509Certificate(root('west')).serialNumber.toLowerCase(),
    );
    expect((await admin('/server_info')).json()).toMatchObject({
      state: 'LIVE',
      node: { metadata: { CLUSTER_ID: 'west', NETWORK: 'network2' } },
    });
    expect((await answered(port('west', pod('west', 'shop', 'client'), 15021)!, '/healthz/ready')).status).toBe(200);
  });

  it('a gateway pod answers on its port as its address does', async () => {
    const stream = port('east', pod('east', system, 'istio-eastwestgateway'), 15443)!;
    const names = await new Promise((done) => {
      const socket = connectTls({ socket: stream, servername: target, ALPNProtocols: ['istio'], rejectUnauthorized: false }, () => {
        done(socket.getPeerX509Certificate()?.subjectAltName);
        socket.destroy();
      });
      socket.on('error', (error: NodeJS.ErrnoException) => done(error.code));
    });
    expect(names).toBe('URI:spiffe://cluster.local/ns/shop/sa/default');
  });
});

describe('a sandbox', () => {
  const started: Sandbox[] = [];
  afterAll(async () => {
    for (const sandbox of started) await sandbox.close();
  });
  const start = async (...given: Parameters<typeof startSandbox>): Promise<Sandbox> => {
    const sandbox = await startSandbox(...given);
    started.push(sandbox);
    return sandbox;
  };
  const object = (sandbox: Sandbox, cluster: string, kind: string, name: string): KubeObject | undefined =>
    sandbox
      .objects()
      .get(cluster)
      ?.find((one) => one.kind === kind && one.metadata.name === name);
  const call = (sandbox: Sandbox, cluster: string, path: string): Promise<{ status: number; date: string; body: unknown }> =>
    new Promise((done, failed) => {
      const { server, ca, tokens } = sandbox.clusters.get(cluster)!;
      request(
        `${server}${path}`,
        { ca, headers: { authorization: `Bearer ${tokens.get('admin') ?? ''}`, connection: 'close' } },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('end', () =>
            done({ status: response.statusCode ?? 0, date: response.headers.date ?? '', body: JSON.parse(text) as unknown }),
          );
        },
      )
        .on('error', failed)
        .end();
    });

  it('is as fresh as its mesh was, and serves under the authority that lies in its namespaces', async () => {
    const sandbox = await start(built.objects(), { takenAt: built.takenAt });
    expect([...sandbox.clusters.keys()]).toEqual(['east', 'west']);
    const { status, body, date } = await call(sandbox, 'west', `/api/v1/namespaces/${system}/configmaps/kube-root-ca.crt`);
    expect(status).toBe(200);
    expect(textAt(body, 'data', 'ca.crt')?.trim()).toBe(sandbox.clusters.get('west')?.ca.trim());
    expect(Math.abs(Date.parse(date) - Date.now())).toBeLessThan(60_000);
    const election = object(sandbox, 'west', 'ConfigMap', 'istio-namespace-controller-election');
    const { renewTime } = JSON.parse(election?.metadata.annotations?.['control-plane.alpha.kubernetes.io/leader'] ?? '{}') as {
      renewTime: string;
    };
    expect(Date.now() - Date.parse(renewTime)).toBeLessThan(60_000);
    expect(object(sandbox, 'west', 'Service', 'kube-dns')).toBeDefined();
    expect(sandbox.resolve.map(({ from }) => `${from.host}:${from.port}`)).toContain('10.200.2.1:15443');
  });

  it('has a kubeconfig for each user there is, and none for others', async () => {
    const sandbox = started[0]!;
    const config: unknown = parse(sandbox.kubeconfig());
    expect(itemsAt(config, 'contexts').map((one) => textAt(one, 'name'))).toEqual(['east', 'west']);
    expect(new Set(itemsAt(config, 'users').map((one) => textAt(one, 'user', 'token'))).size).toBe(2);
    expect(textAt(config, 'clusters', 0, 'cluster', 'server')).toBe(sandbox.clusters.get('east')?.server);
    expect(() => sandbox.kubeconfig({ user: 'nobody' })).toThrow('has no user nobody');
    for (const cluster of sandbox.clusters.values()) cluster.addUser('viewer', [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }]);
    expect(itemsAt(parse(sandbox.kubeconfig({ user: 'viewer' })), 'users')).toHaveLength(2);
  });

  it('keeps certificates that were equal equal, others different, and signs what their issuers signed', async () => {
    const sandbox = started[0]!;
    const pem = (cluster: string, kind: string, name: string, ...path: string[]): string =>
      textAt(object(sandbox, cluster, kind, name), ...path) ?? '';
    const root = pem('east', 'ConfigMap', 'istio-ca-root-cert', 'data', 'root-cert.pem');
    expect(root).not.toBe(
      textAt(
        built
          .objects()
          .get('east')!
          .find(({ metadata }) => metadata.name === 'istio-ca-root-cert'),
        'data',
        'root-cert.pem',
      ),
    );
    expect(pem('west', 'ConfigMap', 'istio-ca-root-cert', 'data', 'root-cert.pem')).toBe(root);
    expect(
      atob(
        textAt(
          itemsAt(object(sandbox, 'west', 'MutatingWebhookConfiguration', 'istio-sidecar-injector-1-31-0'), 'webhooks')[0],
          'clientConfig',
          'caBundle',
        ) ?? '',
      ).trim(),
    ).toBe(root.trim());
    const signing = new X509Certificate(atob(pem('east', 'Secret', 'cacerts', 'data', 'ca-cert.pem')));
    expect(signing.verify(new X509Certificate(root).publicKey)).toBe(true);
    expect(pem('east', 'ConfigMap', 'kube-root-ca.crt', 'data', 'ca.crt')).not.toBe(
      pem('west', 'ConfigMap', 'kube-root-ca.crt', 'data', 'ca.crt'),
    );
    const kubeconfig = atob(pem('east', 'Secret', 'istio-remote-secret-west', 'data', 'west'));
    const authority = atob(/certificate-authority-data: (\S+)/.exec(kubeconfig)?.[1] ?? '');
    expect(pemBlocks(authority).map((one) => one.trim())).toEqual([sandbox.clusters.get('west')?.ca.trim()]);
  });

  it('can serve objects to the letter, at a time of its own, without anybody writing', async () => {
    const objects = built.objects();
    const sandbox = await start(objects, { clock: built.takenAt, mintCertificates: false, reconcile: false });
    const served = sandbox.objects();
    for (const [cluster, list] of objects) {
      const key = ({ kind, metadata }: KubeObject): string => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
      const sorted = (all: readonly KubeObject[]): KubeObject[] => [...all].sort((a, b) => (key(a) < key(b) ? -1 : 1));
      expect(sorted(served.get(cluster)!)).toEqual(sorted(list));
    }
    const { date } = await call(sandbox, 'east', '/version');
    expect(Date.parse(date) - Date.parse(built.takenAt)).toBeLessThan(60_000);
    expect(Date.parse(date)).toBeGreaterThanOrEqual(Date.parse(built.takenAt));
  });

  it('lets writes through its API be followed by what controllers make of them, and ends altogether', async () => {
    const sandbox = started[0]!;
    const { server, ca, tokens } = sandbox.clusters.get('west')!;
    const status = await new Promise((done, failed) => {
      const asking = request(
        `${server}/api/v1/namespaces/${system}`,
        {
          ca,
          method: 'PATCH',
          headers: {
            authorization: `Bearer ${tokens.get('admin') ?? ''}`,
            'content-type': 'application/merge-patch+json',
            connection: 'close',
          },
        },
        (response) => {
          response.resume();
          response.on('end', () => done(response.statusCode));
        },
      ).on('error', failed);
      asking.end(JSON.stringify({ metadata: { annotations: { touched: 'yes' } } }));
    });
    expect(status).toBe(200);
    await sandbox.settled();
    expect(annotate(object(sandbox, 'west', 'Namespace', system)!, 'x', 'y').metadata.annotations).toMatchObject({ touched: 'yes' });
    const address = sandbox.resolve[0]!.to;
    await sandbox.close();
    await expect(call(sandbox, 'west', '/version')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect((await shake(address, 'x', [])).end).toBe('ECONNREFUSED');
  });
});

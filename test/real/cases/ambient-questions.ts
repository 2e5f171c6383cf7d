import { mintCertificate } from '../../../src/sandbox/certificates.ts';
import { type Deliberate, type Question, type Subjects, tlsDeliberate } from './questions.ts';
import { askHttp, askPod, askTls } from './side.ts';

/*
 * What both meshes of ambient are asked: what their gateways do with who comes to port 15008, and what their istiods say of them.
 */

export const ambientDeliberate: readonly Deliberate[] = [
  ...tlsDeliberate(/^tls 15008/),
  {
    question: /^tls 15008 with a certificate of another authority/,
    path: /after$/,
    because: 'Node ends the connection without a word where OpenSSL says why; nobody here has a certificate to show.',
  },
  {
    question: /^istiod \/debug\/syncz/,
    path: /type\.googleapis\.com\/istio\.(?:workload\.Address|security\.Authorization)/,
    because: 'No ztunnel runs in the real mesh, and its gateways lack the extension that asks for workloads.',
  },
];

/** The mesh's own port for tunnels, and that of its gateways' health. */
const ports = { hbone: 15_008, status: 15_021 } as const;

export async function ambientQuestionsTo({ istiod, gateways }: Pick<Subjects, 'istiod' | 'gateways'>): Promise<readonly Question[]> {
  const stranger = await mintCertificate({
    subject: [],
    uris: ['spiffe://cluster.local/ns/sample/sa/client'],
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 86_400_000),
  });
  const tls = (
    name: string,
    question: Omit<Parameters<typeof askTls>[1], 'host' | 'port'>,
    cluster: keyof typeof gateways = 'cluster1',
  ): Question => ({
    name: `tls 15008 ${name}`,
    ask: async (side) => await askTls(side, { host: gateways[cluster], port: ports.hbone, ...question }),
  });
  const h2 = ['h2'];
  return [
    tls('as a ztunnel does, without a certificate', { alpn: h2 }),
    tls('in the other cluster', { alpn: h2 }, 'cluster2'),
    tls('without a protocol', {}),
    tls('in HTTP/1.1', { alpn: ['http/1.1'] }),
    tls('as a sidecar calls', { alpn: ['istio'], sni: 'outbound_.5000_._.both.sample.svc.cluster.local' }),
    tls('with a name that nobody has', { alpn: h2, sni: 'nothing.example' }),
    tls('in TLS 1.2 at most', { alpn: h2, most: 'TLSv1.2' }),
    tls('with a certificate of another authority', { alpn: h2, as: stranger }),
    { name: 'http 15021', ask: async (side) => await askHttp(side, gateways.cluster1, ports.status, '/healthz/ready') },
    {
      name: 'http 15008',
      ask: async (side) => await askHttp(side, gateways.cluster1, ports.hbone, '/').catch((error: unknown) => String(error)),
    },
    ...['clusterz', 'networkz', 'registryz', 'mesh', 'syncz', 'configz', 'endpointShardz'].map(
      (path): Question => ({
        name: `istiod /debug/${path}`,
        ask: async (side) => await askPod(side, { ...istiod, port: 15_014 }, `/debug/${path}`),
      }),
    ),
  ];
}

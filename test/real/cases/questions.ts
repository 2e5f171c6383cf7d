import { type PodPort, type Side, askApi, askDns, askHttp, askPod, askSeries, askTls, askUpgrade, callApi } from './side.ts';
import { textAt } from '../lab/kube.ts';

/** What both meshes are asked about. */
export interface Subjects {
  readonly istiod: Omit<PodPort, 'port'>;
  /** A pod with a sidecar in the remote, and one in the primary. */
  readonly sidecar: Omit<PodPort, 'port'>;
  readonly sidecarOfPrimary: Omit<PodPort, 'port'>;
  /** A pod of the remote's cluster DNS. */
  readonly dns: Omit<PodPort, 'port'>;
  /** Addresses of the east-west gateways. */
  readonly gateways: { readonly cluster1: string; readonly cluster2: string };
}

export interface Question {
  readonly name: string;
  readonly ask: (side: Side) => Promise<unknown>;
}

/** A difference that is meant, and why. */
export interface Deliberate {
  readonly question: RegExp;
  readonly path: RegExp;
  readonly because: string;
  /** It is there or not, as it happens. */
  readonly isFleeting?: true;
}

/** Of ports where proxies present certificates, and of those where istiod does, too. */
export function tlsDeliberate(proxies: RegExp, all = proxies): readonly Deliberate[] {
  return [
    { question: proxies, path: /\/key$/, because: 'Keys of the sandbox are elliptic: RSA takes seconds to make.' },
    { question: all, path: /\/presented\/[23]$/, because: 'Istio presents the root too, and once more for workloads; it proves nothing.' },
  ];
}

export const deliberate: readonly Deliberate[] = [
  {
    question: /^api no token/,
    path: /./,
    because: 'The sandbox lets nobody in without a credential, as servers with --anonymous-auth=false do.',
  },
  { question: /^api resources of a group/, path: /storageVersionHash$/, because: 'An opaque value that nothing here compares.' },
  { question: /^api page by nonsense/, path: /message$/, because: 'The words of a Go decoder.' },
  { question: /^api label selector that is none/, path: /message$/, because: 'The words of a Go parser.' },
  {
    question: /^api form that is not there/,
    path: /(?:message|details)$/,
    because: 'The sandbox has protobuf for few kinds, and does not say so.',
  },
  {
    question: /^api access review/,
    path: /(?:managedFields|status\.reason)/,
    because: 'Nobody owns a review, and why it is allowed is for people.',
  },
  {
    question: /^istiod \/debug\/pushcontext/,
    path: /UnresolvedGateways/,
    because: 'One change behind, so that it is empty or short as it happens; nothing reads it.',
    isFleeting: true,
  },
  {
    question: /^dns .* of a name (?:outside|of the other cluster, short|of its own cluster, shortest)/,
    path: /rcode$/,
    because: 'The real cluster DNS asks an upstream that is not there; the sandbox has nothing outside the mesh and says so.',
  },
  ...tlsDeliberate(/^tls 15443/, /^tls/),
  { question: /^tls 15012/, path: /\/hours$/, because: 'Certificates of istiod live as long as its authority; here a day.' },
  { question: /^tls 15017/, path: /\/(?:alpn|hours)$/, because: 'The webhook port of the sandbox speaks HTTP/1.1 only, for a day.' },
];

export function questionsTo(subjects: Subjects): readonly Question[] {
  return [...ofApi(), ...ofForwarding(subjects), ...ofIstiod(subjects), ...ofDns(subjects), ...ofGateways(subjects)];
}

const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const secretsWithoutReleases = `/api/v1/secrets?limit=500&fieldSelector=${encodeURIComponent('type!=helm.sh/release.v1')}`;

function ofApi(): readonly Question[] {
  const get = (name: string, path: string, more: Omit<Parameters<typeof askApi>[1], 'path'> = {}): Question => ({
    name: `api ${name}`,
    ask: async (side) => await askApi(side, { path, ...more }),
  });
  const lists = {
    pods: '/api/v1/pods',
    services: '/api/v1/services',
    namespaces: '/api/v1/namespaces',
    nodes: '/api/v1/nodes',
    configmaps: '/api/v1/namespaces/istio-system/configmaps',
    endpoints: '/api/v1/endpoints',
    deployments: '/apis/apps/v1/deployments',
    slices: '/apis/discovery.k8s.io/v1/endpointslices',
    injectors: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    roles: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    bindings: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    gateways: '/apis/networking.istio.io/v1/gateways',
    'nothing of a custom kind': '/apis/networking.istio.io/v1/sidecars',
  };
  return [
    get('version', '/version'),
    get('version for a user without rights', '/version', { user: 'nobody' }),
    get('readiness', '/readyz'),
    get('groups', '/apis'),
    get('one group', '/apis/apps'),
    get('resources of a group', '/apis/apps/v1'),
    get('aggregated groups', '/apis', { headers: { accept: `${aggregated},application/json` } }),
    get('groups for a user without rights', '/apis', { user: 'nobody' }),
    ...Object.entries(lists).flatMap(([name, path]) => [
      get(`list of ${name}`, `${path}?limit=500`),
      get(`list of ${name} in the remote`, `${path}?limit=500`, { cluster: 'cluster2' }),
    ]),
    get('secrets by field', secretsWithoutReleases),
    get('secrets by label', '/api/v1/secrets?limit=500&labelSelector=istio%2FmultiCluster%3Dtrue'),
    get('first page', '/api/v1/services?limit=2'),
    get('first page by label', '/api/v1/services?limit=1&labelSelector=app'),
    { name: 'api last page', ask: async (side) => await nextPage(side, 500) },
    { name: 'api middle page', ask: async (side) => await nextPage(side, 1) },
    // Of a kind that came later than what etcd forgot: of the others the API server may still have the first list in memory.
    get(
      'page that ran out',
      `/apis/networking.istio.io/v1/gateways?limit=2&continue=${tokenOf({ v: 'meta.k8s.io/v1', rv: 1, start: 'istio-system/a\u0000' })}`,
    ),
    get('page by nonsense', '/api/v1/services?limit=2&continue=nonsense'),
    get('page at a version', '/api/v1/services?limit=2&resourceVersion=0'),
    get('limit that is none', '/api/v1/services?limit=many'),
    get('metadata of definitions', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions?limit=500', {
      headers: { accept: metadataOnly },
    }),
    get('metadata of pods', '/api/v1/pods?limit=500', { headers: { accept: metadataOnly } }),
    get('compressed list', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions?limit=500', { headers: { 'accept-encoding': 'gzip' } }),
    get('short list for a client that takes gzip', '/api/v1/nodes', { headers: { 'accept-encoding': 'gzip' } }),
    get('form that is not there', '/api/v1/nodes', { headers: { accept: 'image/png' } }),
    get('one object', '/api/v1/namespaces/istio-system/configmaps/istio-ca-root-cert'),
    get('no such object', '/api/v1/namespaces/istio-system/configmaps/nothing'),
    get('no such custom object', '/apis/networking.istio.io/v1/namespaces/istio-system/gateways/nothing'),
    get('no such namespace', '/api/v1/namespaces/nothing/pods'),
    get('no such resource', '/api/v1/nothings'),
    get('no such resource of a custom group', '/apis/networking.istio.io/v1/nothings'),
    get('no such version of a custom group', '/apis/networking.istio.io/v9/gateways'),
    get('no such group', '/apis/nothing.example/v1/things'),
    get('no such group itself', '/apis/nothing.example'),
    get('no such version', '/apis/apps/v9/deployments'),
    get('no such path', '/nothing'),
    get('no such field', '/api/v1/pods?fieldSelector=spec.nothing%3D1'),
    get('label selector that is none', '/api/v1/pods?labelSelector=%21%21'),
    get('unknown token', '/api/v1/pods', { user: 'unknown' }),
    get('unknown token for the version', '/version', { user: 'unknown' }),
    get('no token', '/api/v1/pods', { user: 'none' }),
    get('no token for the version', '/version', { user: 'none' }),
    get('list without right', '/apis/coordination.k8s.io/v1/leases', { user: 'reader' }),
    get('list in a namespace without right', '/apis/coordination.k8s.io/v1/namespaces/default/leases', { user: 'reader' }),
    get('object without right', '/api/v1/namespaces/istio-system/secrets/cacerts', { user: 'reader' }),
    get('path without right', '/metrics', { user: 'reader' }),
    get('impersonation without right', '/api/v1/pods', { user: 'reader', headers: { 'impersonate-user': 'admin' } }),
    get('impersonation of nobody', '/api/v1/pods', { headers: { 'impersonate-user': 'nobody' } }),
    get('deletion without right', '/api/v1/namespaces/sample', { user: 'reader', method: 'DELETE' }),
    get('access review', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      user: 'reader',
      method: 'POST',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb: 'list', resource: 'pods' } },
      },
    }),
    get('access review that says no', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      user: 'nobody',
      method: 'POST',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb: 'list', resource: 'pods' } },
      },
    }),
  ];
}

async function nextPage(side: Side, limit: number): Promise<unknown> {
  const { json } = await callApi(side, { path: '/api/v1/services?limit=2' });
  const token = textAt(json, 'metadata', 'continue') ?? '';
  return await askApi(side, { path: `/api/v1/services?limit=${limit}&continue=${encodeURIComponent(token)}` });
}

function tokenOf(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function ofForwarding({ istiod, sidecar }: Subjects): readonly Question[] {
  const pathOf = (pod: Omit<PodPort, 'port'>, query: string): string =>
    `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/portforward${query}`;
  const upgrade = (name: string, path: string, more: Omit<Parameters<typeof askUpgrade>[1], 'path'> = {}): Question => ({
    name: `forward ${name}`,
    ask: async (side) => await askUpgrade(side, { path, ...more }),
  });
  const open = pathOf(istiod, '?ports=15014');
  return [
    upgrade('to a port that listens', open),
    upgrade('to two ports', pathOf(istiod, '?ports=15014&ports=8080')),
    upgrade('to a port that does not listen', pathOf(istiod, '?ports=1')),
    upgrade('in the remote', pathOf(sidecar, '?ports=15053'), { cluster: 'cluster2' }),
    upgrade('without a port', pathOf(istiod, '')),
    upgrade('to a port that is none', pathOf(istiod, '?ports=many')),
    upgrade('to a pod that is not there', pathOf({ ...istiod, name: 'nothing' }, '?ports=15014')),
    upgrade('in another protocol', open, { protocols: ['v9.channel.k8s.io'] }),
    upgrade('as the reader', open, { user: 'reader' }),
    upgrade('without right', open, { user: 'nobody' }),
    upgrade('with an unknown token', open, { user: 'unknown' }),
    { name: 'forward without an upgrade', ask: async (side) => await askApi(side, { path: open }) },
  ];
}

function ofIstiod({ istiod, sidecar, sidecarOfPrimary }: Subjects): readonly Question[] {
  const proxyOf = (pod: Omit<PodPort, 'port'>): string => `${pod.name}.${pod.namespace}`;
  const paths = [
    '/debug/clusterz',
    '/debug/networkz',
    '/debug/endpointShardz',
    '/debug/syncz',
    '/debug/registryz',
    '/debug/mesh',
    '/debug/configz',
    '/debug/pushcontext',
    '/debug/nothing',
    `/debug/ndsz?proxyID=${proxyOf(sidecar)}`,
    `/debug/ndsz?proxyID=${proxyOf(sidecarOfPrimary)}`,
    '/debug/ndsz?proxyID=nothing.nowhere',
    '/debug/ndsz',
  ];
  return [
    ...paths.map(
      (path): Question => ({ name: `istiod ${path}`, ask: async (side) => await askPod(side, { ...istiod, port: 15_014 }, path) }),
    ),
    { name: 'istiod /metrics', ask: async (side) => await askSeries(side, { ...istiod, port: 15_014 }) },
    { name: 'istiod 8080 /debug/clusterz', ask: async (side) => await askPod(side, { ...istiod, port: 8080 }, '/debug/clusterz') },
    { name: 'istiod 8080 /ready', ask: async (side) => await askPod(side, { ...istiod, port: 8080 }, '/ready') },
    { name: 'istiod port that does not listen', ask: async (side) => await askPod(side, { ...istiod, port: 1 }, '/') },
    { name: 'sidecar 15021', ask: async (side) => await askPod(side, { ...sidecar, port: 15_021 }, '/healthz/ready') },
  ];
}

function ofDns({ sidecar, dns }: Subjects): readonly Question[] {
  const local = 'svc.cluster.local';
  const names = {
    'of its own cluster': `def.sample.${local}`,
    'of the other cluster': `abc.sample.${local}`,
    'of the other cluster, short': 'abc.sample',
    'of its own cluster, shortest': 'def',
    'of the cluster itself': `kubernetes.default.${local}`,
    'with the first search domain behind it': `abc.sample.${local}.sample.${local}`,
    'of another namespace with the first search domain behind it': `kubernetes.default.${local}.sample.${local}`,
    'short with the first search domain': `abc.sample.sample.${local}`,
    'in capitals': `DEF.sample.${local}`,
    'that nobody has': `nothing.sample.${local}`,
    'in a namespace that nobody has': `nothing.nowhere.${local}`,
    'outside the cluster': 'nothing.example',
    'of a Service with endpoints only': `istiod-1-31-0.istio-system.${local}`,
  };
  const servers = { sidecar: { ...sidecar, port: 15_053 }, coredns: { ...dns, port: 53 } };
  return Object.entries(servers).flatMap(([server, pod]) =>
    Object.entries(names).flatMap(([which, name]) =>
      (['A', 'AAAA'] as const).map(
        (type): Question => ({
          name: `dns ${server}: ${type} of a name ${which}`,
          ask: async (side) => await askDns(side, pod, type, name),
        }),
      ),
    ),
  );
}

function ofGateways({ gateways }: Subjects): readonly Question[] {
  const tls = (name: string, question: Parameters<typeof askTls>[1]): Question => ({
    name: `tls ${name}`,
    ask: async (side) => await askTls(side, question),
  });
  const one = { host: gateways.cluster1, port: 15_443 };
  const sniOf = (service: string): string => `outbound_.5000_._.${service}.sample.svc.cluster.local`;
  const istiod = 'istiod-1-31-0.istio-system.svc';
  const istio = ['istio'];
  return [
    tls('15443 right name', { ...one, sni: sniOf('abc'), alpn: istio }),
    tls('15443 right name, HTTP too', { ...one, sni: sniOf('abc'), alpn: ['istio', 'h2'] }),
    tls('15443 right name, HTTP only', { ...one, sni: sniOf('abc'), alpn: ['h2', 'http/1.1'] }),
    tls('15443 right name without protocol', { ...one, sni: sniOf('abc') }),
    tls('15443 name of the other cluster', { ...one, sni: sniOf('def'), alpn: istio }),
    tls('15443 name in capitals', { ...one, sni: sniOf('ABC'), alpn: istio }),
    tls('15443 name without number', { ...one, sni: 'abc.sample.svc.cluster.local', alpn: istio }),
    tls('15443 wrong port in the name', { ...one, sni: sniOf('abc').replace('5000', '5001'), alpn: istio }),
    tls('15443 nonsense', { ...one, sni: 'nothing.example', alpn: istio }),
    tls('15443 no name', { ...one, alpn: istio }),
    tls('15443 in the remote, right name', { host: gateways.cluster2, port: 15_443, sni: sniOf('def'), alpn: istio }),
    tls('15443 in the remote, name of the primary', { host: gateways.cluster2, port: 15_443, sni: sniOf('abc'), alpn: istio }),
    tls('15012 right name', { host: gateways.cluster1, port: 15_012, sni: istiod, alpn: ['h2'] }),
    tls('15012 right name without protocol', { host: gateways.cluster1, port: 15_012, sni: istiod }),
    tls('15012 other revision', { host: gateways.cluster1, port: 15_012, sni: 'istiod-1-30-0.istio-system.svc', alpn: ['h2'] }),
    tls('15012 no name', { host: gateways.cluster1, port: 15_012, alpn: ['h2'] }),
    tls('15012 in the remote', { host: gateways.cluster2, port: 15_012, sni: istiod, alpn: ['h2'] }),
    tls('15017 right name', { host: gateways.cluster1, port: 15_017, sni: istiod, alpn: ['h2', 'http/1.1'] }),
    tls('15017 nonsense', { host: gateways.cluster1, port: 15_017, sni: 'nothing.example', alpn: ['http/1.1'] }),
    tls('15021', { host: gateways.cluster1, port: 15_021, sni: istiod }),
    { name: 'http 15021', ask: async (side) => await askHttp(side, gateways.cluster1, 15_021, '/healthz/ready') },
  ];
}

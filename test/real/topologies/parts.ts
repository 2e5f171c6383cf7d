import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Certificate, mintCertificate } from '../../../src/sandbox/certificates.ts';
import type { Lab } from '../lab/lab.ts';

/*
 * The steps of Istio's multi-cluster guides, one function each, with the objects that the guides' samples make. Written as data, so that a
 * fault can leave one out or do it otherwise.
 */

/** Revision of the meshes that have one, as a team names it after a release. */
export const revision = '1-31-0';

const hour = 3_600_000;
const day = 24 * hour;
const year = 365 * day;

/** From when to when a certificate is in force. */
interface Term {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** A term of so many years that began an hour ago. */
function termOf(years: number): Term {
  return { notBefore: new Date(Date.now() - hour), notAfter: new Date(Date.now() + years * year) };
}

/** A term of a year that ends in so many milliseconds. */
export function termThatEnds(after: number): Term {
  return { notBefore: new Date(Date.now() + after - year), notAfter: new Date(Date.now() + after) };
}

export interface Authority {
  readonly root: Certificate;
  intermediateFor(cluster: string, term?: Term): Promise<Certificate>;
}

/** A root with an intermediate per cluster, as a team plugs them in. */
export async function newAuthority(name: string, term = termOf(10)): Promise<Authority> {
  const root = await mintCertificate({
    subject: [
      ['O', 'Istio'],
      ['CN', name],
    ],
    isAuthority: true,
    ...term,
  });
  return authorityUnder(root);
}

function authorityUnder(root: Certificate): Authority {
  return {
    root,
    intermediateFor: async (cluster, term = termOf(2)) =>
      await mintCertificate({
        subject: [
          ['O', 'Istio'],
          ['CN', `Intermediate CA ${cluster}`],
        ],
        issuer: root,
        isAuthority: true,
        pathLength: 0,
        ...term,
      }),
  };
}

/** The root of the mesh and its key, where the team that made it keeps them: in no cluster. */
export function keepAuthority(lab: Lab, { root }: Authority): void {
  writeFileSync(join(lab.folder, 'authority.json'), JSON.stringify(root), { mode: 0o600 });
}

/** What keepAuthority kept. */
export function keptAuthority(lab: Lab): Authority {
  // Written by this file.
  return authorityUnder(JSON.parse(readFileSync(join(lab.folder, 'authority.json'), 'utf8')) as Certificate);
}

/** Files of a plugged-in authority, by the names that istiod reads. */
export function authorityFiles(intermediate: Certificate, roots: readonly Certificate[]): Record<string, string> {
  const [first] = roots;
  return {
    'ca-cert.pem': intermediate.cert,
    'ca-key.pem': intermediate.key,
    'root-cert.pem': roots.map(({ cert }) => cert).join(''),
    'cert-chain.pem': `${intermediate.cert}\n${first?.cert ?? ''}`,
  };
}

/** A certificate for servers of these names. */
export async function certificateOf(issuer: Certificate, dnsNames: readonly string[]): Promise<Certificate> {
  return await mintCertificate({ subject: [['CN', 'istiod']], issuer, dnsNames, usages: ['server'], ...termOf(1) });
}

/** Secret cacerts of one cluster. */
export async function plugInCertificates(lab: Lab, context: string, authority: Authority, namespace = 'istio-system'): Promise<void> {
  await plugInFiles(lab, context, authorityFiles(await authority.intermediateFor(context), [authority.root]), namespace);
}

export async function plugInFiles(
  lab: Lab,
  context: string,
  files: Readonly<Record<string, string>>,
  namespace = 'istio-system',
): Promise<void> {
  await lab.apply(context, [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'cacerts', namespace }, type: 'Opaque', stringData: files },
  ]);
}

export async function makeNamespace(
  lab: Lab,
  context: string,
  name: string,
  { labels = {}, annotations = {} }: { labels?: Readonly<Record<string, string>>; annotations?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  await lab.apply(context, [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, annotations } }]);
}

/** An IstioOperator of istioctl; `values` are Helm values. */
export function operatorOf(name: string, spec: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { apiVersion: 'install.istio.io/v1alpha1', kind: 'IstioOperator', metadata: { name }, spec };
}

/** Values of every installation here: upstream Envoy has none of Istio's telemetry filters. */
export const telemetryOff = { telemetry: { enabled: false } };

/** Mesh configuration of every installation here. */
export const meshConfig = {
  defaultConfig: { proxyMetadata: { ISTIO_META_DNS_CAPTURE: 'true' } },
};

export async function install(lab: Lab, context: string, operator: Readonly<Record<string, unknown>>): Promise<void> {
  await lab.istioctl(context, ['install', '-y', '--readiness-timeout', '3m', '-f', '-'], stringify(operator));
}

export function eastWestGateway(network: string | undefined, rev: string): Record<string, unknown> {
  const label = { istio: 'eastwestgateway', app: 'istio-eastwestgateway' };
  const port = (name: string, number: number): Record<string, unknown> => ({ name, port: number, targetPort: number });
  return operatorOf('eastwest', {
    revision: rev,
    profile: 'empty',
    components: {
      ingressGateways: [
        {
          name: 'istio-eastwestgateway',
          label: network === undefined ? label : { ...label, 'topology.istio.io/network': network },
          enabled: true,
          k8s: {
            ...(network === undefined ? {} : { env: [{ name: 'ISTIO_META_REQUESTED_NETWORK_VIEW', value: network }] }),
            service: { ports: [port('status-port', 15_021), port('tls', 15_443), port('tls-istiod', 15_012), port('tls-webhook', 15_017)] },
          },
        },
      ],
    },
    values: {
      gateways: { 'istio-ingressgateway': { injectionTemplate: 'gateway' } },
      ...(network === undefined ? {} : { global: { network } }),
    },
  });
}

/** Services of the mesh behind the cross-network port. */
export const exposedServices = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'Gateway',
  metadata: { name: 'cross-network-gateway', namespace: 'istio-system' },
  spec: {
    selector: { istio: 'eastwestgateway' },
    servers: [{ port: { number: 15_443, name: 'tls', protocol: 'TLS' }, tls: { mode: 'AUTO_PASSTHROUGH' }, hosts: ['*.local'] }],
  },
};

/** istiod behind 15012 and 15017 of the east-west gateway. */
export function exposedIstiod(rev: string): readonly Record<string, unknown>[] {
  const service = rev === '' ? 'istiod' : `istiod-${rev}`;
  const host = `${service}.istio-system.svc.cluster.local`;
  const sniHosts = rev === '' ? ['*'] : [`${service}.istio-system.svc`, host];
  const server = (number: number, name: string): Record<string, unknown> => ({
    port: { number, name, protocol: 'tls' },
    tls: { mode: 'PASSTHROUGH' },
    hosts: ['*'],
  });
  const route = (port: number, to: number): Record<string, unknown> => ({
    match: [{ port, sniHosts }],
    route: [{ destination: { host, port: { number: to } } }],
  });
  return [
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Gateway',
      metadata: { name: 'istiod-gateway', namespace: 'istio-system' },
      spec: { selector: { istio: 'eastwestgateway' }, servers: [server(15_012, 'tls-istiod'), server(15_017, 'tls-istiodwebhook')] },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: rev === '' ? 'istiod-vs' : `istiod-vs-${rev}`, namespace: 'istio-system' },
      spec: { hosts: ['*'], gateways: ['istiod-gateway'], tls: [route(15_012, 15_012), route(15_017, 443)] },
    },
  ];
}

/** Secret in `reader` by which its istiod reads `read`. */
export async function remoteSecret(lab: Lab, reader: string, read: string, more: readonly string[] = []): Promise<void> {
  const secret = await lab.istioctl(read, ['create-remote-secret', '--name', read, ...more]);
  await lab.kubectl(reader, ['apply', '-f', '-'], secret);
}

/** Address of a load balancer once it has one. */
export async function gatewayAddress(
  lab: Lab,
  context: string,
  name = 'istio-eastwestgateway',
  namespace = 'istio-system',
): Promise<string> {
  return await lab.kubectl(context, ['get', 'service', name, '-n', namespace, '-o', 'jsonpath={.status.loadBalancer.ingress[0].ip}']);
}

/** A deployment with one pod and a Service of the same name on TCP port 5000. */
export function application(name: string, namespace: string): readonly Record<string, unknown>[] {
  const labels = { app: name };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, labels },
      spec: { selector: labels, ports: [{ name: 'tcp', port: 5000, targetPort: 5000 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: name,
            containers: [{ name: 'app', image: 'registry.example/app:1', ports: [{ containerPort: 5000 }] }],
          },
        },
      },
    },
  ];
}

/** A pod that calls others: a deployment without Service. */
export function caller(name: string, namespace: string): readonly Record<string, unknown>[] {
  return application(name, namespace).filter(({ kind }) => kind !== 'Service');
}

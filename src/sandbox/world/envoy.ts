import { X509Certificate } from 'node:crypto';
import { sniOf } from '../../istio/hosts.ts';
import { clientOf, endpointsSentTo, type Predictions } from '../../mesh/endpoints.ts';
import type { Pod } from '../../model/facts.ts';
import type { HttpAnswer } from '../sandbox.ts';
import type { IstiodProcess } from './istiods.ts';
import { type Knowledge, meshConfigOf } from './knowledge.ts';
import { mtlsSettings } from './mtls.ts';

/** What the admin port of a proxy tells of. */
export interface ProxyAdmin {
  readonly pod: Pod;
  /** The istiod whose configuration it has; without one it has none. */
  readonly process: IstiodProcess | undefined;
  readonly knowledge: Knowledge;
  readonly predict: (process: IstiodProcess) => Predictions;
  /** Its certificate and the ones above it, leaf first, and the roots it trusts, as PEM. */
  readonly certificates: () => Promise<{ readonly chain: readonly string[]; readonly roots: readonly string[] } | undefined>;
}

/** Envoy's admin on 15000: clusters with their endpoints, certificates, roots, and what the proxy says of itself. */
export async function envoyAnswer(admin: ProxyAdmin, path: string, query: URLSearchParams): Promise<HttpAnswer> {
  switch (path) {
    case '/clusters':
      return query.get('format') === 'json'
        ? { status: 200, json: { cluster_statuses: clusterStatuses(admin) } }
        : { status: 200, text: '' };
    case '/config_dump':
      return { status: 200, json: { configs: await configDump(admin, query) } };
    case '/certs':
      return { status: 200, json: await certs(admin) };
    case '/server_info':
      return { status: 200, json: serverInfo(admin) };
    case '/ready':
      return admin.pod.ready ? { status: 200, text: 'LIVE\n' } : { status: 503, text: 'PRE_INITIALIZING\n' };
    default:
      return { status: 404, text: 'invalid path. admin commands are: /certs /clusters /config_dump /ready /server_info\n' };
  }
}

interface ClusterStatus {
  readonly name: string;
  readonly host_statuses: readonly { readonly address: unknown }[];
}

function clusterStatuses({ pod, process, knowledge, predict }: ProxyAdmin): ClusterStatus[] {
  const client = clientOf(pod);
  if (process === undefined || client === undefined) return [];
  const predictions = predict(process);
  const config = knowledge.state.clusters.get(process.config)?.facts;
  const root = meshConfigOf(process, knowledge.state)?.rootNamespace ?? process.controlPlane.namespace;
  // An east-west gateway passes connections on by SNI, to clusters named so.
  const names = (port: number, host: string): string[] => [
    `outbound|${port}||${host}`,
    ...(client.requestedNetworkView.length > 0 ? [sniOf({ port, host })] : []),
  ];
  return [...predictions.services.values()].flatMap(({ host, instances }) =>
    (instances[0]?.service.ports ?? [])
      .filter(({ protocol }) => protocol !== 'UDP')
      .flatMap(({ port }) => {
        const to = { host, port, clusterDomain: process.controlPlane.clusterDomain };
        const mtls = config === undefined ? {} : mtlsSettings(config, to, client.namespace, root);
        const sent = endpointsSentTo(client, host, port, predictions, mtls);
        const hosts = (sent?.endpoints ?? []).map((endpoint) => ({
          address: { socket_address: { address: endpoint.address, port_value: endpoint.port } },
          health_status: { eds_health_status: 'HEALTHY' },
          weight: endpoint.endpoints.length,
          locality: {},
        }));
        return names(port, host).map((name) => ({ name, added_via_api: true, host_statuses: hosts }));
      }),
  );
}

/** The two lists of a dump that can be asked for by name; a name is matched whole. */
async function configDump(admin: ProxyAdmin, query: URLSearchParams): Promise<unknown[]> {
  const isNamed = (name: string): boolean => new RegExp(`^(?:${query.get('name_regex') ?? '.*'})$`).test(name);
  const resource = query.get('resource');
  if (resource === 'dynamic_endpoint_configs' && query.has('include_eds'))
    return clusterStatuses(admin)
      .filter(({ name }) => isNamed(name))
      .map(({ name, host_statuses: hosts }) => ({
        '@type': 'type.googleapis.com/envoy.admin.v3.EndpointsConfigDump.DynamicEndpointConfig',
        endpoint_config: {
          '@type': 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
          cluster_name: name,
          endpoints: hosts.map(({ address }) => ({ locality: {}, lb_endpoints: [{ endpoint: { address }, health_status: 'HEALTHY' }] })),
        },
      }));
  const roots = (await admin.certificates())?.roots;
  if (resource !== 'dynamic_active_secrets' || !isNamed('ROOTCA') || roots === undefined) return [];
  return [
    {
      '@type': 'type.googleapis.com/envoy.admin.v3.SecretsConfigDump.DynamicSecret',
      name: 'ROOTCA',
      secret: { name: 'ROOTCA', validation_context: { trusted_ca: { inline_bytes: Buffer.from(roots.join('\n')).toString('base64') } } },
    },
  ];
}

async function certs({ certificates }: ProxyAdmin): Promise<unknown> {
  const found = await certificates();
  if (found === undefined) return { certificates: [] };
  return {
    certificates: [{ ca_cert: found.roots.map(certificateOf), cert_chain: found.chain.map(certificateOf) }],
  };
}

function certificateOf(pem: string): unknown {
  const certificate = new X509Certificate(pem);
  const names = (certificate.subjectAltName ?? '').split(', ').filter((name) => name !== '');
  return {
    path: '<inline>',
    serial_number: certificate.serialNumber.toLowerCase(),
    subject_alt_names: names.map((name) => (name.startsWith('URI:') ? { uri: name.slice(4) } : { dns: name.replace(/^DNS:/, '') })),
    valid_from: new Date(certificate.validFrom).toISOString().replace('.000Z', 'Z'),
    expiration_time: new Date(certificate.validTo).toISOString().replace('.000Z', 'Z'),
  };
}

function serverInfo({ pod, process }: ProxyAdmin): unknown {
  const { proxy } = pod;
  return {
    version: `sandbox/${proxy?.version ?? 'unknown'}/Clean/RELEASE/BoringSSL`,
    state: process === undefined && !pod.ready ? 'PRE_INITIALIZING' : 'LIVE',
    node: {
      id: `${proxy?.kind === 'gateway' ? 'router' : (proxy?.kind ?? 'sidecar')}~${pod.ips[0] ?? ''}~${pod.name}.${pod.namespace}~${pod.namespace}.svc.cluster.local`,
      cluster: `${pod.owner?.name ?? pod.name}.${pod.namespace}`,
      metadata: {
        CLUSTER_ID: proxy?.clusterId ?? '',
        NETWORK: proxy?.network ?? '',
        MESH_ID: proxy?.meshId ?? '',
        NAMESPACE: pod.namespace,
        NAME: pod.name,
        SERVICE_ACCOUNT: pod.serviceAccount,
        ISTIO_VERSION: proxy?.version ?? '',
        ...(proxy?.dnsCapture === true ? { DNS_CAPTURE: 'true' } : {}),
      },
    },
  };
}

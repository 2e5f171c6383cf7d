import { defined, type Fields, objects, once, sharedTextMap, text, texts, type Tally } from '../model/decode.ts';
import { annotations, containers } from '../istio/labels.ts';
import type { StringMap } from '../model/kube.ts';

/** Settings that istiod's injector or an installer gives a proxy and that somebody reads. Other variables may hold anything. */
const proxyEnv: ReadonlySet<string> = new Set([
  'CA_ADDR',
  'CA_ADDRESS',
  'CLUSTER_ID',
  'ISTIO_META_CLUSTER_ID',
  'ISTIO_META_DNS_AUTO_ALLOCATE',
  'ISTIO_META_DNS_CAPTURE',
  'ISTIO_META_ENABLE_DNS_SERVER',
  'ISTIO_META_ENABLE_HBONE',
  'ISTIO_META_INTERCEPTION_MODE',
  'ISTIO_META_MESH_ID',
  'ISTIO_META_NETWORK',
  'ISTIO_META_OWNER',
  'ISTIO_META_REQUESTED_NETWORK_VIEW',
  'ISTIO_META_ROUTER_MODE',
  'ISTIO_META_UNPRIVILEGED_POD',
  'ISTIO_META_WORKLOAD_NAME',
  'NETWORK',
  'TRUST_DOMAIN',
  'XDS_ADDRESS',
]);

/** Settings of istiod that change what a multi-cluster mesh does. */
const istiodEnv: ReadonlySet<string> = new Set([
  'AMBIENT_ENABLE_BAGGAGE',
  'AMBIENT_ENABLE_MULTI_NETWORK',
  'AMBIENT_ENABLE_MULTI_NETWORK_INGRESS',
  'PILOT_UNIFIED_SIDECAR_SCOPE',
  'AMBIENT_ENABLE_MULTI_NETWORK_WAYPOINT',
  'CLUSTER_ID',
  'COMPLIANCE_POLICY',
  'DEFAULT_WORKLOAD_CERT_TTL',
  'ENABLE_CA_SERVER',
  'ENABLE_CLUSTER_TRUST_BUNDLE_API',
  'ENABLE_DEBUG_ENDPOINT_AUTH',
  'ENABLE_DEBUG_ON_HTTP',
  'ENABLE_MCS_AUTO_EXPORT',
  'ENABLE_MCS_CLUSTER_LOCAL',
  'ENABLE_MCS_HOST',
  'ENABLE_MCS_SERVICE_DISCOVERY',
  'ENABLE_MULTICLUSTER_HEADLESS',
  'ENABLE_NATIVE_SIDECARS',
  'EXTERNAL_CA',
  'EXTERNAL_ISTIOD',
  'INJECTION_WEBHOOK_CONFIG_NAME',
  'ISTIOD_CUSTOM_HOST',
  'ISTIO_MULTIROOT_MESH',
  'LOCAL_CLUSTER_SECRET_WATCHER',
  'MAX_WORKLOAD_CERT_TTL',
  'MCS_API_GROUP',
  'MCS_API_VERSION',
  'PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS',
  'PILOT_CA_CERT_CONFIGMAP',
  'PILOT_CERT_PROVIDER',
  'PILOT_ENABLE_AMBIENT',
  'PILOT_ENABLE_CROSS_CLUSTER_WORKLOAD_ENTRY',
  'PILOT_ENABLE_IP_AUTOALLOCATE',
  'PILOT_ENABLE_STRICT_GATEWAY_MERGING',
  'PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS',
  'PILOT_MULTICLUSTER_KUBECONFIG_PATH',
  'PILOT_MULTI_NETWORK_DISCOVER_GATEWAY_API',
  'PILOT_REMOTE_CLUSTER_TIMEOUT',
  'PILOT_SCOPE_GATEWAY_TO_NAMESPACE',
  'PILOT_SEND_UNHEALTHY_ENDPOINTS',
  'PILOT_SKIP_VALIDATE_TRUST_DOMAIN',
  'PLATFORM',
  'RESOLVE_HOSTNAME_GATEWAYS',
  'REVISION',
  'SHARED_MESH_CONFIG',
  'USE_CACERTS_FOR_SELF_SIGNED_CA',
  'VALIDATION_WEBHOOK_CONFIG_NAME',
]);

/** Flags of `istio-iptables` by the annotations that say the same of one pod. */
export const captureFlags: ReadonlyMap<string, string> = new Map([
  ['-c', annotations.excludeInterfaces],
  ['-i', annotations.includeOutboundIPRanges],
  ['-o', annotations.excludeOutboundPorts],
  ['-q', annotations.includeOutboundPorts],
  ['-x', annotations.excludeOutboundIPRanges],
]);

export const proxyContainer = containers.proxy;
export const istiodContainer = containers.istiod;

/** Containers of a pod or pod template: name and image of all, arguments and literal settings of Istio's own. */
export function reduceContainers(odd: Tally, value: unknown): readonly Fields[] | undefined {
  if (value === undefined || value === null) return undefined;
  return objects(odd, value).map((container) => reduceContainer(odd, container));
}

const reduceContainer = once((odd, container): Fields => {
  const name = text(odd, container['name']);
  const image = text(odd, container['image']);
  if (name === proxyContainer)
    return defined({ name, image, args: proxyArguments(odd, container['args']), env: reduceEnv(odd, container['env'], proxyEnv) });
  if (name === istiodContainer)
    return defined({
      name,
      image,
      args: domainArgument(odd, container['args']),
      env: reduceEnv(odd, container['env'], istiodEnv),
      volumeMounts: reduceMounts(odd, container['volumeMounts']),
    });
  if (name === containers.init) return defined({ name, image, args: captureArguments(odd, container['args']) });
  return defined({ name, image });
});

/** What a sidecar is to take, as the injector tells it (tools/istio-iptables/pkg/cmd), where that is not everything. */
function captureArguments(odd: Tally, value: unknown): readonly string[] | undefined {
  const words = texts(odd, value);
  const kept = words.flatMap((flag, index) => {
    const given = words[index + 1] ?? '';
    const usual = flag === '-i' ? '*' : '';
    return captureFlags.has(flag) && given !== usual && /^[\w.,:/* -]{0,2000}$/.test(given) ? [flag, given] : [];
  });
  return kept.length === 0 ? undefined : kept;
}

/** `proxy sidecar`, `proxy router` …: what kind of proxy it is. */
function proxyArguments(odd: Tally, value: unknown): readonly string[] | undefined {
  const role = texts(odd, value).slice(0, 2);
  return role.length > 0 && role.every((word) => /^[a-z]{1,20}$/.test(word)) ? role : undefined;
}

function domainArgument(odd: Tally, value: unknown): readonly string[] | undefined {
  const words = texts(odd, value);
  const at = words.indexOf('--domain');
  const joined = words.find((word) => word.startsWith('--domain='));
  const domain = at >= 0 ? words[at + 1] : joined?.slice('--domain='.length);
  return domain === undefined ? undefined : ['--domain', domain];
}

/** Literal values of the wanted variables; `""` for an entry without value. */
function reduceEnv(odd: Tally, value: unknown, wanted: ReadonlySet<string>): StringMap {
  const kept: Record<string, string> = {};
  for (const entry of objects(odd, value)) {
    const name = entry['name'];
    if (typeof name !== 'string') odd.odd++;
    else if (name === 'PROXY_CONFIG') kept[name] = reduceProxyConfig(odd, entry['value']);
    else if (wanted.has(name) && (entry['valueFrom'] === undefined || entry['valueFrom'] === null))
      kept[name] = text(odd, entry['value']) ?? '';
  }
  return kept;
}

/** PROXY_CONFIG may hold any variable of proxyMetadata; the address of the control plane is all that is read of it. */
function reduceProxyConfig(odd: Tally, value: unknown): string {
  const config = text(odd, value);
  const address = config === undefined ? undefined : /"discoveryAddress"\s*:\s*"([^"\s]{1,300})"/.exec(config)?.[1];
  return address === undefined ? '{}' : JSON.stringify({ discoveryAddress: address });
}

function reduceMounts(odd: Tally, value: unknown): readonly Fields[] {
  return objects(odd, value).flatMap((mount) =>
    mount['mountPath'] === remoteMount ? [defined({ name: text(odd, mount['name']), mountPath: remoteMount })] : [],
  );
}

/** Where an istiod reads the kubeconfig of a config cluster that is not its own. */
export const remoteMount = '/var/run/secrets/remote';

/** Settings of a reduced container. */
export function envOf(odd: Tally, container: Fields | undefined): StringMap {
  return sharedTextMap(odd, container?.['env']);
}

const semantic = /^v?(\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)[.\w]*)?)(?:[-+].*)?$/;

/** Version in the tag of an image, when the tag is one; variants such as `-distroless` are left out. */
export function versionOfImage(image: string | undefined): string | undefined {
  if (image === undefined) return undefined;
  const at = image.indexOf('@');
  const untilDigest = at < 0 ? image : image.slice(0, at);
  const colon = untilDigest.lastIndexOf(':');
  if (colon < 0 || untilDigest.includes('/', colon)) return undefined;
  return semantic.exec(untilDigest.slice(colon + 1))?.[1];
}

/** A version as written in a label, without leading v. */
export function plainVersion(text: string | undefined): string | undefined {
  return text === undefined ? undefined : semantic.exec(text)?.[1];
}

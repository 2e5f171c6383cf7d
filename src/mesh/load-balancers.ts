/*
 * What annotations of a Service ask of the load balancers of clouds, as far as it decides whether TLS of a mesh gets through: by the
 * documentation of cloud-provider-aws, aws-load-balancer-controller, cloud-provider-azure, cloud-provider-openstack, GKE and others.
 */

import { list } from '../base/text.ts';
import { labels } from '../istio/labels.ts';
import type { Service, ServicePort } from '../model/facts.ts';
import type { StringMap } from '../model/kube.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { ipFamily, isInCidr, isSameAddress } from '../istio/addresses.ts';

const prefix = 'service.beta.kubernetes.io';
const aws = `${prefix}/aws-load-balancer`;
const azureAny = `${prefix}/azure`;
const azure = `${azureAny}-load-balancer`;

/** One annotation that was read, and its value. */
export interface Setting {
  readonly key: string;
  readonly value: string;
}

/** Annotations by which clouds are asked for a PROXY header in front of every connection, and the values that ask for it. */
const proxyProtocol: Readonly<Record<string, RegExp>> = {
  [`${aws}-proxy-protocol`]: /^\*$/,
  [`${aws}-target-group-attributes`]: /proxy_protocol_v2\.enabled\s*=\s*true/,
  [`${prefix}/do-loadbalancer-enable-proxy-protocol`]: /^true$/i,
  [`${prefix}/scw-loadbalancer-proxy-protocol-v1`]: /^(true|\*)$/i,
  [`${prefix}/scw-loadbalancer-proxy-protocol-v2`]: /^(true|\*)$/i,
  [`${prefix}/linode-loadbalancer-default-proxy-protocol`]: /^v[12]$/i,
  [`${prefix}/oci-load-balancer-connection-proxy-protocol-version`]: /^[12]$/,
  [`${prefix}/alibaba-cloud-loadbalancer-proxy-protocol`]: /^on$/i,
  [`${prefix}/vultr-loadbalancer-proxy-protocol`]: /^true$/i,
  [`${prefix}/exoscale-loadbalancer-service-proxy-protocol`]: /^(true|v[12])$/i,
  'load-balancer.hetzner.cloud/uses-proxyprotocol': /^true$/i,
  'loadbalancer.openstack.org/proxy-protocol': /^(true|v[12])$/i,
};

/** The annotation that has the load balancer put a PROXY header in front of connections; nothing where none does. */
export function proxyHeader(service: Service): Setting | undefined {
  if (service.type !== 'LoadBalancer') return undefined;
  const found = Object.entries(proxyProtocol).find(([key, asks]) => asks.test(service.annotations[key]?.trim() ?? ''));
  if (found === undefined) return undefined;
  const [key] = found;
  // The cloud's own controller of AWS reads this for classic load balancers only.
  if (key === `${aws}-proxy-protocol` && awsKind(service) === 'nlb' && !isOfController(service)) return undefined;
  return { key, value: service.annotations[key] ?? '' };
}

/** The annotation by which the load balancer ends TLS on this port; nothing where it passes TCP on. */
export function endsTls(service: Service, port: ServicePort): Setting | undefined {
  const key = `${aws}-ssl-cert`;
  const certificate = service.annotations[key];
  if (service.type !== 'LoadBalancer' || certificate === undefined || certificate === '') return undefined;
  const ports = service.annotations[`${aws}-ssl-ports`]?.trim() ?? '*';
  const named = ports.split(',').map((one) => one.trim());
  if (ports !== '' && ports !== '*' && !named.includes(String(port.port)) && !named.includes(port.name)) return undefined;
  return { key, value: ports === '' ? '*' : ports };
}

/** nlb: passes packets; classic: the load balancers before. Nothing where nothing tells. */
export function awsKind(service: Service): 'nlb' | 'classic' | undefined {
  const name = awsName(service);
  if (name !== undefined) return name;
  const type = service.annotations[`${aws}-type`];
  if (type !== undefined) return type.startsWith('nlb') || type === 'external' ? 'nlb' : undefined;
  return isOfController(service) ? 'nlb' : undefined;
}

/** By what AWS calls them: `NAME.elb.REGION.amazonaws.com` is a network load balancer, `NAME.REGION.elb.amazonaws.com` one of the kind before. */
function awsName({ loadBalancer }: Service): 'nlb' | 'classic' | undefined {
  for (const { hostname } of loadBalancer) {
    if (hostname === undefined) continue;
    if (/\.elb\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\.?$/i.test(hostname)) return 'nlb';
    if (/\.[a-z0-9-]+\.elb\.amazonaws\.com(\.cn)?\.?$/i.test(hostname)) return 'classic';
  }
  return undefined;
}

/** Made by aws-load-balancer-controller, not by the controller that comes with the cluster. */
function isOfController({ annotations, loadBalancerClass }: Service): boolean {
  const type = annotations[`${aws}-type`];
  return type === 'external' || type === 'nlb-ip' || loadBalancerClass === 'service.k8s.aws/nlb';
}

/** Where a network load balancer of AWS sends connections: node ports, or pods. Nothing where a default of its controller decides. */
function awsTargets(service: Service): 'instance' | 'ip' | undefined {
  const type = service.annotations[`${aws}-type`];
  const asked = service.annotations[`${aws}-nlb-target-type`];
  if (type === 'nlb-ip' || asked === 'ip' || asked === 'nlb-ip') return 'ip';
  if (asked === 'instance') return 'instance';
  if (service.loadBalancerClass !== undefined) return undefined;
  return type === 'nlb' || (type === undefined && awsName(service) === 'classic') ? 'instance' : undefined;
}

/** A health check that cannot succeed for a port that carries TLS of the mesh, and the annotation or field that asks for it. */
export interface FailingCheck {
  readonly setting: Setting;
  /** What it asks, in words: `HTTP on its own port`. */
  readonly asks: string;
}

/** Why a load balancer of AWS takes every target for dead; nothing when it does not, or a default decides. */
export function failingAwsCheck(service: Service): FailingCheck | undefined {
  if (service.type !== 'LoadBalancer') return undefined;
  const protocol = service.annotations[`${aws}-healthcheck-protocol`]?.trim().toLowerCase();
  const port = service.annotations[`${aws}-healthcheck-port`]?.trim();
  const isOwnPort = port === 'traffic-port' || ((port === undefined || port === '') && service.externalTrafficPolicy !== 'Local');
  if (isOwnPort && (protocol === 'http' || protocol === 'https')) {
    return {
      setting: { key: `${aws}-healthcheck-protocol`, value: protocol },
      asks: `${protocol.toUpperCase()} on the port of the mesh itself`,
    };
  }
  if (port === undefined || !/^\d+$/.test(port)) return undefined;
  const number = Number(port);
  const setting = { key: `${aws}-healthcheck-port`, value: port };
  const isNodePort = service.ports.some(({ nodePort }) => nodePort === number);
  const isPodPort = service.ports.some(({ port: own, targetPort }) => own === number || targetPort === number);
  const targets = awsTargets(service);
  if (targets === 'instance' && isPodPort && !isNodePort) return { setting, asks: `port ${port} of nodes, where only pods listen on it` };
  if (targets === 'ip' && isNodePort && !isPodPort) return { setting, asks: `port ${port} of pods, which is a port of nodes` };
  return undefined;
}

/** Whether the Service asks a load balancer of Azure for something. */
export function namesAzure({ annotations }: Service): boolean {
  return Object.keys(annotations).some((key) => key.startsWith(`${prefix}/azure-`));
}

/** Why a load balancer of Azure takes this port for dead (pkg/provider/azure_loadbalancer_healthprobe.go); nothing when it does not. */
export function failingAzureProbe(service: Service, port: ServicePort, status: number): FailingCheck | undefined {
  // With Local it asks the kubelet's health check port.
  if (service.type !== 'LoadBalancer' || service.externalTrafficPolicy === 'Local') return undefined;
  const { annotations } = service;
  const of = (name: string): string | undefined => annotations[`${prefix}/port_${port.port}_health-probe_${name}`]?.trim();
  const isOff = [annotations[`${prefix}/port_${port.port}_no_probe_rule`], annotations[`${prefix}/port_${port.port}_no_lb_rule`]];
  if (isOff.some((value) => value?.toLowerCase() === 'true')) return undefined;
  const own = of('protocol');
  const general = annotations[`${azure}-health-probe-protocol`]?.trim();
  const protocol = (own ?? port.appProtocol ?? general ?? 'tcp').toLowerCase();
  if (protocol !== 'http' && protocol !== 'https') return undefined;
  const probed = of('port');
  const isElsewhere = probed !== undefined && probed !== String(port.port) && probed !== port.name;
  const path = of('request-path') ?? annotations[`${azure}-health-probe-request-path`]?.trim() ?? '/';
  if (isElsewhere) {
    const isStatus = probed === String(status) || service.ports.some((one) => one.name === probed && one.port === status);
    if (!isStatus || (protocol === 'http' && path.startsWith('/healthz/ready'))) return undefined;
    return { setting: { key: `${prefix}/port_${port.port}_health-probe_request-path`, value: path }, asks: `${path} of port ${status}` };
  }
  const setting =
    own !== undefined
      ? { key: `${prefix}/port_${port.port}_health-probe_protocol`, value: own }
      : port.appProtocol !== undefined
        ? { key: `appProtocol of port ${port.port}`, value: port.appProtocol }
        : { key: `${azure}-health-probe-protocol`, value: general ?? '' };
  return { setting, asks: `${protocol.toUpperCase()} ${path} on port ${port.port} itself` };
}

/** Annotations that keep a load balancer inside, and the values that do. */
const internal: Readonly<Record<string, RegExp>> = {
  [`${aws}-internal`]: /^(true|0\.0\.0\.0\/0)$/i,
  [`${aws}-scheme`]: /^internal$/i,
  [`${azure}-internal`]: /^true$/i,
  'networking.gke.io/load-balancer-type': /^internal$/i,
  'cloud.google.com/load-balancer-type': /^internal$/i,
  [`${prefix}/oci-load-balancer-internal`]: /^true$/i,
  [`${prefix}/openstack-internal-load-balancer`]: /^true$/i,
  [`${prefix}/alibaba-cloud-loadbalancer-address-type`]: /^intranet$/i,
  'service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type': /^private$/i,
};

/** Who may open connections to a load balancer, and the field or annotation that says so. */
export interface SourceRanges extends Setting {
  /** As `.spec…` or `.metadata.annotations[…]`. */
  readonly field: string;
  readonly ranges: readonly string[];
}

/** Annotations that admit more than the ranges: groups, lists and tags whose addresses are in no object. */
const admitsMore = [
  `${aws}-security-groups`,
  `${aws}-extra-security-groups`,
  `${aws}-security-group-prefix-lists`,
  `${azureAny}-allowed-service-tags`,
] as const;

/** Annotations that hold ranges, apart from the one of Kubernetes. */
const allowLists = [`${azureAny}-allowed-ip-ranges`, `${prefix}/do-loadbalancer-allow-rules`] as const;

/**
 * Ranges that a load balancer admits, where it does not admit everybody. `spec.loadBalancerSourceRanges` comes before the annotation of
 * the same meaning (k8s.io/cloud-provider/service/helpers: GetLoadBalancerSourceRanges), and what providers have of their own adds to
 * it. Nothing where they admit anybody, or somebody who is named by a group, list or tag.
 */
export function sourceRanges(service: Service): SourceRanges | undefined {
  if (service.type !== 'LoadBalancer' || admitsMore.some((key) => (service.annotations[key] ?? '').trim() !== '')) return undefined;
  const general = `${prefix}/load-balancer-source-ranges`;
  const ofSpec = service.loadBalancerSourceRanges.map((range) => range.trim()).filter((range) => range !== '');
  const annotated = [...(ofSpec.length > 0 ? [] : [general]), ...allowLists].flatMap((key) => {
    const ranges = rangesIn(service.annotations[key]);
    return ranges.length === 0 ? [] : [{ key, ranges }];
  });
  const ranges = [...ofSpec, ...annotated.flatMap((one) => one.ranges)];
  if (ranges.length === 0 || ranges.some((range) => /\/0+$/.test(range))) return undefined;
  const key = ofSpec.length > 0 ? 'loadBalancerSourceRanges' : (annotated[0]?.key ?? general);
  const field = ofSpec.length > 0 ? `.spec.${key}` : `.metadata.annotations["${key}"]`;
  return { key, value: ranges.join(', '), field, ranges };
}

/** `10.0.0.0/8, 192.0.2.1`, or rules of DigitalOcean: `cidr:10.0.0.0/8,ip:192.0.2.1`. */
function rangesIn(written: string | undefined): readonly string[] {
  return (written ?? '')
    .split(',')
    .map((one) => one.trim().replace(/^(cidr|ip):/, ''))
    .filter((one) => one !== '');
}

/** Whether one of these ranges holds an address; a range may be a single address. */
export function admits({ ranges }: Pick<SourceRanges, 'ranges'>, address: string): boolean {
  return ranges.some((range) => (range.includes('/') ? isInCidr(address, range) : isSameAddress(address, range)));
}

/** `10.0.0.0/8 only (loadBalancerSourceRanges)`. */
export function admitted({ key, field, ranges }: SourceRanges): string {
  return `${list(ranges, 'none', 3)} only (${field.startsWith('.spec') ? key : key.replace(`${prefix}/`, '')})`;
}

/** Whether a Service is the gateway of this reference: a Gateway of Kubernetes has a Service made for it, which is labelled with its name. */
export function isOf(gateway: ObjectRef, service: Service): boolean {
  if (refKey(gateway) === refKey(service.ref)) return true;
  return (
    gateway.kind === 'Gateway' &&
    gateway.cluster === service.ref.cluster &&
    gateway.namespace === service.namespace &&
    service.labels[labels.gatewayName] === gateway.name
  );
}

/** Who is admitted at a gateway, where not everybody is. */
export function rangesAt(gateway: ObjectRef, services: readonly Service[]): SourceRanges | undefined {
  const service = services.find((one) => isOf(gateway, one));
  return service === undefined ? undefined : sourceRanges(service);
}

const privateRanges = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
] as const;

/** Ranges of examples, which are routed nowhere: nothing is known of such a load balancer. */
const exampleRanges = ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32'] as const;

/** Whether the internet may reach a load balancer, by its addresses and what it was asked to be; nothing where neither tells. */
export function reachOf(service: Service): 'public' | 'private' | undefined {
  const scheme = service.annotations[`${aws}-scheme`]?.trim().toLowerCase();
  if (Object.entries(internal).some(([key, keeps]) => keeps.test(service.annotations[key]?.trim() ?? ''))) return 'private';
  const addresses = [...service.loadBalancer.flatMap(({ ip }) => ip ?? []), ...service.externalIPs];
  const isIn = (address: string, ranges: readonly string[]): boolean => ranges.some((range) => isInCidr(address, range));
  const open = addresses.filter((address) => ipFamily(address) !== undefined && !isIn(address, privateRanges));
  if (open.some((address) => !isIn(address, exampleRanges))) return 'public';
  if (open.length > 0) return undefined;
  const hostnames = service.loadBalancer.flatMap(({ hostname }) => hostname ?? []);
  if (hostnames.length === 0) return addresses.length > 0 ? 'private' : undefined;
  if (hostnames.every((hostname) => hostname.startsWith('internal-'))) return 'private';
  return scheme === 'internet-facing' ? 'public' : undefined;
}

/** After how many seconds without a packet a load balancer forgets a connection, and how that is known. */
export function idleTimeoutOf(
  service: Service,
  provider: string | undefined,
): { readonly seconds: number; readonly because: string } | undefined {
  if (service.type !== 'LoadBalancer') return undefined;
  const kind = awsKind(service);
  const attributes = settingsIn(service.annotations[`${aws}-attributes`]);
  const listener = Object.keys(service.annotations)
    .filter((key) => key.startsWith(`${aws}-listener-attributes.`))
    .map((key) => settingsIn(service.annotations[key])['tcp.idle_timeout.seconds'])
    .find((seconds) => seconds !== undefined);
  if (kind === 'nlb') return { seconds: Number(listener ?? 350), because: 'a network load balancer of AWS' };
  if (kind === 'classic') {
    const asked = service.annotations[`${aws}-connection-idle-timeout`] ?? attributes['idle_timeout.timeout_seconds'];
    return { seconds: Number(asked ?? 60), because: 'a classic load balancer of AWS' };
  }
  if (!namesAzure(service) && provider !== 'azure') return undefined;
  const minutes = service.annotations[`${azure}-tcp-idle-timeout`];
  return { seconds: Number(minutes ?? 4) * 60, because: 'a load balancer of Azure' };
}

/** `a=1,b=2`. */
function settingsIn(list: string | undefined): StringMap {
  return Object.fromEntries(
    (list ?? '').split(',').flatMap((item) => {
      const [key, value] = item.split('=', 2);
      return key === undefined || value === undefined ? [] : [[key.trim(), value.trim()]];
    }),
  );
}

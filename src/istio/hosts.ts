/** Hosts, SNI names and names of istiod, as Istio writes and matches them. */

/** Whether `host` (a plain name) is covered by `pattern`: equal, `*`, or `*.suffix` (pkg/config/host/name.go: SubsetOf). `*.foo.com` does not cover `foo.com`. */
export function hostMatches(pattern: string, host: string): boolean {
  return pattern.startsWith('*') ? host.endsWith(pattern.slice(1)) : pattern === host;
}

/** Whether two names or patterns have a host in common (pkg/config/host/name.go: Matches). */
export function hostsOverlap(a: string, b: string): boolean {
  if (a.startsWith('*') && b.startsWith('*')) {
    const [short, long] = a.length < b.length ? [a, b] : [b, a];
    return long.slice(1).endsWith(short.slice(1));
  }
  return a.startsWith('*') ? hostMatches(a, b) : hostMatches(b, a);
}

/** A Gateway server's host: `ns/name`, `./name`, `*` + `/name` or a bare name, which is open to every namespace. */
export function gatewayHost(text: string): { readonly namespace: string; readonly host: string } {
  const slash = text.indexOf('/');
  return slash < 0 ? { namespace: '*', host: text } : { namespace: text.slice(0, slash), host: text.slice(slash + 1) };
}

/** `abc.sample.svc.cluster.local`. */
export function fqdnOf(namespace: string, name: string, clusterDomain = 'cluster.local'): string {
  return `${name}.${namespace}.svc.${clusterDomain}`;
}

/** Namespace and name behind the FQDN of a Kubernetes Service; nothing for any other host. */
export function serviceOfFqdn(
  fqdn: string,
  clusterDomain = 'cluster.local',
): { readonly namespace: string; readonly name: string } | undefined {
  const suffix = `.svc.${clusterDomain}`;
  if (!fqdn.endsWith(suffix)) return undefined;
  const [name, namespace, ...rest] = fqdn.slice(0, -suffix.length).split('.');
  return name === undefined || namespace === undefined || name === '' || namespace === '' || rest.length > 0
    ? undefined
    : { namespace, name };
}

/** The host a route means: a name without a dot is a Service of the route's own namespace; anything else is taken as it stands (pilot/pkg/model: ResolveShortnameToFQDN). */
export function resolveHost(host: string, namespace: string, clusterDomain = 'cluster.local'): string {
  return host === '' || host.includes('.') || host.startsWith('*') ? host : fqdnOf(namespace, host, clusterDomain);
}

/** SNI with which a sidecar asks an east-west gateway for one port of a service: `outbound_.5000_._.abc.sample.svc.cluster.local`. */
export function sniOf(target: { readonly port: number; readonly host: string; readonly subset?: string }): string {
  return `outbound_.${target.port}_.${target.subset ?? ''}_.${target.host}`;
}

/** The reverse of `sniOf`; nothing for any other name. */
export function parseSni(sni: string): { readonly port: number; readonly host: string; readonly subset?: string } | undefined {
  const match = /^outbound_\.(\d+)_\.([^_]*)_\.(.+)$/.exec(sni);
  const [, port, subset, host] = match ?? [];
  if (port === undefined || host === undefined) return undefined;
  return subset === undefined || subset === '' ? { port: Number(port), host } : { port: Number(port), host, subset };
}

/** Name of the Service of a revision's istiod: `istiod`, or `istiod-<rev>` for any revision but `default`. */
export function istiodServiceName(revision: string): string {
  return revision === '' || revision === 'default' ? 'istiod' : `istiod-${revision}`;
}

/** Revision in the name of an istiod Service: `default` for `istiod`; nothing for other names and for the Services of tags. */
export function revisionOfIstiodService(name: string): string | undefined {
  if (name === 'istiod') return 'default';
  return name.startsWith('istiod-') && !name.startsWith('istiod-revision-tag-') ? name.slice('istiod-'.length) : undefined;
}

/** What proxies and API servers of other clusters ask istiod's exposure for, as SNI: `istiod[-rev].<system namespace>.svc`. */
export function istiodHost(revision: string, systemNamespace: string): string {
  return `${istiodServiceName(revision)}.${systemNamespace}.svc`;
}

/** The Service a discovery address names: `istiod-1-31-0.istio-system.svc:15012`. Nothing for an address outside the cluster. */
export function discoveryService(
  address: string | undefined,
): { readonly name: string; readonly namespace: string; readonly port?: number } | undefined {
  const match = /^([^./:\s]+)\.([^./:\s]+)\.svc(?:\.[^:/\s]*)?(?::(\d+))?$/.exec(address ?? '');
  const [, name, namespace, port] = match ?? [];
  if (name === undefined || namespace === undefined) return undefined;
  return port === undefined ? { name, namespace } : { name, namespace, port: Number(port) };
}

/** Host part of `host:port`, `[::1]:port` or a plain host. */
export function hostOfAddress(address: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(address);
  if (bracketed?.[1] !== undefined) return bracketed[1];
  const colon = address.lastIndexOf(':');
  return colon < 0 || address.indexOf(':') !== colon ? address : address.slice(0, colon);
}

/** DNS names in the certificate an istiod presents (pilot/pkg/bootstrap/server.go: getDNSNames), sorted. */
export function istiodDnsNames(istiod: {
  readonly revision: string;
  readonly namespace: string;
  readonly discoveryAddress?: string | undefined;
  readonly customHosts?: string | undefined;
}): string[] {
  const names = new Set(['istiod', 'istiod-remote', 'istio-pilot'].map((name) => `${name}.${istiod.namespace}.svc`));
  names.add(istiodHost(istiod.revision, istiod.namespace));
  if (istiod.discoveryAddress !== undefined && istiod.discoveryAddress !== '') names.add(hostOfAddress(istiod.discoveryAddress));
  for (const host of (istiod.customHosts ?? '').split(',')) if (host.trim() !== '') names.add(host.trim());
  return [...names].sort((a, b) => (a < b ? -1 : 1));
}

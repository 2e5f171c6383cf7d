import { BlockList, isIP } from 'node:net';
import type { ClusterTarget, ServerAddress } from './target.ts';

/** A proxy that leads to an API server. `username` and `password` are secrets. */
export interface ProxyAddress {
  readonly kind: 'http' | 'https' | 'socks5';
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  /** What named it: `proxy-url`, `HTTPS_PROXY`. */
  readonly from: string;
}

const defaultPorts = { http: 80, https: 443, socks5: 1080 } as const;

/** Reads the URL of a proxy; undefined when it is none, or of a scheme that kubectl does not know either. */
export function proxyAddress(text: string, from = 'proxy-url'): ProxyAddress | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  const scheme = url.protocol.slice(0, -1);
  const kind = scheme === 'socks5h' ? 'socks5' : scheme;
  if ((kind !== 'http' && kind !== 'https' && kind !== 'socks5') || url.hostname === '') return undefined;
  return {
    kind,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? defaultPorts[kind] : Number(url.port),
    ...(url.username === '' && url.password === '' ? {} : { username: decoded(url.username), password: decoded(url.password) }),
    from,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The proxy on the way to a server: the kubeconfig's, else that of the environment as Go's net/http reads it (golang.org/x/net/http/httpproxy).
 * @returns `invalid`: name of the setting that holds no URL of a proxy; nothing must be contacted then
 */
export function proxyOf(
  target: Pick<ClusterTarget, 'proxyUrl'>,
  server: ServerAddress,
  env: Env,
): ProxyAddress | undefined | { readonly invalid: string } {
  if (target.proxyUrl !== undefined) return proxyAddress(target.proxyUrl) ?? { invalid: 'proxy-url' };
  const name = server.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const text = setting(env, name);
  if (text === undefined || !isProxied(server.host, server.port, setting(env, 'NO_PROXY') ?? '')) return undefined;
  // A proxy given as host:port is meant as http, whatever new URL() takes its host for.
  return (text.includes('://') ? proxyAddress(text, name) : proxyAddress(`http://${text}`, name)) ?? { invalid: name };
}

/** The upper-case name comes first, as in Go; an empty value is none. */
function setting(env: Env, name: string): string | undefined {
  return env[name] || env[name.toLowerCase()] || undefined;
}

/** Whether NO_PROXY lets a host be proxied. Loopback never is. */
export function isProxied(host: string, port: number, noProxy: string): boolean {
  const name = host.toLowerCase();
  const family = isIP(name);
  if (name === 'localhost' || (family !== 0 && isLoopback(name))) return false;
  return !noProxy.split(',').some((entry) => isExempt(entry.trim().toLowerCase(), name, family, port));
}

function isExempt(entry: string, host: string, family: number, port: number): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  const network = /^(.+)\/(\d{1,3})$/.exec(entry);
  if (network !== null && isIP(network[1] ?? '') !== 0) return family !== 0 && isWithin(host, family, network[1] ?? '', Number(network[2]));
  const { name, wanted } = splitPort(entry);
  if (name === '' || (wanted !== '' && wanted !== String(port))) return false;
  if (isIP(name) !== 0) return family !== 0 && isSameAddress(host, family, name);
  const pattern = name.startsWith('*.') ? name.slice(1) : name;
  return pattern.startsWith('.') ? host.endsWith(pattern) : host === pattern || host.endsWith(`.${pattern}`);
}

/** `host:port` and `[v6]:port`; a bare IPv6 address has no port. */
function splitPort(entry: string): { readonly name: string; readonly wanted: string } {
  const bracketed = /^\[(.*)\](?::(\d*))?$/.exec(entry);
  if (bracketed !== null) return { name: bracketed[1] ?? '', wanted: bracketed[2] ?? '' };
  const [name = '', wanted = '', ...more] = entry.split(':');
  return more.length > 0 ? { name: entry, wanted: '' } : { name, wanted };
}

const familyName = (family: number): 'ipv4' | 'ipv6' => (family === 6 ? 'ipv6' : 'ipv4');

function isWithin(host: string, family: number, network: string, bits: number): boolean {
  if (isIP(network) !== family || bits > (family === 6 ? 128 : 32)) return false;
  const block = new BlockList();
  block.addSubnet(network, bits, familyName(family));
  return block.check(host, familyName(family));
}

/** Two spellings of one address: `::1` and `0:0:0:0:0:0:0:1`. */
function isSameAddress(host: string, family: number, other: string): boolean {
  return isWithin(host, family, other, family === 6 ? 128 : 32);
}

function isLoopback(ip: string): boolean {
  return isIP(ip) === 6 ? isSameAddress(ip, 6, '::1') || isWithin(ip, 6, '::ffff:7f00:0', 104) : isWithin(ip, 4, '127.0.0.0', 8);
}

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programPath, root } from '../programs.ts';
import type { Cluster } from './cluster.ts';
import { type Obj, at, listAt, textAt } from './kube.ts';
import { fieldOf } from './volumes.ts';

/** What runs for a container. */
export interface Program {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** The program that this machine has for a container, with the container's own arguments and environment; undefined when it has none. */
export function programOf(cluster: Cluster, pod: Obj, container: unknown, folder: string): Program | undefined {
  const env = {
    ...environmentOf(pod, container),
    HOME: folder,
    KUBERNETES_SERVICE_HOST: cluster.addresses.api,
    KUBERNETES_SERVICE_PORT: '6443',
  };
  const command = listAt(container, 'command').map(String);
  const args = listAt(container, 'args').map((arg) => expanded(String(arg), env));
  switch (textAt(container, 'name')) {
    case 'discovery':
      return { command: [programPath('pilot-discovery'), ...args], env: { ...env, ...upstreamEnvoy } };
    case 'istio-proxy':
      return proxy(pod, env, args, folder);
    case 'install-cni':
      return undefined;
    case 'meshdoctor':
      return ours(container, env, args, folder);
    case 'coredns':
      return { command: [programPath('coredns'), '-conf', join(folder, 'etc/coredns/Corefile')], env };
    default:
      return command[0] === '/bin/sh'
        ? script(pod, container, env, [command[0], ...command.slice(1), ...args])
        : application(container, env);
  }
}

/** A container that brings its own script: with this machine's programs, as the user that it wants to be, and nothing can be written. */
function script(pod: Obj, container: unknown, env: Readonly<Record<string, string>>, command: readonly [string, ...string[]]): Program {
  const wanted = at(container, 'securityContext', 'runAsUser') ?? userOf(pod);
  const user = typeof wanted === 'number' ? wanted : 0;
  // Without root there are no other users.
  const become = `as="setpriv --reuid=${user} --regid=${user} --clear-groups --bounding-set=-all --no-new-privs"; $as true 2>/dev/null || as=; exec $as "$@"`;
  return { command: ['sh', '-c', `mount -o remount,bind,ro / && ${become}`, 'sh', ...command], env: { ...env, HOME: '/' } };
}

/** The program under test as its image starts it: what is mounted lies below the pod's folder, and nothing but /tmp can be written. */
function ours(container: unknown, env: Readonly<Record<string, string>>, args: readonly string[], folder: string): Program {
  const mounts = listAt(container, 'volumeMounts').map((mount) => textAt(mount, 'mountPath') ?? '/');
  const placed = args.map((arg) => mounts.reduce((text, path) => text.replace(`=${path}/`, `=${join(folder, path)}/`), arg));
  const tmp = join(folder, 'tmp');
  const readOnly = `mount --bind '${tmp}' '${tmp}' && mount -o remount,bind,ro / && exec "$@"`;
  return {
    command: ['sh', '-c', readOnly, 'sh', process.execPath, join(root, 'bin/meshdoctor.js'), ...placed],
    env: { ...env, HOME: tmp },
  };
}

/** Upstream Envoy has none of Istio's own filters; with these off, it accepts everything istiod sends. */
const upstreamEnvoy = { PILOT_ENABLE_METADATA_EXCHANGE: 'false', METADATA_EXCHANGE: 'false', PILOT_ENABLE_ALPN_FILTER: 'false' };

/** Ports of a proxy that its own init container leaves alone. */
const exceptInbound = ['15008', '15020', '15021', '15090'];

/** Sidecars, gateways, and those of ambient, which start as waypoints do; no ztunnel is built here. */
function proxy(pod: Obj, env: Readonly<Record<string, string>>, args: readonly string[], folder: string): Program | undefined {
  if (args.includes('ztunnel')) return undefined;
  const config = { binaryPath: programPath('envoy'), ...settings(env['PROXY_CONFIG']) };
  const agent = [programPath('pilot-agent'), ...args];
  const isSidecar = args.includes('sidecar');
  const redirect = `'${programPath('pod')}' redirect 15006 ${exceptInbound.join(' ')} 2>/dev/null; ${captureFor(pod, env)}exec "$@"`;
  return {
    command: isSidecar ? ['sh', '-c', redirect, 'sh', ...agent] : [agent[0] ?? '', ...agent.slice(1)],
    env: { ...env, PROXY_CONFIG: JSON.stringify(config), ISTIO_BOOTSTRAP: bootstrapFor(args, folder) },
  };
}

/** Istio's template of what Envoy starts with. For waypoints it asks for an extension that finds out who calls, which upstream Envoy does not have. */
function bootstrapFor(args: readonly string[], folder: string): string {
  const template = programPath('envoy_bootstrap.json');
  if (!args.includes('waypoint')) return template;
  const without = join(folder, 'envoy_bootstrap.json');
  writeFileSync(without, readFileSync(template, 'utf8').replace('{{- if .metadata_discovery }}', '{{- if false }}'));
  return without;
}

function userOf(pod: Obj): unknown {
  return at(pod, 'spec', 'securityContext', 'runAsUser');
}

/**
 * Outbound traffic of the pod's own user goes to the proxy, DNS too where the agent answers it; as istio-init does, which excepts the proxy's user. Of pods
 * that name no user everything runs as that of the proxy, and none of it is captured.
 */
function captureFor(pod: Obj, env: Readonly<Record<string, string>>): string {
  const user = userOf(pod);
  if (typeof user !== 'number') return '';
  const init = listAt(pod, 'spec', 'initContainers').find((container) => textAt(container, 'name') === 'istio-init');
  const args = listAt(init, 'args').map(String);
  const excepted = args.includes('-o') ? (args[args.indexOf('-o') + 1] ?? '').split(',').filter((port) => port !== '') : [];
  const dns = env['ISTIO_META_DNS_CAPTURE'] === 'true' ? '15053' : '0';
  return `'${programPath('pod')}' capture ${user} 15001 ${dns} ${excepted.join(' ')} 2>/dev/null; `;
}

function settings(text: string | undefined): Record<string, unknown> {
  const value: unknown = JSON.parse(text === undefined || text.trim() === '' ? '{}' : text);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function application(container: unknown, env: Readonly<Record<string, string>>): Program | undefined {
  const ports = listAt(container, 'ports').map((port) => String(at(port, 'containerPort')));
  return ports.length === 0 ? undefined : { command: [programPath('pod'), 'listen', ...ports], env };
}

function environmentOf(pod: Obj, container: unknown): Record<string, string> {
  const env: Record<string, string> = { PATH: process.env['PATH'] ?? '' };
  for (const entry of listAt(container, 'env')) {
    const name = textAt(entry, 'name') ?? '';
    const value = valueOf(pod, container, entry);
    if (value !== undefined) env[name] = expanded(value, env);
  }
  return env;
}

function valueOf(pod: Obj, container: unknown, entry: unknown): string | undefined {
  const source = at(entry, 'valueFrom');
  if (source === undefined) return textAt(entry, 'value') ?? '';
  const field = textAt(source, 'fieldRef', 'fieldPath');
  if (field !== undefined) return fieldOf(pod, field);
  // A share of the machine: two threads are plenty for a proxy here.
  if (at(source, 'resourceFieldRef') !== undefined)
    return textAt(source, 'resourceFieldRef', 'resource')?.includes('cpu') === true ? '2' : '1073741824';
  return undefined;
}

/** `$(NAME)` as Kubernetes expands it. */
function expanded(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\(([A-Za-z_][A-Za-z0-9_]*)\)/gu, (whole, name: string) => env[name] ?? whole);
}

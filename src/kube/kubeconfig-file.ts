import { defined } from '../model/decode.ts';
import {
  asMap,
  at,
  broken,
  dataAt,
  flagAt,
  keysOf,
  mapAt,
  mapsAt,
  type Place,
  placeOf,
  type Spot,
  textAt,
  textsAt,
  yamlSpot,
} from './yaml-spots.ts';

export interface ClusterEntry {
  readonly name: string;
  readonly place: Place;
  readonly server?: string;
  readonly certificateAuthorityFile?: string;
  /** Decoded. */
  readonly certificateAuthorityData?: string;
  readonly insecureSkipTlsVerify: boolean;
  readonly tlsServerName?: string;
  readonly proxyUrl?: string;
  readonly disableCompression: boolean;
  /** Extension `client.authentication.k8s.io/exec`. */
  readonly execConfig?: unknown;
}

export interface ExecEntry {
  readonly command?: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly apiVersion?: string;
  readonly interactiveMode?: string;
  readonly installHint?: string;
  readonly provideClusterInfo: boolean;
}

export interface UserEntry {
  readonly name: string;
  readonly place: Place;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly clientCertificateFile?: string;
  readonly clientCertificateData?: string;
  readonly clientKeyFile?: string;
  readonly clientKeyData?: string;
  readonly as?: string;
  readonly asUid?: string;
  readonly asGroups: readonly string[];
  readonly asUserExtra: Readonly<Record<string, readonly string[]>>;
  readonly exec?: ExecEntry;
  readonly authProvider?: { readonly name: string; readonly config: Readonly<Record<string, string>> };
}

export interface ContextEntry {
  readonly name: string;
  readonly place: Place;
  /** Empty when it names none. */
  readonly cluster: string;
  /** Empty when it names none. */
  readonly user: string;
  readonly namespace?: string;
}

/** One kubeconfig file. Entries are in the order in which they stand there; paths are resolved. */
export interface KubeconfigFile {
  readonly clusters: readonly ClusterEntry[];
  readonly users: readonly UserEntry[];
  readonly contexts: readonly ContextEntry[];
  readonly currentContext?: string;
}

/** How paths become absolute that are relative to the file they stand in. */
export interface Resolution {
  path(relative: string): string;
  /** A command is only a path when there is a separator in it. */
  command(command: string): string;
}

/**
 * Reads one kubeconfig as client-go does: what has the wrong type, is not base64 or is there twice makes the whole file unusable, an empty
 * file is an empty configuration.
 * @throws BrokenFile
 */
export function readKubeconfig(text: string, file: string, resolve: Resolution): KubeconfigFile {
  const root = yamlSpot(text, file);
  if (root === undefined) return { clusters: [], users: [], contexts: [] };
  const config = asMap(root, 'a kubeconfig');
  if ((textAt(config, 'kind') ?? 'Config') !== 'Config') broken(at(config, 'kind'), 'kind must be Config');
  if ((textAt(config, 'apiVersion') ?? 'v1') !== 'v1') broken(at(config, 'apiVersion'), 'apiVersion must be v1');
  return defined({
    clusters: entries(config, 'clusters', 'cluster', (entry, body) => readCluster(entry, body, resolve)),
    users: entries(config, 'users', 'user', (entry, body) => readUser(entry, body, resolve)),
    contexts: entries(config, 'contexts', 'context', readContext),
    currentContext: textAt(config, 'current-context'),
  });
}

interface Entry {
  readonly name: string;
  readonly place: Place;
}

function entries<T>(config: Spot, key: string, inner: string, read: (entry: Entry, body: Spot) => T): T[] {
  const names = new Set<string>();
  return mapsAt(config, key).map((entry) => {
    const name = textAt(entry, 'name') ?? '';
    if (names.has(name)) broken(entry, `${inner} ${JSON.stringify(name)} is there twice`);
    names.add(name);
    return read({ name, place: placeOf(entry) }, mapAt(entry, inner) ?? { ...at(entry, inner), value: {} });
  });
}

function readCluster(entry: Entry, body: Spot, resolve: Resolution): ClusterEntry {
  return defined({
    ...entry,
    server: textAt(body, 'server'),
    certificateAuthorityFile: fileAt(body, 'certificate-authority', resolve),
    certificateAuthorityData: dataAt(body, 'certificate-authority-data'),
    insecureSkipTlsVerify: flagAt(body, 'insecure-skip-tls-verify'),
    tlsServerName: textAt(body, 'tls-server-name'),
    proxyUrl: textAt(body, 'proxy-url'),
    disableCompression: flagAt(body, 'disable-compression'),
    execConfig: execConfig(body),
  });
}

function execConfig(cluster: Spot): unknown {
  const extension = mapsAt(cluster, 'extensions').find((candidate) => textAt(candidate, 'name') === 'client.authentication.k8s.io/exec');
  return extension === undefined ? undefined : at(extension, 'extension').value;
}

function readUser(entry: Entry, body: Spot, resolve: Resolution): UserEntry {
  const exec = mapAt(body, 'exec');
  const provider = mapAt(body, 'auth-provider');
  const extra = mapAt(body, 'as-user-extra');
  return defined({
    ...entry,
    token: textAt(body, 'token'),
    tokenFile: fileAt(body, 'tokenFile', resolve),
    username: textAt(body, 'username'),
    password: textAt(body, 'password'),
    clientCertificateFile: fileAt(body, 'client-certificate', resolve),
    clientCertificateData: dataAt(body, 'client-certificate-data'),
    clientKeyFile: fileAt(body, 'client-key', resolve),
    clientKeyData: dataAt(body, 'client-key-data'),
    as: textAt(body, 'as'),
    asUid: textAt(body, 'as-uid'),
    asGroups: textsAt(body, 'as-groups'),
    asUserExtra: extra === undefined ? {} : Object.fromEntries(keysOf(extra).map((key) => [key, textsAt(extra, key)])),
    exec: exec === undefined ? undefined : readExec(exec, resolve),
    authProvider: provider === undefined ? undefined : readProvider(provider),
  });
}

function readExec(body: Spot, resolve: Resolution): ExecEntry {
  const command = textAt(body, 'command');
  return defined({
    command: command === undefined ? undefined : resolve.command(command),
    args: textsAt(body, 'args'),
    env: mapsAt(body, 'env').map((variable) => ({ name: textAt(variable, 'name') ?? '', value: textAt(variable, 'value') ?? '' })),
    apiVersion: textAt(body, 'apiVersion'),
    interactiveMode: textAt(body, 'interactiveMode'),
    installHint: textAt(body, 'installHint'),
    provideClusterInfo: flagAt(body, 'provideClusterInfo'),
  });
}

function readProvider(body: Spot): NonNullable<UserEntry['authProvider']> {
  const config = mapAt(body, 'config');
  return {
    name: textAt(body, 'name') ?? '',
    config: config === undefined ? {} : Object.fromEntries(keysOf(config).map((key) => [key, textAt(config, key) ?? ''])),
  };
}

function readContext(entry: Entry, body: Spot): ContextEntry {
  return defined({
    ...entry,
    cluster: textAt(body, 'cluster') ?? '',
    user: textAt(body, 'user') ?? '',
    namespace: textAt(body, 'namespace'),
  });
}

function fileAt(parent: Spot, key: string, resolve: Resolution): string | undefined {
  const path = textAt(parent, key);
  return path === undefined ? undefined : resolve.path(path);
}

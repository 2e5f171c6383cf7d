/** Certificates or a private key as PEM text, or the file that holds them. */
export type Pem = { readonly pem: string } | { readonly file: string };

/** `exec` of a kubeconfig's user: a command that prints a credential. */
export interface ExecPlugin {
  /** Absolute path, or a name that is looked up on PATH. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly apiVersion: string;
  readonly interactiveMode: 'Never' | 'IfAvailable' | 'Always';
  readonly installHint?: string;
  /** The plugin is told which cluster it is for. */
  readonly provideClusterInfo: boolean;
  /** Extension `client.authentication.k8s.io/exec` of the cluster: handed to the plugin as it is. */
  readonly clusterConfig?: unknown;
}

/** How the user of a context says who they are, beside a client certificate. */
export type UserCredential =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  /** Read anew from time to time; `token` counts as long as the file cannot be read. */
  | { readonly kind: 'token-file'; readonly file: string; readonly token?: string }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'exec'; readonly plugin: ExecPlugin }
  | { readonly kind: 'auth-provider'; readonly name: string; readonly config: Readonly<Record<string, string>> };

/** On whose behalf requests are made: kubectl's `--as`, `--as-uid`, `--as-group` and the kubeconfig's `as-user-extra`. */
export interface Impersonation {
  readonly user: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Everything it takes to reach one API server as one user. Holds secrets: never to be printed or recorded. */
export interface ClusterTarget {
  /** Name of the context, or what stands for one. */
  readonly name: string;
  /** As the kubeconfig has it: a URL, perhaps with a path, or `host:port`. */
  readonly server: string;
  /** Namespace of the context. */
  readonly namespace?: string;
  readonly certificateAuthority?: Pem;
  readonly insecureSkipTlsVerify: boolean;
  /** Name the server's certificate has to bear instead of its host. */
  readonly tlsServerName?: string;
  readonly clientCertificate?: { readonly certificate: Pem; readonly key: Pem };
  readonly credential: UserCredential;
  readonly impersonate?: Impersonation;
  readonly proxyUrl?: string;
  readonly disableCompression: boolean;
}

/** What flags such as `--as`, `--token` and `--insecure-skip-tls-verify` put in the place of what a kubeconfig says. */
export interface TargetOverrides {
  readonly server?: string;
  readonly token?: string;
  readonly certificateAuthority?: string;
  readonly insecureSkipTlsVerify?: boolean;
  readonly tlsServerName?: string;
  readonly as?: string;
  readonly asUid?: string;
  readonly asGroups?: readonly string[];
}

/** The target with overrides applied, as kubectl's flags are: a token replaces every credential but a client certificate, and leaving out verification leaves out the authority. */
export function withOverrides(target: ClusterTarget, overrides: TargetOverrides): ClusterTarget {
  const { certificateAuthority, impersonate, ...rest } = target;
  const insecure = overrides.insecureSkipTlsVerify ?? (overrides.certificateAuthority === undefined ? target.insecureSkipTlsVerify : false);
  const authority = overrides.certificateAuthority === undefined ? certificateAuthority : { file: overrides.certificateAuthority };
  const onBehalf = impersonationWith(impersonate, overrides);
  return {
    ...rest,
    insecureSkipTlsVerify: insecure,
    ...(overrides.server === undefined ? {} : { server: overrides.server }),
    ...(overrides.tlsServerName === undefined ? {} : { tlsServerName: overrides.tlsServerName }),
    ...(overrides.token === undefined ? {} : { credential: { kind: 'token', token: overrides.token } as const }),
    ...(authority === undefined || insecure ? {} : { certificateAuthority: authority }),
    ...(onBehalf === undefined ? {} : { impersonate: onBehalf }),
  };
}

function impersonationWith(before: Impersonation | undefined, overrides: TargetOverrides): Impersonation | undefined {
  const user = overrides.as ?? before?.user;
  if (user === undefined) return undefined;
  const uid = overrides.asUid ?? before?.uid;
  return {
    user,
    ...(uid === undefined ? {} : { uid }),
    groups: overrides.asGroups ?? before?.groups ?? [],
    extra: before?.extra ?? {},
  };
}

/** Where a server is. */
export interface ServerAddress {
  readonly protocol: 'https:' | 'http:';
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** `https://host:port`, brackets around IPv6, the port left out when it is the scheme's own. */
  readonly origin: string;
  /** Path below which the API lives, without a slash at its end: empty, or `/k8s/clusters/c-1`. */
  readonly prefix: string;
}

/**
 * Reads `server` as client-go does: a text without scheme gets https where there is something of TLS in the target, else http.
 * Undefined when it is neither a URL of these schemes nor `host:port`.
 */
export function serverAddress(
  target: Pick<ClusterTarget, 'server' | 'certificateAuthority' | 'clientCertificate' | 'insecureSkipTlsVerify'>,
): ServerAddress | undefined {
  const isTls = target.certificateAuthority !== undefined || target.clientCertificate !== undefined || target.insecureSkipTlsVerify;
  const text = target.server.includes('://') ? target.server : `${isTls ? 'https' : 'http'}://${target.server}`;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  const { protocol } = url;
  if ((protocol !== 'https:' && protocol !== 'http:') || url.hostname === '') return undefined;
  const prefix = url.pathname.replace(/\/+$/, '');
  if (!target.server.includes('://') && prefix !== '') return undefined;
  return {
    protocol,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (protocol === 'https:' ? 443 : 80) : Number(url.port),
    origin: url.origin,
    prefix,
  };
}

/** What istiod refuses in a remote secret's kubeconfig, and which servers it can never reach (pkg/kube/util.go: sanitizeKubeConfig; the same since before 1.20). */

/** Ways in which a kubeconfig's user can hold credentials. */
export type Credential =
  | 'token'
  | 'client-certificate-data'
  | 'basic'
  | 'exec'
  | 'auth-provider-oidc'
  | 'auth-provider'
  | 'token-file'
  | 'client-key-file'
  | 'client-certificate-file'
  | 'none';

/** Words of PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS of which one allows the credential; null = never refused. */
const allowedBy = {
  token: null,
  'client-certificate-data': null,
  basic: null,
  'auth-provider-oidc': null,
  none: null,
  exec: ['exec'],
  // Each provider is allowed by its own name, which facts do not keep: any provider's name is taken for it.
  'auth-provider': ['gcp', 'azure', 'exec', 'openstack'],
  'token-file': ['tokenFile'],
  'client-key-file': ['clientKey'],
  'client-certificate-file': ['clientCertificate'],
} as const satisfies Readonly<Record<Credential, readonly string[] | null>>;

/**
 * The credentials for which istiod refuses the whole kubeconfig, in the order given. `options` is istiod's env
 * PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS: split at commas, nothing trimmed. istiod judges every user of the kubeconfig, not
 * only that of the current context.
 */
export function refusedCredentials(auth: readonly Credential[], options = ''): Credential[] {
  const allowed = new Set(options.split(','));
  return auth.filter((credential) => {
    const words = allowedBy[credential];
    return words !== null && !words.some((word) => allowed.has(word));
  });
}

/** Why no other cluster can reach an API server under this address; nothing when nothing speaks against it. */
export type Unreachable = 'loopback' | 'unspecified' | 'link-local' | 'cluster-internal' | 'no-address';

/** Judges `server` of a kubeconfig: a URL, or `host:port` (client-go adds the scheme). Private ranges are not judged: they may well be routed. */
export function unreachableServer(server: string | undefined): Unreachable | undefined {
  const host = serverHost(server);
  if (host === undefined || host === '') return 'no-address';
  if (host === 'localhost' || host.endsWith('.localhost') || /^127(\.\d+){1,3}$/.test(host) || isLoopback6(host)) return 'loopback';
  if (host === '0.0.0.0' || host === '::') return 'unspecified';
  if (host.startsWith('169.254.') || /^fe[89ab][0-9a-f]:/.test(host)) return 'link-local';
  // Other Services may lead there through a tunnel, and host.docker.internal to another cluster of the same machine.
  return host === 'kubernetes' || /^kubernetes\.default(\.svc(\..+)?)?$/.test(host) ? 'cluster-internal' : undefined;
}

/** Host of a kubeconfig's server in lower case, without brackets; nothing when there is none. */
export function serverHost(server: string | undefined): string | undefined {
  const match = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^@/]*@)?(\[[^\]]*\]|[^:/?#]*)/i.exec(server?.trim() ?? '');
  return match?.[1]?.replace(/^\[|\]$/g, '').toLowerCase();
}

function isLoopback6(host: string): boolean {
  return host === '::1' || /^(0+:){7}0*1$/.test(host) || host.startsWith('::ffff:127.');
}

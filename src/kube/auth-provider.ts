import { redact } from '../base/text.ts';
import { errorCode, Fault, seconds } from './classify.ts';
import { expiryOf, type OidcOptions, oidcToken } from './oidc.ts';
import type { ClusterTarget, UserCredential } from './target.ts';

type Provider = Extract<UserCredential, { kind: 'auth-provider' }>;

/** An Authorization header, and until when it is good: milliseconds since 1970. */
export interface Provided {
  readonly authorization: string;
  readonly until: number;
}

/** How long a token is used that does not say when it ends, in milliseconds. */
const unknownAge = 60_000;
/** Longest that a provider may take, in milliseconds. */
const patience = 30_000;

/**
 * A credential of an `auth-provider`: OIDC, and what else @kubernetes/client-node knows. `config` is kept by the caller and changed, so that a
 * refresh token that was exchanged is not used twice.
 * @throws Fault
 */
export async function providedAuthorization(
  target: ClusterTarget,
  provider: Provider,
  config: Record<string, string>,
  options: OidcOptions,
): Promise<Provided> {
  const who = `context ${target.name}: auth-provider ${provider.name}`;
  if (provider.name !== 'oidc') return await libraryAuthorization(who, provider.name, config, options.now);
  const { token, until } = await oidcToken(who, config, options);
  return { authorization: `Bearer ${token}`, until };
}

/** Each call gives the library one cluster, one user and one context, because it shares what it caches among all users of one configuration. */
async function libraryAuthorization(who: string, name: string, config: Record<string, string>, now: () => number): Promise<Provided> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const library = new KubeConfig();
  // The library is asked for a header alone; where it would go is no business of its.
  library.loadFromOptions({
    clusters: [{ name: 'cluster', server: 'https://cluster.invalid', skipTLSVerify: false }],
    users: [{ name: 'user', authProvider: { name, config } }],
    contexts: [{ name: 'context', cluster: 'cluster', user: 'user' }],
    currentContext: 'context',
  });
  const options: { headers: Record<string, string> } = { headers: {} };
  try {
    await within(library.applyToHTTPSOptions(options), who);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const said = redact(error instanceof Error ? error.message : '')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, 200);
    throw new Fault('exec-plugin', `${who} gave no credential: ${said || (errorCode(error) ?? 'it did not say why')}`);
  }
  const authorization = options.headers['Authorization'];
  if (authorization === undefined || authorization === '') throw new Fault('exec-plugin', `${who} gave no credential`);
  return { authorization, until: expiryOf(authorization) ?? now() + unknownAge };
}

async function within(work: Promise<void>, who: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Fault('exec-plugin', `${who} gave no credential within ${seconds(patience)}`)), patience);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

import { redact } from '../base/text.ts';
import { Fault } from './classify.ts';
import { type Answer, exchange, type Sent } from './exchange.ts';
import type { ClusterTarget, Pem } from './target.ts';
import { openTransport } from './transport.ts';

/** An ID token, and until when it is good: milliseconds since 1970. */
export interface IdToken {
  readonly token: string;
  readonly until: number;
}

export interface OidcOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** Longest that an issuer may take for one answer, in milliseconds. */
const patience = 10_000;
/** How long before its end a token no longer counts, in milliseconds: as for kubectl. */
const skew = 10_000;

/**
 * The ID token of an `auth-provider: oidc`, refreshed as kubectl refreshes it when it is over. Written here because the refresh of
 * @kubernetes/client-node 2.0.1 cannot succeed: it hands openid-client a text for a URL and an object for a Response, and leaves out the secret.
 * @param config of the user; a new token and refresh token are put into it, for the old ones may be good for one use only. Files stay as they are.
 * @throws Fault
 */
export async function oidcToken(who: string, config: Record<string, string>, options: OidcOptions): Promise<IdToken> {
  const known = config['id-token'] ?? '';
  const until = expiryOf(known);
  if (until !== undefined && options.now() < until - skew) return { token: known, until: until - skew };
  const refresh = config['refresh-token'] ?? '';
  const issuer = config['idp-issuer-url'] ?? '';
  if (refresh === '' || issuer === '')
    throw new Fault('exec-plugin', `${who}: the ID token ${known === '' ? 'is missing' : 'expired'} and cannot be refreshed`);

  const answer = await refreshed(who, config, issuer, refresh, options);
  const fresh = answer['id_token'];
  if (typeof fresh !== 'string' || fresh === '')
    throw new Fault('exec-plugin', `${who}: the issuer gave no ID token; log in with the scope openid`);
  config['id-token'] = fresh;
  if (typeof answer['refresh_token'] === 'string' && answer['refresh_token'] !== '') config['refresh-token'] = answer['refresh_token'];
  return { token: fresh, until: (expiryOf(fresh) ?? options.now()) - skew };
}

type Fields = Readonly<Record<string, unknown>>;

async function refreshed(
  who: string,
  config: Record<string, string>,
  issuer: string,
  refresh: string,
  options: OidcOptions,
): Promise<Fields> {
  const base = issuer.replace(/\/$/, '');
  const discovery = `${base}/.well-known/openid-configuration`;
  const found = fieldsIn(
    who,
    config,
    await sent(who, config, discovery, { method: 'GET', headers: { Accept: 'application/json' } }, options),
    'its configuration',
  );
  const endpoint = found['token_endpoint'];
  if (typeof endpoint !== 'string' || endpoint === '') throw new Fault('exec-plugin', `${who}: the issuer names no token endpoint`);
  const id = config['client-id'] ?? '';
  const secret = config['client-secret'] ?? '';
  const ask = (body: Record<string, string>, headers: Record<string, string>): Promise<Answer> =>
    sent(
      who,
      config,
      endpoint,
      {
        method: 'POST',
        headers: { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refresh, ...body }).toString(),
      },
      options,
    );
  if (secret === '') return fieldsIn(who, config, await ask({ client_id: id }, {}), 'a token');
  // As Go's oauth2: by header first, and what does not take that takes it in the body.
  const basic = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64');
  const first = await ask({}, { Authorization: `Basic ${basic}` });
  return fieldsIn(who, config, first.status < 400 ? first : await ask({ client_id: id, client_secret: secret }, {}), 'a token');
}

/** One request to the issuer, by its own way: its certificate authority, and the proxies of the environment. */
async function sent(
  who: string,
  config: Record<string, string>,
  url: string,
  request: Omit<Sent, 'path'>,
  { env, signal }: OidcOptions,
): Promise<Answer> {
  if (!URL.canParse(url)) throw new Fault('exec-plugin', `${who}: the address of the issuer is no URL`);
  const { origin, pathname, search } = new URL(url);
  const authority = authorityOf(config);
  const target: ClusterTarget = {
    name: who,
    server: origin,
    ...(authority === undefined ? {} : { certificateAuthority: authority }),
    insecureSkipTlsVerify: false,
    credential: { kind: 'none' },
    disableCompression: true,
  };
  const transport = openTransport(target, { env, connectTimeout: patience, signal });
  try {
    return await exchange(await transport.way({}), { ...request, path: `${pathname}${search}` }, patience, signal);
  } catch (error) {
    if (!(error instanceof Fault) || error.code === 'interrupted') throw error;
    throw new Fault('exec-plugin', `${who}: the issuer cannot be asked: ${error.message}`);
  } finally {
    await transport.close();
  }
}

function authorityOf(config: Record<string, string>): Pem | undefined {
  const data = config['idp-certificate-authority-data'] ?? '';
  if (data !== '') return { pem: Buffer.from(data, 'base64').toString('utf8') };
  const file = config['idp-certificate-authority'] ?? '';
  return file === '' ? undefined : { file };
}

function fieldsIn(who: string, config: Record<string, string>, { status, body }: Answer, what: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    value = undefined;
  }
  const fields: Fields = typeof value === 'object' && value !== null ? { ...value } : {};
  if (status === 200 && value !== undefined) return fields;
  const said = [fields['error'], fields['error_description']].filter((word) => typeof word === 'string').join(': ');
  throw new Fault(
    'exec-plugin',
    `${who}: instead of ${what} the issuer answered ${status}${said === '' ? '' : ` (${withoutSecrets(said, config).slice(0, 200)})`}`,
  );
}

function withoutSecrets(text: string, config: Record<string, string>): string {
  const secrets = ['client-secret', 'refresh-token', 'id-token'].map((key) => config[key] ?? '').filter((value) => value !== '');
  return redact(secrets.reduce((safe, secret) => safe.replaceAll(secret, '(redacted)'), text));
}

/** `exp` of a JSON web token, in milliseconds; its signature is the server's business. */
export function expiryOf(token: string): number | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const expires: unknown = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined;
    return typeof expires === 'number' ? expires * 1000 : undefined;
  } catch {
    return undefined;
  }
}

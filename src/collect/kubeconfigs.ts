import { compareText } from '../base/sort.ts';
import { defined, type Fields, fields, filled, flag, objects, optionalFields, text, texts, type Tally, tally } from '../model/decode.ts';
import type { CredentialKind, RemoteKubeconfig } from '../model/facts.ts';
import { clusterId } from '../model/ids.ts';
import { certificatesIn, recordedCertificates } from './certificates.ts';
import { decodeBase64, recordedToken, shownAddress, tokenFacts } from './credentials.ts';
import { readYaml } from './yaml.ts';

/** Whether a text could be a kubeconfig at all: cheap, before anything is parsed. */
export function looksLikeKubeconfig(value: string): boolean {
  return value.includes('clusters') && value.includes('contexts') && value.includes('server');
}

/** A kubeconfig as a client would use it: the cluster and the user of its current context. Nothing in it is ever run. */
export function reduceKubeconfig(odd: Tally, key: string, value: string | undefined): RemoteKubeconfig {
  const unusable = (invalid: string): RemoteKubeconfig => ({
    clusterId: clusterId(key),
    invalid,
    certificateAuthorities: [],
    insecureSkipTlsVerify: false,
    auth: [],
  });
  if (value === undefined) return unusable('not base64');
  if (value.trim() === '') return unusable('empty');
  const read = readYaml(value);
  if ('invalid' in read) return unusable(read.invalid);
  const config = optionalFields(tally(), read.value);
  if (config === undefined) return unusable('not a kubeconfig');
  if (config['kind'] !== undefined && config['kind'] !== null && config['kind'] !== 'Config') return unusable('not a kubeconfig');

  const current = filled(odd, config['current-context']);
  if (current === undefined) return unusable(objects(tally(), config['clusters']).length === 0 ? 'not a kubeconfig' : 'no current context');
  const context = named(odd, config['contexts'], current, 'context');
  if (context === undefined) return unusable('the current context is not in it');
  const user = fields(odd, named(odd, config['users'], filled(odd, context['user']), 'user'));
  const facts = { clusterId: clusterId(key), auth: credentials(user), ...tokenOf(odd, user) };
  const cluster = named(odd, config['clusters'], filled(odd, context['cluster']), 'cluster');
  if (cluster === undefined)
    return {
      ...facts,
      invalid: 'the cluster of the current context is not in it',
      certificateAuthorities: [],
      insecureSkipTlsVerify: false,
    };

  const server = filled(odd, cluster['server']);
  const proxyUrl = filled(odd, cluster['proxy-url']);
  const authority = filled(odd, cluster['certificate-authority-data']);
  const certificateAuthorities = authority === undefined ? [] : certificatesIn(odd, decodeBase64(odd, authority));
  const invalid =
    server === undefined
      ? 'no server'
      : authority !== undefined && certificateAuthorities.length === 0
        ? 'certificate-authority-data holds no certificate'
        : filled(odd, context['user']) !== undefined && !isNamed(config['users'], context['user'])
          ? 'the user of the current context is not in it'
          : undefined;
  return defined({
    ...facts,
    invalid,
    server: server === undefined ? undefined : shownAddress(server),
    certificateAuthorities,
    insecureSkipTlsVerify: flag(odd, cluster['insecure-skip-tls-verify']) ?? false,
    proxyUrl: proxyUrl === undefined ? undefined : shownAddress(proxyUrl),
  });
}

function named(odd: Tally, entries: unknown, name: string | undefined, key: string): Fields | undefined {
  if (name === undefined) return undefined;
  const entry = objects(odd, entries).find((candidate) => candidate['name'] === name);
  return entry === undefined ? undefined : fields(odd, entry[key]);
}

function isNamed(entries: unknown, name: unknown): boolean {
  return objects(tally(), entries).some((entry) => entry['name'] === name);
}

/** Kinds of credential the user entry holds, whatever their values. */
function credentials(user: Fields): CredentialKind[] {
  const holds = (key: string): boolean => user[key] !== undefined && user[key] !== null && user[key] !== '';
  const found: CredentialKind[] = [];
  if (holds('token')) found.push('token');
  if (holds('client-certificate-data')) found.push('client-certificate-data');
  if (holds('username') || holds('password')) found.push('basic');
  if (holds('exec')) found.push('exec');
  if (holds('auth-provider'))
    found.push(optionalFields(tally(), user['auth-provider'])?.['name'] === 'oidc' ? 'auth-provider-oidc' : 'auth-provider');
  if (holds('tokenFile')) found.push('token-file');
  if (holds('client-key')) found.push('client-key-file');
  if (holds('client-certificate')) found.push('client-certificate-file');
  return found.length === 0 ? ['none'] : found.sort(compareText);
}

function tokenOf(odd: Tally, user: Fields): Pick<RemoteKubeconfig, 'token'> {
  const token = filled(odd, user['token']);
  return token === undefined ? {} : { token: tokenFacts(token) };
}

const credentialKinds = [
  'token',
  'client-certificate-data',
  'basic',
  'exec',
  'auth-provider-oidc',
  'auth-provider',
  'token-file',
  'client-key-file',
  'client-certificate-file',
  'none',
] as const satisfies readonly CredentialKind[];

/** A kubeconfig of a reduced Secret, as it was recorded. */
export function recordedKubeconfig(entry: Fields): RemoteKubeconfig {
  const odd = tally();
  const auth = texts(odd, entry['auth']);
  return defined({
    clusterId: clusterId(text(odd, entry['clusterId']) ?? ''),
    invalid: filled(odd, entry['invalid']),
    server: filled(odd, entry['server']),
    certificateAuthorities: recordedCertificates(entry['certificateAuthorities']),
    insecureSkipTlsVerify: flag(odd, entry['insecureSkipTlsVerify']) ?? false,
    proxyUrl: filled(odd, entry['proxyUrl']),
    auth: credentialKinds.filter((kind) => auth.includes(kind)).sort(compareText),
    token: recordedToken(entry['token']),
  });
}

import { describe, expect, test } from 'vitest';
import { base64, factsOf, jwt, only, type Raw, read, valueOf } from '../../test/support/read-objects.ts';
import { apiServerCaOne, firstIntermediateOne, firstRoot, selfSignedRootOne } from '../builder/certificates.ts';

const system = 'istio-system';

function secret(name: string, data: Raw, more: Raw = {}, metadata: Raw = {}): Raw {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: system, ...metadata }, data, ...more };
}

const remote = { labels: { 'istio/multiCluster': 'true' } };

function kubeconfig(user: Raw, cluster: Raw = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'west',
    clusters: [
      { name: 'west', cluster: { server: 'https://192.0.2.1:6443', 'certificate-authority-data': base64(apiServerCaOne), ...cluster } },
    ],
    contexts: [{ name: 'west', context: { cluster: 'west', user: 'reader' } }],
    users: [{ name: 'reader', user }],
  });
}

const claims = {
  exp: 1_900_000_000,
  sub: 'system:serviceaccount:istio-system:istio-reader-service-account',
  'kubernetes.io/serviceaccount/secret.name': 'istio-reader-service-account-istio-remote-secret-token',
  'kubernetes.io/serviceaccount/service-account.uid': '0f5c',
};

function remoteSecret(config: string, key = 'west'): Raw {
  return secret(`istio-remote-secret-${key}`, { [key]: base64(config) }, {}, remote);
}

describe('remote secrets', () => {
  test('one entry per data key: server, CA and what the token says of itself', () => {
    const found = only(factsOf([remoteSecret(kubeconfig({ token: jwt(claims) }))]).remoteSecrets);
    expect(found).toMatchObject({ namespace: system, name: 'istio-remote-secret-west', multiClusterLabel: 'true' });
    expect(found.entries).toHaveLength(1);
    expect(found.entries[0]).toMatchObject({
      clusterId: 'west',
      server: 'https://192.0.2.1:6443',
      insecureSkipTlsVerify: false,
      auth: ['token'],
      token: {
        expiresAt: '2030-03-17T17:46:40Z',
        subject: claims.sub,
        serviceAccountUid: '0f5c',
        secretName: 'istio-reader-service-account-istio-remote-secret-token',
      },
    });
    expect(found.entries[0]?.certificateAuthorities.map((certificate) => certificate.selfSigned)).toEqual([true]);
    expect(found.entries[0]?.invalid).toBeUndefined();
  });

  test('a token of EKS says in its signed address when it was made, and is over a quarter of an hour later', () => {
    const address =
      'https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&X-Amz-Date=20260102T235000Z&X-Amz-Expires=60&X-Amz-Signature=0f';
    const token = (of: string): string => `k8s-aws-v1.${Buffer.from(of).toString('base64url')}`;
    const read = (of: string) => only(factsOf([remoteSecret(kubeconfig({ token: token(of) }))]).remoteSecrets).entries[0]?.token;
    expect(read(address)).toMatchObject({ expiresAt: '2026-01-03T00:05:00Z' });
    expect(JSON.stringify(read(address))).not.toContain('Signature');
    expect(read('https://sts.amazonaws.com/?Action=GetCallerIdentity')).not.toHaveProperty('expiresAt');
  });

  test.each([
    ['without data', secret('istio-remote-secret-west', {}, { data: undefined }, remote)],
    ['masked', secret('istio-remote-secret-west', { west: base64('******') }, {}, remote)],
    ['redacted', secret('istio-remote-secret-west', { west: 'REDACTED' }, {}, remote)],
    ['encrypted', secret('istio-remote-secret-west', { west: 'ENC[AES256_GCM,data:Zm9v,type:str]' }, {}, remote)],
    ['filled in later', secret('istio-remote-secret-west', {}, { stringData: { west: '<path:secret/data/west#kubeconfig>' } }, remote)],
  ])('what was kept from us is no broken kubeconfig, and what clusters are opened is not all known: %s', (_how, object) => {
    const fact = factsOf([object]).remoteSecrets;
    expect(fact).toMatchObject({ status: 'collected', partial: true });
    expect(only(fact).entries).toEqual([]);
  });

  test.each(['', 'no kubeconfig', 'clusters: ['])('a value that no kubeconfig is stays an unusable one: %j', (value) => {
    const fact = factsOf([remoteSecret(value)]).remoteSecrets;
    expect(fact).not.toHaveProperty('partial');
    expect(only(fact).entries[0]?.invalid).toBeDefined();
  });

  test('equal tokens have equal hashes wherever they are found, other tokens other ones', () => {
    const token = jwt(claims);
    const stored = secret('reader-token', { token: base64(token) }, { type: 'kubernetes.io/service-account-token' });
    const facts = factsOf([remoteSecret(kubeconfig({ token })), stored]);
    const hash = only(facts.serviceAccountTokens).token?.hash;
    expect(hash).toMatch(/^[0-9a-f]{32}$/);
    expect(only(facts.remoteSecrets).entries[0]?.token?.hash).toBe(hash);
    const other = factsOf([remoteSecret(kubeconfig({ token: jwt({ ...claims, iat: 1 }) }))]);
    expect(only(other.remoteSecrets).entries[0]?.token?.hash).not.toBe(hash);
  });

  test('bound tokens name their account in nested claims', () => {
    const nested = {
      sub: claims.sub,
      exp: 1_900_000_000,
      'kubernetes.io': { namespace: system, serviceaccount: { name: 'istio-reader-service-account', uid: '9d' }, secret: { name: 't' } },
    };
    const entry = only(factsOf([remoteSecret(kubeconfig({ token: jwt(nested) }))]).remoteSecrets).entries[0];
    expect(entry?.token).toMatchObject({ serviceAccountUid: '9d', secretName: 't' });
  });

  test('credentials are named by kind and never run', () => {
    const user = {
      token: 'opaque',
      username: 'u',
      exec: { command: 'rm', args: ['-rf', '/'] },
      'auth-provider': { name: 'gcp', config: { 'access-token': 'x' } },
      tokenFile: '/t',
      'client-key': '/k',
      'client-certificate': '/c',
      'client-certificate-data': 'x',
    };
    const entry = only(factsOf([remoteSecret(kubeconfig(user))]).remoteSecrets).entries[0];
    expect(entry?.auth).toEqual([
      'auth-provider',
      'basic',
      'client-certificate-data',
      'client-certificate-file',
      'client-key-file',
      'exec',
      'token',
      'token-file',
    ]);
    const oidc = only(factsOf([remoteSecret(kubeconfig({ 'auth-provider': { name: 'oidc' } }))]).remoteSecrets).entries[0];
    expect(oidc?.auth).toEqual(['auth-provider-oidc']);
    expect(only(factsOf([remoteSecret(kubeconfig({}))]).remoteSecrets).entries[0]?.auth).toEqual(['none']);
  });

  test.each([
    ['', 'empty'],
    [' \n', 'empty'],
    ['a: [', /^not YAML/],
    ['just text', 'not a kubeconfig'],
    ['[1, 2]', 'not a kubeconfig'],
    ['{}', 'not a kubeconfig'],
    ['kind: Pod', 'not a kubeconfig'],
    ['clusters: [{name: a, cluster: {server: x}}]', 'no current context'],
    ['{current-context: b, contexts: [{name: a}]}', 'the current context is not in it'],
    ['{current-context: a, contexts: [{name: a, context: {cluster: c}}]}', 'the cluster of the current context is not in it'],
    ['{current-context: a, contexts: [{name: a, context: {cluster: c}}], clusters: [{name: c, cluster: {}}]}', 'no server'],
    [
      '{current-context: a, contexts: [{name: a, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: {server: s}}]}',
      'the user of the current context is not in it',
    ],
    [kubeconfig({}, { 'certificate-authority-data': base64('no certificate') }), 'certificate-authority-data holds no certificate'],
  ])('a kubeconfig that cannot be used says why: %j', (config, why) => {
    const { invalid } = only(factsOf([remoteSecret(config)]).remoteSecrets).entries[0] ?? {};
    if (typeof why === 'string') expect(invalid).toBe(why);
    else expect(invalid).toMatch(why);
  });

  test('what is not base64 is counted', () => {
    const snapshot = read([secret('istio-remote-secret-a', { a: 'not base64!' }, {}, remote)]);
    expect(snapshot.oddities['secrets']).toBe(1);
  });

  test('a Secret without the label is one too when its name or content says so, in any namespace', () => {
    const config = base64(kubeconfig({ token: 't' }));
    const facts = factsOf([
      secret('istio-remote-secret-a', { a: config }, {}, { namespace: 'default' }),
      secret('anything', { west: config }),
      secret('labelled', { west: config }, {}, { labels: { 'istio/multiCluster': 'yes' } }),
      secret('istio-kubeconfig', { config }),
      secret('tls', { west: config }, { type: 'kubernetes.io/tls' }),
      secret('password', { password: base64('clusters contexts server') }),
    ]);
    expect(valueOf(facts.remoteSecrets).map((found) => `${found.namespace}/${found.name} ${found.multiClusterLabel ?? '-'}`)).toEqual([
      'default/istio-remote-secret-a -',
      'istio-system/anything -',
      'istio-system/istio-kubeconfig -',
      'istio-system/labelled yes',
    ]);
  });

  test('stringData, which manifests may use, wins over data', () => {
    const found = only(
      factsOf([secret('istio-remote-secret-a', { a: base64('old') }, { stringData: { a: kubeconfig({}), b: '' } }, remote)]).remoteSecrets,
    );
    expect(found.entries.map((entry) => [entry.clusterId, entry.server ?? entry.invalid])).toEqual([
      ['a', 'https://192.0.2.1:6443'],
      ['b', 'empty'],
    ]);
  });

  test('addresses are kept without users, passwords and queries', () => {
    const config = kubeconfig({}, { server: 'https://admin:pa/ss@192.0.2.9:6443/x?token=abc', 'proxy-url': 'http://u:p@proxy:3128' });
    const entry = only(factsOf([remoteSecret(config)]).remoteSecrets).entries[0];
    expect(entry).toMatchObject({ server: 'https://192.0.2.9:6443/x', proxyUrl: 'http://proxy:3128' });
  });
});

describe('tokens of service accounts', () => {
  const annotations = { 'kubernetes.io/service-account.name': 'istio-reader-service-account', 'kubernetes.io/service-account.uid': '9d' };
  const type = 'kubernetes.io/service-account-token';

  test('account and token', () => {
    const found = only(factsOf([secret('t', { token: base64(jwt(claims)) }, { type }, { annotations })]).serviceAccountTokens);
    expect(found).toMatchObject({
      serviceAccount: 'istio-reader-service-account',
      serviceAccountUid: '9d',
      token: { subject: claims.sub },
    });
  });

  test.each([
    ['no token yet', {}],
    ['a token somebody took out of a dump', { token: base64('REDACTED') }],
  ])('%s: nothing is said of it', (_why, data) => {
    expect(only(factsOf([secret('t', data, { type }, { annotations })]).serviceAccountTokens).token).toBeUndefined();
  });
});

describe('CA secrets', () => {
  test('a plugged-in CA: roots and signing certificates, in either layout', () => {
    const pem = secret('cacerts', {
      'ca-cert.pem': base64(firstIntermediateOne),
      'root-cert.pem': base64(firstRoot),
      'ca-key.pem': base64('k'),
    });
    const tls = secret('cacerts', { 'tls.crt': base64(firstIntermediateOne), 'ca.crt': base64(firstRoot), 'tls.key': base64('k') });
    for (const object of [pem, tls]) {
      const found = only(factsOf([object]).caSecrets);
      expect(found.source).toBe('plugged-in');
      expect(found.roots.map((root) => root.selfSigned)).toEqual([true]);
      expect(found.signing.map((signing) => signing.issuer)).toEqual([found.roots[0]?.subject]);
    }
    expect(only(factsOf([pem]).caSecrets).keys).toEqual(['ca-cert.pem', 'ca-key.pem', 'root-cert.pem']);
  });

  test('a trust store of an application is no CA', () => {
    const elsewhere = { namespace: 'shop' };
    const facts = factsOf([
      secret('cacerts', { 'root-cert.pem': base64(firstRoot) }, {}, elsewhere),
      secret('istio-ca-secret', {}, {}, elsewhere),
    ]);
    expect(valueOf(facts.caSecrets).map((found) => found.name)).toEqual(['istio-ca-secret']);
  });

  test('a self-signed CA is its own root', () => {
    const own = only(
      factsOf([
        secret('istio-ca-secret', { 'ca-cert.pem': base64(selfSignedRootOne), 'ca-key.pem': base64('k') }, { type: 'istio.io/ca-root' }),
      ]).caSecrets,
    );
    expect(own).toMatchObject({ source: 'self-signed' });
    expect(own.roots).toEqual(own.signing);
    const marked = only(factsOf([secret('cacerts', { 'istio-generated': '', 'ca-cert.pem': base64(selfSignedRootOne) })]).caSecrets);
    expect(marked.source).toBe('self-signed');
  });

  test('every certificate of a bundle counts; a broken one is counted and left out', () => {
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const object = secret('cacerts', { 'root-cert.pem': base64(`${firstRoot}${broken}# a remark\n${selfSignedRootOne}`) });
    expect(only(factsOf([object]).caSecrets).roots).toHaveLength(2);
    expect(read([object]).oddities['secrets']).toBe(1);
  });

  test('times and fingerprints as they are shown', () => {
    const [root] = only(factsOf([secret('cacerts', { 'root-cert.pem': base64(firstRoot) })]).caSecrets).roots;
    expect(root?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(root?.notBefore).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Date.parse(root?.notAfter ?? '')).toBeGreaterThan(Date.parse(root?.notBefore ?? ''));
  });
});

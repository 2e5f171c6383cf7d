import { describe, expect, test } from 'vitest';
import { type ClusterTarget, serverAddress, withOverrides } from './target.ts';

const plain = { insecureSkipTlsVerify: false };
const secured = { ...plain, certificateAuthority: { pem: 'CA' } };

describe('as client-go reads server', () => {
  test.each([
    ['https://api.west:6443', plain, { protocol: 'https:', host: 'api.west', port: 6443, origin: 'https://api.west:6443', prefix: '' }],
    ['https://api.west', plain, { protocol: 'https:', host: 'api.west', port: 443, origin: 'https://api.west', prefix: '' }],
    ['https://api.west/', plain, { protocol: 'https:', host: 'api.west', port: 443, origin: 'https://api.west', prefix: '' }],
    ['http://127.0.0.1:8001', plain, { protocol: 'http:', host: '127.0.0.1', port: 8001, origin: 'http://127.0.0.1:8001', prefix: '' }],
    [
      'https://rancher.example/k8s/clusters/c-1/',
      plain,
      { protocol: 'https:', host: 'rancher.example', port: 443, origin: 'https://rancher.example', prefix: '/k8s/clusters/c-1' },
    ],
    ['https://[fd00::1]:6443', plain, { protocol: 'https:', host: 'fd00::1', port: 6443, origin: 'https://[fd00::1]:6443', prefix: '' }],
    ['10.0.0.1:6443', secured, { protocol: 'https:', host: '10.0.0.1', port: 6443, origin: 'https://10.0.0.1:6443', prefix: '' }],
    ['10.0.0.1:8080', plain, { protocol: 'http:', host: '10.0.0.1', port: 8080, origin: 'http://10.0.0.1:8080', prefix: '' }],
    ['ftp://10.0.0.1', plain, undefined],
    ['10.0.0.1/path', plain, undefined],
    ['', plain, undefined],
  ])('%s', (server, tls, expected) => {
    expect(serverAddress({ ...tls, server })).toEqual(expected);
  });
});

describe('overrides are kubectl flags', () => {
  const target: ClusterTarget = {
    name: 'west',
    server: 'https://west',
    certificateAuthority: { pem: 'CA' },
    insecureSkipTlsVerify: false,
    clientCertificate: { certificate: { pem: 'C' }, key: { pem: 'K' } },
    credential: { kind: 'basic', username: 'u', password: 'p' },
    impersonate: { user: 'before', groups: ['g'], extra: { a: ['b'] } },
    disableCompression: false,
  };

  test('none change nothing', () => expect(withOverrides(target, {})).toEqual(target));

  test('leaving out verification leaves out the authority', () => {
    const { certificateAuthority, insecureSkipTlsVerify } = withOverrides(target, { insecureSkipTlsVerify: true });
    expect([certificateAuthority, insecureSkipTlsVerify]).toEqual([undefined, true]);
  });

  test('an authority brings verification back', () => {
    const insecure = withOverrides(target, { insecureSkipTlsVerify: true });
    expect(withOverrides(insecure, { certificateAuthority: '/ca' })).toMatchObject({
      certificateAuthority: { file: '/ca' },
      insecureSkipTlsVerify: false,
    });
  });

  test('a token replaces the credential and keeps the certificate', () => {
    const changed = withOverrides(target, { token: 't', server: 'https://other', tlsServerName: 'n' });
    expect(changed).toMatchObject({
      credential: { kind: 'token', token: 't' },
      clientCertificate: target.clientCertificate,
      server: 'https://other',
      tlsServerName: 'n',
    });
  });

  test('groups of a flag replace those of the kubeconfig; without a user they are for nobody', () => {
    expect(withOverrides(target, { asGroups: ['x'], asUid: '7' }).impersonate).toEqual({
      user: 'before',
      uid: '7',
      groups: ['x'],
      extra: { a: ['b'] },
    });
    expect(withOverrides(target, { as: 'other' }).impersonate).toMatchObject({ user: 'other', groups: ['g'] });
    const { impersonate: _, ...nobody } = target;
    expect(withOverrides(nobody, { asGroups: ['x'] }).impersonate).toBeUndefined();
  });
});

import { describe, expect, test } from 'vitest';
import { refusedCredentials, serverHost, unreachableServer } from './kubeconfig-rules.ts';

describe('kubeconfig rules', () => {
  test('files, exec and providers are refused, data is not', () => {
    expect(refusedCredentials(['token', 'basic', 'client-certificate-data', 'auth-provider-oidc', 'none'])).toEqual([]);
    expect(refusedCredentials(['auth-provider', 'client-certificate-file', 'client-key-file', 'exec', 'token-file'])).toHaveLength(5);
  });

  test('options allow by exact word', () => {
    expect(refusedCredentials(['exec', 'token-file'], 'exec,tokenFile')).toEqual([]);
    expect(refusedCredentials(['exec', 'token-file'], 'exec, tokenFile')).toEqual(['token-file']);
    expect(refusedCredentials(['auth-provider'], 'gcp')).toEqual([]);
    expect(refusedCredentials(['auth-provider'], '')).toEqual(['auth-provider']);
  });

  test.each([
    ['https://127.0.0.1:6443', 'loopback'],
    ['https://localhost:6443', 'loopback'],
    ['https://[::1]:6443', 'loopback'],
    ['127.0.0.1:6443', 'loopback'],
    ['https://0.0.0.0:6443', 'unspecified'],
    ['https://169.254.1.1', 'link-local'],
    ['https://[fe80::1]:6443', 'link-local'],
    ['https://kubernetes.default.svc', 'cluster-internal'],
    ['https://kubernetes.default.svc.cluster.local:443', 'cluster-internal'],
    ['https://kubernetes', 'cluster-internal'],
    ['https://west-api.tunnels.svc:443', undefined],
    ['https://host.docker.internal:6443', undefined],
    ['', 'no-address'],
    [undefined, 'no-address'],
    ['https://10.0.0.5:6443', undefined],
    ['https://api.example.com', undefined],
    ['https://127.example.com', undefined],
    ['https://user:pass@API.example.com/path', undefined],
  ])('%s is %s', (server, expected) => expect(unreachableServer(server)).toBe(expected));

  test('the host is without brackets, user and port', () => {
    expect(serverHost('https://[2001:DB8::1]:6443')).toBe('2001:db8::1');
    expect(serverHost('https://user@Api.example.com:443/x')).toBe('api.example.com');
  });
});

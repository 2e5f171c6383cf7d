import { describe, expect, test } from 'vitest';
import type { CaSecret, Certificate, Injector, RemoteSecret } from '../model/facts.ts';
import { clusterId, clusterName, revision } from '../model/ids.ts';
import { daysLeft, expiries, expiryState, validity } from './expiry.ts';

const entity = (kind: string, name: string) => ({
  ref: { cluster: clusterName('west'), kind, namespace: 'istio-system', name },
  labels: {},
  annotations: {},
  managers: [],
});
const certificate = (fingerprint: string, notAfter: string): Certificate => ({
  fingerprint,
  subject: fingerprint,
  issuer: 'root',
  notBefore: '2025-01-01T00:00:00Z',
  notAfter,
  selfSigned: false,
});

describe('expiry', () => {
  test('the time line is in order of time and holds each certificate of an object once', () => {
    const root = certificate('root', '2035-01-01T00:00:00Z');
    const ca: CaSecret = {
      ...entity('Secret', 'cacerts'),
      namespace: 'istio-system',
      name: 'cacerts',
      source: 'plugged-in',
      keys: [],
      roots: [root],
      signing: [certificate('ca', '2027-01-01T00:00:00Z'), root],
    };
    const secret: RemoteSecret = {
      ...entity('Secret', 'istio-remote-secret-east'),
      namespace: 'istio-system',
      name: 'istio-remote-secret-east',
      entries: [
        {
          clusterId: clusterId('east'),
          certificateAuthorities: [certificate('api', '2036-01-01T00:00:00Z')],
          insecureSkipTlsVerify: false,
          auth: ['token'],
          token: { hash: 'x', expiresAt: '2026-12-01T00:00:00Z' },
        },
      ],
    };
    const caBundle = { state: 'certificates', certificates: [root] } as const;
    const selector = { matchLabels: {}, matchExpressions: [] };
    const webhook = { name: 'w', namespaceSelector: selector, objectSelector: selector, target: {}, failurePolicy: 'Fail', caBundle };
    const injector: Injector = {
      ...entity('MutatingWebhookConfiguration', 'i'),
      name: 'i',
      revision: revision('default'),
      webhooks: [webhook, webhook],
      target: {},
    };
    expect(
      expiries({ caSecrets: [ca], injectors: [injector] }, { remoteSecrets: [secret] }).map(
        (one) => `${one.expiresAt.slice(0, 4)} ${one.what} ${one.field}`,
      ),
    ).toEqual([
      '2026 remote-secret-token .data["east"]',
      '2027 signing-ca .data["ca-cert.pem"]',
      '2035 ca-bundle .webhooks[*].clientConfig.caBundle',
      '2035 root .data["root-cert.pem"]',
      '2036 api-server-ca .data["east"]',
    ]);
    expect(expiries({})).toEqual([]);
  });

  test('states by days', () => {
    const now = '2026-11-22T00:00:00Z';
    expect(daysLeft('2026-11-23T12:00:00Z', now)).toBe(1.5);
    expect(expiryState('2026-11-22T00:00:00Z', now, 7)).toBe('expired');
    expect(expiryState('2026-11-25T00:00:00Z', now, 7)).toBe('soon');
    expect(expiryState('2026-11-29T00:00:00Z', now, 7)).toBe('later');
    expect(expiryState('not a time', now, 7)).toBeUndefined();
    expect(validity(certificate('a', '2027-01-01T00:00:00Z'), now)).toBe('valid');
    expect(validity(certificate('a', '2026-01-01T00:00:00Z'), now)).toBe('expired');
    expect(validity(certificate('a', '2027-01-01T00:00:00Z'), '2024-01-01T00:00:00Z')).toBe('not-yet');
  });
});

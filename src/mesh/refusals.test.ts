import { describe, expect, test } from 'vitest';
import type { Workload } from '../model/facts.ts';
import { clusterName } from '../model/ids.ts';
import { type RefusalKind, refusalsOf } from './refusals.ts';

const workload = (message: string, type = 'ReplicaFailure'): Workload => ({
  ref: { cluster: clusterName('west'), kind: 'Deployment', namespace: 'shop', name: 'cart' },
  labels: {},
  annotations: {},
  managers: [],
  kind: 'Deployment',
  namespace: 'shop',
  name: 'cart',
  desiredReplicas: 1,
  readyReplicas: 0,
  selector: {},
  podLabels: {},
  podAnnotations: {},
  proxyEnv: {},
  hostNetwork: false,
  conditions: [{ type, status: 'True', reason: 'FailedCreate', message, since: '2026-11-22T21:00:00Z' }],
});

const called = (words: string): string =>
  `Internal error occurred: failed calling webhook "namespace.sidecar-injector.istio.io": failed to call webhook: Post "https://istiod.istio-system.svc:443/inject/cluster/west/net/network2?timeout=10s": ${words}`;

describe('an API server’s words about a webhook', () => {
  const words: readonly (readonly [string, RefusalKind])[] = [
    ['context deadline exceeded', 'timeout'],
    ['dial tcp 10.96.0.7:443: i/o timeout', 'timeout'],
    ['net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)', 'timeout'],
    ['Address is not allowed', 'barred'],
    ['No agent available', 'barred'],
    ['dial tcp 10.96.0.7:443: connect: connection refused', 'refused'],
    ['read tcp 10.0.0.1:52344->172.18.0.9:15017: read: connection reset by peer', 'reset'],
    ['EOF', 'reset'],
    ['tls: failed to verify certificate: x509: certificate signed by unknown authority', 'untrusted'],
    ['tls: failed to verify certificate: x509: certificate is valid for istiod.example.com, not istiod.istio-system.svc', 'name'],
    ['no endpoints available for service "istiod"', 'nowhere'],
    ['the server is currently unable to handle the request', 'other'],
  ];
  test.each(words)('%s', (reason, kind) => {
    expect(refusalsOf([workload(called(reason))])).toMatchObject([
      {
        webhook: 'namespace.sidecar-injector.istio.io',
        service: { namespace: 'istio-system', name: 'istiod' },
        host: 'istiod.istio-system.svc',
        kind,
        reason,
        since: '2026-11-22T21:00:00Z',
      },
    ]);
  });

  test('words without an address, and an old spelling of it', () => {
    expect(refusalsOf([workload('Internal error occurred: failed calling webhook "a.b": endpoints "istiod" not found')])).toMatchObject([
      { kind: 'nowhere', host: '', reason: 'endpoints "istiod" not found' },
    ]);
    expect(refusalsOf([workload('failed calling webhook "a.b": Post https://istiod.sys.svc:443/inject?timeout=30s: EOF')])).toMatchObject([
      { kind: 'reset', service: { namespace: 'sys', name: 'istiod' } },
    ]);
    expect(
      refusalsOf([workload('failed calling webhook "a.b": Post "https://istiod.example.com:15017/inject": EOF')])[0],
    ).not.toHaveProperty('service');
  });

  test('other failures are none', () => {
    expect(refusalsOf([workload('pods "cart-1" is forbidden: exceeded quota')])).toEqual([]);
    expect(refusalsOf([workload(called('EOF'), 'Progressing')])).toEqual([]);
  });
});

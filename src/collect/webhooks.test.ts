import { describe, expect, test } from 'vitest';
import { base64, factsOf, only, type Raw, valueOf } from '../../test/support/read-objects.ts';
import { firstRoot } from '../builder/certificates.ts';
import { injectedIdentity, injectionParameters } from './injection-path.ts';

function webhookConfiguration(kind: string, name: string, webhooks: readonly Raw[], labels: Raw = {}, metadata: Raw = {}): Raw {
  return { apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name, labels, ...metadata }, webhooks };
}

const service = { namespace: 'istio-system', name: 'istiod-1-31-0', path: '/inject/cluster/east/net/network2', port: 443 };
const name = 'rev.namespace.sidecar-injector.istio.io';

describe('injectors', () => {
  test('revision, tag, target, bundle and what it injects', () => {
    const webhook = {
      name,
      clientConfig: { service, caBundle: base64(firstRoot) },
      namespaceSelector: { matchExpressions: [{ key: 'istio.io/rev', operator: 'In', values: ['1-31-0'] }] },
      failurePolicy: 'Ignore',
    };
    const found = only(
      factsOf([
        webhookConfiguration('MutatingWebhookConfiguration', 'istio-revision-tag-prod', [webhook], {
          'istio.io/rev': '1-31-0',
          'istio.io/tag': 'prod',
        }),
      ]).injectors,
    );
    expect(found).toMatchObject({
      name: 'istio-revision-tag-prod',
      revision: '1-31-0',
      tag: 'prod',
      target: { service },
      injectedClusterId: 'east',
      injectedNetwork: 'network2',
    });
    expect(found.webhooks[0]).toMatchObject({
      name,
      namespaceSelector: { matchLabels: {}, matchExpressions: [{ key: 'istio.io/rev', operator: 'In', values: ['1-31-0'] }] },
      objectSelector: { matchLabels: {}, matchExpressions: [] },
      failurePolicy: 'Ignore',
      caBundle: { state: 'certificates' },
    });
  });

  test.each([
    [undefined, 'empty'],
    ['', 'empty'],
    [base64('\n'), 'unreadable'],
    ['not base64!', 'unreadable'],
    [base64('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'), 'unreadable'],
  ])('a bundle of %j is %s', (caBundle, state) => {
    const object = webhookConfiguration('MutatingWebhookConfiguration', 'a', [{ name, clientConfig: { service, caBundle } }]);
    expect(only(factsOf([object]).injectors).webhooks[0]?.caBundle.state).toBe(state);
  });

  test('known by the names of its webhooks or by its label, not by its own name', () => {
    const facts = factsOf([
      webhookConfiguration('MutatingWebhookConfiguration', 'a', [{ name: 'other.example' }, { name: `x.${name}` }]),
      webhookConfiguration('MutatingWebhookConfiguration', 'b', [], { app: 'sidecar-injector' }),
      webhookConfiguration('MutatingWebhookConfiguration', 'istio-sidecar-injector', [{ name: 'vault.hashicorp.com' }]),
    ]);
    expect(valueOf(facts.injectors).map((found) => found.name)).toEqual(['a', 'b']);
  });

  test('a webhook may call a url', () => {
    const url = 'https://istiod.mesh.example.com:15017/inject/cluster/east/net/network1';
    const found = only(factsOf([webhookConfiguration('MutatingWebhookConfiguration', 'a', [{ name, clientConfig: { url } }])]).injectors);
    expect(found).toMatchObject({ target: { url }, injectedClusterId: 'east', injectedNetwork: 'network1' });
    expect(found.target.service).toBeUndefined();
  });

  test('who wrote which field, newest first', () => {
    const managedFields = [
      {
        manager: 'pilot-discovery',
        operation: 'Update',
        time: '2026-01-01T00:00:00Z',
        fieldsV1: { 'f:webhooks': { [`k:{"name":"${name}"}`]: { 'f:clientConfig': { 'f:caBundle': {} } } } },
      },
      {
        manager: 'argocd',
        operation: 'Apply',
        time: '2026-01-02T00:00:00Z',
        fieldsV1: { 'f:metadata': { 'f:labels': { '.': {}, 'f:istio.io/rev': {} } } },
      },
    ];
    const object = webhookConfiguration('MutatingWebhookConfiguration', 'a', [{ name }], {}, { managedFields });
    expect(only(factsOf([object]).injectors).managers).toEqual([
      { manager: 'argocd', operation: 'Apply', time: '2026-01-02T00:00:00Z', fields: ['.metadata.labels["istio.io/rev"]'] },
      {
        manager: 'pilot-discovery',
        operation: 'Update',
        time: '2026-01-01T00:00:00Z',
        fields: [`.webhooks[{"name":"${name}"}].clientConfig.caBundle`],
      },
    ]);
  });
});

test('validators are those of Istio', () => {
  const facts = factsOf([
    webhookConfiguration(
      'ValidatingWebhookConfiguration',
      'istiod-default-validator',
      [{ name: 'validation.istio.io', failurePolicy: 'Ignore' }],
      { 'istio.io/rev': '1-31-0' },
    ),
    webhookConfiguration('ValidatingWebhookConfiguration', 'other', [{ name: 'validate.example.com' }]),
  ]);
  expect(only(facts.validators)).toMatchObject({
    name: 'istiod-default-validator',
    revision: '1-31-0',
    webhooks: [{ failurePolicy: 'Ignore' }],
  });
});

describe('the path of an injector', () => {
  test.each([
    ['/inject', {}],
    ['/inject/', {}],
    ['', {}],
    ['/other/cluster/a', {}],
    ['/inject/cluster/east/net/network2', { cluster: 'east', network: 'network2' }],
    ['/inject/net/network2/cluster/east/', { cluster: 'east', network: 'network2' }],
    ['/inject/cluster/east/net', { cluster: 'east' }],
    ['/inject/cluster/arn:aws:eks:eu:1:cluster--slash--a--slash--b', { cluster: 'arn:aws:eks:eu:1:cluster/a/b' }],
    ['/inject/:ENV:cluster=east:ENV:net=network2', { cluster: 'east', network: 'network2' }],
    ['/inject/:ENV:cluster=:ENV:=x:ENV:net', { cluster: '' }],
    ['/inject/ISTIO_META_CLUSTER_ID/east', { cluster: 'east' }],
  ])('%s', (path, identity) => {
    expect(injectedIdentity({ service: { ...service, path } })).toEqual(identity);
  });

  test('of a url it is what follows the host, decoded', () => {
    expect(injectedIdentity({ url: 'https://a:15017/inject/cluster/my%20east' })).toEqual({ cluster: 'my east' });
    expect(injectedIdentity({ url: 'https://a:15017/inject/cluster/%' })).toEqual({ cluster: '%' });
    expect(injectedIdentity({ url: 'no url' })).toEqual({});
    expect([...injectionParameters('/inject/foo/bar')]).toEqual([['foo', 'bar']]);
  });
});

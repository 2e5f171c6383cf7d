import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Fields } from '../model/decode.ts';
import { type Declared, chartObjects, chartOf, declaredObjects } from './index.ts';
import { valueAt } from './values.ts';

/*
 * What istioctl and the charts make of the same documents was compared with `istioctl manifest generate` of 1.31.0: what is expected here is what that gave.
 */

function operator(spec: string): Declared[] {
  const document = parse(`apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n${spec.replaceAll(/^/gm, '  ')}`) as Fields;
  return [...(declaredObjects(document) ?? [])];
}

function sail(kind: string, name: string, spec: string): Declared[] {
  const document = parse(
    `apiVersion: sailoperator.io/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec:\n${spec.replaceAll(/^/gm, '  ')}`,
  ) as Fields;
  return [...(declaredObjects(document) ?? [])];
}

function names(declared: readonly Declared[]): string[] {
  return declared.map(({ object }) => `${String(object['kind'])} ${textAt(object, 'namespace')}/${textAt(object, 'name')}`);
}

function textAt(object: Fields, key: string): string {
  const value = valueAt(object, ['metadata', key]);
  return typeof value === 'string' ? value : '';
}

function one(declared: readonly Declared[], kind: string, name: string): Declared {
  const found = declared.find(({ object }) => object['kind'] === kind && valueAt(object, ['metadata', 'name']) === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

function env(declared: Declared): Readonly<Record<string, string>> {
  const variables = valueAt(declared.object, ['spec', 'template', 'spec', 'containers', 0, 'env']) as { name: string; value: string }[];
  return Object.fromEntries(variables.map(({ name, value }) => [name, value]));
}

describe('an IstioOperator', () => {
  test('of a primary', () => {
    const made = operator(`
revision: 1-31-0
namespace: mesh
meshConfig: {trustDomain: td1, defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: "true"}}}
components: {pilot: {k8s: {env: [{name: ENABLE_NATIVE_SIDECARS, value: "true"}]}}}
values:
  meshConfig: {trustDomain: ignored, enableAutoMtls: false}
  global: {meshID: m, network: n1, externalIstiod: true, multiCluster: {clusterName: east}, meshNetworks: {n2: {endpoints: []}}}`);
    expect(names(made)).toEqual([
      'Deployment mesh/istiod-1-31-0',
      'Service mesh/istiod-1-31-0',
      'ConfigMap mesh/istio-1-31-0',
      'ConfigMap mesh/istio-sidecar-injector-1-31-0',
      'MutatingWebhookConfiguration /istio-sidecar-injector-1-31-0-mesh',
      'Deployment mesh/istio-ingressgateway',
      'Service mesh/istio-ingressgateway',
    ]);
    expect(env(one(made, 'Deployment', 'istiod-1-31-0'))).toMatchObject({
      REVISION: '1-31-0',
      CLUSTER_ID: 'east',
      EXTERNAL_ISTIOD: 'true',
      ENABLE_NATIVE_SIDECARS: 'true',
    });
    const { data } = one(made, 'ConfigMap', 'istio-1-31-0').object as { data: { mesh: string; meshNetworks: string } };
    expect(JSON.parse(data.mesh)).toEqual({
      defaultConfig: { discoveryAddress: 'istiod-1-31-0.mesh.svc:15012', meshId: 'm', proxyMetadata: { ISTIO_META_DNS_CAPTURE: 'true' } },
      enableAutoMtls: false,
      enablePrometheusMerge: true,
      rootNamespace: 'mesh',
      trustDomain: 'td1',
    });
    expect(JSON.parse(data.meshNetworks)).toEqual({ networks: { n2: { endpoints: [] } } });
    expect(env(one(made, 'Deployment', 'istio-ingressgateway'))).toMatchObject({
      CA_ADDR: 'istiod-1-31-0.mesh.svc:15012',
      ISTIO_META_CLUSTER_ID: 'east',
      ISTIO_META_DNS_CAPTURE: 'true',
      ISTIO_META_MESH_ID: 'm',
      ISTIO_META_NETWORK: 'n1',
      TRUST_DOMAIN: 'td1',
    });
  });

  test('of a remote: no istiod, and a Service that leads to the address of the other', () => {
    const made = operator(`
profile: remote
values: {istiodRemote: {injectionPath: /inject/cluster/west/net/n2}, global: {remotePilotAddress: 172.18.1.1}}`);
    expect(names(made)).toEqual([
      'Service istio-system/istiod',
      'EndpointSlice istio-system/istiod',
      'MutatingWebhookConfiguration /istio-sidecar-injector',
    ]);
    expect(valueAt(made[1]?.object, ['endpoints', 0, 'addresses', 0])).toBe('172.18.1.1');
    expect(valueAt(made[2]?.object, ['webhooks', 0, 'clientConfig', 'service', 'path'])).toBe('/inject/cluster/west/net/n2');
    const [named] = operator('profile: remote\nvalues: {global: {remotePilotAddress: istiod.example}}');
    expect(named?.object['spec']).toMatchObject({ type: 'ExternalName', externalName: 'istiod.example' });
  });

  test('of gateways: labels, ports and what injects them', () => {
    const made = operator(`
profile: empty
revision: r1
components:
  ingressGateways:
  - {name: off, enabled: false}
  - {name: undecided}
  - name: eastwest
    namespace: gw
    enabled: true
    label: {istio: eastwestgateway, topology.istio.io/network: n1}
    k8s:
      env: [{name: ISTIO_META_REQUESTED_NETWORK_VIEW, value: n1}]
      serviceAnnotations: {a: b}
      service: {ports: [{name: tls, port: 15443}], type: NodePort}
values: {gateways: {istio-ingressgateway: {injectionTemplate: gateway}}}`);
    expect(names(made)).toEqual(['Deployment gw/eastwest', 'Service gw/eastwest']);
    const [deployment, service] = made;
    expect(valueAt(deployment?.object, ['spec', 'template', 'metadata', 'labels'])).toEqual({
      app: 'istio-ingressgateway',
      istio: 'eastwestgateway',
      'istio.io/rev': 'r1',
      'sidecar.istio.io/inject': 'true',
      'topology.istio.io/network': 'n1',
    });
    expect(service?.object).toMatchObject({
      metadata: { annotations: { a: 'b' }, labels: { 'topology.istio.io/network': 'n1' } },
      spec: {
        type: 'NodePort',
        ports: [{ name: 'tls', port: 15443 }],
        selector: { app: 'istio-ingressgateway', istio: 'eastwestgateway' },
      },
    });
  });

  test('every field leads to its setting', () => {
    const made = operator(`
revision: r1
components: {ingressGateways: [{name: x, enabled: true, label: {topology.istio.io/network: n1}}]}
values: {global: {multiCluster: {clusterName: east}}}`);
    const stepsOf = (declared: Declared, field: string): unknown => declared.fields.find(({ prefix }) => prefix === field)?.steps;
    expect(stepsOf(one(made, 'Deployment', 'istiod-r1'), '.spec.template.spec.containers[*].env["CLUSTER_ID"]')).toEqual([
      'spec',
      'values',
      'global',
      'multiCluster',
      'clusterName',
    ]);
    expect(stepsOf(one(made, 'Service', 'x'), '.metadata.labels["topology.istio.io/network"]')).toEqual([
      'spec',
      'components',
      'ingressGateways',
      0,
      'label',
      'topology.istio.io/network',
    ]);
    expect(one(made, 'Service', 'x').root).toEqual(['spec', 'components', 'ingressGateways', 0]);
  });

  test.each([
    ['demo', ['istiod', 'istio-ingressgateway', 'istio-egressgateway']],
    ['minimal', ['istiod']],
    ['empty', []],
    ['of nobody', []],
  ])('profile %s', (profile, deployments) => {
    const made = operator(`profile: ${profile}`).filter(({ object }) => object['kind'] === 'Deployment');
    expect(made.map(({ object }) => valueAt(object, ['metadata', 'name']))).toEqual(deployments);
  });

  test('nothing is said of a component with overlays, nor of a document without a spec', () => {
    expect(operator('profile: minimal\ncomponents: {pilot: {k8s: {overlays: [{kind: Deployment}]}}}')).toEqual([]);
    expect(names([...(declaredObjects({ apiVersion: 'install.istio.io/v1alpha1', kind: 'IstioOperator', spec: 'odd' }) ?? [])])).toContain(
      'Deployment istio-system/istiod',
    );
    expect(declaredObjects({ apiVersion: 'v1', kind: 'Service' })).toBeUndefined();
  });

  test('tags have injectors of their own', () => {
    const made = operator('profile: minimal\nvalues: {revisionTags: [prod], sidecarInjectorWebhook: {enableNamespacesByDefault: true}}');
    expect(names(made)).toContain('MutatingWebhookConfiguration /istio-revision-tag-prod');
    const own = one(made, 'MutatingWebhookConfiguration', 'istio-sidecar-injector').object as { webhooks: { name: string }[] };
    expect(own.webhooks.map(({ name }) => name)).toContain('auto.sidecar-injector.istio.io');
  });
});

describe('objects of the Sail operator', () => {
  test.each([
    ['Istio', 'default', 'version: v1.24.3', 'istiod'],
    ['Istio', 'prod', 'version: v1.24.3', 'istiod-prod'],
    ['Istio', 'prod', 'version: v1.24.3\nupdateStrategy: {type: RevisionBased}', 'istiod-prod-v1-24-3'],
    ['IstioRevision', 'prod-v1-24-3', 'version: v1.24.3', 'istiod-prod-v1-24-3'],
  ])('%s %s (%s) is %s', (kind, name, spec, deployment) => {
    const made = sail(kind, name, `${spec}\nnamespace: mesh\nvalues: {global: {network: n1}}`);
    const { object } = one(made, 'Deployment', deployment);
    expect(valueAt(object, ['metadata', 'namespace'])).toBe('mesh');
    expect(valueAt(object, ['spec', 'template', 'spec', 'containers', 0, 'image'])).toBe('pilot:1.24.3');
  });

  test('of the newest of a line the revision is not known', () => {
    expect(sail('Istio', 'prod', 'version: v1.24-latest\nupdateStrategy: {type: RevisionBased}')).toEqual([]);
  });
});

describe('values of charts', () => {
  test.each([
    ['istiod', { pilot: {} }],
    ['istiod', { global: { network: 'n1' } }],
    ['gateway', { networkGateway: 'n1' }],
    ['gateway', { service: { type: 'NodePort' } }],
    ['base', { defaultRevision: 'r1' }],
    [undefined, { global: { hub: 'x' } }],
    [undefined, { pilot: {}, service: {} }],
  ])('are for %s: %j', (chart, values) => {
    expect(chartOf(values)).toBe(chart);
  });

  test('of a network gateway', () => {
    const values = { networkGateway: 'n1', revision: 'r1', labels: { team: 'mesh' }, networkGatewayPorts: { tls: { port: 25443 } } };
    const [deployment, service] = chartObjects('gateway', values, { name: 'istio-eastwestgateway', namespace: 'istio-system' });
    expect(names([deployment!, service!])).toEqual([
      'Deployment istio-system/istio-eastwestgateway',
      'Service istio-system/istio-eastwestgateway',
    ]);
    expect(service?.object).toMatchObject({
      metadata: { labels: { app: 'istio-eastwestgateway', istio: 'eastwestgateway', team: 'mesh', 'topology.istio.io/network': 'n1' } },
      spec: { selector: { app: 'istio-eastwestgateway', istio: 'eastwestgateway' }, type: 'LoadBalancer' },
    });
    expect((valueAt(service?.object, ['spec', 'ports']) as { port: number }[]).map(({ port }) => port)).toEqual([
      15021, 25443, 15012, 15017,
    ]);
    expect(env(deployment!)).toEqual({ ISTIO_META_REQUESTED_NETWORK_VIEW: 'n1' });
    expect(valueAt(deployment?.object, ['spec', 'template', 'metadata', 'labels', 'istio.io/rev'])).toBe('r1');
  });

  test('of istiod are those of an IstioOperator without the wrapping', () => {
    const values = {
      revision: 'r1',
      global: { network: 'n1', multiCluster: { clusterName: 'east' } },
      pilot: { env: { PILOT_ENABLE_AMBIENT: 'true' } },
    };
    expect(env(one(chartObjects('istiod', values, undefined), 'Deployment', 'istiod-r1'))).toMatchObject({
      CLUSTER_ID: 'east',
      PILOT_ENABLE_AMBIENT: 'true',
    });
  });
});

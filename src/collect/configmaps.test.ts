import { describe, expect, test } from 'vitest';
import { factsOf, only, type Raw, read, valueOf } from '../../test/support/read-objects.ts';
import { apiServerCaOne, firstRoot } from '../builder/certificates.ts';

function configMap(name: string, data: Raw, metadata: Raw = {}): Raw {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'istio-system', ...metadata }, data };
}

const mesh = `
trustDomain: old.example
trustDomainAliases: [new.example]
rootNamespace: istio-system
enableAutoMtls: false
defaultConfig:
  discoveryAddress: istiod-1-31-0.istio-system.svc:15012
  meshId: mesh1
  proxyMetadata:
    ISTIO_META_DNS_CAPTURE: "true"
    MY_SECRET: hunter2
discoverySelectors:
- matchLabels: {mesh: "yes"}
serviceSettings:
- settings: {clusterLocal: true}
  hosts: ["*.kube-system.svc.cluster.local", "a.b"]
- settings: {clusterLocal: false}
  hosts: ["a.b"]
- hosts: ["no.setting"]
serviceScopeConfigs:
- scope: GLOBAL
  servicesSelector: {matchExpressions: [{key: istio.io/global, operator: In, values: ["true"]}]}
defaultServiceExportTo: [.]
caCertificates:
- pem: |
${firstRoot.replaceAll(/^/gm, '    ')}
`;

const meshNetworks = `
networks:
  network1:
    endpoints: [{fromRegistry: west}, {fromCidr: 10.0.0.0/8}]
    gateways: [{address: 192.0.2.1, port: 443}, {registryServiceName: gw.istio-system.svc.cluster.local, port: 15443}]
`;

describe('mesh config', () => {
  test('everything that is read of it', () => {
    const found = only(factsOf([configMap('istio-1-31-0', { mesh, meshNetworks })]).meshConfigs);
    expect(found).toMatchObject({
      revision: '1-31-0',
      trustDomain: 'old.example',
      trustDomainAliases: ['new.example'],
      rootNamespace: 'istio-system',
      discoveryAddress: 'istiod-1-31-0.istio-system.svc:15012',
      meshId: 'mesh1',
      enableAutoMtls: false,
      keepsAlive: false,
      readsProxyProtocol: false,
      proxyMetadata: { ISTIO_META_DNS_CAPTURE: 'true' },
      discoverySelectors: [{ matchLabels: { mesh: 'yes' }, matchExpressions: [] }],
      clusterLocal: [
        { host: '*.kube-system.svc.cluster.local', local: true },
        { host: 'a.b', local: true },
        { host: 'a.b', local: false },
      ],
      defaultServiceExportTo: ['.'],
      meshNetworks: [
        {
          network: 'network1',
          fromRegistries: ['west'],
          cidrs: ['10.0.0.0/8'],
          gateways: [
            { address: '192.0.2.1', port: 443 },
            { registryServiceName: 'gw.istio-system.svc.cluster.local', port: 15443 },
          ],
        },
      ],
      unreadable: false,
    });
    expect(found.serviceScopeConfigs).toEqual([
      {
        scope: 'GLOBAL',
        servicesSelector: { matchLabels: {}, matchExpressions: [{ key: 'istio.io/global', operator: 'In', values: ['true'] }] },
      },
    ]);
    expect(found.caCertificates).toHaveLength(1);
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  test('keepalive and PROXY protocol of gateways, which an empty object switches on as well', () => {
    const settings = 'tcpKeepalive: {}\ndefaultConfig:\n  gatewayTopology:\n    proxyProtocol: {}\n';
    const found = only(factsOf([configMap('istio', { mesh: settings, meshNetworks: 'networks: {}' })]).meshConfigs);
    expect(found).toMatchObject({ keepsAlive: true, readsProxyProtocol: true });
  });

  test('defaults of what is not set', () => {
    expect(only(factsOf([configMap('istio', { mesh: '', meshNetworks: 'networks: {}' })]).meshConfigs)).toMatchObject({
      revision: 'default',
      trustDomain: 'cluster.local',
      enableAutoMtls: true,
      meshNetworks: [],
      unreadable: false,
    });
  });

  test.each([[{ mesh: 'a: [' }], [{ mesh: 'just text' }], [{ mesh: '', meshNetworks: 'a: [' }], [{ mesh: '[1]' }]])(
    'what cannot be read is said to be unreadable: %j',
    (data) => {
      const objects = [configMap('istio', data)];
      expect(only(factsOf(objects).meshConfigs).unreadable).toBe(true);
      expect(read(objects).oddities['configmaps']).toBe(1);
    },
  );

  test('only where an istiod reads it, and only what is one', () => {
    const objects = [
      configMap('istio', { mesh: '' }),
      configMap('istio', { mesh: '' }, { namespace: 'shop' }),
      configMap('istio-sidecar-injector', { mesh: '' }),
      configMap('istio-ca-root-cert', { 'root-cert.pem': '' }),
      configMap('istiod', { mesh: '' }),
    ];
    expect(valueOf(factsOf(objects).meshConfigs).map((found) => `${found.namespace}/${found.ref.name}`)).toEqual(['istio-system/istio']);
  });
});

describe('what an istiod injects', () => {
  const values = JSON.stringify({
    global: {
      multiCluster: { clusterName: 'west' },
      network: 'network1',
      meshID: 'mesh1',
      caAddress: '',
      proxy: { clusterDomain: 'cluster.local' },
      imagePullSecrets: ['x'],
    },
    revision: '1-31-0',
  });

  test('names of cluster and network', () => {
    expect(only(factsOf([configMap('istio-sidecar-injector-1-31-0', { values })]).injectorValues)).toMatchObject({
      revision: '1-31-0',
      clusterName: 'west',
      network: 'network1',
      meshId: 'mesh1',
      clusterDomain: 'cluster.local',
    });
  });

  test('a revision that is not in the values is in the name', () => {
    const found = valueOf(
      factsOf([configMap('istio-sidecar-injector', { values: '{}' }), configMap('istio-sidecar-injector-a', { values: '{}' })])
        .injectorValues,
    );
    expect(found.map((entry) => entry.revision)).toEqual(['default', 'a']);
  });

  test('values that cannot be read are counted', () => {
    expect(read([configMap('istio-sidecar-injector', { values: '{' })]).oddities['configmaps']).toBe(1);
  });
});

describe('leader elections', () => {
  const leader = {
    holderIdentity: 'istiod-1',
    holderKey: '^1-31-0',
    leaseDurationSeconds: 30,
    renewTime: '2026-11-22T21:27:40Z',
    leaderTransitions: 2,
  };
  const annotated = (text: string): Raw =>
    configMap('istio-namespace-controller-election', {}, { annotations: { 'control-plane.alpha.kubernetes.io/leader': text } });

  test('who leads, since when, and for which revision', () => {
    expect(only(factsOf([annotated(JSON.stringify(leader))]).leaderElections)).toMatchObject(leader);
  });

  test('a record that cannot be read is no election', () => {
    expect(valueOf(factsOf([annotated('{')]).leaderElections)).toEqual([]);
    expect(read([annotated('{')]).oddities['configmaps']).toBe(1);
  });

  test('absurd times are dropped', () => {
    const found = only(factsOf([annotated(JSON.stringify({ ...leader, renewTime: 'yesterday' }))]).leaderElections);
    expect(found.renewTime).toBeUndefined();
    expect(found.leaseDurationSeconds).toBe(30);
  });
});

describe('roots', () => {
  test('the root ConfigMap of every namespace', () => {
    const found = valueOf(
      factsOf([
        configMap('istio-ca-root-cert', { 'root-cert.pem': firstRoot }, { namespace: 'a' }),
        configMap('istio-ca-root-cert', { other: '' }, { namespace: 'b' }),
        configMap('istio-ca-root-cert', { 'root-cert.pem': 'no certificate' }, { namespace: 'c' }),
        configMap('my-roots', { 'root-cert.pem': firstRoot }, { namespace: 'd', labels: { 'istio.io/config': 'true' } }),
        configMap('foreign', { 'root-cert.pem': firstRoot }, { namespace: 'e' }),
      ]).rootConfigMaps,
    );
    expect(found.map((entry) => [entry.namespace, entry.certificates.length, entry.unreadable])).toEqual([
      ['a', 1, false],
      ['b', 0, true],
      ['c', 0, true],
      ['d', 1, false],
    ]);
  });

  test('the CA of the API server, once', () => {
    const facts = factsOf([
      configMap('kube-root-ca.crt', { 'ca.crt': '' }, { namespace: 'a' }),
      configMap('kube-root-ca.crt', { 'ca.crt': apiServerCaOne }, { namespace: 'b' }),
      configMap('kube-root-ca.crt', { 'ca.crt': apiServerCaOne }, { namespace: 'c' }),
    ]);
    expect(valueOf(facts.apiServerCa)).toHaveLength(1);
  });
});

import { checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true }).service('abc.shop');
const filter = (match: Readonly<Record<string, unknown>>, labels: Readonly<Record<string, string>> = { istio: 'eastwestgateway' }) =>
  remote.break((m) =>
    m.cluster('east').add({
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'EnvoyFilter',
      metadata: { name: 'sni', namespace: 'istio-system' },
      spec: {
        workloadSelector: { labels },
        configPatches: [{ applyTo: 'NETWORK_FILTER', match, patch: { operation: 'INSERT_FIRST', value: { name: 'sni_cluster' } } }],
      },
    }),
  );
const merging = (value: Readonly<Record<string, unknown>>, operation = 'MERGE') =>
  remote.break((m) =>
    m.cluster('east').add({
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'EnvoyFilter',
      metadata: { name: 'sni', namespace: 'istio-system' },
      spec: {
        workloadSelector: { labels: { istio: 'eastwestgateway' } },
        configPatches: [
          { applyTo: 'LISTENER', match: { context: 'GATEWAY', listener: { portNumber: 15443 } }, patch: { operation, value } },
        ],
      },
    }),
  );
const keepAlive = { socket_options: [{ level: 1, name: 9, int_value: 1, state: 'STATE_PREBIND' }] };
const found = 'altered-cross-network-port @ east:EnvoyFilter/istio-system/sni (warning possible)';

checkTester(check, {
  healthy: {
    'no filter': remote,
    'another port': filter({ context: 'GATEWAY', listener: { portNumber: 8080 } }),
    'every port': filter({ context: 'GATEWAY' }),
    'other pods': filter({ context: 'GATEWAY', listener: { portNumber: 15443 } }, { istio: 'ingressgateway' }),
    sidecars: filter({ context: 'SIDECAR_OUTBOUND', listener: { portNumber: 15443 } }),
    'keep-alive of connections, and a log of them': merging({ ...keepAlive, access_log: [] }),
    'two primaries': mesh().multiPrimary('east', 'west'),
  },
  broken: {
    'filters that come with keep-alive': {
      mesh: merging({ ...keepAlive, filter_chains: [] }),
      findings: [found],
    },
    'the listener is removed': { mesh: merging({}, 'REMOVE'), findings: [found] },
    'server names are rewritten': {
      mesh: filter({ context: 'GATEWAY', listener: { portNumber: 15443 } }),
      findings: [found],
    },
  },
});

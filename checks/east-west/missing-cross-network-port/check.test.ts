import { checkTester, gatewayPortLabel, gatewayWithoutCrossNetworkPort, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' });
const at = '@ west:Service/istio-system/istio-eastwestgateway';

/** Port 15443 of the Service, and what slices hold of it. */
const portWith = (change: Readonly<Record<string, unknown>>, isResolved = true) =>
  remote.edit(
    (objects) =>
      new Map(
        [...objects].map(([cluster, own]) => [
          cluster,
          own.map((object) => {
            if (cluster !== 'west' || !object.metadata.name.startsWith('istio-eastwestgateway')) return object;
            if (object.kind === 'Service') {
              const spec = object['spec'] as { readonly ports: readonly { readonly port: number }[] };
              return {
                ...object,
                spec: { ...spec, ports: spec.ports.map((port) => (port.port === 15443 ? { ...port, ...change } : port)) },
              };
            }
            if (object.kind !== 'EndpointSlice' || isResolved) return object;
            return { ...object, ports: (object['ports'] as readonly { readonly port: number }[]).filter(({ port }) => port !== 15443) };
          }),
        ]),
      ),
  );

checkTester(check, {
  healthy: {
    'port 15443 on every gateway': remote.namespace('shop', { injected: true }),
    'ambient gateways have 15008 only (FP-14)': mesh().ambient('east', 'west'),
    'a container port by name': portWith({ targetPort: 'tls' }),
    'one network': mesh().primaryRemote('east', 'west', { networks: 1 }),
    'another port, named by the label': remote
      .break((m) =>
        m.cluster('west').patch('Service', 'istio-system', 'istio-eastwestgateway', {
          spec: { ports: [{ name: 'tls', port: 443, targetPort: 15443, protocol: 'TCP' }] },
        }),
      )
      .edit(gatewayPortLabel({ cluster: 'west', port: '443' })),
  },
  broken: {
    'its port is one of UDP': {
      mesh: portWith({ protocol: 'UDP' }),
      findings: [`missing-cross-network-port/notTcp ${at}`],
    },
    'its port leads to the name of a container port that no pod has': {
      mesh: portWith({ targetPort: 'https-mesh' }, false),
      findings: [`missing-cross-network-port/unresolved ${at}`],
    },
    'a second Service with the label, for istiod only': {
      mesh: remote.break((m) =>
        m.cluster('west').add({
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'second', namespace: 'istio-system', labels: { 'topology.istio.io/network': 'network2' } },
          spec: { type: 'LoadBalancer', selector: { istio: 'eastwestgateway' }, ports: [{ name: 'tls', port: 15012, targetPort: 15012 }] },
          status: { loadBalancer: { ingress: [{ ip: '192.0.2.60' }] } },
        }),
      ),
      findings: ['missing-cross-network-port/missing @ west:Service/istio-system/second (warning likely)'],
    },
    'the Service of the remote lacks 15443': {
      mesh: remote.edit(gatewayWithoutCrossNetworkPort({ cluster: 'west' })),
      findings: [`missing-cross-network-port/missing ${at}`],
    },
    'the label names a port that the Service does not have': {
      mesh: remote.edit(gatewayPortLabel({ cluster: 'west', port: '31443' })),
      findings: [`missing-cross-network-port/missing ${at}`],
    },
    'the label is no number': {
      mesh: remote.edit(gatewayPortLabel({ cluster: 'west', port: 'tls' })),
      findings: [`missing-cross-network-port/unreadable ${at} (warning certain)`],
    },
  },
});

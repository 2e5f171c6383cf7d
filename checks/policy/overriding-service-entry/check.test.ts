import { checkTester, mesh, type MeshBuilder, withIstiodEnv } from 'meshdoctor/testkit';
import check from './check.ts';

const base = (built: MeshBuilder): MeshBuilder =>
  built.namespace('shop', { injected: true }).namespace('callers', { injected: true }).workload('curl.callers');
const both = base(mesh().primaryRemote('east', 'west')).service('cart.shop');
const host = 'cart.shop.svc.cluster.local';

const entry =
  (namespace: string, spec: object, cluster = 'east') =>
  (m: Parameters<Parameters<MeshBuilder['break']>[0]>[0]) =>
    m.cluster(cluster).add({
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { name: 'cart', namespace },
      spec: { hosts: [host], location: 'MESH_INTERNAL', ports: [{ name: 'http', number: 80, protocol: 'HTTP' }], ...spec },
    });
const looked = { resolution: 'DNS' };
const gateway = { address: '10.200.2.1', ports: { http: 15443 } };
const at = (namespace: string): string => `@ east:ServiceEntry/${namespace}/cart`;

checkTester(check, {
  healthy: {
    'nobody names a Service': both,
    'an entry of another host': both.break(entry('callers', { ...looked, hosts: ['api.example.com'] })),
    'an entry where neither callers nor the Service are: the Service wins': both.namespace('other').break(entry('other', { ...looked })),
    'an entry of callers that names who is to be called instead': both.break(
      entry('callers', { resolution: 'STATIC', endpoints: [{ address: '192.0.2.10' }] }),
    ),
    'an entry of callers that is for another namespace': both.break(entry('callers', { ...looked, exportTo: ['shop'] })),
    'a release that prefers Services': base(mesh().primaryRemote('east', 'west', { release: '1.20.8' }))
      .service('cart.shop')
      .break(entry('callers', looked)),
    'istiod was told to prefer Services': both
      .edit(withIstiodEnv('east', { PILOT_UNIFIED_SIDECAR_SCOPE: 'false' }))
      .break(entry('callers', looked)),
    'a Sidecar that lets callers know the entry alone': both.break(entry('callers', looked)).break((m) =>
      m.cluster('east').add({
        apiVersion: 'networking.istio.io/v1',
        kind: 'Sidecar',
        metadata: { name: 'default', namespace: 'callers' },
        spec: { egress: [{ hosts: ['./*', 'istio-system/*'] }] },
      }),
    ),
    'a virtual machine that serves beside the pods': both.break(
      entry('shop', { resolution: 'STATIC', endpoints: [{ address: '192.0.2.20', serviceAccount: 'cart' }] }),
    ),
    'a gateway beside the pods, which is sent mutual TLS': both.break(
      entry('shop', { resolution: 'STATIC', endpoints: [{ ...gateway, serviceAccount: 'cart' }] }),
    ),
    'a gateway beside the pods, under a port name that the Service does not have': both.break(
      entry('shop', {
        resolution: 'STATIC',
        ports: [{ name: 'web', number: 80, protocol: 'HTTP' }],
        endpoints: [{ ...gateway, ports: { web: 15443 } }],
      }),
    ),
    'a service of the callers’ own cluster, which loses nothing': mesh()
      .primaryRemote('east', 'west')
      .namespace('shop', { injected: true })
      .namespace('callers', { injected: true })
      .workload('curl.callers', { in: ['east'] })
      .service('cart.shop', { in: ['east'] })
      .break(entry('callers', looked)),
  },
  broken: {
    'callers are sent to their own cluster alone': {
      mesh: both.break(entry('callers', looked)),
      findings: [`overriding-service-entry/kept ${at('callers')} (warning likely)`],
    },
    'callers find nobody, since the pods are elsewhere': {
      mesh: base(mesh().primaryRemote('east', 'west'))
        .service('cart.shop', { in: ['west'] })
        .break(entry('callers', looked)),
      findings: [`overriding-service-entry/unresolved ${at('callers')} (error likely)`],
    },
    'a gateway is among the endpoints of the Service, in plain text': {
      mesh: both.break(entry('shop', { resolution: 'STATIC', endpoints: [gateway] })),
      findings: [`overriding-service-entry/joining ${at('shop')} (error likely)`],
    },
  },
});

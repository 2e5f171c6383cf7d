import { checkTester, injectorServiceDeleted, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const revisioned = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const plain = mesh().primaryRemote(east, west);
const host = 'istiod.east.example.com';

/** What the installer makes of a host name in remotePilotAddress. */
const named = (from: typeof plain, service: string) =>
  from.break((m) =>
    m
      .cluster(west)
      .patch('Service', 'istio-system', service, {
        spec: { type: 'ExternalName', externalName: host, clusterIP: null, clusterIPs: null, ipFamilies: null, ipFamilyPolicy: null },
      })
      .remove('EndpointSlice', 'istio-system', service),
  );
const called = { url: `https://${host}:15017/inject/cluster/west/net/network2`, service: null };

checkTester(check, {
  healthy: {
    'a Service with an address': revisioned,
    'without a name': plain,
    'an old release': mesh().primaryRemote(east, west, { revision: '1-24-6', release: '1.24.6' }),
    'two primaries': mesh().multiPrimary(east, west),
    'webhooks that call a url': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    ambient: mesh().ambient(east, west),
    'a host name for the proxies, a url for the webhooks': named(revisioned, 'istiod-1-31-0').break((m) =>
      ['istio-sidecar-injector-1-31-0', 'istio-revision-tag-default'].reduce(
        (cluster, name) =>
          cluster.patch('MutatingWebhookConfiguration', undefined, name, (object) => ({
            ...object,
            webhooks: (Array.isArray(object['webhooks']) ? object['webhooks'] : []).map((webhook: object) => ({
              ...webhook,
              clientConfig: called,
            })),
          })),
        m.cluster(west),
      ),
    ),
    'no Service at all, which is another fault': revisioned.edit(injectorServiceDeleted({ cluster: west })),
    'ExternalNames of applications': plain.break((m) =>
      m.cluster(west).add({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'database', namespace: 'default' },
        spec: { type: 'ExternalName', externalName: 'db.example.com' },
      }),
    ),
  },
  broken: {
    'a host name as address of the primary': {
      mesh: named(revisioned, 'istiod-1-31-0'),
      findings: ['external-name-injector-service @ west:Service/istio-system/istiod-1-31-0 (error certain)'],
    },
    'no namespace asks for it': {
      mesh: named(plain, 'istiod'),
      findings: ['external-name-injector-service @ west:Service/istio-system/istiod (warning certain)'],
    },
  },
});

import { checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const policy = (name: string, namespace: string, spec: Readonly<Record<string, unknown>>, cluster = 'east') =>
  [cluster, { apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name, namespace }, spec }] as const;

const remote = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { targetPort: 8080 })
  .service('only.shop', { in: ['west'] });
const stub = remote.service('stub.shop', { in: ['west'] }).service('stub.shop', { in: ['east'], withoutWorkload: true });
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('abc.shop', { targetPort: 8080 });

const off = { mtls: { mode: 'DISABLE' } };
const withPolicy = (base: typeof remote, [cluster, object]: ReturnType<typeof policy>) => base.break((m) => m.cluster(cluster).add(object));

checkTester(check, {
  healthy: {
    'no policy': remote,
    'a strict mesh': withPolicy(remote, policy('default', 'istio-system', { mtls: { mode: 'STRICT' } })),
    'turned off for a namespace without services that others call': withPolicy(
      mesh()
        .primaryRemote('east', 'west')
        .namespace('shop', { injected: true })
        .service('abc.shop')
        .namespace('plain')
        .workload('batch.plain'),
      policy('default', 'plain', off),
    ),
    'turned off for a port that no service has': withPolicy(
      remote,
      policy('admin', 'shop', { selector: { matchLabels: { app: 'abc' } }, portLevelMtls: { 9090: { mode: 'DISABLE' } } }),
    ),
    'turned off for the port of the Service, which is not that of the workload': withPolicy(
      remote,
      policy('admin', 'shop', { selector: { matchLabels: { app: 'abc' } }, portLevelMtls: { 80: { mode: 'DISABLE' } } }),
    ),
    'turned off by a policy with a selector in the root namespace, which counts for nobody': withPolicy(
      remote,
      policy('abc', 'istio-system', { selector: { matchLabels: { app: 'abc' } }, ...off }),
    ),
    'turned off for ports without a selector': withPolicy(
      remote,
      policy('default', 'shop', { portLevelMtls: { 8080: { mode: 'DISABLE' } } }),
    ),
    'turned off in the mesh and on again in the namespace': withPolicy(
      withPolicy(remote, policy('default', 'istio-system', off)),
      policy('default', 'shop', { mtls: { mode: 'STRICT' } }),
    ),
    'in a remote, where nobody reads it': withPolicy(remote, policy('default', 'shop', off, 'west')),
    'one network': withPolicy(
      mesh().primaryRemote('east', 'west', { networks: 1 }).namespace('shop', { injected: true }).service('abc.shop'),
      policy('default', 'shop', off),
    ),
    'a service whose pods have no sidecar': withPolicy(
      mesh().primaryRemote('east', 'west').namespace('shop').service('abc.shop').namespace('other', { injected: true }).service('x.other'),
      policy('default', 'shop', off),
    ),
    'another revision of istiod': withPolicy(remote, [
      'east',
      {
        apiVersion: 'security.istio.io/v1',
        kind: 'PeerAuthentication',
        metadata: { name: 'default', namespace: 'shop', labels: { 'istio.io/rev': '1-29-2' } },
        spec: off,
      },
    ] as never),
    'an ambient mesh': mesh().ambient('east', 'west'),
  },
  broken: {
    'a DestinationRule keeps callers away, too': {
      mesh: withPolicy(remote, policy('default', 'shop', off)).break((m) =>
        m.cluster('east').add({
          apiVersion: 'networking.istio.io/v1',
          kind: 'DestinationRule',
          metadata: { name: 'abc', namespace: 'shop' },
          spec: { host: 'abc.shop.svc.cluster.local', trafficPolicy: { tls: { mode: 'SIMPLE' } } },
        }),
      ),
      findings: ['disabled-mutual-tls @ east:PeerAuthentication/shop/default'],
    },
    'turned off for a namespace whose services every cluster has': {
      mesh: withPolicy(remote, policy('default', 'shop', off)),
      findings: ['disabled-mutual-tls @ east:PeerAuthentication/shop/default (warning likely)'],
    },
    'turned off for the mesh': {
      mesh: withPolicy(remote, policy('default', 'istio-system', off)),
      findings: ['disabled-mutual-tls @ east:PeerAuthentication/istio-system/default (warning likely)'],
    },
    'turned off for a service that the callers know by a Service without pods': {
      mesh: withPolicy(stub, policy('stub', 'shop', { selector: { matchLabels: { app: 'stub' } }, ...off })),
      findings: ['disabled-mutual-tls @ east:PeerAuthentication/shop/stub (error certain)'],
    },
    'turned off for the port of the workload': {
      mesh: withPolicy(
        remote,
        policy('abc', 'shop', { selector: { matchLabels: { app: 'abc' } }, portLevelMtls: { 8080: { mode: 'DISABLE' } } }),
      ),
      findings: ['disabled-mutual-tls @ east:PeerAuthentication/shop/abc (warning likely)'],
    },
    'turned off in the cluster of one of two primaries, whose gateway then knows no endpoint': {
      mesh: withPolicy(peers, policy('default', 'shop', off, 'west')),
      findings: ['disabled-mutual-tls @ west:PeerAuthentication/shop/default (error certain)'],
    },
  },
});

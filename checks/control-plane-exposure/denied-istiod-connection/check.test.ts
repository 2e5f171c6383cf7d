import { checkTester, exposureDeleted, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

type Spec = Readonly<Record<string, unknown>>;
const policy = (spec: Spec, options: { namespace?: string; name?: string; annotations?: Readonly<Record<string, string>> } = {}) => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: {
    name: options.name ?? 'guard',
    namespace: options.namespace ?? 'istio-system',
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
  },
  spec,
});

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true }).service('abc.shop');
const east = (...objects: ReturnType<typeof policy>[]) =>
  remote.break((m) => objects.reduce((cluster, object) => cluster.add(object), m.cluster('east')));
const at = 'east:AuthorizationPolicy/istio-system/guard';
const toIstiod = { to: [{ operation: { ports: ['15012', '15017'] } }] };

checkTester(check, {
  healthy: {
    'no policy': remote,
    'nothing is allowed in a namespace of applications': east(policy({}, { namespace: 'shop' })),
    'nothing is allowed but what the gateway takes': east(policy({}), policy({ rules: [toIstiod] }, { name: 'gateway' })),
    'a policy of other pods': east(policy({ selector: { matchLabels: { app: 'istio-ingressgateway' } } })),
    'a policy that is only tried out': east(policy({}, { annotations: { 'istio.io/dry-run': 'true' } })),
    'a policy by addresses': east(policy({ rules: [{ from: [{ source: { ipBlocks: ['192.0.2.0/24'] } }] }] })),
    'identities are denied that the gateway cannot see': east(
      policy({ action: 'DENY', rules: [{ from: [{ source: { namespaces: ['test'] } }] }] }),
    ),
    'another port is denied': east(policy({ action: 'DENY', rules: [{ to: [{ operation: { ports: ['8080'] } }] }] })),
    'the server name of istiod is allowed': east(
      policy({ rules: [{ when: [{ key: 'connection.sni', values: ['istiod-1-31-0.istio-system.svc'] }] }] }),
    ),
    'in the remote, where nobody reads it': remote.break((m) => m.cluster('west').add(policy({}))),
    'two primaries, which expose no istiod': mesh()
      .multiPrimary('east', 'west')
      .break((m) => m.cluster('east').add(policy({}))),
  },
  broken: {
    'nothing is allowed anywhere': { mesh: east(policy({})), findings: [`denied-istiod-connection @ ${at} (error likely)`] },
    'identities are allowed, which a gateway that passes TLS through does not see': {
      mesh: east(policy({ rules: [{ from: [{ source: { principals: ['cluster.local/ns/shop/sa/default'] } }] }] })),
      findings: [`denied-istiod-connection @ ${at}`],
    },
    'paths are allowed, which are no matter of connections': {
      mesh: east(policy({ rules: [{ to: [{ operation: { paths: ['/healthz'], ports: ['15012'] } }] }] })),
      findings: [`denied-istiod-connection @ ${at}`],
    },
    'paths are denied, and with them every connection': {
      mesh: east(policy({ action: 'DENY', rules: [{ to: [{ operation: { paths: ['/admin'] } }] }] })),
      findings: [`denied-istiod-connection @ ${at}`],
    },
    'one of the two ports is denied': {
      mesh: east(policy({ action: 'DENY', rules: [{ to: [{ operation: { ports: ['15017'] } }] }] })),
      findings: [`denied-istiod-connection @ ${at}`],
    },
    'nothing leads on from the gateway either': {
      mesh: east(policy({})).edit(exposureDeleted({ cluster: 'east', what: 'gateway' })),
      findings: [`denied-istiod-connection @ ${at}`],
    },
    'only services may be reached through the gateway': {
      mesh: east(
        policy({ rules: [{ to: [{ operation: { ports: ['15443'] } }] }], selector: { matchLabels: { istio: 'eastwestgateway' } } }),
      ),
      findings: [`denied-istiod-connection @ ${at}`],
    },
  },
});

import { checkTester, mesh, type MeshBuilder } from 'meshdoctor/testkit';
import check from './check.ts';

const peopled = (built: MeshBuilder): MeshBuilder =>
  built.namespace('shop', { injected: true }).service('cart.shop').namespace('callers', { injected: true }).workload('curl.callers');
const base = peopled(mesh().primaryRemote('east', 'west'));
const flat = peopled(mesh().primaryRemote('east', 'west', { networks: 1 }));

/** Addresses of running pods of an application, as the builder gave them. */
function addressesOf(built: MeshBuilder, cluster: string, app: string): string[] {
  return (built.objects().get(cluster) ?? []).flatMap((object) => {
    const status = object['status'] as { podIP?: string } | undefined; // as the builder writes pods
    return object.kind === 'Pod' && object.metadata.labels?.['app'] === app && status?.podIP !== undefined ? [status.podIP] : [];
  });
}

function withPolicy(built: MeshBuilder, spec: object, namespace = 'shop', name = 'cart'): MeshBuilder {
  return built.break((m) =>
    m.cluster('east').add({ apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name, namespace }, spec }),
  );
}
const from = (source: object, action = 'ALLOW') => ({ action, rules: [{ from: [{ source }] }] });

/** Proxies of a cluster were given another trust domain. */
function ofTrustDomain(built: MeshBuilder, cluster: string, trustDomain: string): MeshBuilder {
  return built.edit((objects) =>
    new Map(objects).set(
      cluster,
      (objects.get(cluster) ?? []).map((object) =>
        object.kind === 'Pod' && object.metadata.namespace === 'callers'
          ? (JSON.parse(JSON.stringify(object).replaceAll(/("name":"TRUST_DOMAIN","value":")[^"]*/g, `$1${trustDomain}`)) as typeof object)
          : object,
      ),
    ),
  );
}

const at = '@ east:AuthorizationPolicy/shop/cart (error likely)';

checkTester(check, {
  healthy: {
    'no policy': base,
    'nobody is allowed, which is meant': withPolicy(base, {}),
    'nobody is allowed anywhere, and callers by namespace': withPolicy(
      withPolicy(base, {}, 'istio-system', 'allow-nothing'),
      from({ namespaces: ['callers'] }),
    ),
    'callers by principal': withPolicy(base, from({ principals: ['cluster.local/ns/callers/sa/default'] })),
    'others only, of whatever cluster': withPolicy(base, from({ principals: ['cluster.local/ns/other/sa/other'] })),
    'callers of every trust domain': withPolicy(
      ofTrustDomain(base, 'west', 'west.example'),
      from({ principals: ['*/ns/callers/sa/default'] }),
    ),
    'addresses of all pods of the cluster, its gateway among them': withPolicy(base, from({ ipBlocks: ['10.0.0.0/8'] })),
    'addresses of callers and of the gateways that they come through': withPolicy(
      base,
      from({
        ipBlocks: [
          ...addressesOf(base, 'east', 'curl'),
          ...addressesOf(base, 'west', 'curl'),
          ...addressesOf(base, 'east', 'istio-eastwestgateway'),
          ...addressesOf(base, 'west', 'istio-eastwestgateway'),
        ],
      }),
    ),
    'addresses of callers of both clusters on one network': withPolicy(
      flat,
      from({ ipBlocks: [...addressesOf(flat, 'east', 'curl'), ...addressesOf(flat, 'west', 'curl')] }),
    ),
    'a policy that is only tried': withPolicy(base, from({ ipBlocks: addressesOf(base, 'east', 'curl') })).break((m) =>
      m.cluster('east').annotate('AuthorizationPolicy', 'shop', 'cart', { 'istio.io/dry-run': 'true' }),
    ),
    'callers that one cluster alone has': withPolicy(
      mesh()
        .primaryRemote('east', 'west')
        .namespace('shop', { injected: true })
        .service('cart.shop')
        .namespace('callers', { injected: true })
        .workload('curl.callers', { in: ['east'] }),
      from({ ipBlocks: ['192.0.2.0/24'] }),
    ),
  },
  broken: {
    'addresses of callers where the service is': {
      mesh: withPolicy(base, from({ ipBlocks: addressesOf(base, 'east', 'curl') })),
      findings: [`uneven-authorization ${at}`],
    },
    'the same on one network': {
      mesh: withPolicy(flat, from({ ipBlocks: addressesOf(flat, 'east', 'curl') })),
      findings: [`uneven-authorization ${at}`],
    },
    'the same as a condition': {
      mesh: withPolicy(flat, { rules: [{ when: [{ key: 'source.ip', values: addressesOf(flat, 'east', 'curl') }] }] }),
      findings: [`uneven-authorization ${at}`],
    },
    'a principal whose trust domain pods of the other cluster do not have': {
      mesh: withPolicy(ofTrustDomain(base, 'west', 'west.example'), from({ principals: ['cluster.local/ns/callers/sa/default'] })),
      findings: [`uneven-authorization ${at}`],
    },
    'who is not of one trust domain is denied': {
      mesh: withPolicy(ofTrustDomain(base, 'west', 'west.example'), from({ notTrustDomains: ['cluster.local'] }, 'DENY')),
      findings: [`uneven-authorization ${at}`],
    },
  },
});

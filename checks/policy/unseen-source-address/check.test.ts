import { checkTester, mesh, type MeshBuilder } from 'meshdoctor/testkit';
import check from './check.ts';

const base = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true }).service('cart.shop').workload('client.shop');
const flat = mesh()
  .primaryRemote('east', 'west', { networks: 1 })
  .namespace('shop', { injected: true })
  .service('cart.shop')
  .workload('client.shop');

/** Addresses of running pods of an application, as the builder gave them. */
function addressesOf(built: MeshBuilder, cluster: string, app: string): string[] {
  return (built.objects().get(cluster) ?? []).flatMap((object) => {
    const status = object['status'] as { podIP?: string } | undefined; // as the builder writes pods
    return object.kind === 'Pod' && object.metadata.labels?.['app'] === app && status?.podIP !== undefined ? [status.podIP] : [];
  });
}

function withPolicy(built: MeshBuilder, ipBlocks: readonly string[], action = 'ALLOW', key = 'ipBlocks'): MeshBuilder {
  return built.edit((objects) =>
    new Map(objects).set('east', [
      ...(objects.get('east') ?? []),
      {
        apiVersion: 'security.istio.io/v1',
        kind: 'AuthorizationPolicy',
        metadata: { name: 'by-address', namespace: 'shop' },
        spec: { selector: { matchLabels: { app: 'cart' } }, action, rules: [{ from: [{ source: { [key]: ipBlocks } }] }] },
      },
    ]),
  );
}
const [ofWest = ''] = addressesOf(base, 'west', 'client');
const [ofEast = ''] = addressesOf(base, 'east', 'client');
const at = 'east:AuthorizationPolicy/shop/by-address';

checkTester(check, {
  healthy: {
    'no policy': base,
    'every address': withPolicy(base, ['0.0.0.0/0']),
    'addresses of nobody who is known': withPolicy(base, ['192.0.2.0/24']),
    'one network, where addresses are seen': withPolicy(flat, addressesOf(flat, 'west', 'client')),
    'addresses of gateways beside those of pods': withPolicy(base, [
      ofWest,
      ofEast,
      ...addressesOf(base, 'east', 'istio-eastwestgateway'),
      ...addressesOf(base, 'west', 'istio-eastwestgateway'),
    ]),
  },
  broken: {
    'pods of the other network are allowed by address': {
      mesh: withPolicy(base, [`${ofWest}/32`]),
      findings: [`unseen-source-address/allowed @ ${at} (error likely)`],
    },
    'pods of the other network are allowed by the address that a header would have': {
      mesh: withPolicy(base, [`${ofWest}/32`], 'ALLOW', 'remoteIpBlocks'),
      findings: [`unseen-source-address/allowed @ ${at} (error likely)`],
    },
    'pods of the other network are denied by address': {
      mesh: withPolicy(base, [ofWest], 'DENY'),
      findings: [`unseen-source-address/denied @ ${at} (warning likely)`],
    },
  },
});

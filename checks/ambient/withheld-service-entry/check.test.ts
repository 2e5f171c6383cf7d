import { checkTester, inOrder, mesh, objectsAdded, withIstiodEnv } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = (release = '1.31.0') =>
  mesh().primaryRemote('east', 'west', { networks: 2, release }).namespace('shop', { injected: true }).service('abc.shop');
const on = withIstiodEnv('east', { PILOT_ENABLE_AMBIENT: 'true', AMBIENT_ENABLE_MULTI_NETWORK: 'true' });
const entry = (spec: Readonly<Record<string, unknown>>, name = 'outside') =>
  objectsAdded({
    cluster: 'east',
    objects: [
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'ServiceEntry',
        metadata: { name, namespace: 'shop' },
        spec: { hosts: [`${name}.example.com`], ports: [{ number: 443, name: 'tls', protocol: 'TLS' }], ...spec },
      },
    ],
  });
const found = ['withheld-service-entry @ east:ServiceEntry/shop/outside'];

checkTester(check, {
  healthy: {
    'ambient is off': remote().edit(entry({ resolution: 'DNS' })),
    'no entry': remote().edit(on),
    'an entry without DNS': remote().edit(inOrder(on, entry({ resolution: 'NONE' }))),
    'an entry for another namespace': remote().edit(inOrder(on, entry({ resolution: 'DNS', exportTo: ['elsewhere'] }))),
    'a release before it': remote('1.28.6').edit(inOrder(on, entry({ resolution: 'DNS' }))),
    'two primaries': mesh()
      .multiPrimary('east', 'west', { networks: 2 })
      .namespace('shop', { injected: true })
      .service('abc.shop')
      .edit(inOrder(on, entry({ resolution: 'DNS' }))),
  },
  broken: {
    'an entry of DNS': { mesh: remote().edit(inOrder(on, entry({ resolution: 'DNS' }))), findings: found },
    'for its own namespace, by one name of many': {
      mesh: remote('1.30.0').edit(
        inOrder(on, entry({ resolution: 'DNS_ROUND_ROBIN', exportTo: ['.'] }), entry({ resolution: 'STATIC' }, 'fixed')),
      ),
      findings: found,
    },
  },
});

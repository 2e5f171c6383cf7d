import { checkTester, mesh, type MeshBuilder } from 'meshdoctor/testkit';
import check from './check.ts';

type Spec = Readonly<Record<string, unknown>>;
const shop = (built: MeshBuilder): MeshBuilder =>
  built
    .namespace('shop', { injected: true })
    .service('abc.shop')
    .service('far.shop', { in: ['west'] })
    .service('far.shop', { in: ['east'], withoutWorkload: true })
    .service('gone.shop', { withoutWorkload: true })
    .workload('curl.shop');
const peers = shop(mesh().multiPrimary('east', 'west'));
const remote = shop(mesh().primaryRemote('east', 'west'));
// Nodes of east are in region-1, those of west in region-2.
const home = [{ from: 'region-1/*', to: { 'region-1/*': 100 } }];
const ruled = (built: MeshBuilder, host: string, distribute: readonly Spec[], more: Spec = {}): MeshBuilder =>
  built.break((m) =>
    m.cluster('east').add({
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'home', namespace: 'shop' },
      spec: { host, trafficPolicy: { loadBalancer: { localityLbSetting: { distribute, ...more } } } },
    }),
  );
const found = 'unserved-locality @ east:DestinationRule/shop/home';

checkTester(check, {
  healthy: {
    'no rule': peers,
    'calls stay in a region that serves': ruled(peers, 'abc', home),
    'a share goes where endpoints are': ruled(peers, 'far', [{ from: 'region-1/*', to: { 'region-1/*': 99, 'region-2/*': 1 } }]),
    'any region may serve': ruled(peers, 'far', [{ from: '*', to: { '*': 100 } }]),
    'calls from a region without callers': ruled(peers, 'far', [{ from: 'region-7/*', to: { 'region-7/*': 100 } }]),
    'turned off': ruled(peers, 'far', home, { enabled: false }),
    'a service without any endpoint': ruled(peers, 'gone', home),
    'a host outside the mesh': ruled(peers, 'api.example.com', home),
    'endpoints that nobody knows the place of': ruled(peers, 'far', home).edit(
      (objects) =>
        new Map(
          [...objects].map(([cluster, own]) => [
            cluster,
            own.map((object) =>
              object.kind === 'Node' && cluster === 'west' ? { ...object, metadata: { ...object.metadata, labels: {} } } : object,
            ),
          ]),
        ),
    ),
  },
  broken: {
    'calls stay in a region that has nothing': { mesh: ruled(peers, 'far', home), findings: [`${found} (error certain)`] },
    'calls go to a region that is gone': {
      mesh: ruled(peers, 'abc', [{ from: '*', to: { 'region-9/*': 100 } }]),
      findings: [`${found} (error certain)`],
    },
    'calls go to a zone that has nothing': {
      mesh: ruled(peers, 'abc', [{ from: 'region-1/*', to: { 'region-1/region-1-z': 100 } }]),
      findings: [`${found} (error certain)`],
    },
    'the first entry counts': {
      mesh: ruled(peers, 'far', [...home, { from: '*', to: { '*': 100 } }]),
      findings: [`${found} (error certain)`],
    },
    'callers of a remote': {
      mesh: ruled(remote, 'abc', [{ from: 'region-2/*', to: { 'region-3/*': 100 } }]),
      findings: [`${found} (error certain)`],
    },
  },
});

import {
  checkTester,
  gatewayRevision,
  gatewayScaledToZero,
  gatewayServiceSelects,
  gatewayUnready,
  inOrder,
  mesh,
  neverExternal,
  remoteReinstalledAs,
} from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true });
const west = { cluster: 'west' };
const at = '@ west:Service/istio-system/istio-eastwestgateway';

/** A second gateway that nobody is sent to yet. */
const idle = (labelled: boolean) =>
  inOrder(gatewayScaledToZero(west), (objects) => {
    const own = objects.get('west') ?? [];
    const service = own.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'istio-eastwestgateway');
    if (service === undefined) throw new Error('There is no gateway.');
    const { [network]: name = '', ...labels } = service.metadata.labels ?? {};
    const spec = { ...(service['spec'] as object), selector: { app: 'blue' } };
    const blue = { ...service, metadata: { ...service.metadata, name: 'blue', labels: { ...labels, [network]: name } }, spec };
    const serving = pod('blue', { app: 'blue' });
    return new Map(objects).set('west', [
      ...own.filter((object) => object !== service),
      blue,
      serving,
      labelled ? service : { ...service, metadata: { ...service.metadata, labels } },
    ]);
  });
const network = 'topology.istio.io/network';
const pod = (name: string, labels: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'istio-system', labels },
  spec: { containers: [{ name: 'istio-proxy', image: 'x' }] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], podIP: '10.2.0.99' },
});

checkTester(check, {
  healthy: {
    'one ready pod is enough': remote,
    'two primaries': mesh().multiPrimary('east', 'west'),
    'a gateway for istiod only': mesh().primaryRemote('east', 'west', { networks: 1 }),
    'an ambient mesh': mesh().ambient('east', 'west'),
    'a second one is scaled to nothing, and nobody is sent there': remote.edit(idle(false)),
    'an old release': mesh().primaryRemote('east', 'west', { release: '1.24.6', revision: '1-24-6' }),
    'a rollout that cannot finish while the old pod serves': remote.edit(
      gatewayRevision({ ...west, revision: '1-29-2', since: 'changed' }),
    ),
  },
  broken: {
    'one of two is scaled to nothing, and calls are still sent there': {
      mesh: remote.edit(idle(true)),
      findings: [`unready-east-west-gateway/scaledToZero ${at}`],
    },
    'scaled to nothing': { mesh: remote.edit(gatewayScaledToZero(west)), findings: [`unready-east-west-gateway/scaledToZero ${at}`] },
    'its pods are not ready': { mesh: remote.edit(gatewayUnready(west)), findings: [`unready-east-west-gateway/notReady ${at}`] },
    'its Service selects nothing': {
      mesh: remote.edit(gatewayServiceSelects({ ...west, selector: { app: 'another' } })),
      findings: [`unready-east-west-gateway/noPods ${at}`],
    },
    'nobody injects it': {
      mesh: remote.edit(gatewayRevision({ ...west, revision: '1-29-2', since: 'installed' })),
      findings: [`unready-east-west-gateway/uninjected ${at}`],
    },
    'its pods were never created': {
      mesh: remote.edit(neverExternal({ cluster: 'east', remote: 'west' })),
      findings: [`unready-east-west-gateway/uncreated ${at}`],
    },
    'istiod refuses them': {
      mesh: remote.edit(remoteReinstalledAs({ cluster: 'west', id: 'far-west' })),
      findings: [`unready-east-west-gateway/refused ${at}`],
    },
  },
});

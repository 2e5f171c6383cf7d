import { checkTester, discoverySelectors, injectedWith, mesh, type MeshBuilder, podsAnnotated } from 'meshdoctor/testkit';
import check from './check.ts';

const withCallers = (built: MeshBuilder): MeshBuilder =>
  built.namespace('shop', { injected: true }).namespace('callers', { injected: true }).workload('curl.callers');
const remote = withCallers(mesh().primaryRemote('east', 'west', { networks: 2 }));
const both = remote.service('abc.shop');
const away = remote.service('abc.shop', { in: ['east'] }).service('abc.shop', { in: ['west'], replicas: 0 });
const saying = (built: MeshBuilder, key: string, value: string): MeshBuilder =>
  built.edit(podsAnnotated({ cluster: 'west', namespace: 'callers', annotations: { [`traffic.sidecar.istio.io/${key}`]: value } }));
/** What the values of the injector say, as it tells it to the init container. */
const toldOf = (built: MeshBuilder, flag: string, value: string): MeshBuilder =>
  built.edit(injectedWith({ cluster: 'west', namespace: 'callers', flag, value }));
const at = 'bypassed-sidecar @ west:Deployment/callers/curl (warning possible)';

checkTester(check, {
  healthy: {
    'nothing is kept away': away,
    'another port is': saying(away, 'excludeOutboundPorts', '3306'),
    'its own cluster has endpoints': saying(both, 'excludeOutboundPorts', '80'),
    'another interface is': saying(away, 'excludeInterfaces', 'net1'),
    'the injector takes the addresses of both clusters': toldOf(away, '-i', '10.96.0.0/12'),
    'all addresses are taken': saying(away, 'includeOutboundIPRanges', '*'),
    'istiod does not look into that namespace': saying(away, 'excludeOutboundPorts', '80').edit(
      discoverySelectors({ cluster: 'east', labels: { 'kubernetes.io/metadata.name': 'istio-system' } }),
    ),
  },
  broken: {
    'the port of a service of the other cluster': { mesh: saying(away, 'excludeOutboundPorts', '80'), findings: [at] },
    'its addresses': { mesh: saying(away, 'excludeOutboundIPRanges', '10.0.0.0/8'), findings: [at] },
    'the interface of the pod': { mesh: saying(away, 'excludeInterfaces', 'eth0'), findings: [at] },
    'all addresses but those of its own cluster, by values of the injector': {
      mesh: toldOf(away, '-i', '192.0.2.0/24'),
      findings: [at],
    },
    'a block of addresses, by values of the injector': { mesh: toldOf(away, '-x', '10.0.0.0/8'), findings: [at] },
    'all addresses but those of a node': { mesh: saying(away, 'includeOutboundIPRanges', '192.0.2.0/24'), findings: [at] },
  },
});

import {
  checkTester,
  gatewayInstalledOnNetwork,
  installedWithoutNetwork,
  mesh,
  networkLabelled,
  networkLabelRemoved,
  networkRenamedWithoutRestart,
  podsLabelledForNetwork,
  workloadsWithoutNetwork,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const system = 'istio-system';
const label = 'topology.istio.io/network';
const built = (release: string) => mesh().primaryRemote(east, west, { release }).namespace('shop', { injected: true }).service('cart.shop');
const healthy = built('1.31.0');
const cart = { namespace: 'shop', app: 'cart' };

checkTester(check, {
  healthy: {
    'every proxy carries the network of its cluster': healthy,
    'two primaries': mesh().multiPrimary(east, west).namespace('shop', { injected: true }).service('cart.shop'),
    'one network': mesh().primaryRemote(east, west, { networks: 1 }).namespace('shop', { injected: true }).service('cart.shop'),
    'nobody was told a network': mesh()
      .multiPrimary(east, west, { networks: 0 })
      .namespace('shop', { injected: true })
      .service('cart.shop'),
    ambient: mesh().ambient(east, west).namespace('shop', { injected: true }).service('cart.shop'),
    'an external control plane': mesh()
      .externalControlPlane('outside', west)
      .namespace('shop', { clusters: [west], injected: true }),
    'running pods were labelled for a second network that has its gateway in their cluster': healthy
      .edit(podsLabelledForNetwork({ ...cart, cluster: west, network: 'network-vm' }))
      .break((m) =>
        m.cluster(west).add({
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { namespace: system, name: 'gateway-vm', labels: { [label]: 'network-vm' } },
          spec: { type: 'LoadBalancer', selector: { istio: 'eastwestgateway' }, ports: [{ name: 'tls', port: 15443 }] },
          status: { loadBalancer: { ingress: [{ ip: '203.0.113.77' }] } },
        }),
      ),
    'running pods were labelled again for the network that they are on': healthy.edit(
      podsLabelledForNetwork({ ...cart, cluster: west, network: 'network2' }),
    ),
    'the label was taken off running pods, for which the namespace speaks then': healthy.edit(
      podsLabelledForNetwork({ ...cart, cluster: west, network: undefined }),
    ),
    'a pod behind no Service was labelled': healthy
      .workload('batch.shop', { in: [west] })
      .edit(podsLabelledForNetwork({ cluster: west, namespace: 'shop', app: 'batch', network: 'net-1' })),
    'the namespace lost its label, which is another fault': healthy.edit(networkLabelRemoved({ cluster: west })),
    'the gateway is of another network, and its own pods with it': healthy.edit(
      gatewayInstalledOnNetwork({ cluster: west, network: 'network-2' }),
    ),
    'the label of the namespace was copied from elsewhere, which is another fault': healthy.edit(
      networkLabelled({ cluster: west, network: 'network1' }),
    ),
  },
  broken: {
    'running pods were labelled for the network of another cluster': {
      mesh: healthy.edit(podsLabelledForNetwork({ ...cart, cluster: west, network: 'network1' })),
      findings: ['stale-proxy-network/relabelled @ west:Cluster/west (error certain)'],
    },
    'running pods were labelled for a network that nobody has': {
      mesh: healthy.edit(podsLabelledForNetwork({ ...cart, cluster: east, network: 'net-1' })),
      findings: ['stale-proxy-network/relabelled @ east:Cluster/east (error certain)'],
    },
    'the same of pods from before there was a network': {
      mesh: healthy
        .edit(workloadsWithoutNetwork({ cluster: west }))
        .edit(podsLabelledForNetwork({ ...cart, cluster: west, network: 'net-1' })),
      findings: [
        'stale-proxy-network/none @ west:Cluster/west (warning certain)',
        'stale-proxy-network/relabelled @ west:Cluster/west (error certain)',
      ],
    },
    'workloads from before there was a network; istiod 1.31 copes': {
      mesh: healthy.edit(workloadsWithoutNetwork({ cluster: west })),
      findings: ['stale-proxy-network/none @ west:Cluster/west (warning certain)'],
    },
    'the same on 1.24, which sends them pod addresses': {
      mesh: built('1.24.6').edit(workloadsWithoutNetwork({ cluster: west })),
      findings: ['stale-proxy-network/none @ west:Cluster/west (error certain)'],
    },
    'the network was renamed and nothing restarted': {
      mesh: healthy.edit(networkRenamedWithoutRestart({ cluster: west, network: 'network-west' })),
      findings: ['stale-proxy-network/other @ west:Cluster/west (error certain)'],
    },
    'the primary was installed without a network and labelled afterwards': {
      mesh: healthy.edit(installedWithoutNetwork({ cluster: east })).break((m) => m.cluster(east).relabel(system, { [label]: 'network1' })),
      findings: ['stale-proxy-network/none @ east:Cluster/east (warning certain)'],
    },
    'a workload is labelled for a network that nobody has, which the injector obeys': {
      mesh: healthy.workload('batch.shop', { labels: { [label]: 'network-9' }, in: [west] }),
      findings: ['stale-proxy-network/other @ west:Cluster/west (error certain)'],
    },
    'the version of istiod is not known': {
      mesh: healthy
        .edit(workloadsWithoutNetwork({ cluster: west }))
        .break((m) =>
          m
            .cluster(east)
            .patch(
              'Deployment',
              system,
              'istiod',
              (object) => JSON.parse(JSON.stringify(object).replaceAll('1.31.0', 'latest')) as typeof object,
            ),
        ),
      findings: ['stale-proxy-network/none @ west:Cluster/west (warning likely)'],
    },
  },
});

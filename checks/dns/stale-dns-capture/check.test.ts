import { checkTester, mesh, workloadsWithoutDnsCapture } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true });
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true });

const stale = remote.workload('client.shop').edit(workloadsWithoutDnsCapture({ cluster: 'west' }));
const proxyConfig = (namespace: string) => ({
  apiVersion: 'networking.istio.io/v1beta1',
  kind: 'ProxyConfig',
  metadata: { name: 'names', namespace },
  spec: { environmentVariables: { ISTIO_META_DNS_CAPTURE: 'false' } },
});

checkTester(check, {
  healthy: {
    'every sidecar answers DNS': remote.service('abc.shop', { in: ['east'] }).workload('client.shop'),
    'two primaries': peers.service('abc.shop', { in: ['east'] }).workload('client.shop'),
    'DNS capture is off for the mesh': mesh()
      .primaryRemote('east', 'west', { dnsCapture: false })
      .namespace('shop', { injected: true })
      .workload('client.shop', { dnsCapture: false }),
    'an ambient mesh': mesh().ambient('east', 'west').namespace('shop').workload('client.shop'),
    'an upgrade in flight': mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'a workload that turns it off itself': remote.workload('client.shop', { dnsCapture: false }),
    'a ProxyConfig turns it off for a namespace': stale.break((m) => m.cluster('east').add(proxyConfig('shop'))),
    'a ProxyConfig turns it off for all': stale.break((m) => m.cluster('east').add(proxyConfig('istio-system'))),
    'finished pods': stale.edit((objects) =>
      new Map(objects).set(
        'west',
        (objects.get('west') ?? []).map((object) =>
          object.kind === 'Pod' ? { ...object, status: { ...(object['status'] as object), phase: 'Succeeded' } } : object,
        ),
      ),
    ),
    'pods outside the mesh': remote.workload('plain.shop', { inject: false }),
  },
  broken: {
    'a workload of the remote is older than the setting': {
      mesh: remote.workload('client.shop').edit(workloadsWithoutDnsCapture({ cluster: 'west' })),
      findings: ['stale-dns-capture @ west:Cluster/west'],
    },
    'a ProxyConfig of another namespace': {
      mesh: stale.break((m) => m.cluster('east').add(proxyConfig('default'))),
      findings: ['stale-dns-capture @ west:Cluster/west (warning certain)'],
    },
    'a workload of one of two primaries is': {
      mesh: peers.workload('client.shop').edit(workloadsWithoutDnsCapture({ cluster: 'east' })),
      findings: ['stale-dns-capture @ east:Cluster/east'],
    },
  },
});

import { checkTester, mesh, type MeshBuilder, remoteSecretDeleted } from 'meshdoctor/testkit';
import check from './check.ts';

const options = { services: [{ name: 'abc', namespace: 'sample', port: 5000 }] };
const remote = mesh().primaryRemote('east', 'west').namespace('sample', { injected: true });
const called = remote.service('abc.sample', { in: ['east'], port: 5000 }).workload('client.sample', { in: ['west'] });
const uncaptured = remote
  .service('abc.sample', { in: ['east'], port: 5000 })
  .workload('client.sample', { in: ['west'], dnsCapture: false });
const peers = mesh().multiPrimary('east', 'west').namespace('sample', { injected: true });
const at = '@ west:Namespace/sample';

/** A Sidecar where istiod reads it: that of the root namespace is everybody's. */
const withSidecar = (built: MeshBuilder, namespace: string, hosts: readonly string[]): MeshBuilder =>
  built.edit((objects) =>
    new Map(objects).set('east', [
      ...(objects.get('east') ?? []),
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'Sidecar',
        metadata: { name: 'narrow', namespace },
        spec: { egress: [{ hosts: [...hosts] }] },
      },
    ]),
  );

checkTester(check, {
  healthy: {
    'sidecars of the remote answer DNS': { mesh: called, options },
    'the Service is in both clusters': {
      mesh: remote.service('abc.sample', { port: 5000 }).workload('client.sample', { in: ['west'], dnsCapture: false }),
      options,
    },
    'a Sidecar lets it through': { mesh: withSidecar(called, 'istio-system', ['istio-system/*', 'sample/*']), options },
    'a Sidecar of one of two namespaces of callers': {
      mesh: withSidecar(called.namespace('apps', { injected: true }).workload('client.apps', { in: ['west'] }), 'apps', ['./*']),
      options,
    },
    'two primaries, sidecars answer DNS': {
      mesh: peers.service('abc.sample', { in: ['east'], port: 5000 }).workload('client.sample', { in: ['west'] }),
      options,
    },
    'headless on one network': {
      mesh: mesh()
        .multiPrimary('east', 'west', { networks: 0 })
        .namespace('sample', { injected: true })
        .service('abc.sample', { in: ['east'], port: 5000, headless: true })
        .workload('client.sample', { in: ['west'] }),
      options,
    },
    'nobody asked': uncaptured,
  },
  broken: {
    'no sidecar of the remote answers DNS': { mesh: uncaptured, options, findings: [`unresolvable-service/unanswered ${at}`] },
    'the caller cluster has no such namespace either': {
      mesh: mesh()
        .primaryRemote('east', 'west')
        .namespace('sample', { injected: true, clusters: ['east'] })
        .namespace('apps', { injected: true })
        .service('abc.sample', { in: ['east'], port: 5000 })
        .workload('client.apps', { in: ['west'], dnsCapture: false }),
      options,
      findings: ['unresolvable-service/unanswered @ west:Cluster/west'],
    },
    'some sidecars answer, older ones do not': {
      mesh: called.workload('old.sample', { in: ['west'], dnsCapture: false }),
      options,
      findings: [`unresolvable-service/partly ${at} (warning certain)`],
    },
    'a headless Service on another network': {
      mesh: remote.service('abc.sample', { in: ['east'], port: 5000, headless: true }).workload('client.sample', { in: ['west'] }),
      options,
      findings: ['unresolvable-service/headless @ east:Service/sample/abc'],
    },
    'exported to its own namespace only': {
      mesh: remote
        .namespace('apps', { injected: true })
        .service('abc.sample', { in: ['east'], port: 5000 })
        .workload('client.apps', { in: ['west'] })
        .break((m) => m.cluster('east').annotate('Service', 'sample', 'abc', { 'networking.istio.io/exportTo': '.' })),
      options,
      findings: ['unresolvable-service/hidden @ east:Service/sample/abc'],
    },
    'a Sidecar of the primary keeps it from every caller': {
      mesh: withSidecar(called.workload('client.apps', { in: ['west'] }), 'istio-system', ['istio-system/*']),
      options,
      findings: ['unresolvable-service/narrowed @ east:Sidecar/istio-system/narrow'],
    },
    'a name that exists nowhere': {
      mesh: remote,
      options,
      findings: ['unresolvable-service/nowhere @ east:Deployment/istio-system/istiod'],
    },
    'a port that it does not have': {
      mesh: called,
      options: { services: [{ name: 'abc', namespace: 'sample', port: 80 }] },
      findings: ['unresolvable-service/noPort @ east:Service/sample/abc'],
    },
    'istiod of the caller does not read the other cluster': {
      mesh: peers
        .service('abc.sample', { in: ['east'], port: 5000 })
        .workload('client.sample', { in: ['west'] })
        .edit(remoteSecretDeleted({ cluster: 'west', of: 'east' })),
      options,
      findings: [],
      inconclusive: ['istiod does not read the cluster that has it @ west'],
    },
  },
});

import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit, remoteSecretDeleted } from 'meshdoctor/testkit';
import check from './check.ts';

const services = [{ namespace: 'sample', name: 'abc', port: 5000 }];
const base = mesh()
  .primaryRemote('east', 'west')
  .namespace('sample', { injected: true })
  .workload('client.sample', { in: ['west'] });
const remote = base.service('abc.sample', { in: ['east'], port: 5000 });
const both = base.service('abc.sample', { port: 5000 });
const peers = mesh()
  .multiPrimary('east', 'west')
  .namespace('sample', { injected: true })
  .service('abc.sample', { in: ['east'], port: 5000 })
  .workload('client.sample', { in: ['west'] });
const dns = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'coredns-1', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
  spec: { containers: [{ name: 'coredns', image: 'coredns:1.12.0' }] },
  status: { phase: 'Running', podIPs: [{ ip: '10.1.9.9' }], conditions: [{ type: 'Ready', status: 'True' }] },
};
const withDns = both.edit((objects) => new Map([...objects].map(([name, own]) => [name, [...own, dns]])));
const sidecarObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'Sidecar',
  metadata: { name: 'narrow', namespace: 'sample' },
  spec: { egress: [{ hosts: ['./*'] }] },
};
const hidden = remote.edit(
  (objects) => new Map([...objects].map(([name, own]) => [name, name === 'east' ? [...own, sidecarObject] : own])),
);
const at = '@ west:Namespace/sample';

const seen = (...edits: readonly ObservedEdit[]) => ({
  services,
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects, services)),
});
const unnamed = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
const answering = (rcode: string, addresses: readonly string[], via?: string): ObservedEdit =>
  observedEdits.nameAnswers('west', (answer) =>
    via === undefined || answer.via === via ? { ...answer, outcome: { answer: { rcode, addresses } } } : answer,
  );
const emptyTables = observedEdits.replicas('east', (replica) => ({
  ...replica,
  nameTables: replica.nameTables.map((table) => (table.proxy.cluster === 'west' ? { ...table, table: { answer: [] } } : table)),
}));

checkTester(check, {
  healthy: {
    'sidecars of the remote answer with the address of the primary': { mesh: remote, options: seen() },
    'the Service is in both clusters': { mesh: both, options: seen() },
    'the DNS of each cluster answers too': { mesh: withDns, options: seen() },
    'nobody named anything': { mesh: remote, options: unnamed() },
    'probes are off': remote,
    'it was to resolve nowhere, and it does not': {
      mesh: peers.edit(remoteSecretDeleted({ cluster: 'west', of: 'east' })),
      options: seen(answering('NXDOMAIN', [])),
    },
    'proxies that watch no name table, or are connected elsewhere': {
      mesh: remote,
      options: seen(
        observedEdits.replicas('east', (replica) => ({
          ...replica,
          nameTables: replica.nameTables.map((table, index) => ({ ...table, table: { answer: index === 0 ? 'none' : 'elsewhere' } })),
        })),
      ),
    },
    'the sidecar that was asked gave no answer': {
      mesh: remote,
      options: seen(
        observedEdits.nameAnswers('west', (answer) => ({ ...answer, outcome: { failed: 'timeout', reason: 'no answer within 5 s' } })),
      ),
      inconclusive: ['not everybody who was asked for names answered @ west'],
    },
    'the right to ask is missing in the remote': {
      mesh: remote,
      options: {
        services,
        observed: (objects) =>
          observedIn(objects, services).map((own) =>
            own.cluster === 'west' ? { ...own, nameAnswers: { status: 'forbidden', verb: 'create', resource: 'pods/portforward' } } : own,
          ),
      },
      inconclusive: ['no name was asked for there @ west'],
    },
  },
  broken: {
    'a sidecar does not know the name': {
      mesh: remote,
      options: seen(answering('NXDOMAIN', [])),
      findings: [`unanswered-name/unanswered ${at} (error certain)`],
    },
    'a sidecar of two primaries does not': {
      mesh: peers,
      options: seen(answering('SERVFAIL', [])),
      findings: [`unanswered-name/unanswered ${at} (error certain)`],
    },
    'neither does the DNS of a cluster that has the Service': {
      mesh: withDns,
      options: seen(answering('NOERROR', [], 'cluster')),
      findings: [`unanswered-name/unanswered ${at} (error certain)`],
    },
    'a name that nobody asked about is a sample': {
      mesh: remote,
      options: unnamed(answering('NXDOMAIN', [])),
      findings: [`unanswered-name/unanswered ${at} (warning likely)`],
    },
    'a Sidecar may hide the name': {
      mesh: hidden,
      options: seen(answering('NXDOMAIN', [])),
      findings: [`unanswered-name/unanswered ${at} (error likely)`],
    },
    'a Sidecar may hide it, and nobody asked about it': {
      mesh: hidden,
      options: unnamed(answering('NXDOMAIN', [])),
      findings: [`unanswered-name/unanswered ${at} (warning possible)`],
    },
    'an address that belongs to somebody else': {
      mesh: remote,
      options: seen(answering('NOERROR', ['192.0.2.7'])),
      findings: [`unanswered-name/otherAddress ${at} (error likely)`],
    },
    'istiod itself does not have the name': {
      mesh: remote,
      options: seen(emptyTables, answering('NXDOMAIN', [])),
      findings: [`unanswered-name/unlisted ${at} (error certain)`, `unanswered-name/unanswered ${at} (error certain)`],
    },
  },
});

import {
  checkTester,
  exportedTo,
  mesh,
  type MeshBuilder,
  observedEdits,
  observedIn,
  type ObservedEdit,
  remoteSecretDeleted,
} from 'meshdoctor/testkit';
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
  spec: { workloadSelector: { labels: { app: 'client' } }, egress: [{ hosts: ['./*'] }] },
};
const withSidecar = (object: typeof sidecarObject | typeof narrowObject): MeshBuilder =>
  remote.edit((objects) => new Map([...objects].map(([name, own]) => [name, name === 'east' ? [...own, object] : own])));
const narrowObject = { ...sidecarObject, spec: { egress: [{ hosts: ['istio-system/*'] }] } };
const hidden = withSidecar(sidecarObject);
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

/** The agent passes on what no table has: the DNS of the cluster knows the full name, and nothing of the short one without a search domain. */
const byFullNameAlone: ObservedEdit = (before) =>
  before.map((own) =>
    own.nameAnswers?.status === 'observed'
      ? {
          ...own,
          nameAnswers: {
            ...own.nameAnswers,
            value: own.nameAnswers.value.flatMap((one) =>
              one.via === 'sidecar' && one.service.name === 'abc'
                ? [
                    { ...one, outcome: { answer: { rcode: 'NOERROR', addresses: [addressOf(own.cluster)] } } },
                    { ...one, asked: 'abc.sample', outcome: { answer: { rcode: 'SERVFAIL', addresses: [] } } },
                  ]
                : [one],
            ),
          },
        }
      : own,
  );

/** The ClusterIP of abc. */
function addressOf(cluster: string): string {
  const service = (both.objects().get(cluster) ?? []).find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'abc');
  const spec = service?.['spec'] as { readonly clusterIP?: string } | undefined;
  return spec?.clusterIP ?? '';
}

/** Sidecars say this of the name that every cluster has. */
const controls =
  (rcode: string, addresses: readonly string[]): ObservedEdit =>
  (before) =>
    before.map((own) =>
      own.nameAnswers?.status === 'observed'
        ? {
            ...own,
            nameAnswers: {
              status: 'observed',
              value: own.nameAnswers.value.flatMap((answer) =>
                answer.via === 'sidecar'
                  ? [
                      answer,
                      { ...answer, service: { namespace: 'default', name: 'kubernetes' }, outcome: { answer: { rcode, addresses } } },
                    ]
                  : [answer],
              ),
            },
          }
        : own,
    );
const tables = (answer: 'none' | readonly { readonly host: string; readonly ips: readonly string[] }[]): ObservedEdit =>
  observedEdits.replicas('east', (replica) => ({
    ...replica,
    nameTables: replica.nameTables.map((table) => (table.proxy.cluster === 'west' ? { ...table, table: { answer } } : table)),
  }));
const abc = 'abc.sample.svc.cluster.local';

checkTester(check, {
  healthy: {
    'a Service that is exported to nobody is known to the DNS of its cluster, by its full name': {
      mesh: both
        .edit(exportedTo({ cluster: 'west', service: 'abc.sample', to: '~' }))
        .edit(exportedTo({ cluster: 'east', service: 'abc.sample', to: '~' })),
      options: seen(byFullNameAlone, emptyTables),
    },
    'sidecars of the remote answer with the address of the primary': { mesh: remote, options: seen() },
    'the Service is in both clusters': { mesh: both, options: seen() },
    'the DNS of each cluster answers too': { mesh: withDns, options: seen() },
    'nobody named anything': { mesh: remote, options: unnamed() },
    'a Sidecar keeps the name from everybody in the namespace of the caller': {
      mesh: withSidecar(narrowObject),
      options: unnamed(answering('NXDOMAIN', [])),
    },
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
    'a sidecar has no table yet': {
      mesh: remote,
      options: seen(answering('SERVFAIL', []), controls('SERVFAIL', [])),
      findings: [`unanswered-name/untabled ${at} (error certain)`],
    },
    'the DNS that a sidecar asks is dead': {
      mesh: remote,
      options: seen(answering('SERVFAIL', []), controls('NOERROR', ['10.96.0.1'])),
      findings: [`unanswered-name/deadUpstream ${at} (error certain)`],
    },
    'a sidecar goes by an old table': {
      mesh: remote,
      options: seen(tables([{ host: abc, ips: ['10.96.99.99'] }])),
      findings: [`unanswered-name/outdated ${at} (error likely)`],
    },
    'a sidecar is sent no table': {
      mesh: remote,
      options: seen(
        tables('none'),
        observedEdits.nameAnswers('west', (answer) => ({ ...answer, outcome: { failed: 'refused', reason: 'connection refused' } })),
      ),
      findings: [`unanswered-name/unwatched ${at} (error likely)`],
      inconclusive: ['not everybody who was asked for names answered @ west'],
    },
    'istiod itself does not have the name': {
      mesh: remote,
      options: seen(emptyTables, answering('NXDOMAIN', [])),
      findings: [`unanswered-name/unlisted ${at} (error certain)`, `unanswered-name/unanswered ${at} (error certain)`],
    },
  },
});

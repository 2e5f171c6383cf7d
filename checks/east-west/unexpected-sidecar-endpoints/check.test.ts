import { checkTester, mesh, observedEdits, observedIn, type ObservedEdit, remoteSecretDeleted } from 'meshdoctor/testkit';
import type { SidecarEndpoints } from 'meshdoctor/api';
import check from './check.ts';

const remote = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'] })
  .workload('caller.shop', { in: ['west'] });
const flat = mesh()
  .multiPrimary('east', 'west', { networks: 1 })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'] })
  .workload('caller.shop', { in: ['west'] });
const seen = (...edits: readonly ObservedEdit[]) => ({
  observed: (objects: Parameters<typeof observedIn>[0]) => edits.reduce((before, edit) => edit(before), observedIn(objects)),
});
/** What the sidecar of a cluster has for abc. */
const holding = (cluster: string, change: (addresses: SidecarEndpoints['addresses']) => SidecarEndpoints['addresses']): ObservedEdit =>
  observedEdits.sidecars(cluster, (sidecar) => ({
    ...sidecar,
    endpoints:
      'failed' in sidecar.endpoints
        ? sidecar.endpoints
        : {
            answer: sidecar.endpoints.answer.map((one) =>
              one.host.startsWith('abc.') ? { ...one, addresses: change(one.addresses) } : one,
            ),
          },
  }));
const addressOf = (objects: ReturnType<typeof remote.objects>, service: string) => {
  const slice = (objects.get('east') ?? []).find(
    ({ kind, metadata }) => kind === 'EndpointSlice' && metadata.labels?.['kubernetes.io/service-name'] === service,
  );
  const { endpoints, ports } = JSON.parse(JSON.stringify(slice)) as {
    endpoints: { addresses: string[] }[];
    ports: { port: number }[];
  };
  return { address: endpoints[0]?.addresses[0] ?? '', port: ports[0]?.port ?? 0 };
};
const caller = (objects: ReturnType<typeof remote.objects>) =>
  `west:Pod/shop/${(objects.get('west') ?? []).find(({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith('caller-'))?.metadata.name ?? ''}`;

checkTester(check, {
  healthy: {
    'a remote goes by the gateway': { mesh: remote, options: seen() },
    'one network, pod to pod': { mesh: flat, options: seen() },
    'probes are off': remote,
    'istiod has another gateway address beside the one in use': {
      mesh: remote,
      options: seen(holding('west', (addresses) => [...addresses, { address: '192.0.2.77', port: 15443 }])),
    },
    'istiod reads only its own cluster': {
      mesh: flat.edit(remoteSecretDeleted({ cluster: 'west', of: 'east' })),
      options: seen(),
    },
    'the admin port does not answer': {
      mesh: remote,
      options: seen(
        observedEdits.sidecars('west', (sidecar) => ({ ...sidecar, endpoints: { failed: 'refused', reason: 'connection refused' } })),
      ),
      inconclusive: ['not every sidecar that was asked tells its endpoints @ west'],
    },
    'a Sidecar keeps the service from its callers': {
      mesh: remote.break((m) =>
        m.cluster('east').add({
          apiVersion: 'networking.istio.io/v1',
          kind: 'Sidecar',
          metadata: { name: 'default', namespace: 'shop' },
          spec: { egress: [{ hosts: ['istio-system/*'] }] },
        }),
      ),
      options: seen(observedEdits.sidecars('west', (sidecar) => ({ ...sidecar, endpoints: { answer: [] } }))),
    },
  },
  broken: {
    'pod addresses of the other network': {
      mesh: remote,
      options: seen(holding('west', () => [addressOf(remote.objects(), 'abc')])),
      findings: [`unexpected-sidecar-endpoints/podAddresses @ ${caller(remote.objects())} (error likely)`],
    },
    'no endpoint at all': {
      mesh: remote,
      options: seen(holding('west', () => [])),
      findings: [`unexpected-sidecar-endpoints/missing @ ${caller(remote.objects())} (error likely)`],
    },
    'a gateway of yesterday': {
      mesh: remote,
      options: seen(holding('west', () => [{ address: '192.0.2.99', port: 15443 }])),
      findings: [`unexpected-sidecar-endpoints/missing @ ${caller(remote.objects())}`],
    },
    'it does not even know the service': {
      mesh: flat,
      options: seen(observedEdits.sidecars('west', (sidecar) => ({ ...sidecar, endpoints: { answer: [] } }))),
      findings: [`unexpected-sidecar-endpoints/missing @ ${caller(flat.objects())}`],
    },
    'without a clock it may be on its way': {
      mesh: remote,
      options: { ...seen(holding('west', () => [])), takenAt: 'unknown' },
      findings: [`unexpected-sidecar-endpoints/missing @ ${caller(remote.objects())} (error possible)`],
    },
  },
});

import { describe, expect, test } from 'vitest';
import { dnsCaptureOff, workloadsOptOutOfDnsCapture } from '../builder/edits/dns.ts';
import { remoteSecretDeleted } from '../builder/edits/remote-secret.ts';
import { mesh, type MeshBuilder } from '../builder/mesh.ts';
import { projectFacts } from '../collect/facts.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import type { ClusterFacts } from '../model/facts.ts';
import type { ClusterObservations } from '../model/observations.ts';
import { nameAnswers, replicas } from '../testkit/observed-edits.ts';
import { observedIn } from '../testkit/observed.ts';
import { nameCells, type NameCell } from './name-cells.ts';
import { namesToProbe } from './names.ts';
import { inferTopology } from './topology.ts';

const service = { namespace: 'shop', name: 'abc', port: 5000 };
const base = (built: MeshBuilder): MeshBuilder => built.namespace('shop', { injected: true }).workload('client.shop', { in: ['west'] });
const remote = base(mesh().primaryRemote('east', 'west', { networks: 2 })).service('abc.shop', { in: ['east'], port: 5000 });
const peers = base(mesh().multiPrimary('east', 'west', { networks: 2 })).service('abc.shop', { in: ['east'], port: 5000 });
const addressIn = (built: MeshBuilder): string => {
  const spec = built
    .objects()
    .get('east')
    ?.find((one) => one.kind === 'Service' && one.metadata.name === 'abc')?.['spec'] as { clusterIP: string };
  return spec.clusterIP;
};

type Seen = readonly ClusterObservations[];

function cells(
  built: MeshBuilder,
  seen: Seen = [],
  change: (cluster: string, facts: ClusterFacts) => ClusterFacts = (_, facts) => facts,
  complete = true,
): readonly NameCell[] {
  const { clusters } = snapshotOf(built.objects(), { complete });
  const facts = new Map(
    clusters.map((one) => [
      one.name,
      change(
        one.name,
        projectFacts(
          one,
          undefined,
          seen.find(({ cluster }) => cluster === one.name),
        ),
      ),
    ]),
  );
  const topology = inferTopology(facts);
  const [only] = topology.meshes;
  const [name] = namesToProbe(facts, topology, [service]);
  if (only === undefined || name === undefined) throw new Error('nothing to ask for');
  return nameCells(name, only, facts);
}

const from = (cluster: string, all: readonly NameCell[]): NameCell | undefined => all.find((cell) => cell.cluster === cluster);
const asked = (built: MeshBuilder): Seen => observedIn(built, [service]);

describe('predicted', () => {
  test('by DNS capture the address of the other cluster, which leads there through its gateway', () => {
    const west = from('west', cells(remote));
    expect(west).toMatchObject({
      verdict: 'predicted',
      predicted: { by: 'sidecar', addresses: [addressIn(remote)], cluster: 'east', because: 'ClusterIP of east, by DNS capture' },
      measured: [],
    });
    expect(west?.leadsTo).toEqual([{ cluster: 'east', via: 'gateway', endpoints: 1, gateway: expect.stringMatching(/:15443$/) as string }]);
  });

  test('in its own cluster the address of the Service, and its pods', () => {
    expect(from('east', cells(remote))).toMatchObject({
      verdict: 'predicted',
      predicted: { by: 'cluster-dns', addresses: [addressIn(remote)], cluster: 'east' },
      leadsTo: [{ cluster: 'east', via: 'pod', endpoints: 1 }],
    });
  });

  test('a Service of both clusters leads to the endpoints of both', () => {
    const both = base(mesh().primaryRemote('east', 'west', { networks: 2 })).service('abc.shop', { port: 5000 });
    expect(from('west', cells(both))?.leadsTo.map(({ cluster, via }) => `${cluster} ${via}`)).toEqual(['east gateway', 'west pod']);
  });

  test('nobody answers without DNS capture, and it is said where the Service is', () => {
    expect(from('west', cells(remote.edit(dnsCaptureOff({ primary: 'east', clusters: ['east', 'west'] }))))).toMatchObject({
      verdict: 'broken',
      predicted: { by: 'nobody', addresses: [] },
      because: 'it is only in east, and no sidecar of west answers DNS',
      leadsTo: [],
    });
    expect(from('west', cells(remote.edit(workloadsOptOutOfDnsCapture({ cluster: 'west' }))))?.verdict).toBe('broken');
  });

  test('nor where the istiod of the callers does not read the cluster', () => {
    expect(from('west', cells(peers.edit(remoteSecretDeleted({ cluster: 'west', of: 'east' }))))).toMatchObject({
      verdict: 'broken',
      because: 'the istiod of west does not read east',
    });
  });

  test('a name that no cluster has is broken for all', () => {
    const without = remote.break((m) => m.cluster('east').remove('Service', 'shop', 'abc'));
    expect(cells(without).map(({ verdict, because }) => [verdict, because])).toEqual([
      ['broken', 'no cluster has such a Service'],
      ['broken', 'no cluster has such a Service'],
    ]);
  });

  test('endpoints that are not ready lead nowhere', () => {
    const none = remote.edit(
      (objects) =>
        new Map(
          [...objects].map(([name, own]) => [name, own.filter((one) => one.kind !== 'EndpointSlice' || one.metadata.namespace !== 'shop')]),
        ),
    );
    expect(from('west', cells(none))).toMatchObject({ verdict: 'broken', because: 'no ready endpoint is behind it' });
  });

  test('without a gateway callers are sent to pod addresses', () => {
    const without = remote.edit(
      (objects) =>
        new Map(
          [...objects].map(([name, own]) => [
            name,
            own.filter((one) => one.kind !== 'Service' || one.metadata.name !== 'istio-eastwestgateway'),
          ]),
        ),
    );
    const raw = from('west', cells(without));
    expect(raw).toMatchObject({
      verdict: 'broken',
      because: 'callers are sent to pod addresses of another network, which has no gateway',
      leadsTo: [{ cluster: 'east', via: 'raw', endpoints: 1 }],
    });
  });
});

describe('unknown, where it cannot be told', () => {
  test('Services of the caller were not read, or not all of them', () => {
    const forbidden = { status: 'forbidden', verb: 'list', resource: 'services' } as const;
    expect(
      from(
        'west',
        cells(remote, [], (name, facts) => (name === 'west' ? { ...facts, services: forbidden } : facts)),
      ),
    ).toMatchObject({
      verdict: 'unknown',
      because: 'not all Services of west were read',
    });
    expect(from('west', cells(remote, [], undefined, false))?.verdict).toBe('unknown');
  });

  test('nobody there has a sidecar', () => {
    const alone = mesh()
      .primaryRemote('east', 'west', { networks: 2 })
      .namespace('shop', { injected: true })
      .service('abc.shop', { in: ['east'] });
    expect(from('west', cells(alone))).toMatchObject({ verdict: 'unknown', because: 'no pod of west with a sidecar could call it' });
  });

  test('ambient: whether ztunnel answers is in no object', () => {
    const ambient = mesh()
      .ambient('east', 'west')
      .namespace('shop', { injected: true })
      .service('abc.shop', { in: ['east'] });
    expect(from('west', cells(ambient))?.verdict).toBe('unknown');
  });
});

describe('measured', () => {
  test('what was predicted and heard is in order', () => {
    const west = from('west', cells(remote, asked(remote)));
    expect(west).toMatchObject({ verdict: 'ok', predicted: { by: 'sidecar' } });
    expect(west?.measured.map(({ by, outcome, addresses }) => [by, outcome, ...addresses])).toEqual([
      ['sidecar', 'answered', addressIn(remote)],
      ['istiod', 'answered', addressIn(remote)],
    ]);
  });

  test('a sidecar that has no address breaks what was predicted', () => {
    const seen = nameAnswers('west', (one) => ({ ...one, outcome: { answer: { rcode: 'NXDOMAIN', addresses: [] } } }))(asked(remote));
    expect(from('west', cells(remote, seen))).toMatchObject({
      verdict: 'broken',
      because: expect.stringMatching(/^shop\/client-.* was asked and has no address: NXDOMAIN$/) as string,
    });
  });

  test('a failed question measures nothing', () => {
    const seen = replicas('east', (one) => ({ ...one, nameTables: [] }))(
      nameAnswers('west', (one) => ({ ...one, outcome: { failed: 'timeout', reason: 'no answer' } }))(asked(remote)),
    );
    expect(from('west', cells(remote, seen))?.verdict).toBe('predicted');
  });

  test('an answer where none was predicted is not called in order', () => {
    const off = remote.edit(dnsCaptureOff({ primary: 'east', clusters: ['east', 'west'] }));
    const [, west] = asked(remote);
    const pod = off
      .objects()
      .get('west')
      ?.find((one) => one.kind === 'Pod' && one.metadata.name.startsWith('client'));
    const answers = west?.nameAnswers?.status === 'observed' ? west.nameAnswers.value : [];
    const value = answers.map((one) => ({ ...one, pod: { ...one.pod, name: pod?.metadata.name ?? '' } }));
    const seen: Seen = [{ cluster: 'west' as never, nameAnswers: { status: 'observed', value } }];
    expect(from('west', cells(off, seen))).toMatchObject({
      verdict: 'unknown',
      because: expect.stringContaining('though it is only in east') as string,
    });
  });
});

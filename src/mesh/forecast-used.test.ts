import { expect, test } from 'vitest';
import { mesh } from '../builder/mesh.ts';
import { takenAt } from '../builder/timeline.ts';
import { projectFacts } from '../collect/facts.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import type { ClusterFacts } from '../model/facts.ts';
import { clusterName } from '../model/ids.ts';
import type { HandshakeOutcome, IstiodHandshake, SidecarState } from '../model/observations.ts';
import { usedEvents } from './forecast-used.ts';
import { type FactsByCluster, inferTopology } from './topology.ts';

const [east, west] = [clusterName('east'), clusterName('west')];
const { clusters } = snapshotOf(mesh().primaryRemote('east', 'west').objects(), { complete: true, takenAt });
const bare: FactsByCluster = new Map(clusters.map((cluster) => [cluster.name, projectFacts(cluster)]));
const hours = (count: number): string => new Date(Date.parse(takenAt) + count * 3_600_000).toISOString().replace('.000Z', 'Z');

const pod = { cluster: west, apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'cart' };
const istiod = { cluster: east, apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'istio-system', name: 'istiod' };

const sidecar = (notBefore: string, notAfter: string): SidecarState => ({
  pod,
  hosts: [],
  endpoints: { answer: [] },
  certificate: { answer: { serial: '1', uris: [], notBefore, notAfter } },
  roots: { answer: [] },
});
const handshake = (verifiedBy: readonly string[]): IstiodHandshake => {
  const outcome: HandshakeOutcome = {
    stage: 'certificate',
    uris: [],
    dnsNames: [],
    subject: '',
    issuer: '',
    notBefore: hours(-24),
    notAfter: hours(24 * 20),
    chain: ['aa'],
    verifiedBy,
    rootsTried: ['bb'],
    afterwards: 'open',
  };
  const address = { host: '192.0.2.1', port: 15012, sni: 'istiod.istio-system.svc' };
  return { controlPlane: istiod, members: [west], named: istiod, ...address, purpose: 'discovery', outcome };
};

function linesOf(of: ReadonlyMap<string, Partial<ClusterFacts>>, days = 365): string[] {
  const facts: FactsByCluster = new Map([...bare].map(([name, own]) => [name, { ...own, ...of.get(name) }]));
  return inferTopology(facts).meshes.flatMap((one) =>
    usedEvents(one, facts, days).map(
      ({ what, name, days: left, stops, gaps }) =>
        `${what} ${name} in ${left} days, stops ${stops === '' ? 'nothing' : stops}, ${gaps.join()}`,
    ),
  );
}
const sidecarsOf = (value: readonly SidecarState[]) => new Map([['west', { sidecars: { status: 'collected', value } as const }]]);
const callsOf = (value: readonly IstiodHandshake[]) => new Map([['east', { istiodHandshakes: { status: 'collected', value } as const }]]);

test('nothing was asked, and nothing is foretold', () => expect(linesOf(new Map())).toEqual([]));

test('a certificate that its agent renews stops nothing, and the one of a cluster that ends first stands for all', () => {
  expect(linesOf(sidecarsOf([sidecar(hours(-2), hours(72)), sidecar(hours(-2), hours(48))]))).toEqual([
    'workload-certificate Pod shop/cart in 2 days, stops nothing, the agent of the workload renews it long before that',
  ]);
  expect(linesOf(sidecarsOf([sidecar(hours(-2), hours(72))]), 2)).toEqual([]);
});

test('one that should have been renewed stops something', () => {
  expect(linesOf(sidecarsOf([sidecar(hours(-46), hours(2))]))).toEqual([
    'workload-certificate Pod shop/cart in 0 days, stops mutual TLS of workloads in west, the agent of the workload should have renewed it by now',
  ]);
});

test('istiods renew what their own authority issued; of any other nobody knows who does', () => {
  expect(linesOf(callsOf([handshake(['bb'])]))).toEqual([
    'istiod-certificate Deployment istio-system/istiod in 20 days, stops nothing, istiod renews it long before that',
  ]);
  expect(linesOf(callsOf([handshake([])]))).toEqual([
    'istiod-certificate Deployment istio-system/istiod in 20 days, stops proxies of west that connect to istiod, and pod creation there, ',
  ]);
});

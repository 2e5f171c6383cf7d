import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { distinct } from '../../src/base/sort.ts';
import { projectFacts } from '../../src/collect/facts.ts';
import { clientOf, endpointShards, predict, shardKey } from '../../src/mesh/endpoints.ts';
import { ambientGateways, type NetworkGateway, networkGateways } from '../../src/mesh/gateways.ts';
import { nameTable } from '../../src/mesh/name-table.ts';
import { istiodViewOf, type KnownView } from '../../src/mesh/read-clusters.ts';
import { inferTopology, listOf } from '../../src/mesh/topology.ts';
import type { ClusterFacts } from '../../src/model/facts.ts';
import type { ClusterName } from '../../src/model/ids.ts';
import { openManifests } from '../../src/source/manifests.ts';

/**
 * From the objects of a real mesh alone, what its istiod answered to debug requests at that moment. Answers are only read here, never
 * by the program. Without MESHDOCTOR_CORPUS these tests are skipped, visibly.
 */
const corpus = process.env['MESHDOCTOR_CORPUS'] ?? '';

/** Facts of every cluster directory of a mesh; both are whole clusters. */
async function factsOf(mesh: string, clusters: readonly string[]): Promise<ReadonlyMap<ClusterName, ClusterFacts>> {
  const directories = clusters.map((name) => ({ name, dir: join(corpus, mesh, name) }));
  const snapshots = await openManifests({ clusters: directories, complete: true });
  return new Map(snapshots.map((snapshot) => [snapshot.name, projectFacts(snapshot)]));
}

/** The view of the control plane in `home` whose namespace is `namespace`: clusters, ids and secrets as the topology has them. */
async function viewOf(
  mesh: string,
  clusters: readonly string[],
  home: string,
  namespace = 'istio-system',
): Promise<KnownView & { readonly facts: ReadonlyMap<ClusterName, ClusterFacts> }> {
  const facts = await factsOf(mesh, clusters);
  const { meshes } = inferTopology(facts);
  const controlPlane = [...facts]
    .filter(([name]) => name === home)
    .flatMap(([, one]) => listOf(one.controlPlanes))
    .find((one) => one.namespace === namespace);
  if (controlPlane === undefined) throw new Error(`no control plane in ${home}/${namespace}`);
  const couples = meshes.flatMap((one) => one.couples);
  return { ...istiodViewOf(controlPlane, couples, facts), facts };
}

/** One answer of an istiod, as given. */
function answer(mesh: string, istiod: string, name: string): unknown {
  return JSON.parse(readFileSync(join(corpus, mesh, istiod, `${name}.json`), 'utf8'));
}

describe.skipIf(corpus === '')('predictions from objects alone equal what the real istiod answered', () => {
  const meshes = [
    { mesh: 'primary-remote-1.31', clusters: ['cluster1', 'cluster2'], home: 'cluster1', istiod: 'istiod' },
    { mesh: 'primary-remote-1.24', clusters: ['cluster9', 'cluster10'], home: 'cluster9', istiod: 'istiod' },
    { mesh: 'multi-primary-1.31', clusters: ['cluster3', 'cluster4'], home: 'cluster3', istiod: 'istiod3' },
    { mesh: 'multi-primary-1.31', clusters: ['cluster3', 'cluster4'], home: 'cluster4', istiod: 'istiod4' },
    { mesh: 'ambient-1.31', clusters: ['cluster5', 'cluster6'], home: 'cluster5', istiod: 'istiod5' },
    { mesh: 'ambient-1.31', clusters: ['cluster5', 'cluster6'], home: 'cluster6', istiod: 'istiod6' },
    {
      mesh: 'external-1.31',
      clusters: ['cluster7', 'cluster8'],
      home: 'cluster7',
      istiod: 'istiod-external-in-cluster7',
      namespace: 'external-istiod',
    },
    { mesh: 'external-1.31', clusters: ['cluster7', 'cluster8'], home: 'cluster7', istiod: 'istiod-own-of-cluster7' },
  ];

  test.each(meshes)('$mesh, $istiod: clusters and gateways', async ({ mesh, clusters, home, istiod, namespace }) => {
    const { view, missing, elsewhere } = await viewOf(mesh, clusters, home, namespace);
    expect(missing).toEqual([]);
    expect(elsewhere).toEqual([]);
    expect(distinct(view.clusters.map((cluster) => cluster.id))).toEqual(
      distinct(records(answer(mesh, istiod, 'clusterz')).map((one) => String(one['id']))),
    );
    expect(gatewayRows(networkGateways(view))).toEqual(
      records(answer(mesh, istiod, 'networkz'))
        .map((one) => [one['Network'], one['Cluster'], one['Addr'], one['Port'], one['HBONEPort']].join(' '))
        .sort(),
    );
  });

  test.each(meshes.filter(({ mesh, istiod }) => existsSync(join(corpus, mesh, istiod, 'endpointShardz.json'))))(
    '$mesh, $istiod: endpoint shards',
    async ({ mesh, clusters, home, istiod, namespace }) => {
      const { view } = await viewOf(mesh, clusters, home, namespace);
      const predicted = [...endpointShards(view).values()].flatMap((shards) =>
        [...shards.clusters].flatMap(([cluster, endpoints]) =>
          endpoints.map((one) =>
            [
              shards.host,
              shards.namespace,
              shardKey(cluster),
              one.address,
              one.port,
              one.portName,
              one.network ?? '',
              one.tlsMode,
              one.health,
            ].join(' '),
          ),
        ),
      );
      expect(predicted.sort()).toEqual(shardRows(answer(mesh, istiod, 'endpointShardz')));
    },
  );

  test('primary-remote-1.31: the name table of a client in the remote', async () => {
    const { view, facts } = await viewOf('primary-remote-1.31', ['cluster1', 'cluster2'], 'cluster1');
    const pod = [...facts]
      .flatMap(([name, one]) => (name === 'cluster2' ? listOf(one.pods) : []))
      .find((one) => one.name === 'client-86c4658755-f8qm4');
    const client = pod === undefined ? undefined : clientOf(pod);
    expect(client).toMatchObject({ cluster: 'cluster2', network: 'network2', namespace: 'sample' });
    if (client === undefined) return;
    const table = [...nameTable(client, predict(view)).values()].map(({ host, ips, registry, shortname, namespace }) => [
      host,
      { ips, registry, shortname, namespace },
    ]);
    const [config] = records(field(answer('primary-remote-1.31', 'istiod', 'ndsz'), 'configs'));
    expect(Object.fromEntries(table)).toEqual(config?.['table']);
  });

  test.each(['cluster5', 'cluster6'])('ambient-1.31, %s: gateways of other networks', async (home) => {
    const { view } = await viewOf('ambient-1.31', ['cluster5', 'cluster6'], home);
    const workloads = records(field(answer('ambient-1.31', home.replace('cluster', 'istiod'), 'ambientz'), 'workloads')).map((one) =>
      String(one['uid']),
    );
    const known = workloads.filter((uid) => uid.startsWith('NetworkGateway/')).map((uid) => uid.split('/').slice(1, 3).join(' '));
    expect(ambientGateways(view).map((gateway) => `${gateway.network} ${gateway.address}`)).toEqual(known);
  });
});

function gatewayRows(gateways: readonly NetworkGateway[]): string[] {
  return gateways.map((one) => [one.network, one.cluster ?? '', one.address, one.port, one.hbonePort].join(' ')).sort();
}

/** host → namespace → Shards → shard → endpoints, one row per endpoint. */
function shardRows(answered: unknown): string[] {
  const health = new Map<unknown, string>([
    [1, 'healthy'],
    [2, 'unhealthy'],
    [4, 'terminating'],
  ]);
  return entries(answered)
    .flatMap(([host, namespaces]) =>
      entries(namespaces).flatMap(([namespace, shards]) =>
        entries(field(shards, 'Shards')).flatMap(([shard, endpoints]) =>
          records(endpoints).flatMap((one) =>
            list(one['Addresses']).map((address) =>
              [
                host,
                namespace,
                shard,
                address,
                one['EndpointPort'],
                one['ServicePortName'],
                one['Network'],
                one['TLSMode'],
                health.get(one['HealthStatus']),
              ].join(' '),
            ),
          ),
        ),
      ),
    )
    .sort();
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function entries(value: unknown): readonly [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function field(value: unknown, key: string): unknown {
  return entries(value).find(([name]) => name === key)?.[1];
}

function records(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return list(value).map((one) => Object.fromEntries(entries(one)));
}

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { presentOf } from '../../src/builder/edits/clock.ts';
import { at, isRecord, itemsOf, textAt } from '../../src/builder/edits/json.ts';
import { openStore } from '../../src/sandbox/store.ts';
import { istiodAnswer } from '../../src/sandbox/world/debug.ts';
import { firstMemory, reconcile } from '../../src/sandbox/world/reconcile.ts';
import { watchStores } from '../../src/sandbox/world/state.ts';
import { worldOf } from '../../src/sandbox/world/world.ts';
import { corpus, objectsOf, type RealMesh } from '../corpus/corpus.ts';
import { seriesIn } from '../real/cases/series.ts';
import { differences, shapeOf } from '../real/cases/shape.ts';

/*
 * Recordings of real meshes: controllers of the sandbox find nothing to do in them, and its istiods answer what the real ones answered at
 * that moment. Without MESHDOCTOR_CORPUS these tests are skipped, visibly.
 */

const istiods: readonly { readonly mesh: RealMesh; readonly folder: string; readonly cluster: string; readonly namespace?: string }[] = [
  { mesh: 'primary-remote-1.31', folder: 'istiod', cluster: 'cluster1' },
  { mesh: 'primary-remote-1.24', folder: 'istiod', cluster: 'cluster9' },
  { mesh: 'multi-primary-1.31', folder: 'istiod3', cluster: 'cluster3' },
  { mesh: 'multi-primary-1.31', folder: 'istiod4', cluster: 'cluster4' },
  { mesh: 'ambient-1.31', folder: 'istiod5', cluster: 'cluster5' },
  { mesh: 'ambient-1.31', folder: 'istiod6', cluster: 'cluster6' },
  { mesh: 'external-1.31', folder: 'istiod-external-in-cluster7', cluster: 'cluster7', namespace: 'external-istiod' },
  { mesh: 'external-1.31', folder: 'istiod-own-of-cluster7', cluster: 'cluster7' },
];

function open(mesh: RealMesh) {
  const objects = objectsOf(mesh);
  const clock = (): string => new Date(presentOf(objects) + 1000).toISOString();
  const look = watchStores(new Map([...objects].map(([name, list]) => [name, openStore(name, list, { clock })])), clock);
  const memory = firstMemory(look());
  const knowledge = { state: look(), istiods: memory.istiods };
  return { state: knowledge.state, memory, knowledge, world: worldOf(() => knowledge) };
}

describe.skipIf(corpus === '')('recordings of real meshes', () => {
  it.each([...new Set(istiods.map(({ mesh }) => mesh))])('healthy: controllers and istiods find nothing to do in %s', (mesh) => {
    const { state, memory } = open(mesh);
    expect(reconcile(state, memory).changes).toEqual([]);
    expect([...memory.fates.values()].filter((fate) => fate !== '{"is":"ready"}')).toEqual([]);
    expect([...memory.writing.contested]).toEqual([]);
    for (const process of memory.istiods.values()) {
      const states = [...process.registrations.values()].map(({ isSynced, sees }) => [isSynced, sees]);
      expect(states).toEqual(states.map(() => [true, 'present']));
    }
  });

  it.each(istiods)('$mesh, $folder answers as it did', ({ mesh, folder, cluster, namespace = 'istio-system' }) => {
    const { memory, knowledge, world } = open(mesh);
    const process = [...memory.istiods.values()].find((one) => one.cluster === cluster && one.controlPlane.namespace === namespace);
    if (process === undefined) throw new Error(`no istiod in ${cluster}/${namespace}`);
    const asked = { process, knowledge, predict: world.predict, connection: world.connection };
    const answer = (name: string, query = ''): unknown => {
      const given = istiodAnswer(asked, 15014, `/debug/${name}`, new URLSearchParams(query));
      return given !== undefined && 'json' in given ? given.json : given;
    };
    const recorded = (name: string): unknown => {
      const file = join(corpus, mesh, folder, `${name}.json`);
      return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    };
    expect(inOrder(answer('clusterz'))).toEqual(inOrder(recorded('clusterz')));
    expect(inOrder(answer('networkz'))).toEqual(inOrder(recorded('networkz')));
    const shards = recorded('endpointShardz');
    if (shards !== undefined) expect(endpoints(answer('endpointShardz'))).toEqual(endpoints(shards));
    const services = recorded('registryz');
    if (services !== undefined) expect(ports(answer('registryz'))).toEqual(ports(services));
    for (const name of ['mesh', 'configz', 'syncz', 'pushcontext', 'registryz']) {
      const real = recorded(name);
      if (real === undefined) continue;
      const odd = differences(shapeOf(real), shapeOf(JSON.parse(JSON.stringify(answer(name))))).filter(
        ({ path }) => !unlike.some((one) => one.mesh.test(mesh) && one.question.test(name) && one.path.test(path)),
      );
      expect(odd, name).toEqual([]);
    }
    const written = join(corpus, mesh, folder, 'metrics.txt');
    if (existsSync(written)) {
      const given = istiodAnswer(asked, 15014, '/metrics', new URLSearchParams());
      expect(seriesIn(given !== undefined && 'text' in given ? given.text : '')).toEqual(seriesIn(readFileSync(written, 'utf8')));
    }
    const names = recorded('ndsz');
    if (names !== undefined) expect(answer('ndsz', 'proxyID=client-86c4658755-f8qm4.sample')).toEqual(names);
  });
});

/** Where what a real istiod said that moment is not of the form that the sandbox's answer has, and why. */
const unlike: readonly { readonly mesh: RegExp; readonly question: RegExp; readonly path: RegExp; readonly because: string }[] = [
  {
    mesh: /./,
    question: /^pushcontext$/,
    path: /UnresolvedGateways/,
    because: 'One change behind, so that it is empty or short as it happens.',
  },
  {
    mesh: /^ambient/,
    question: /^syncz$/,
    path: /./,
    because: 'No ztunnel ran there, and the waypoint had refused a listener.',
  },
  {
    mesh: /^external/,
    question: /^syncz$/,
    path: /tls\.v3\.Secret/,
    because: 'Gateways that end TLS with a Secret ask istiod for it; nothing reads that.',
  },
  {
    mesh: /^external/,
    question: /^mesh$/,
    path: /defaultProviders/,
    because: 'The real one says that there are none, though its ConfigMap names one; why is not known.',
  },
];

function inOrder(answer: unknown): readonly string[] {
  return itemsOf(answer)
    .map((row) => JSON.stringify(isRecord(row) ? Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))) : row))
    .sort();
}

/** Host, shard and everything an endpoint says that objects decide, a line each. */
function endpoints(answer: unknown): readonly string[] {
  const entries = (value: unknown): [string, unknown][] => (isRecord(value) ? Object.entries(value) : []);
  return entries(answer)
    .flatMap(([host, namespaces]) =>
      entries(namespaces).flatMap(([, service]) =>
        entries(at(service, 'Shards')).flatMap(([shard, list]) =>
          itemsOf(list).map((one) =>
            [
              host,
              shard,
              ...[
                'Addresses',
                'Address',
                'EndpointPort',
                'ServicePortName',
                'Network',
                'TLSMode',
                'HealthStatus',
                'ServiceAccount',
                'Namespace',
                'WorkloadName',
                'NodeName',
                'SendUnhealthyEndpoints',
                'LegacyClusterPortKey',
              ].map((key) => JSON.stringify(at(one, key))),
              textAt(one, 'Locality', 'ClusterID'),
              textAt(one, 'Locality', 'Label'),
              inOrder([at(one, 'Labels')]).join(''),
            ].join(' '),
          ),
        ),
      ),
    )
    .sort();
}

/** Host, addresses and ports of Services of Kubernetes, a line each; what ServiceEntries add is not the sandbox's. */
function ports(answer: unknown): readonly string[] {
  return itemsOf(answer)
    .filter((one) => textAt(one, 'Attributes', 'ServiceRegistry') === 'Kubernetes')
    .map((one) =>
      [
        textAt(one, 'hostname'),
        ...['ports', 'clusterVIPs', 'defaultAddress', 'Resolution'].map((key) => inOrder([at(one, key)]).join('')),
      ].join(' '),
    )
    .sort();
}

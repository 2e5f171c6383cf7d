import { describe, expect, test } from 'vitest';
import {
  endingRoot,
  endingServerCa,
  lapsedIntermediate,
  laterRoot,
  thirdIntermediateOne,
  thirdIntermediateTwo,
  thirdRoot,
} from '../builder/aging-certificates.ts';
import { apiServerCaTwo, firstIntermediateOne, firstIntermediateTwo, firstRoot } from '../builder/certificates.ts';
import { tokenExpires } from '../builder/edits/remote-secret.ts';
import { caSecretWritten, certificateReplaced, foreignRoot } from '../builder/edits/trust.ts';
import { mesh, type MeshBuilder } from '../builder/mesh.ts';
import { takenAt } from '../builder/timeline.ts';
import { projectFacts } from '../collect/facts.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import { forecastOf } from './forecast.ts';
import { type FactsByCluster, inferTopology } from './topology.ts';

function factsIn(built: MeshBuilder): FactsByCluster {
  const { clusters } = snapshotOf(built.objects(), { complete: true, takenAt });
  return new Map(clusters.map((cluster) => [cluster.name, projectFacts(cluster)]));
}

/** One line for each event: day, what, where; what stops; gaps. */
function linesOf(built: MeshBuilder, days = 365): string[] {
  const facts = factsIn(built);
  return inferTopology(facts).meshes.flatMap((one) =>
    forecastOf(one, facts, days).events.flatMap(({ at, what, clusters, stops, gaps }) => [
      `${at.slice(0, 10)} ${what} in ${clusters.join(' ')}${stops === '' ? '' : `: stops ${stops}`}`,
      ...gaps.map((gap) => `  but ${gap}`),
    ]),
  );
}

const peers = mesh().multiPrimary('east', 'west');
const remote = mesh().primaryRemote('east', 'west');

/** Old and new root in a cluster, which signs under the one or the other. */
function beside(built: MeshBuilder, cluster: string, signing: string): MeshBuilder {
  const both = firstRoot + thirdRoot;
  return built
    .edit(foreignRoot({ cluster, root: both }))
    .edit(caSecretWritten({ cluster, data: { 'root-cert.pem': both, 'ca-cert.pem': signing, 'cert-chain.pem': signing } }));
}

const ageing = (built: MeshBuilder): MeshBuilder => built.edit(certificateReplaced(firstRoot, endingRoot));

describe('what ends by itself', () => {
  test('nothing for a hundred years', () => {
    expect(
      [peers, remote, mesh().ambient('east', 'west'), mesh().externalControlPlane('outside', 'west')].flatMap((one) => linesOf(one)),
    ).toEqual([]);
  });

  test('one root of all clusters is one event, and nobody has another one', () => {
    expect(linesOf(ageing(peers))).toEqual([
      '2026-12-10 root in east west: stops all mutual TLS of east and west, and proxies there that connect to istiod',
    ]);
    expect(linesOf(ageing(peers), 10)).toEqual([]);
    expect(linesOf(remote.edit(certificateReplaced(firstRoot, laterRoot)), 90)).toEqual([
      '2027-01-31 root in east west: stops all mutual TLS of east and west, and proxies there that connect to istiod',
    ]);
  });

  test('a rotation that is done stops nothing', () => {
    const done = beside(beside(peers, 'east', thirdIntermediateOne), 'west', thirdIntermediateTwo);
    expect(linesOf(ageing(done))).toEqual(['2026-12-10 root in east west']);
  });

  test('a rotation that one cluster was left out of', () => {
    expect(linesOf(ageing(beside(peers, 'east', thirdIntermediateOne)))).toEqual([
      '2026-12-10 root in east west: stops all mutual TLS of west, and proxies there that connect to istiod',
      '  but west has no other root, east has',
    ]);
  });

  test('a rotation in which one istiod still signs under the old root', () => {
    const half = ageing(beside(beside(peers, 'east', firstIntermediateOne), 'west', thirdIntermediateTwo));
    const signs = (one: string): MeshBuilder =>
      half.edit(caSecretWritten({ cluster: 'east', data: { 'ca-cert.pem': one, 'cert-chain.pem': '' } }));
    expect(linesOf(signs(endingRoot))).toContain('  but istiod of east still signs under it, although a root that lasts lies beside it');
    expect(linesOf(half)).not.toContain('  but istiod of west still signs under it, although a root that lasts lies beside it');
  });

  test('intermediates, authorities of API servers and tokens', () => {
    const third = peers
      .edit(certificateReplaced(firstRoot, thirdRoot))
      .edit(certificateReplaced(firstIntermediateOne, lapsedIntermediate))
      .edit(certificateReplaced(firstIntermediateTwo, thirdIntermediateTwo));
    expect(linesOf(third)).toEqual(['2026-11-21 signing-ca in east: stops certificates that istiod of east issues, in east']);
    expect(linesOf(remote.edit(certificateReplaced(apiServerCaTwo, endingServerCa)))).toEqual([
      '2026-11-30 api-server-ca in east: stops reading what west runs, by istiod of east',
    ]);
    expect(linesOf(remote.edit(tokenExpires({ cluster: 'east', of: 'west', minutes: 60 * 24 * 5 })))).toEqual([
      '2026-11-27 remote-secret-token in east: stops reading what west runs, by istiod of east',
    ]);
  });

  test('what was not read is said', () => {
    const facts = factsIn(remote);
    const blind: FactsByCluster = new Map(
      [...facts].map(([name, of]) => [name, { ...of, caSecrets: { status: 'forbidden', verb: 'list', resource: 'secrets' } }]),
    );
    const [only] = inferTopology(blind).meshes;
    expect(only === undefined ? [] : forecastOf(only, blind, 365).unread).toEqual([
      { cluster: 'east', fact: 'caSecrets' },
      { cluster: 'west', fact: 'caSecrets' },
    ]);
  });
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import * as parts from '../topologies/parts.ts';
import type { Fault } from './fault.ts';
import { workplace } from './guide.ts';
import { kept } from './kept.ts';

/*
 * Certificates that end, and roots that are replaced or copied by hand.
 */

const topology = 'multi-primary';
const system = 'istio-system';
const rootMap = 'istio-ca-root-cert';
const day = 86_400_000;

const cacerts = kept('cluster2', 'secret', 'cacerts', system);

export const trustFaults: readonly Fault[] = [
  {
    id: 'intermediate-ends-in-days',
    about: 'The intermediate that one primary signs with ends within two weeks, and nobody has made a new one.',
    topology,
    stage: async (lab) => {
      await cacerts.keep(lab);
      const authority = parts.keptAuthority(lab);
      const intermediate = await authority.intermediateFor('cluster2', parts.termThatEnds(12 * day));
      await parts.plugInFiles(lab, 'cluster2', parts.authorityFiles(intermediate, [authority.root]));
    },
    undo: async (lab) => await cacerts.putBack(lab),
    expected: { cause: 'expiring-signing-ca/soon', clusters: ['cluster2'] },
    remedy: { kind: 'printed', values: async (lab) => await renewedFiles(lab) },
  },
  {
    id: 'root-replaced-without-restart',
    about: 'Secret cacerts of one primary was replaced by one of another root, and its istiod was not restarted.',
    topology,
    stage: async (lab) => {
      await cacerts.keep(lab);
      await parts.plugInCertificates(lab, 'cluster2', await parts.newAuthority('Next Root CA'));
    },
    undo: async (lab) => await cacerts.putBack(lab),
    expected: { cause: 'unused-cacerts', clusters: ['cluster2'] },
    remedy: { kind: 'undone', because: 'a restart would part the primaries: the old root comes back, or both clusters are given both' },
  },
  {
    id: 'root-copied-and-locked',
    about: 'ConfigMap istio-ca-root-cert of a namespace was written by hand, with the root of a former installation, and made immutable.',
    topology,
    stage: async (lab) => {
      const { root } = await parts.newAuthority('Root CA of before');
      const patch = JSON.stringify({ data: { 'root-cert.pem': root.cert }, immutable: true });
      await lab.kubectl('cluster2', ['patch', 'configmap', rootMap, '-n', 'sample', '--type=merge', '-p', patch]);
    },
    // istiod writes it again.
    undo: async (lab) => void (await lab.kubectl('cluster2', ['delete', 'configmap', rootMap, '-n', 'sample', '--ignore-not-found'])),
    expected: { cause: 'foreign-root', clusters: ['cluster2'] },
    remedy: { kind: 'printed' },
  },
];

/** The files that a printed command makes Secret cacerts of: a new intermediate under the root of the mesh. */
async function renewedFiles(lab: Lab): Promise<Readonly<Record<string, string>>> {
  const authority = parts.keptAuthority(lab);
  const files = parts.authorityFiles(await authority.intermediateFor('cluster2'), [authority.root]);
  const place = join(workplace(lab), 'certs');
  mkdirSync(place, { recursive: true });
  const found: Record<string, string> = {};
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(place, name), text, { mode: 0o600 });
    found[`--from-file=${name}`] = `--from-file=${join(place, name)}`;
  }
  return found;
}

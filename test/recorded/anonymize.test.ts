import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isWellKnown } from '../../src/source/well-known.ts';
import { anonymized } from '../../src/source/anonymize.ts';
import { readRecording, type Recording } from '../../src/source/recording.ts';
import { root } from '../support/run-cli.ts';
import { judgedRecording } from './expectation.ts';

/* Real meshes under pseudonyms: the same is found, and nothing is called as it was. */

const read = async (name: string): Promise<Recording> => await readRecording(join(root, 'fixtures/recorded', `${name}.json.gz`));

const meshes = [
  'network-label-removed',
  'secret-with-another-port',
  'policy-in-remote',
  'multi-primary',
  'peer-of-another-trust-domain',
  'external-stale-address',
  'ambient-gateway-missing',
  'services-not-exposed',
  'port-named-otherwise',
  'subset-in-one-primary',
  'canary',
];

/** Codes with how bad and how sure, and how often each. */
async function found(recording: Recording): Promise<readonly string[]> {
  const { findings, exit } = await judgedRecording(recording);
  return [`exit ${exit.code}`, ...findings.map(({ code, severity, certainty }) => `${code} ${severity} ${certainty}`).sort()];
}

describe.each(meshes)('%s', (name) => {
  test('shows the same findings', { timeout: 60_000 }, async () => {
    const recording = await read(name);
    expect(await found(anonymized(recording, 'key'))).toEqual(await found(recording));
  });

  test('keeps no name and no address', async () => {
    const recording = await read(name);
    const text = JSON.stringify(anonymized(recording, 'key'));
    const originals = new Set<string>();
    for (const cluster of recording.snapshot.clusters) {
      originals.add(cluster.name);
      for (const kind of ['namespaces', 'services', 'nodes', 'serviceaccounts']) {
        const seen = cluster.kinds[kind];
        for (const { metadata } of seen?.status === 'read' ? seen.objects : []) originals.add(metadata.name);
      }
    }
    for (const address of JSON.stringify(recording).match(/\b(?:10|172|192)\.\d{1,3}\.\d{1,3}\.\d{1,3}\b/g) ?? []) originals.add(address);
    const survivors = [...originals].filter(
      (word) => !isWellKnown(word) && new RegExp(`(?<![A-Za-z0-9.-])${word.replaceAll('.', '\\.')}(?![A-Za-z0-9.-])`).test(text),
    );
    expect(originals.size).toBeGreaterThan(5);
    expect(survivors).toEqual([]);
  });
});

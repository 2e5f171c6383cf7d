import { describe, expect, test } from 'vitest';
import type { Read } from '../kube/connection.ts';
import { type Look, lookOver, tracesOf } from './traces.ts';

const written = (manager: string, time: string, fields: unknown): unknown => ({ manager, operation: 'Update', time, fieldsV1: fields });
const held = { 'f:data': { 'f:west': {} } };
const named = { 'f:metadata': { 'f:labels': { 'f:istio/multiCluster': {} } } };

/** A cluster with one Secret. */
async function look(labels: Readonly<Record<string, string>>, managedFields: readonly unknown[]): Promise<Look> {
  const metadata = { name: 'remote', namespace: 'istio-system', uid: 'u', labels, managedFields };
  return await lookOver({
    get: async (path): Promise<Read<unknown>> =>
      await Promise.resolve(path.endsWith('/secrets') ? { status: 'read', value: { items: [{ metadata }] } } : { status: 'absent' }),
  });
}

describe('a Secret that a command line wrote', () => {
  const label = { 'istio/multiCluster': 'true' };
  const about = { context: 'east', code: 'duplicate-remote-secret', deletes: false };

  test.each([
    ['gets its label back, where the label alone was written', [written('kubectl-client-side-apply', '1', held)], ['patched']],
    [
      'gets its label back, and is said to be lost where what it holds was written, too',
      [written('kubectl-client-side-apply', '2', held)],
      ['patched', 'lost'],
    ],
    ['is said to be lost where another tool wrote what it holds', [written('kubectl-edit', '2', held)], ['patched', 'lost']],
    ['is said to be lost where nobody is known to have written what it holds', [], ['patched', 'lost']],
  ])('%s', async (_, fields, did) => {
    const before = await look(label, [written('kubectl-client-side-apply', '1', { ...held, ...named })].slice(0, fields.length));
    const after = await look({}, [...fields, written('kubectl-label', '2', {})]);
    const entries = tracesOf(before, after, about);
    expect(entries.map((entry) => entry.did)).toEqual(did);
    expect(entries[0]).toMatchObject({ undo: { metadata: { labels: label } } });
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { authority } from '../support/probe-certificates.ts';
import { ran, root } from '../support/run-cli.ts';

/*
 * Changes laid over real meshes are judged as the clusters stand once they are applied and before anything restarts: what a process takes only when it
 * starts is told by the check that knows so, and not by those of what the restart would then do.
 */

const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-overlaid-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function introduced(recording: string, cluster: string, document: object): Promise<readonly string[]> {
  const file = join(folder, `${recording}.json`);
  writeFileSync(file, JSON.stringify(document));
  const { stdout } = await ran(`check --from ${join(root, 'fixtures/recorded', recording)}.json.gz --overlay ${cluster}=${file} -o json`);
  const { findings } = JSON.parse(stdout) as Report;
  return findings
    .filter(({ known, severity }) => known === undefined && severity !== 'info')
    .map(({ code, at }) => `${code} ${at.cluster}`);
}

const metadata = (name: string, more: object = {}) => ({ name, namespace: 'istio-system', ...more });

describe('before anything restarts', { timeout: 120_000 }, () => {
  test('another root is told as one that istiod does not use yet; nobody is said to distrust anybody by now', async () => {
    const { cert } = await authority('New Root');
    const pem = Buffer.from(cert).toString('base64');
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: metadata('cacerts'),
      data: { 'ca-cert.pem': pem, 'root-cert.pem': pem, 'cert-chain.pem': pem },
    };
    expect(await introduced('multi-primary', 'cluster1', secret)).toEqual(['unused-cacerts cluster1']);
  });

  test('another trust domain is missed in the cluster that has no word of it', async () => {
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('istio-1-31-0'), data: { mesh: 'trustDomain: elsewhere\n' } };
    expect(await introduced('primary-remote', 'cluster1', config)).toEqual(['mistaken-trust-domain/absent cluster2']);
  });

  test('another revision of a namespace is judged by who serves it, and its pods are not said to have changed', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'sample', labels: { 'istio.io/rev': '9-99-9' } } };
    expect(await introduced('primary-remote', 'cluster2', namespace)).toEqual(['unserved-revision cluster2']);
  });

  test('a mesh config that is as it was breaks nothing', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'sample', labels: { 'istio.io/rev': '1-31-0' } } };
    expect(await introduced('primary-remote', 'cluster2', namespace)).toEqual([]);
  });
});

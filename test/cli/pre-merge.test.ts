import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { ran } from './shell.ts';

/* The mesh in Git of fixtures/pre-merge: as it is, and with each pull request, of which the checkout holds the changed files. */

const place = mkdtempSync(join(tmpdir(), 'meshdoctor-pre-merge-'));
afterAll(() => rmSync(place, { recursive: true }));

const fixture = join(import.meta.dirname, '../../fixtures/pre-merge');

interface Location {
  readonly physicalLocation: { readonly artifactLocation: { readonly uri: string }; readonly region: { readonly startLine: number } };
}
interface Result {
  readonly ruleId: string;
  readonly locations: readonly Location[];
  readonly relatedLocations?: readonly Location[];
}

/** `file:the line itself`. */
function lineAt(folder: string, { physicalLocation: { artifactLocation, region } }: Location): string {
  const lines = readFileSync(join(folder, artifactLocation.uri), 'utf8').split('\n');
  return `${artifactLocation.uri}: ${lines[region.startLine - 1]?.trim() ?? ''}`;
}

function checkout(pullRequest?: string): string {
  const folder = join(place, pullRequest ?? 'main');
  cpSync(fixture, folder, { recursive: true });
  if (pullRequest !== undefined) cpSync(join(fixture, 'pull-requests', pullRequest), join(folder, 'clusters'), { recursive: true });
  return folder;
}

test('a change of one cluster, laid over a recording of the mesh, breaks the other', () => {
  const demo = join(fixture, '../demo/healthy');
  const change = join(place, 'change.yaml');
  writeFileSync(
    change,
    `apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: cross-network-gateway
  namespace: istio-system
spec:
  selector: { istio: eastwestgateway }
  servers:
    - port: { name: tls, number: 15444, protocol: TLS }
      tls: { mode: AUTO_PASSTHROUGH }
      hosts: ['*.local']
`,
  );
  const { stdout, exit } = ran(
    `cd ${place} && meshdoctor record -o mesh.json --manifests east=${demo}/east --manifests west=${demo}/west 2>record.log && meshdoctor check --from mesh.json --overlay east=change.yaml -o json`,
  );
  expect(exit).toBe(1);
  const { findings, comparison, matrix } = JSON.parse(stdout) as Report;
  expect(findings.map(({ code, fails }) => [code, fails])).toEqual([['unexposed-services/unexposed', true]]);
  expect(comparison).toMatchObject({ with: 'overlay', files: ['change.yaml'], introduced: 1, unchanged: 0 });
  expect(matrix[0]?.cells.filter(({ state }) => state === 'broken').map(({ from, to }) => `${from} to ${to}`)).toContain('west to east');
});

describe('a change is judged before it is merged', () => {
  test('nothing is found in the mesh as it is', () => {
    const { stdout, stderr, exit } = ran(`cd ${checkout()} && meshdoctor check -o github`);
    expect([exit, stderr]).toEqual([0, '']);
    expect(stdout).not.toContain('::');
  });

  test.each([
    [
      'upgrade',
      'unserved-injector',
      'clusters/secondary/secondary.yaml: revision: 1-24-3',
      // What the pull request changed.
      ['clusters/primary/primary.yaml: revision: 1-25-0'],
    ],
    ['gateway-port', 'missing-cross-network-port', 'clusters/primary/eastwest-gateway.yaml: ports:', []],
  ])('%s breaks the other cluster, and is caught at its line', (pullRequest, check, at, related) => {
    const folder = checkout(pullRequest);
    const { stdout, stderr, exit } = ran(`cd ${folder} && meshdoctor check -o sarif`);
    expect([exit, stderr]).toEqual([1, '']);
    const { results } = (JSON.parse(stdout) as { runs: [{ results: Result[] }] }).runs[0];
    expect(results.map(({ ruleId }) => ruleId)).toEqual([check]);
    const [result] = results;
    expect(result?.locations.map((location) => lineAt(folder, location))).toEqual([at]);
    expect((result?.relatedLocations ?? []).map((location) => lineAt(folder, location))).toEqual(related);
  });
});

import { createHash, X509Certificate } from 'node:crypto';
import { publishedCas } from 'meshdoctor/api';
import { certificates, checkTester, mesh } from 'meshdoctor/testkit';
import { describe, expect, test } from 'vitest';
import check, { checkOf } from './check.ts';

const east = 'east';
const west = 'west';
const root = 'ConfigMap/istio-system/istio-ca-root-cert';
const fingerprintOf = (pem: string): string => createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
const trusted = (...places: readonly string[]) => places.map((place) => `published-ca @ ${place} (warning certain)`);

// Any other certificate does as well here; meshes with the published ones are staged in test/breakage.
checkTester(
  checkOf(
    new Map(
      [certificates.secondRoot, certificates.secondIntermediateTwo].map((pem) => [fingerprintOf(pem), { file: 'a file', from: '2018' }]),
    ),
  ),
  {
    healthy: {
      'a root of its own': mesh().multiPrimary(east, west),
      'istiod made its own': mesh().primaryRemote(east, west, { trust: 'self-signed' }),
      'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    },
    broken: {
      'one of two primaries': {
        mesh: mesh().multiPrimary(east, west, { authorities: { west: certificates.secondCa } }),
        findings: trusted(`west:${root}`, 'west:Secret/istio-system/cacerts'),
      },
      both: {
        mesh: mesh().multiPrimary(east, west, { authorities: { east: certificates.secondCa, west: certificates.secondCa } }),
        findings: trusted(`east:${root}`, `west:${root}`, 'west:Secret/istio-system/cacerts'),
      },
    },
  },
);

describe('what everybody has the key of', () => {
  test('the check asks for nothing else', () => {
    expect(check.id).toBe('published-ca');
    for (const [fingerprint, { file }] of publishedCas.publishedCas)
      expect(`${fingerprint} ${file}`).toMatch(/^[0-9a-f]{64} samples\/certs\/[a-z0-9-]+\.pem$/);
  });
});

import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as certificates from './certificates.ts';
import {
  apiServerCas,
  expiredIntermediate,
  expiredRoot,
  firstCa,
  firstRoot,
  noKey,
  publicServer,
  secondCa,
  selfSignedRoots,
} from './certificates.ts';
import { takenAt } from './timeline.ts';

const read = (pem: string): X509Certificate => new X509Certificate(pem);
const fingerprints = (...pems: readonly string[]): number => new Set(pems.map((pem) => read(pem).fingerprint256)).size;

describe('certificates', () => {
  it.each([firstCa, secondCa])('intermediates are signed by their root', ({ root, intermediates }) => {
    for (const intermediate of intermediates) {
      expect(read(intermediate).checkIssued(read(root))).toBe(true);
      expect(read(intermediate).verify(read(root).publicKey)).toBe(true);
    }
    expect(fingerprints(...intermediates)).toBe(2);
  });

  it('two authorities are unrelated, and so are two istiods that made their own root under one name', () => {
    expect(read(firstCa.intermediates[0]).verify(read(secondCa.root).publicKey)).toBe(false);
    expect(selfSignedRoots.map((pem) => read(pem).subject)).toEqual(['O=cluster.local', 'O=cluster.local']);
    expect(fingerprints(...selfSignedRoots)).toBe(2);
    expect(fingerprints(...apiServerCas)).toBe(4);
  });

  it('are valid when the meshes were looked at, and for a life after; the expired ones are not', () => {
    const at = Date.parse(takenAt);
    for (const pem of [
      firstCa.root,
      ...firstCa.intermediates,
      secondCa.root,
      ...secondCa.intermediates,
      ...selfSignedRoots,
      ...apiServerCas,
      publicServer,
    ]) {
      expect(Date.parse(read(pem).validFrom)).toBeLessThan(Date.parse('2025-01-01'));
      expect(Date.parse(read(pem).validTo)).toBeGreaterThan(Date.parse('2119-01-01'));
    }
    expect([expiredRoot, expiredIntermediate].map((pem) => Date.parse(read(pem).validTo) < at)).toEqual([true, true]);
    expect(read(expiredIntermediate).verify(read(firstRoot).publicKey)).toBe(true);
  });

  it('no private key lies beside them', () => {
    expect(JSON.stringify(certificates)).not.toContain('PRIVATE KEY');
    expect(noKey).not.toContain('-----');
  });
});

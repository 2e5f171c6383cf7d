import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Certificate, mintCertificate } from '../sandbox/certificates.ts';
import { alternativeNames, certificatesOf, distinguishedName, fingerprintOf, leadsTo } from './presented-chain.ts';

const notBefore = new Date('2026-01-01T00:00:00Z');
const notAfter = new Date('2027-01-01T00:00:00Z');
const during = Date.parse('2026-06-01T00:00:00Z');
const authority = (name: string, issuer?: Certificate, until = notAfter) =>
  mintCertificate({ subject: [['CN', name]], issuer, isAuthority: true, notBefore, notAfter: until });
const read = ({ cert }: Certificate) => new X509Certificate(cert);

let minted: Record<'root' | 'other' | 'intermediate' | 'short' | 'leaf' | 'underShort' | 'underLeaf', Certificate>;

beforeAll(async () => {
  const root = await authority('Root CA');
  const intermediate = await authority('Intermediate CA', root);
  const short = await authority('Short CA', root, new Date('2026-03-01T00:00:00Z'));
  const end = { subject: [], uris: ['spiffe://cluster.local/ns/shop/sa/default'], notBefore, notAfter };
  const leaf = await mintCertificate({ ...end, issuer: intermediate });
  minted = {
    root,
    // The same name with another key: only the signature tells them apart.
    other: await authority('Root CA'),
    intermediate,
    short,
    leaf,
    underShort: await mintCertificate({ ...end, issuer: short }),
    underLeaf: await mintCertificate({ ...end, issuer: leaf }),
  };
});

describe('leadsTo', () => {
  const verdict = (chain: readonly Certificate[], root: Certificate, now = during) => leadsTo(chain.map(read), read(root), now);

  test('by intermediates that were presented, in any order', () => {
    const { leaf, intermediate, root, short } = minted;
    expect(verdict([leaf, intermediate], root)).toBe(true);
    expect(verdict([leaf, short, intermediate, root], root)).toBe(true);
    expect(verdict([leaf], root)).toBe(false);
    expect(verdict([leaf], intermediate)).toBe(true);
  });

  test('not to a root of the same name with another key', () => {
    expect(verdict([minted.leaf, minted.intermediate], minted.other)).toBe(false);
  });

  test('not through a certificate that is out of date, nor before its time', () => {
    const { underShort, short, root, leaf, intermediate } = minted;
    expect(verdict([underShort, short], root, Date.parse('2026-02-01T00:00:00Z'))).toBe(true);
    expect(verdict([underShort, short], root)).toBe(false);
    expect(verdict([leaf, intermediate], root, Date.parse('2025-12-31T00:00:00Z'))).toBe(false);
    expect(verdict([leaf, intermediate], root, Date.parse('2027-01-02T00:00:00Z'))).toBe(false);
  });

  test('not through one that is no authority', () => {
    expect(verdict([minted.underLeaf, minted.leaf, minted.intermediate], minted.root)).toBe(false);
  });

  test('a root that is presented itself leads to itself', () => {
    expect(verdict([minted.root], minted.root)).toBe(true);
    expect(verdict([], minted.root)).toBe(false);
  });
});

test('names and fingerprints', async () => {
  const certificate = read(
    await mintCertificate({
      subject: [
        ['O', 'Load balancers'],
        ['CN', 'lb.example.com'],
      ],
      dnsNames: ['lb.example.com', '*.example.com'],
      uris: ['spiffe://td/ns/a/sa/b', 'spiffe://td/ns/a,b/sa/c'],
      notBefore,
      notAfter,
    }),
  );
  expect(alternativeNames(certificate)).toEqual({
    uris: ['spiffe://td/ns/a/sa/b', 'spiffe://td/ns/a,b/sa/c'],
    dnsNames: ['lb.example.com', '*.example.com'],
  });
  expect(distinguishedName(certificate.subject)).toBe('O=Load balancers, CN=lb.example.com');
  expect(distinguishedName(read(minted.leaf).subject)).toBe('');
  expect(fingerprintOf(certificate)).toBe(certificate.fingerprint256.replaceAll(':', '').toLowerCase());
});

test('certificates of a bundle, without what is none', () => {
  const broken = '-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n';
  expect(certificatesOf(`# roots\n${minted.root.cert}${broken}${minted.other.cert}`).map(fingerprintOf)).toEqual(
    [minted.root, minted.other].map((one) => fingerprintOf(read(one))),
  );
  expect(certificatesOf('')).toEqual([]);
});

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { expiredRoot, firstCa, publicServer } from '../../src/builder/certificates.ts';
import { mintCertificate, mintIssuerOf, mintTwin } from '../../src/sandbox/certificates.ts';

const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2036-01-01T00:00:00Z') };

test('an authority signs a server, and its key belongs to it', async () => {
  const ca = await mintCertificate({ subject: [['CN', 'kubernetes']], isAuthority: true, ...validity });
  const server = await mintCertificate({
    subject: [['CN', 'kube-apiserver']],
    issuer: ca,
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1', '::1'],
    uris: ['spiffe://cluster.local/ns/a/sa/b'],
    usages: ['server'],
    ...validity,
  });
  const [issuer, leaf] = [new X509Certificate(ca.cert), new X509Certificate(server.cert)];
  expect(leaf.checkIssued(issuer)).toBe(true);
  expect(leaf.verify(issuer.publicKey)).toBe(true);
  expect(leaf.checkPrivateKey(createPrivateKey(server.key))).toBe(true);
  expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(leaf.checkHost('localhost')).toBe('localhost');
  expect(leaf.subjectAltName).toContain('URI:spiffe://cluster.local/ns/a/sa/b');
  expect(leaf.ca).toBe(false);
  expect(issuer.ca).toBe(true);
  expect(new Date(leaf.validTo)).toEqual(validity.notAfter);
});

test('a client certificate keeps the order and the odd characters of its subject', async () => {
  const client = await mintCertificate({
    subject: [
      ['O', 'system:masters'],
      ['O', 'a, b'],
      ['CN', 'admin+1'],
    ],
    usages: ['client'],
    ...validity,
  });
  expect(new X509Certificate(client.cert).toLegacyObject().subject).toEqual(
    Object.assign(Object.create(null), { O: ['system:masters', 'a, b'], CN: 'admin+1' }),
  );
});

test('a twin has the name, the extensions and the validity of the original, and another key', async () => {
  const root = await mintTwin(firstCa.root);
  const intermediate = await mintTwin(firstCa.intermediates[0], { issuer: root });
  const [was, is] = [new X509Certificate(firstCa.intermediates[0]), new X509Certificate(intermediate.cert)];
  expect(is.subject).toBe(was.subject);
  expect(is.issuer).toBe(was.issuer);
  expect(is.ca).toBe(true);
  expect([is.validFrom, is.validTo]).toEqual([was.validFrom, was.validTo]);
  expect(is.fingerprint256).not.toBe(was.fingerprint256);
  expect(is.verify(new X509Certificate(root.cert).publicKey)).toBe(true);
  expect(is.checkIssued(new X509Certificate(root.cert))).toBe(true);
  expect(new X509Certificate((await mintTwin(expiredRoot)).cert).validTo).toBe(new X509Certificate(expiredRoot).validTo);
  expect(new X509Certificate((await mintTwin(publicServer)).cert).subjectAltName).toBe('DNS:istiod.mesh.example.com');
});

test('an issuer that is not at hand is made by its name', async () => {
  const issuer = await mintIssuerOf(firstCa.intermediates[1]);
  const twin = await mintTwin(firstCa.intermediates[1], { issuer, ...validity });
  expect(new X509Certificate(issuer.cert).subject).toBe(new X509Certificate(firstCa.root).subject);
  expect(new X509Certificate(twin.cert).verify(new X509Certificate(issuer.cert).publicKey)).toBe(true);
  expect(new X509Certificate(twin.cert).validTo).toBe('Jan  1 00:00:00 2036 GMT');
});

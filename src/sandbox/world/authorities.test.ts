import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  expiredIntermediate,
  firstIntermediateOne,
  firstRoot,
  publicServer,
  secondIntermediateOne,
  selfSignedRootOne,
  selfSignedRootTwo,
} from '../../builder/certificates.ts';
import { textAt } from '../../builder/edits/json.ts';
import type { KubeObject } from '../../model/kube.ts';
import { fingerprintOf, keepAuthorities, minted, pemBlocks } from './authorities.ts';

const map = (name: string, data: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'a' },
  data,
});
const secret = (name: string, data: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'a' },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, btoa(value)])),
});

async function rewritten(...objects: readonly KubeObject[]) {
  const { mesh, authorities } = await minted(new Map([['one', objects]]), 0);
  const texts = (mesh.get('one') ?? []).map((object) => (key: string): string => {
    const text = textAt(object, 'data', key) ?? '';
    return object.kind === 'Secret' ? atob(text) : text;
  });
  return { texts, authorities };
}

describe('twins of certificates', () => {
  it('keep names and validity, are signed by the twin of their issuer, and have a key', async () => {
    const { texts, authorities } = await rewritten(
      map('root', { pem: firstRoot }),
      secret('ca', { pem: firstIntermediateOne, both: firstIntermediateOne + firstRoot }),
    );
    const [root = '', intermediate = '', both = ''] = [texts[0]?.('pem'), texts[1]?.('pem'), texts[1]?.('both')];
    const [old, twin] = [new X509Certificate(firstIntermediateOne), new X509Certificate(intermediate)];
    expect([twin.subject, twin.issuer, twin.validFrom, twin.validTo, twin.ca]).toEqual([
      old.subject,
      old.issuer,
      old.validFrom,
      old.validTo,
      true,
    ]);
    expect(twin.fingerprint256).not.toBe(old.fingerprint256);
    expect(twin.verify(new X509Certificate(root).publicKey)).toBe(true);
    expect(pemBlocks(both).map(fingerprintOf)).toEqual([intermediate, root].map(fingerprintOf));
    const authority = await authorities.of(intermediate);
    expect(twin.checkPrivateKey(createPrivateKey(authority.key))).toBe(true);
    expect(fingerprintOf(authority.issuer?.cert ?? '')).toBe(fingerprintOf(root));
  });

  it('what was left of them is left again when the mesh is moved', async () => {
    const { mesh } = await minted(new Map([['one', [map('old', { pem: expiredIntermediate })]]]), 86_400_000);
    const twin = new X509Certificate(textAt(mesh.get('one')?.[0], 'data', 'pem') ?? '');
    expect(Date.parse(twin.validTo) - Date.parse(new X509Certificate(expiredIntermediate).validTo)).toBe(86_400_000);
  });

  it('equal certificates stay equal however they are written, different ones of one name different', async () => {
    const kubeconfig = `clusters:\n- cluster:\n    certificate-authority-data: ${btoa(selfSignedRootOne)}\n`;
    const { texts } = await rewritten(
      map('one', {
        pem: selfSignedRootOne,
        yaml: `caCertificates:\n- pem: |\n    ${selfSignedRootOne.trim().replaceAll('\n', '\n    ')}\n`,
      }),
      map('two', { pem: selfSignedRootTwo }),
      secret('kubeconfig', { east: kubeconfig }),
    );
    const twin = texts[0]?.('pem') ?? '';
    const yaml = texts[0]?.('yaml') ?? '';
    expect(
      yaml
        .split('\n')
        .slice(2, -1)
        .every((line) => line.startsWith('    ')),
    ).toBe(true);
    expect(fingerprintOf(pemBlocks(yaml)[0]?.replace(/^ +/gm, '') ?? '')).toBe(fingerprintOf(twin));
    expect(fingerprintOf(texts[1]?.('pem') ?? '')).not.toBe(fingerprintOf(twin));
    expect(new X509Certificate(texts[1]?.('pem') ?? '').subject).toBe(new X509Certificate(twin).subject);
    expect(fingerprintOf(atob(/data: (\S+)/.exec(texts[2]?.('east') ?? '')?.[1] ?? ''))).toBe(fingerprintOf(twin));
  });

  it('one whose issuer is not there gets an issuer of that name; what is no certificate stays', async () => {
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
    const { texts, authorities } = await rewritten(
      map('alone', { pem: secondIntermediateOne, broken }),
      map('public', { pem: publicServer }),
    );
    const twin = new X509Certificate(texts[0]?.('pem') ?? '');
    const authority = await authorities.of(twin.toString());
    expect(twin.issuer).toBe(new X509Certificate(secondIntermediateOne).issuer);
    expect(twin.verify(new X509Certificate(authority.issuer?.cert ?? '').publicKey)).toBe(true);
    expect(texts[0]?.('broken')).toBe(broken);
    expect(new X509Certificate(texts[1]?.('pem') ?? '').subjectAltName).toBe(new X509Certificate(publicServer).subjectAltName);
  });

  it('a certificate that no object has gets a twin all the same, always the same one', async () => {
    const authorities = keepAuthorities();
    const [first, second] = [await authorities.of(firstRoot), await authorities.of(`\n${firstRoot}`)];
    expect(second).toBe(first);
    expect(fingerprintOf(first.cert)).not.toBe(fingerprintOf(firstRoot));
  });
});

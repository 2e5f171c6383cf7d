import { createHash, X509Certificate } from 'node:crypto';
import { isRecord } from '../../builder/edits/json.ts';
import type { KubeObject, MeshObjects } from '../../model/kube.ts';
import { type Certificate, mintCertificate, mintIssuerOf, mintTwin } from '../certificates.ts';

/*
 * Objects promise certificates whose keys are gone. Each gets a twin with a key that we hold: same names, same extensions, what was
 * left of its validity, signed by the twin of its issuer. Equal certificates stay equal, different ones different.
 */

/** A certificate with its key, and who signed it; nobody else signed one that has no issuer. */
export interface Authority extends Certificate {
  readonly issuer?: Authority;
}

/** The certificates of a mesh for which there are keys. */
export interface Authorities {
  /** The authority whose certificate this is (PEM); one that is not known gets a twin of its own, which no object knows. */
  of(pem: string): Promise<Authority>;
  /** Makes known what was minted later. */
  add(authority: Authority): void;
  /** A root that no object knows: always the same one. */
  stranger(): Promise<Authority>;
}

/** The mesh with every certificate replaced by its twin, validity moved by `milliseconds`; and the keys. */
export async function minted(
  mesh: MeshObjects,
  milliseconds: number,
): Promise<{ readonly mesh: MeshObjects; readonly authorities: Authorities }> {
  const originals = new Map<string, X509Certificate>();
  for (const objects of mesh.values()) for (const object of objects) rewritten(object, (pem) => (remember(originals, pem), undefined));
  const twins = await twinsOf(originals, milliseconds);
  const twinOf = (pem: string): string | undefined => twins.get(fingerprintOf(pem) ?? '')?.cert;
  return {
    mesh: new Map([...mesh].map(([cluster, objects]) => [cluster, objects.map((object) => rewritten(object, twinOf))])),
    authorities: keepAuthorities(twins.values()),
  };
}

/** Authorities of which the given ones are known. */
export function keepAuthorities(known: Iterable<Authority> = []): Authorities {
  const byFingerprint = new Map<string, Promise<Authority>>();
  const add = (authority: Authority): void => {
    byFingerprint.set(fingerprintOf(authority.cert) ?? '', Promise.resolve(authority));
    if (authority.issuer !== undefined) add(authority.issuer);
  };
  for (const authority of known) add(authority);
  let stranger: Promise<Authority> | undefined;
  const day = 86_400_000;
  const mintStranger = async (): Promise<Authority> => {
    const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + 3650 * day) };
    const made = await mintCertificate({ subject: [['CN', 'Stranger CA']], isAuthority: true, ...validity });
    add(made);
    return made;
  };
  return {
    add,
    stranger: () => (stranger ??= mintStranger()),
    of: (pem) => {
      const key = fingerprintOf(pem) ?? '';
      const found = byFingerprint.get(key) ?? mintTwin(pem);
      byFingerprint.set(key, found);
      return found;
    },
  };
}

/** PEM blocks of a text, in order. */
export function pemBlocks(text: string): string[] {
  return text.match(block) ?? [];
}

/** Hex SHA-256 of the DER bytes of a PEM certificate; nothing where there is none. */
export function fingerprintOf(pem: string): string | undefined {
  try {
    return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
  } catch {
    return undefined;
  }
}

async function twinsOf(originals: ReadonlyMap<string, X509Certificate>, milliseconds: number): Promise<Map<string, Authority>> {
  const twins = new Map<string, Promise<Authority>>();
  const strangers = new Map<string, Promise<Authority>>();
  const all = [...originals.values()];
  const twin = (certificate: X509Certificate): Promise<Authority> => {
    const key = keyOf(certificate);
    const found = twins.get(key) ?? make(certificate);
    twins.set(key, found);
    return found;
  };
  const make = async (certificate: X509Certificate): Promise<Authority> => {
    const signer = isSignedBy(certificate, certificate) ? undefined : all.find((other) => isSignedBy(certificate, other));
    const isStranger = signer === undefined && !isSignedBy(certificate, certificate);
    const issuer = signer !== undefined ? await twin(signer) : isStranger ? await strangerOf(certificate) : undefined;
    const validity = {
      notBefore: new Date(Date.parse(certificate.validFrom) + milliseconds),
      notAfter: new Date(Date.parse(certificate.validTo) + milliseconds),
    };
    return { ...(await mintTwin(certificate.toString(), { ...validity, issuer })), ...(issuer === undefined ? {} : { issuer }) };
  };
  const strangerOf = (certificate: X509Certificate): Promise<Authority> => {
    const found = strangers.get(certificate.issuer) ?? mintIssuerOf(certificate.toString());
    strangers.set(certificate.issuer, found);
    return found;
  };
  const made = new Map<string, Authority>();
  for (const certificate of all) made.set(keyOf(certificate), await twin(certificate));
  return made;
}

function isSignedBy(certificate: X509Certificate, signer: X509Certificate): boolean {
  try {
    return certificate.issuer === signer.subject && certificate.verify(signer.publicKey);
  } catch {
    return false; // An algorithm that OpenSSL does not know.
  }
}

function keyOf(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('hex');
}

function remember(originals: Map<string, X509Certificate>, pem: string): void {
  try {
    const certificate = new X509Certificate(pem);
    originals.set(keyOf(certificate), certificate);
  } catch {
    // Not a certificate: it stays as it is.
  }
}

/** A PEM block may stand indented, as in YAML. */
const block = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
/** Base64 of a text that begins with a PEM block: a caBundle, or the authority of a kubeconfig. */
const encodedBlock = /LS0tLS1CRUdJTi[A-Za-z0-9+/]+={0,2}/g;

const kinds: ReadonlySet<string> = new Set([
  'APIService',
  'ClusterTrustBundle',
  'ConfigMap',
  'CustomResourceDefinition',
  'MutatingWebhookConfiguration',
  'Secret',
  'ValidatingWebhookConfiguration',
]);

/** The object with every certificate in it given to `twinOf`; one for which that has none stays. */
function rewritten(object: KubeObject, twinOf: (pem: string) => string | undefined): KubeObject {
  if (!kinds.has(object.kind)) return object;
  const next: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object))
    next[key] = object.kind === 'Secret' && key === 'data' ? inData(value, twinOf) : inValue(value, twinOf);
  return { ...object, ...next };
}

function inData(data: unknown, twinOf: (pem: string) => string | undefined): unknown {
  if (!isRecord(data)) return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => {
      if (typeof value !== 'string') return [key, value];
      const plain = Buffer.from(value, 'base64').toString('latin1');
      const next = inText(plain, twinOf);
      return [key, next === plain ? value : Buffer.from(next, 'latin1').toString('base64')];
    }),
  );
}

function inValue(value: unknown, twinOf: (pem: string) => string | undefined): unknown {
  if (typeof value === 'string') return inText(value, twinOf);
  if (Array.isArray(value)) return value.map((item: unknown) => inValue(item, twinOf));
  return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inValue(item, twinOf)])) : value;
}

function inText(text: string, twinOf: (pem: string) => string | undefined): string {
  if (!text.includes('-----BEGIN CERTIFICATE-----') && !text.includes('LS0tLS1CRUdJTi')) return text;
  const plain = text.replace(block, (found, offset: number, whole: string) => {
    // In JSON the lines of a block are divided by the two characters \n, in YAML they stand indented.
    const isEscaped = !found.includes('\n') && found.includes('\\n');
    const pem = (isEscaped ? found.replaceAll('\\n', '\n') : found).replace(/^[ \t]+/gm, '');
    const next = twinOf(pem)?.trimEnd();
    if (next === undefined) return found;
    const indent = /[ \t]*$/.exec(whole.slice(0, offset))?.[0] ?? '';
    return isEscaped ? next.replaceAll('\n', '\\n') : next.replaceAll('\n', `\n${indent}`);
  });
  return plain.replace(encodedBlock, (found) => {
    const decoded = Buffer.from(found, 'base64').toString('latin1');
    const next = inText(decoded, twinOf);
    return next === decoded ? found : Buffer.from(next, 'latin1').toString('base64');
  });
}

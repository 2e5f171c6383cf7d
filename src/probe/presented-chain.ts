import { createHash, X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { distinct } from '../base/sort.ts';
import type { HandshakeOutcome } from '../model/observations.ts';

/** What is written down of a certificate that was presented. */
export type CertificateSeen = Omit<Extract<HandshakeOutcome, { readonly stage: 'certificate' }>, 'afterwards' | 'protocol'>;

/** A leaf as it was presented, with the chain that came with it, held against `roots`. */
export function certificateSeen(leaf: X509Certificate, roots: readonly X509Certificate[]): CertificateSeen {
  const chain = chainOf(leaf);
  const now = Date.now();
  const names = alternativeNames(leaf);
  const verifiedBy = distinct(roots.filter((root) => leadsTo(chain, root, now)).map(fingerprintOf));
  // A workload's certificate is of a mesh, whosever.
  const isPublic = verifiedBy.length === 0 && names.uris.length === 0 && publicRoots().some((root) => leadsTo(chain, root, now));
  return {
    stage: 'certificate',
    ...names,
    subject: distinguishedName(leaf.subject),
    issuer: distinguishedName(leaf.issuer),
    notBefore: new Date(leaf.validFrom).toISOString(),
    notAfter: new Date(leaf.validTo).toISOString(),
    chain: chain.map(fingerprintOf),
    verifiedBy,
    rootsTried: distinct(roots.map(fingerprintOf)),
    ...(isPublic ? { isPublic } : {}),
  };
}

let parsedRoots: readonly X509Certificate[] | undefined;

/** What Node trusts; parsed when it is first asked for, since that takes tens of milliseconds. */
function publicRoots(): readonly X509Certificate[] {
  parsedRoots ??= rootCertificates.flatMap(certificatesOf);
  return parsedRoots;
}

/** Certificates of a PEM bundle, in order; what cannot be read is left out. */
export function certificatesOf(pem: string): X509Certificate[] {
  return (pem.match(block) ?? []).flatMap((text) => {
    try {
      return [new X509Certificate(text)];
    } catch {
      return [];
    }
  });
}

/** Hex SHA-256 of the DER bytes. */
export function fingerprintOf(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('hex');
}

/** A certificate and those above it that came with it, the nearest first. */
export function chainOf(leaf: X509Certificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  const seen = new Set<string>();
  for (let at: X509Certificate | undefined = leaf; at !== undefined && !seen.has(at.fingerprint256); at = at.issuerCertificate) {
    seen.add(at.fingerprint256);
    chain.push(at);
  }
  return chain;
}

/**
 * Whether a chain, leaf first, leads to this root by signatures of authorities, every certificate on the way within its validity at
 * `now` (milliseconds since the epoch). Names and what the certificates are for are not looked at.
 */
export function leadsTo(chain: readonly X509Certificate[], root: X509Certificate, now: number): boolean {
  const [leaf, ...others] = chain;
  return leaf !== undefined && isValidAt(root, now) && isIssuedBelow(leaf, others, root, now);
}

/** Names in a certificate's subjectAltName, sorted by kind, in their order. */
export function alternativeNames(certificate: X509Certificate): { readonly uris: readonly string[]; readonly dnsNames: readonly string[] } {
  const names = [...(certificate.subjectAltName ?? '').matchAll(/(?:^|, )(URI|DNS):("(?:[^"\\]|\\.)*"|[^,]*)/g)];
  const of = (kind: string) => names.flatMap(([, found, value]) => (found === kind && value !== undefined ? [unquoted(value)] : []));
  return { uris: of('URI'), dnsNames: of('DNS') };
}

/** A distinguished name on one line; empty where there is none. */
export function distinguishedName(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}

const block = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

function isIssuedBelow(certificate: X509Certificate, others: readonly X509Certificate[], root: X509Certificate, now: number): boolean {
  if (!isValidAt(certificate, now)) return false;
  if (certificate.fingerprint256 === root.fingerprint256 || isIssuedBy(certificate, root)) return true;
  return others.some((issuer, at) => issuer.ca && isIssuedBy(certificate, issuer) && isIssuedBelow(issuer, without(others, at), root, now));
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false; // A key OpenSSL cannot use.
  }
}

function isValidAt(certificate: X509Certificate, now: number): boolean {
  return Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo);
}

/** Node quotes a name that could be mistaken for several, as JSON does. */
function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return value;
  }
}

function without<T>(items: readonly T[], index: number): T[] {
  return items.filter((_, at) => at !== index);
}

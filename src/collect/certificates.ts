import { createHash, X509Certificate } from 'node:crypto';
import type { CaBundle, Certificate } from '../model/facts.ts';
import { type Fields, flag, list, objects, text, type Tally, tally, time } from '../model/decode.ts';
import { decodeBase64 } from './credentials.ts';

const block = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/** Bundles already read. The same root lies in every namespace of every cluster, and reading one costs more than all else. */
const known = new Map<string, { readonly certificates: readonly Certificate[]; readonly broken: number }>();
const mostKnown = 2000;

/** Every certificate of a PEM bundle, in order. What cannot be read is counted and left out; private keys are not looked at. */
export function certificatesIn(odd: Tally, pem: string | undefined): readonly Certificate[] {
  if (pem === undefined || pem === '') return [];
  let entry = known.get(pem);
  if (entry === undefined) {
    const blocks = pem.match(block) ?? [];
    const certificates = blocks.map(readCertificate).filter((certificate) => certificate !== undefined);
    entry = { certificates, broken: blocks.length - certificates.length };
    if (known.size >= mostKnown) known.clear();
    known.set(pem, entry);
  }
  odd.odd += entry.broken;
  return entry.certificates;
}

function readCertificate(pem: string): Certificate | undefined {
  try {
    const certificate = new X509Certificate(pem);
    return {
      fingerprint: fingerprintOf(certificate),
      subject: oneLine(certificate.subject),
      issuer: oneLine(certificate.issuer),
      notBefore: rfc3339(certificate.validFrom),
      notAfter: rfc3339(certificate.validTo),
      selfSigned: isSelfSigned(certificate),
    };
  } catch {
    return undefined;
  }
}

function isSelfSigned(certificate: X509Certificate): boolean {
  if (certificate.subject !== certificate.issuer) return false;
  try {
    return certificate.verify(certificate.publicKey);
  } catch {
    return true; // An algorithm OpenSSL does not know: the names are all there is to go by.
  }
}

function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}

/** `Nov 22 21:13:03 2026 GMT` as RFC 3339. */
function rfc3339(text: string): string {
  return new Date(text).toISOString().replace('.000Z', 'Z');
}

/** A webhook's caBundle: base64 of PEM. */
export function caBundleOf(odd: Tally, value: unknown): CaBundle {
  const encoded = text(odd, value);
  if (encoded === undefined || encoded === '') return { state: 'empty' };
  const certificates = certificatesIn(odd, decodeBase64(odd, encoded));
  return certificates.length === 0 ? { state: 'unreadable' } : { state: 'certificates', certificates };
}

/** Fingerprints of those of `roots` that the first certificate of `signing` leads to by signature, through `between` where it has to. */
export function rootsBehind(signing: string | undefined, between: string | undefined, roots: string | undefined): readonly string[] {
  const [first] = parsedIn(signing);
  if (first === undefined) return [];
  const chain = parsedIn(between);
  const reached = new Map([[fingerprintOf(first), first]]);
  for (const certificate of reached.values()) {
    for (const issuer of chain) if (isIssuedBy(certificate, issuer)) reached.set(fingerprintOf(issuer), issuer);
  }
  return parsedIn(roots)
    .filter((root) =>
      [...reached.values()].some((certificate) => fingerprintOf(certificate) === fingerprintOf(root) || isIssuedBy(certificate, root)),
    )
    .map(fingerprintOf);
}

function parsedIn(pem: string | undefined): X509Certificate[] {
  return ((pem ?? '').match(block) ?? []).flatMap((one) => {
    try {
      return [new X509Certificate(one)];
    } catch {
      return [];
    }
  });
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.issuer === issuer.subject && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function fingerprintOf(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('hex');
}

/** Certificates of a reduced object, as they were recorded. */
export function recordedCertificates(value: unknown): readonly Certificate[] {
  const odd = tally();
  return objects(odd, value).flatMap((entry) => {
    const fingerprint = text(odd, entry['fingerprint']);
    const notBefore = time(odd, entry['notBefore']);
    const notAfter = time(odd, entry['notAfter']);
    if (fingerprint === undefined || notBefore === undefined || notAfter === undefined) return [];
    return [
      {
        fingerprint,
        subject: text(odd, entry['subject']) ?? '',
        issuer: text(odd, entry['issuer']) ?? '',
        notBefore,
        notAfter,
        selfSigned: flag(odd, entry['selfSigned']) ?? false,
      },
    ];
  });
}

/** A caBundle of a reduced webhook, as it was recorded. */
export function recordedCaBundle(value: Fields): CaBundle {
  const odd = tally();
  if (list(odd, value['certificates']).length > 0)
    return { state: 'certificates', certificates: recordedCertificates(value['certificates']) };
  return { state: value['state'] === 'unreadable' ? 'unreadable' : 'empty' };
}

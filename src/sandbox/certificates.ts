// The certificate library looks for it when it is imported, and refuses to load without.
// oxlint-disable-next-line import/no-unassigned-import
import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralNames,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { webcrypto } from 'node:crypto';

/*
 * Certificates of simulated clusters, made when they start: EC P-256 with SHA-256, so that a hundred of them cost less than one RSA key.
 */

/** A certificate and its private key (PKCS#8), each as one PEM block. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateRequest {
  /** Attributes in the order of the name: `[['O', 'Istio'], ['CN', 'Root CA']]`. */
  readonly subject: readonly (readonly [attribute: string, value: string])[];
  /** Who signs; without one it signs itself. */
  readonly issuer?: Certificate | undefined;
  /** May sign others; for `pathLength` further levels of authorities, or any number. */
  readonly isAuthority?: boolean;
  readonly pathLength?: number;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** SPIFFE identities. */
  readonly uris?: readonly string[];
  /** What a certificate that signs nobody is for; default: both ends of a connection. */
  readonly usages?: readonly ('server' | 'client')[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** A new certificate with a new key. */
export async function mintCertificate(request: CertificateRequest): Promise<Certificate> {
  const names = alternativeNames(request);
  return sign({
    subject: new Name(request.subject.map(([attribute, value]): JsonName[number] => ({ [attribute]: [value] }))),
    issuer: request.issuer,
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    extensions: [
      new BasicConstraintsExtension(request.isAuthority === true, request.pathLength, true),
      ...(request.isAuthority === true ? authorityUsage() : endUsage(request.usages ?? ['server', 'client'])),
      ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names, request.subject.length === 0)]),
    ],
  });
}

export interface TwinOptions {
  /** Who signs, when it is not the certificate itself. Its subject becomes the issuer. */
  readonly issuer?: Certificate | undefined;
  /** Default: as the original. */
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

/** The same certificate with a key that we hold: subject, extensions and validity are the original's; serial number, key and signature are new. */
export async function mintTwin(original: string, options: TwinOptions = {}): Promise<Certificate> {
  const certificate = new X509Certificate(original);
  return sign({
    subject: certificate.subjectName,
    issuer: options.issuer,
    notBefore: options.notBefore ?? certificate.notBefore,
    notAfter: options.notAfter ?? certificate.notAfter,
    extensions: certificate.extensions.filter(
      (extension) => !(extension instanceof SubjectKeyIdentifierExtension || extension instanceof AuthorityKeyIdentifierExtension),
    ),
  });
}

/** A root authority named as the issuer of a certificate, for certificates whose issuer is not at hand. */
export async function mintIssuerOf(original: string): Promise<Certificate> {
  const certificate = new X509Certificate(original);
  return sign({
    subject: certificate.issuerName,
    issuer: undefined,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    extensions: [new BasicConstraintsExtension(true, undefined, true), ...authorityUsage()],
  });
}

interface Unsigned {
  readonly subject: Name;
  readonly issuer: Certificate | undefined;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly Extension[];
}

const curve = { name: 'ECDSA', namedCurve: 'P-256' } as const;

async function sign({ subject, issuer, notBefore, notAfter, extensions }: Unsigned): Promise<Certificate> {
  const keys = await webcrypto.subtle.generateKey(curve, true, ['sign', 'verify']);
  const issuedBy = issuer === undefined ? undefined : new X509Certificate(issuer.cert);
  const signed = await X509CertificateGenerator.create(
    {
      subject,
      issuer: issuedBy?.subjectName ?? subject,
      notBefore,
      notAfter,
      publicKey: keys.publicKey,
      signingKey: issuer === undefined ? keys.privateKey : await privateKeyOf(issuer),
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: [
        ...extensions,
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        ...(issuedBy === undefined ? [] : [await AuthorityKeyIdentifierExtension.create(issuedBy.publicKey, false, webcrypto)]),
      ],
    },
    webcrypto,
  );
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: `${signed.toString('pem')}\n`, key: `${PemConverter.encode(key, 'PRIVATE KEY')}\n` };
}

function privateKeyOf({ key }: Certificate): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(key), curve, false, ['sign']);
}

function alternativeNames({ dnsNames = [], ipAddresses = [], uris = [] }: CertificateRequest): JsonGeneralNames {
  return [
    ...dnsNames.map((value) => ({ type: 'dns', value }) as const),
    ...ipAddresses.map((value) => ({ type: 'ip', value }) as const),
    ...uris.map((value) => ({ type: 'url', value }) as const),
  ];
}

function authorityUsage(): readonly Extension[] {
  return [new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true)];
}

function endUsage(usages: readonly ('server' | 'client')[]): readonly Extension[] {
  return [
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
    new ExtendedKeyUsageExtension(
      usages.map((usage) => (usage === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth)),
      false,
    ),
  ];
}

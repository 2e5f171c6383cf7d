import { X509Certificate } from 'node:crypto';
import { fingerprintOf } from '../../src/probe/presented-chain.ts';
import { type Certificate, mintCertificate } from '../../src/sandbox/certificates.ts';

const notBefore = new Date(Date.now() - 3_600_000);
const notAfter = new Date(Date.now() + 86_400_000);

export function authority(name: string, issuer?: Certificate): Promise<Certificate> {
  return mintCertificate({ subject: [['CN', name]], issuer, isAuthority: true, notBefore, notAfter });
}

/** The certificate of a sidecar: no subject, one identity. */
export function sidecarCertificate(identity: string, issuer: Certificate, until = notAfter): Promise<Certificate> {
  return mintCertificate({ subject: [], uris: [identity], issuer, notBefore, notAfter: until });
}

/** What istiod presents to remotes. */
export function istiodCertificate(name: string, issuer: Certificate): Promise<Certificate> {
  return mintCertificate({ subject: [], dnsNames: [name], issuer, notBefore, notAfter });
}

/** The certificate of something that terminates TLS in front of a mesh. */
export function publicCertificate(name: string, issuer: Certificate): Promise<Certificate> {
  return mintCertificate({ subject: [['CN', name]], dnsNames: [name], usages: ['server'], issuer, notBefore, notAfter });
}

export function read(certificate: Certificate): X509Certificate {
  return new X509Certificate(certificate.cert);
}

export function fingerprint(certificate: Certificate): string {
  return fingerprintOf(read(certificate));
}

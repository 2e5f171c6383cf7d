import { readFile } from 'node:fs/promises';
import * as tls from 'node:tls';
import { Fault, fileProblem } from './classify.ts';

/** Authorities that a server's certificate is held against. */
export interface Roots {
  /** PEM; undefined stands for the list that Node itself holds. */
  readonly authorities?: readonly string[];
  /** Which they are, for a reason: `the system's certificates (/etc/ssl/cert.pem)`. */
  readonly store: string;
}

/** Where distributions keep the system's authorities, in the order in which Go looks for them. */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

const noRoots = `the certificates that Node.js ${process.version} brings`;

/**
 * The authorities of this machine, which kubectl trusts where a kubeconfig names none: SSL_CERT_FILE, else what Node can tell of the system
 * (from 22.19 on), else the bundle of the distribution, else Node's own.
 * @throws Fault when SSL_CERT_FILE cannot be read
 */
export async function systemRoots(
  env: Readonly<Record<string, string | undefined>>,
  files: readonly string[] = bundles,
  ask: () => readonly string[] = systemAuthorities,
): Promise<Roots> {
  const chosen = env['SSL_CERT_FILE'];
  if (chosen !== undefined && chosen !== '') {
    try {
      return { authorities: [await readFile(chosen, 'utf8')], store: `the certificates of SSL_CERT_FILE (${chosen})` };
    } catch (error) {
      throw new Fault('unreadable-file', `SSL_CERT_FILE names ${chosen}, which cannot be read: ${fileProblem(error)}`);
    }
  }
  const known = ask();
  if (known.length > 0) return { authorities: known, store: "the system's certificates" };
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text?.includes('-----BEGIN ') === true) return { authorities: [text], store: `the system's certificates (${file})` };
  }
  return { store: noRoots };
}

/** None where Node cannot tell; the types of Node 20 do not know the function. */
function systemAuthorities(): readonly string[] {
  const ask: unknown = Reflect.get(tls, 'getCACertificates');
  const found: unknown = typeof ask === 'function' ? Reflect.apply(ask, tls, ['system']) : [];
  return Array.isArray(found) ? found.filter((pem) => typeof pem === 'string') : [];
}

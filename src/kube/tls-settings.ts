import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { errorCode, Fault, fileProblem } from './classify.ts';
import { systemRoots } from './roots.ts';
import type { ClusterTarget, Pem } from './target.ts';

/** A client certificate and its key, PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** How TLS is spoken with one server. */
export interface TlsSettings {
  readonly context: SecureContext;
  /** Name or IP that the certificate has to be for. */
  readonly expectedName: string;
  readonly isVerified: boolean;
  /** What the certificate is held against, for reasons. */
  readonly store: string;
}

/**
 * Reads what TLS with a target's server needs.
 * @param issued the certificate of an exec plugin, which comes before the kubeconfig's
 * @throws Fault when a file cannot be read or holds something else
 */
export async function tlsSettings(
  target: Pick<ClusterTarget, 'certificateAuthority' | 'clientCertificate' | 'insecureSkipTlsVerify' | 'tlsServerName'>,
  host: string,
  issued: KeyPair | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<TlsSettings> {
  const roots = await rootsOf(target, env);
  const pair = issued ?? (await pairOf(target.clientCertificate));
  return {
    context: contextOf(roots.authorities, pair),
    expectedName: target.tlsServerName ?? host,
    isVerified: !target.insecureSkipTlsVerify,
    store: roots.store,
  };
}

async function rootsOf(
  { certificateAuthority, insecureSkipTlsVerify }: Pick<ClusterTarget, 'certificateAuthority' | 'insecureSkipTlsVerify'>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly authorities?: readonly string[]; readonly store: string }> {
  if (insecureSkipTlsVerify) return { store: 'nothing' };
  if (certificateAuthority === undefined) return systemRoots(env);
  const text = await pemText(certificateAuthority, 'certificate-authority');
  if (!/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/.test(text))
    throw new Fault('unreadable-file', `${shown(certificateAuthority, 'certificate-authority')} holds no certificate`);
  return { authorities: [text], store: "the kubeconfig's certificate authority" };
}

async function pairOf(files: ClusterTarget['clientCertificate']): Promise<KeyPair | undefined> {
  if (files === undefined) return undefined;
  return { certificate: await pemText(files.certificate, 'client-certificate'), key: await pemText(files.key, 'client-key') };
}

/** @throws Fault naming the file, never what is in it */
async function pemText(pem: Pem, setting: string): Promise<string> {
  if ('pem' in pem) return pem.pem;
  try {
    return await readFile(pem.file, 'utf8');
  } catch (error) {
    throw new Fault('unreadable-file', `${setting} ${pem.file} cannot be read: ${fileProblem(error)}`);
  }
}

const shown = (pem: Pem, setting: string): string => ('pem' in pem ? `${setting}-data` : `${setting} ${pem.file}`);

function contextOf(authorities: readonly string[] | undefined, pair: KeyPair | undefined): SecureContext {
  const ca = authorities === undefined ? {} : { ca: [...authorities] };
  try {
    return createSecureContext({ ...ca, ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.key }) });
  } catch (error) {
    // OpenSSL's own words, and nothing of the material: it quotes none.
    const code = errorCode(error) ?? '';
    if (code.includes('KEY_VALUES_MISMATCH'))
      throw new Fault('unreadable-file', 'the client key does not belong to the client certificate');
    throw new Fault(
      'unreadable-file',
      `the ${pair === undefined ? 'certificate authority' : 'client certificate or its key'} cannot be read${code === '' ? '' : ` (${code})`}`,
    );
  }
}

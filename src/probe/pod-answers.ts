import type { X509Certificate } from 'node:crypto';
import { distinct } from '../base/sort.ts';
import { ipFamily } from '../istio/addresses.ts';
import type { HandshakeOutcome } from '../model/observations.ts';
import { oneLine } from './failure.ts';
import type { Said } from './pod-script.ts';
import { alternativeNames, certificatesOf, distinguishedName, fingerprintOf, leadsTo } from './presented-chain.ts';

/** Status of `timeout` for what took too long. */
const tookTooLong = 124;

/** `getent ahosts`: a line for each address and kind of socket. */
export function addressesIn({ lines }: Said): string[] {
  return [...new Set(lines.flatMap((line) => /^(\S+)\s/.exec(line)?.[1] ?? []).filter((word) => ipFamily(word) !== undefined))];
}

/** `curl`: the status of HTTP, 0 where there was no answer. */
export function callIn({ lines, status }: Said): { readonly status: number; readonly reason: string } {
  const code = Number(lines.flatMap((line) => /^=status (\d+)$/.exec(line)?.[1] ?? [])[0] ?? 0);
  if (code > 0) return { status: code, reason: '' };
  const words = lines.find((line) => !line.startsWith('=') && line.trim() !== '') ?? '';
  return { status: 0, reason: status === tookTooLong || words === '' ? 'no answer' : oneLine(words.replace(/^curl: \(\d+\) /, '')) };
}

/** `openssl s_client`: how far the handshake came, and which of `roots` the chain leads to. */
export function handshakeIn({ lines, status }: Said, roots: readonly X509Certificate[], now: number): HandshakeOutcome {
  const text = lines.join('\n');
  const [leaf, ...others] = certificatesOf(text);
  if (leaf !== undefined) {
    const chain = [leaf, ...others];
    return {
      stage: 'certificate',
      ...alternativeNames(leaf),
      subject: distinguishedName(leaf.subject),
      issuer: distinguishedName(leaf.issuer),
      chain: chain.map(fingerprintOf),
      verifiedBy: distinct(roots.filter((root) => leadsTo(chain, root, now)).map(fingerprintOf)),
      rootsTried: distinct(roots.map(fingerprintOf)),
      afterwards: 'open',
    };
  }
  if (!/^CONNECTED/m.test(text)) {
    if (/refused/i.test(text)) return { stage: 'tcp', code: 'refused', reason: 'connection refused' };
    if (/name or service not known|temporary failure in name|lookup|getaddrinfo/i.test(text))
      return { stage: 'tcp', code: 'dns', reason: 'the name cannot be resolved' };
    if (/no route|unreachable/i.test(text)) return { stage: 'tcp', code: 'refused', reason: 'no route to the host' };
    // What is killed says nothing of how far it came.
    return { stage: 'tcp', code: 'timeout', reason: 'nothing came back within 5s' };
  }
  const alert = /alert ([a-z ]+):/i.exec(text)?.[1];
  if (alert !== undefined) return { stage: 'tls', reason: `TLS alert ${alert}` };
  return status === tookTooLong ? { stage: 'silence', milliseconds: 5000 } : { stage: 'reset', milliseconds: 0 };
}

import { createHash } from 'node:crypto';
import { redact } from '../base/text.ts';
import { fields, filled, parsedFields, type Fields, type Tally, tally } from '../model/decode.ts';
import type { TokenFacts } from '../model/facts.ts';

const prefix = 'meshdoctor credential v1\n';

/** A token by a hash that is equal on every machine, and by the claims that say what it is for. */
export function tokenFacts(token: string): TokenFacts {
  const claims = claimsOf(token);
  const odd = tally();
  const kubernetes = fields(odd, claims['kubernetes.io']);
  const account = fields(odd, kubernetes['serviceaccount']);
  const found: { -readonly [K in keyof TokenFacts]: TokenFacts[K] } = {
    hash: createHash('sha256').update(prefix).update(token).digest('hex').slice(0, 32),
  };
  const expiresAt = fromSeconds(claims['exp']) ?? endOfEksToken(token);
  const subject = filled(odd, claims['sub']);
  const uid = filled(odd, claims['kubernetes.io/serviceaccount/service-account.uid']) ?? filled(odd, account['uid']);
  const secret = filled(odd, claims['kubernetes.io/serviceaccount/secret.name']) ?? filled(odd, fields(odd, kubernetes['secret'])['name']);
  if (expiresAt !== undefined) found.expiresAt = expiresAt;
  if (subject !== undefined) found.subject = shown(subject);
  if (uid !== undefined) found.serviceAccountUid = shown(uid);
  if (secret !== undefined) found.secretName = shown(secret);
  return found;
}

/** Claims of a JSON web token; none for any other token. */
function claimsOf(token: string): Fields {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return {};
  return parsedFields(tally(), Buffer.from(payload, 'base64url').toString('utf8')) ?? {};
}

/** A token of `aws eks get-token` is a signed address that says when it was made; EKS takes it for fifteen minutes. */
function endOfEksToken(token: string): string | undefined {
  const [, payload] = /^k8s-aws-v1\.([\w-]+)=*$/.exec(token) ?? [];
  if (payload === undefined) return undefined;
  const made = /[?&]X-Amz-Date=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(Buffer.from(payload, 'base64url').toString('latin1'));
  if (made === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = made.slice(1).map(Number);
  return fromSeconds(Date.UTC(year, month - 1, day, hour, minute + 15, second) / 1000);
}

function fromSeconds(value: unknown): string | undefined {
  if (typeof value !== 'number' || !(value > 0 && value < 253_402_300_800)) return undefined;
  return new Date(Math.floor(value) * 1000).toISOString().replace('.000Z', 'Z');
}

/** Recorded token facts, decoded again. */
export function recordedToken(value: unknown): TokenFacts | undefined {
  const odd = tally();
  const entry = fields(odd, value);
  const hash = filled(odd, entry['hash']);
  if (hash === undefined) return undefined;
  const found: { -readonly [K in keyof TokenFacts]: TokenFacts[K] } = { hash };
  for (const key of ['expiresAt', 'subject', 'serviceAccountUid', 'secretName'] as const) {
    const item = filled(odd, entry[key]);
    if (item !== undefined) found[key] = item;
  }
  return found;
}

/** Text behind a base64 value of a Secret or caBundle; nothing when it is not base64. */
export function decodeBase64(odd: Tally, encoded: string): string | undefined {
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(encoded)) {
    odd.odd++;
    return undefined;
  }
  return Buffer.from(encoded, 'base64').toString('utf8');
}

/** An address as it may be shown: without user, password, query, or anything that looks like a credential. */
export function shownAddress(address: string): string {
  const [path = ''] = address.split(/[?#]/, 1);
  return shown(path.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)?[\s\S]*@/, '$1'));
}

const longest = 300;

/** A short text as it may be shown. */
export function shown(value: string): string {
  const safe = redact(value);
  return safe.length > longest ? `${safe.slice(0, longest)}…` : safe;
}

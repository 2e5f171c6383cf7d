import { compareText } from '../base/sort.ts';
import type { CaSecret, Certificate, Injector, RemoteSecret, RootConfigMap } from '../model/facts.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';

/** What runs out. */
export type Expiring =
  /** The token istiod reads another cluster with. */
  | 'remote-secret-token'
  /** The certificate by which a remote secret knows its API server. */
  | 'api-server-ca'
  /** A root the mesh's certificates lead to, as istiod signs with it. */
  | 'root'
  /** The intermediate istiod signs with; no workload certificate outlives it. */
  | 'signing-ca'
  /** A root as it was handed to the proxies of a namespace. */
  | 'distributed-root'
  /** A root in an injector's caBundle. */
  | 'ca-bundle';

/** One thing that runs out, and when. */
export interface Expiry {
  readonly what: Expiring;
  /** RFC 3339. */
  readonly expiresAt: string;
  readonly ref: ObjectRef;
  /** JSON path or data key that holds it. */
  readonly field: string;
  /** Present for certificates. */
  readonly certificate?: Certificate;
}

/** Facts of one cluster that can run out; what was not read is left out. */
export interface ExpiringFacts {
  readonly remoteSecrets?: readonly RemoteSecret[] | undefined;
  readonly caSecrets?: readonly CaSecret[] | undefined;
  readonly rootConfigMaps?: readonly RootConfigMap[] | undefined;
  readonly injectors?: readonly Injector[] | undefined;
}

/** The time line of one or several clusters: what runs out first comes first. */
export function expiries(...clusters: readonly ExpiringFacts[]): Expiry[] {
  const found = clusters.flatMap((facts) => [
    ...(facts.remoteSecrets ?? []).flatMap(ofRemoteSecret),
    ...(facts.caSecrets ?? []).flatMap((secret) => [
      ...ofCertificates('root', secret.roots, secret.ref, '.data["root-cert.pem"]'),
      ...ofCertificates(
        'signing-ca',
        secret.signing.filter((one) => !secret.roots.some((root) => root.fingerprint === one.fingerprint)),
        secret.ref,
        '.data["ca-cert.pem"]',
      ),
      ...ofCertificates('signing-ca', between(secret), secret.ref, '.data["cert-chain.pem"]'),
    ]),
    ...(facts.rootConfigMaps ?? []).flatMap((map) =>
      ofCertificates('distributed-root', map.certificates, map.ref, '.data["root-cert.pem"]'),
    ),
    ...(facts.injectors ?? []).flatMap(ofInjector),
  ]);
  return found.sort(
    (a, b) => momentOf(a.expiresAt) - momentOf(b.expiresAt) || compareText(refKey(a.ref), refKey(b.ref)) || compareText(a.what, b.what),
  );
}

/**
 * How a moment stands to `now` (both RFC 3339): `expired` from that moment on, `soon` when fewer than `soonDays` days are left.
 * Nothing when either cannot be read.
 */
export function expiryState(expiresAt: string, now: string, soonDays: number): 'expired' | 'soon' | 'later' | undefined {
  const days = daysLeft(expiresAt, now);
  if (days === undefined) return undefined;
  return days <= 0 ? 'expired' : days < soonDays ? 'soon' : 'later';
}

/** Days, with fractions, from `now` to the moment; negative when it has passed; nothing when either cannot be read. */
export function daysLeft(expiresAt: string, now: string): number | undefined {
  const days = (Date.parse(expiresAt) - Date.parse(now)) / 86_400_000;
  return Number.isNaN(days) ? undefined : days;
}

/**
 * How near its end a certificate is. `soon`: it should have been renewed, less than thirty days or a sixth of its life are left;
 * `approaching`: less than ninety days or a third of its life, when a tool that renews by itself renews it. Short-lived certificates are
 * in good hands or break often enough to be known. Nothing when its times cannot be read.
 */
export function urgencyOf(
  { notBefore, notAfter }: Pick<Certificate, 'notBefore' | 'notAfter'>,
  now: string,
): 'expired' | 'soon' | 'approaching' | 'far' | undefined {
  const left = daysLeft(notAfter, now);
  const life = daysLeft(notAfter, notBefore);
  if (left === undefined || life === undefined) return undefined;
  if (left <= 0) return 'expired';
  if (left < Math.min(30, life / 6)) return 'soon';
  return left < Math.min(90, life / 3) ? 'approaching' : 'far';
}

/** Whether a certificate is in force at `now`; `not-yet` before its notBefore, as after a clock that runs ahead. */
export function validity(
  certificate: Pick<Certificate, 'notBefore' | 'notAfter'>,
  now: string,
): 'valid' | 'not-yet' | 'expired' | undefined {
  const until = daysLeft(certificate.notAfter, now);
  const since = daysLeft(certificate.notBefore, now);
  if (until === undefined || since === undefined) return undefined;
  return until <= 0 ? 'expired' : since > 0 ? 'not-yet' : 'valid';
}

/** What a chain holds between the signing certificate and the roots. */
function between({ chain = [], roots, signing }: CaSecret): Certificate[] {
  const known = new Set([...roots, ...signing].map(({ fingerprint }) => fingerprint));
  return chain.filter(({ fingerprint, selfSigned }) => !selfSigned && !known.has(fingerprint));
}

function ofRemoteSecret(secret: RemoteSecret): Expiry[] {
  return secret.entries.flatMap((entry) => {
    const field = `.data[${JSON.stringify(entry.clusterId)}]`;
    const token = entry.token?.expiresAt;
    return [
      ...(token === undefined ? [] : [tokenExpiry(token, secret.ref, field)]),
      ...ofCertificates('api-server-ca', entry.certificateAuthorities, secret.ref, field),
    ];
  });
}

function tokenExpiry(expiresAt: string, ref: ObjectRef, field: string): Expiry {
  return { what: 'remote-secret-token', expiresAt, ref, field };
}

/** Every entry of an injector holds the same bundle: each certificate counts once. */
function ofInjector(injector: Injector): Expiry[] {
  const unique = new Map<string, Certificate>();
  for (const { caBundle } of injector.webhooks) {
    if (caBundle.state === 'certificates')
      for (const certificate of caBundle.certificates) unique.set(certificate.fingerprint, certificate);
  }
  return ofCertificates('ca-bundle', [...unique.values()], injector.ref, '.webhooks[*].clientConfig.caBundle');
}

function ofCertificates(what: Expiring, certificates: readonly Certificate[], ref: ObjectRef, field: string): Expiry[] {
  return certificates.map((certificate) => ({ what, expiresAt: certificate.notAfter, ref, field, certificate }));
}

/** What cannot be read comes last. */
function momentOf(time: string): number {
  const moment = Date.parse(time);
  return Number.isNaN(moment) ? Number.MAX_SAFE_INTEGER : moment;
}

import type { KubeObject } from '../../model/kube.ts';
import { changed, EditError, withoutLastApplied } from './edit.ts';
import { isRecord, mapAt } from './json.ts';

/** Base64 of a text of single bytes, as every certificate, token and kubeconfig in a Secret is. */
export const encoded = (text: string): string => btoa(text);
export const decoded = (text: string): string => atob(text.replaceAll(/\s/g, ''));

/** `data` and `stringData` of a Secret as plain text. */
export function plainData(secret: KubeObject): Readonly<Record<string, string>> {
  const data = Object.entries(mapAt(secret, 'data')).map(([key, value]) => [key, decoded(value)] as const);
  return { ...Object.fromEntries(data), ...mapAt(secret, 'stringData') };
}

/** A Secret written again with other plain text, the way `kubectl replace` does: no trace of an earlier `apply` is left. */
export function withPlainData(
  secret: KubeObject,
  how: (data: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
): KubeObject {
  const next = Object.fromEntries(Object.entries(how(plainData(secret))).map(([key, value]) => [key, encoded(value)]));
  return withoutLastApplied(
    changed(
      changed(secret, ['data'], () => next),
      ['stringData'],
      () => undefined,
    ),
  );
}

/** Replaces what `pattern` finds in every kubeconfig of a Secret; each has to hold it. */
export function withKubeconfig(secret: KubeObject, pattern: RegExp, replacement: string): KubeObject {
  return withPlainData(secret, (data) =>
    Object.fromEntries(
      Object.entries(data).map(([key, kubeconfig]) => {
        if (!pattern.test(kubeconfig))
          throw new EditError(`The kubeconfig for ${key} in Secret ${secret.metadata.name} has nothing like ${String(pattern)}.`);
        return [key, kubeconfig.replace(pattern, replacement)];
      }),
    ),
  );
}

/** The bearer token of a kubeconfig. */
export const tokenOf = (kubeconfig: string): string | undefined => /^\s*token:\s*(\S+)/m.exec(kubeconfig)?.[1];

/**
 * A JSON web token with some claims changed (`undefined` takes one away). Its signature is one that no key ever made. Of a token that is
 * no JSON web token nothing is known but that the next one is another.
 */
export function withClaims(token: string, claims: Readonly<Record<string, unknown>>): string {
  const [header, payload] = token.split('.');
  if (header === undefined || payload === undefined) return `${token}-of-another-time`;
  const parsed: unknown = JSON.parse(decoded(fromUrl(payload)));
  const merged = { ...(isRecord(parsed) ? parsed : {}), ...claims };
  return [header, toUrl(encoded(JSON.stringify(merged))), toUrl(encoded('signature of another time'))].join('.');
}

export function fromUrl(text: string): string {
  const base = text.replaceAll('-', '+').replaceAll('_', '/');
  return base.padEnd(Math.ceil(base.length / 4) * 4, '=');
}

export const toUrl = (text: string): string => text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

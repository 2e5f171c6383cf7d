import type { Impersonation } from './target.ts';

/** Headers of a request; a list stands for one header several times. */
export type Headers = Readonly<Record<string, string | string[]>>;

/** Impersonation as client-go writes it: keys of extra percent-encoded, values as UTF-8. */
export function impersonationHeaders(impersonate: Impersonation | undefined): Headers {
  if (impersonate === undefined) return {};
  return {
    'Impersonate-User': bytes(impersonate.user),
    ...(impersonate.uid === undefined ? {} : { 'Impersonate-Uid': bytes(impersonate.uid) }),
    ...(impersonate.groups.length === 0 ? {} : { 'Impersonate-Group': impersonate.groups.map(bytes) }),
    ...Object.fromEntries(
      Object.entries(impersonate.extra)
        .filter(([, values]) => values.length > 0)
        .map(([key, values]) => [`Impersonate-Extra-${escaped(key)}`, values.map(bytes)]),
    ),
  };
}

/** A header's value is bytes, which Node takes as Latin-1. */
const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

function escaped(key: string): string {
  return [...Buffer.from(key, 'utf8')]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[!#$&'*+.^_`|~0-9A-Za-z-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

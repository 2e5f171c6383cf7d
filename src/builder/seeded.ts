/** Everything that Kubernetes would draw at random is derived from names here, so that two runs give the same mesh. */

const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789';
/** Letters that Kubernetes makes of decimal digits. */
const digitAlphabet = 'bcdf456789';
const hexAlphabet = '0123456789abcdef';

/** A 32-bit number that is always the same for the same text (FNV-1a with a final mix). */
export function numberOf(seed: string): number {
  let value = 2166136261;
  for (let index = 0; index < seed.length; index++) value = Math.imul(value ^ seed.charCodeAt(index), 16777619);
  value = Math.imul(value ^ (value >>> 15), 2246822507);
  value = Math.imul(value ^ (value >>> 13), 3266489909);
  return (value ^ (value >>> 16)) >>> 0;
}

/** A suffix such as Kubernetes gives to generated names. */
export function suffixOf(seed: string, length = 5): string {
  return letters(seed, length, safeAlphabet);
}

/** `pod-template-hash` of a ReplicaSet. */
export function templateHashOf(seed: string): string {
  return letters(`template/${seed}`, 10, digitAlphabet);
}

/** A version 4 UID. */
export function uidOf(seed: string): string {
  const hex = letters(seed, 32, hexAlphabet);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** `resourceVersion` of an object; it has no meaning but must be there. */
export function resourceVersionOf(seed: string): string {
  return String(1000 + (numberOf(`version/${seed}`) % 900_000));
}

/** Base64 of ASCII text, as `data` of a Secret and `caBundle` hold it. */
export function base64Of(text: string): string {
  return btoa(text);
}

/** Base64 as JSON web tokens use it: no padding, safe in URLs. */
export function base64UrlOf(text: string): string {
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function letters(seed: string, length: number, alphabet: string): string {
  let word = '';
  let state = numberOf(seed);
  for (let index = 0; index < length; index++) {
    if (index % 4 === 0) state = numberOf(`${seed}#${index}`);
    word += alphabet[state % alphabet.length] ?? '';
    state = Math.floor(state / alphabet.length);
  }
  return word;
}

import { createHash } from 'node:crypto';
import { compareText } from '../base/sort.ts';
import { isWellKnown } from './well-known.ts';

/*
 * Words and addresses that stand for others, the same for the same in a whole recording. Addresses keep what they have in common with each other, so that
 * networks stay networks; without the key nobody gets from one back to the other.
 */

/** What a word is called by. */
export type Category = 'cluster' | 'revision' | 'namespace' | 'network' | 'host' | 'name';

/** Words and parts of words joined by `-`, as names are made of. */
const run = /[A-Za-z0-9][A-Za-z0-9_-]*/g;
/** What comes first names a word that is several things. */
export const categoryOrder: readonly Category[] = ['cluster', 'revision', 'network', 'namespace', 'host', 'name'];

/** Names for words, in the order of the words within their category: what is sorted by name stays so. */
export function pseudonymsOf(words: ReadonlyMap<string, Category>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const category of categoryOrder) {
    const own = [...words].flatMap(([word, one]) => (one === category ? [word] : [])).sort(compareText);
    const width = String(own.length).length;
    for (const [index, word] of own.entries()) names.set(word, `${category}-${String(index + 1).padStart(width, '0')}`);
  }
  return names;
}

/** `text` with every known word replaced, wherever it stands between separators. */
export function replaceWords(text: string, names: ReadonlyMap<string, string>): string {
  return text.replaceAll(run, (word) => {
    const whole = names.get(word);
    if (whole !== undefined) return whole;
    if (isWellKnown(word)) return withKnownParts(word, names);
    return withParts(word, (part) => names.get(part));
  });
}

/** A word whose parts are rewritten, the longest ones that there is something for. `isEnd`: nothing follows the part. */
function withParts(word: string, rewrite: (part: string, isEnd: boolean) => string | undefined): string {
  const parts = word.split('-');
  const result: string[] = [];
  for (let at = 0; at < parts.length; ) {
    let end = parts.length;
    let found: string | undefined;
    for (; end > at; end--) {
      found = rewrite(parts.slice(at, end).join('-'), end === parts.length);
      if (found !== undefined) break;
    }
    result.push(found ?? parts[at] ?? '');
    at = Math.max(end, at + 1);
  }
  return result.join('-');
}

/** Names of Istio's own may end with a cluster's, as `istio-remote-secret-NAME` does, and hold a revision's, as `istiod-REVISION` and its pods do; nothing else in them is somebody's. */
function withKnownParts(word: string, names: ReadonlyMap<string, string>): string {
  return withParts(word, (part, isEnd) => {
    const name = names.get(part);
    return name?.startsWith('revision-') === true || (isEnd && part !== word && name?.startsWith('cluster-') === true) ? name : undefined;
  });
}

const v4 = /(?<![\d.])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?(?![\d.]*\d)/g;
const v6 = /(?<![\w:])(?:[0-9a-fA-F]{1,4}:){1,7}(?::|[0-9a-fA-F]{1,4})(?::[0-9a-fA-F]{1,4})*(?:\/\d{1,3})?(?![\w:])/g;

/** Replaces addresses in texts. */
export function addressBook(key: string): (text: string) => string {
  const bits = new Map<string, boolean>();
  const isFlipped = (prefix: string): boolean => {
    const known = bits.get(prefix);
    if (known !== undefined) return known;
    const flipped = ((createHash('sha256').update(key).update(prefix).digest()[0] ?? 0) & 1) === 1;
    bits.set(prefix, flipped);
    return flipped;
  };
  const four = (octets: readonly number[], length: number): string => {
    const kept = keptBits(octets);
    const binary = octets.map((octet) => octet.toString(2).padStart(8, '0')).join('');
    const mapped = binary.split('').map((bit, index) => {
      if (index < kept) return bit;
      if (index >= length) return '0';
      return isFlipped(binary.slice(0, index)) ? (bit === '0' ? '1' : '0') : bit;
    });
    return [0, 8, 16, 24].map((from) => Number.parseInt(mapped.slice(from, from + 8).join(''), 2)).join('.');
  };
  const six = (address: string): string =>
    address
      .split('/')
      .map((part, index) =>
        index === 1
          ? part
          : part
              .split(':')
              .map((group, at, all) => sixGroup(group, all.slice(0, at).join(':')))
              .join(':'),
      )
      .join('/');
  const sixGroup = (group: string, prefix: string): string =>
    group === '' || group === '0' || group === '1' || (prefix === '' && /^f[de]/i.test(group))
      ? group
      : createHash('sha256')
          .update(key)
          .update(`${prefix}:${group}`)
          .digest('hex')
          .slice(0, 4)
          .replace(/^0+(?=.)/, '');
  return (text) =>
    text
      .replaceAll(v4, (all: string, a: string, b: string, c: string, d: string, length: string | undefined) => {
        const octets = [a, b, c, d].map(Number);
        if (octets.some((octet) => octet > 255)) return all;
        return `${four(octets, length === undefined ? 32 : Number(length))}${length === undefined ? '' : `/${length}`}`;
      })
      .replaceAll(v6, (all) => (all.includes('::') || all.split(':').length === 8 ? six(all) : all));
}

/** What an address is for is told by its first bits: those stay. Of what is nobody's everything stays. */
function keptBits([a = 0, b = 0]: readonly number[]): number {
  if (a === 0 || a === 127 || a >= 224) return 32;
  if (a === 172 && b >= 16 && b < 32) return 12;
  if (a === 100 && b >= 64 && b < 128) return 10;
  return (a === 192 && b === 168) || (a === 169 && b === 254) ? 16 : 8;
}

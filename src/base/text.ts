/** `a`, `a and b`, `a, b and c`; `none` when there is nothing. At most `most` are named, the rest counted. */
export function list(items: readonly string[], none = 'none', most = 5): string {
  if (items.length === 0) return none;
  const named = items.length > most ? [...items.slice(0, most), `${items.length - most} more`] : items;
  const last = named.at(-1) ?? none;
  return named.length === 1 ? last : `${named.slice(0, -1).join(', ')} and ${last}`;
}

/** `1 pod`, `2 pods`; irregular plurals are given. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** Seconds as people say them: `40 s`, `11 m`, `3 h`, `3 d`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
  return seconds < 48 * 3600 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** The candidate nearest to `word` by edit distance, or nothing when none is near enough to be meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** `text` as one word of a POSIX shell, quoted only where it has to be. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

const credentialLike = [
  /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g, // JSON web tokens
  /-----BEGIN [A-Z0-9 ]+-----[\s\S]*?(?:-----END [A-Z0-9 ]+-----|$)/g, // PEM blocks
  /(?<=:\/\/)[^/@\s]+@/g, // user:password in a URL
];

/** `text` without anything that looks like a credential: the last guard, after reduction has already kept secrets out. */
export function redact(text: string): string {
  return credentialLike.reduce((safe, pattern) => safe.replace(pattern, '(redacted)'), text);
}

/**
 * What is kept of a JSON text whose outermost value may have thousands of members: of an object those that `members` names, of a list
 * what `element` makes of each. Everything else is stepped over while it comes, so that memory holds one member at a time.
 */
export interface Sieve {
  readonly members?: ReadonlySet<string>;
  /** Gives nothing for what is not kept. */
  readonly element?: (value: unknown) => unknown;
}

/** A text that goes through a sieve, chunk by chunk. */
export interface Sifting {
  push(chunk: Buffer): void;
  /** What is left, as one JSON text. A text that is no JSON, or not all of it, is none afterwards either. */
  end(): string;
}

/** The same of a text that is there as a whole, which takes half the time and much more memory. */
export function sifted(text: string, { members, element }: Sieve): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  if (typeof value !== 'object' || value === null) return text;
  if (Array.isArray(value)) {
    const kept = value.map((one: unknown) => element?.(one)).filter((one) => one !== undefined);
    return JSON.stringify(kept);
  }
  return JSON.stringify(Object.fromEntries(Object.entries(value).filter(([key]) => members?.has(key) === true)));
}

export function sifting(sieve: Sieve): Sifting {
  const kept: string[] = [];
  /** Bytes of the member under way, from earlier chunks. */
  let pending: Buffer[] = [];
  /** `key` belongs to an object whose member is not begun yet. */
  let state: 'before' | 'members' | 'key' | 'member' | 'after' | 'bare' | 'broken' = 'before';
  let open = 0;
  let close = 0;
  let depth = 0;
  let isInText = false;
  let isEscaped = false;
  let key = '';
  let isKept = false;

  /** Steps over what lies inside of a member, which is most of all bytes; gives where it stopped. */
  const within = (chunk: Buffer, begin: number): number => {
    let [at, inner, text] = [begin, depth, isInText];
    for (; at < chunk.length; at++) {
      const byte = chunk[at];
      if (text) {
        if (byte === backslash) at++;
        else if (byte === quote) text = false;
      } else if (byte === quote) text = true;
      else if (byte === brace || byte === bracket) inner++;
      else if (byte === braceEnd || byte === bracketEnd) {
        if (inner === 0) break;
        inner--;
      } else if (byte === comma && inner === 0) break;
    }
    [depth, isInText, isEscaped] = [inner, text, at > chunk.length];
    return at;
  };
  const taken = (chunk: Buffer, from: number, to: number): string => {
    const own = chunk.subarray(from, to);
    const text = (pending.length === 0 ? own : Buffer.concat([...pending, own])).toString('utf8');
    pending = [];
    return text;
  };
  const finish = (text: string): void => {
    if (open === brace) {
      if (isKept) kept.push(`${key}:${text}`);
      return;
    }
    if (sieve.element === undefined || text.trim() === '') return;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      state = 'broken';
      return;
    }
    const own = sieve.element(value);
    if (own !== undefined) kept.push(JSON.stringify(own));
  };
  /** Whether the bytes of the member under way are of use. */
  const isHeld = (): boolean => (open === brace ? isKept : sieve.element !== undefined);

  return {
    push(chunk) {
      /** Where the key or member under way begins in this chunk. */
      let from = 0;
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at] ?? 0;
        if (state === 'broken') return;
        if (isEscaped) {
          isEscaped = false;
          continue;
        }
        if (isInText && state === 'key') {
          if (byte === backslash) isEscaped = true;
          else if (byte === quote) {
            isInText = false;
            key = taken(chunk, from, at + 1);
            isKept = sieve.members?.has(unquoted(key)) === true;
          }
          continue;
        }
        switch (state) {
          case 'before':
            if (isSpace(byte)) break;
            if (byte === brace || byte === bracket) {
              open = byte;
              close = byte === brace ? braceEnd : bracketEnd;
              state = byte === brace ? 'members' : 'member';
              from = at + 1;
            } else {
              state = 'bare';
              from = at;
            }
            break;
          case 'members':
            if (byte === quote) {
              state = 'key';
              isInText = true;
              from = at;
            } else if (byte === close) state = 'after';
            else if (!isSpace(byte) && byte !== comma) state = 'broken';
            break;
          case 'key':
            if (byte === colon) {
              state = 'member';
              depth = 0;
              from = at + 1;
            } else if (!isSpace(byte)) state = 'broken';
            break;
          case 'member':
            at = within(chunk, at);
            if (at >= chunk.length) break;
            if (chunk[at] !== comma && chunk[at] !== close) {
              state = 'broken';
              break;
            }
            if (isHeld()) finish(taken(chunk, from, at));
            from = at + 1;
            if (state === 'member') state = chunk[at] === close ? 'after' : open === brace ? 'members' : 'member';
            break;
          case 'after':
            if (!isSpace(byte)) state = 'broken';
            break;
          case 'bare':
            break;
          default:
            state satisfies never;
        }
      }
      const isWanted = state === 'bare' || (state === 'key' && isInText) || (state === 'member' && isHeld());
      if (isWanted && from < chunk.length) pending.push(chunk.subarray(from));
    },
    end() {
      if (state === 'bare') return taken(Buffer.alloc(0), 0, 0);
      if (state !== 'after') return '';
      return open === brace ? `{${kept.join(',')}}` : `[${kept.join(',')}]`;
    },
  };
}

const [quote, backslash, brace, braceEnd, bracket, bracketEnd, comma, colon] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a];

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function unquoted(key: string): string {
  if (!key.includes('\\')) return key.slice(1, -1);
  try {
    return String(JSON.parse(key));
  } catch {
    return '';
  }
}

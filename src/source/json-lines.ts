const quote = 34;
const backslash = 92;
const newline = 10;

/** Line of each object in the top-level array, or in the array `items` of the top-level object, without parsing a second time. The text must be valid JSON. */
export function itemLines(text: string): readonly number[] {
  if (!text.includes('\n')) return [];
  const lines: number[] = [];
  let line = 1;
  let depth = 0;
  const top = text.trimStart().startsWith('[') ? 0 : 1;
  let inItems = false;
  let isNextItems = false;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case newline:
        line++;
        break;
      case quote: {
        if (depth === 1 && top === 1 && text.startsWith('"items"', i)) isNextItems = true;
        i = endOfString(text, i);
        break;
      }
      case 123: // {
        if (inItems && depth === top + 1) lines.push(line);
        depth++;
        break;
      case 91: // [
        if (depth === top && (top === 0 || isNextItems)) inItems = true;
        depth++;
        break;
      case 125: // }
        depth--;
        break;
      case 93: // ]
        depth--;
        if (inItems && depth === top) return lines;
        break;
      case 44: // , ends a value, so that `"items"` was one and no key
        if (depth === 1) isNextItems = false;
        break;
      default:
    }
  }
  return lines;
}

function endOfString(text: string, start: number): number {
  let end = start;
  for (;;) {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return end;
  }
}

const token =
  /[\t\n\r ]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;

/** Line at which a text stops being JSON. The engine's own message would quote the text, and not always say where. */
export function brokenLine(text: string): number {
  const end = validUntil(text);
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < end; i = text.indexOf('\n', i + 1)) line++;
  return line;
}

function validUntil(text: string): number {
  const open: string[] = [];
  let expected: 'value' | 'key' | 'colon' | 'end' = 'value';
  let isFirst = false;
  let at = 0;
  for (;;) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (match === null) return startOfToken(text, at);
    const start = startOfToken(text, at);
    const [, mark, string] = match;
    const inside = open.at(-1);
    if (expected === 'colon') {
      if (mark !== ':') return start;
      expected = 'value';
    } else if (expected === 'key') {
      if (mark === '}' && isFirst) {
        open.pop();
        expected = 'end';
      } else if (string === undefined) return start;
      else expected = 'colon';
    } else if (expected === 'end') {
      if (mark === ',' && inside !== undefined) expected = inside === '{' ? 'key' : 'value';
      else if ((mark === '}' && inside === '{') || (mark === ']' && inside === '[')) open.pop();
      else return start;
      isFirst = false;
      at = token.lastIndex;
      continue;
    } else if (mark === '{' || mark === '[') {
      open.push(mark);
      expected = mark === '{' ? 'key' : 'value';
      isFirst = true;
      at = token.lastIndex;
      continue;
    } else if (mark === ']' && isFirst && inside === '[') {
      open.pop();
      expected = 'end';
    } else if (mark !== undefined) return start;
    else expected = 'end';
    isFirst = false;
    at = token.lastIndex;
  }
}

function startOfToken(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at++;
  return at;
}

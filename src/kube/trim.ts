const key = Buffer.from('"managedFields":[');
const [comma, closeBracket, closeBrace] = [0x2c, 0x5d, 0x7d];

/**
 * A page of a list without the managedFields of its items, which are a third of its text and, being trees of keys that hardly ever
 * repeat, more than that of the work of parsing it. The text is cut before it is parsed: what stands in a string is escaped, so the key
 * can only be one, and field sets hold maps and no lists, so the first bracket behind it ends it. Undefined where the text is not as API
 * servers write it (compact) or holds a bracket where none is expected: then it has to be taken whole.
 */
export function withoutManagedFields(body: Buffer): Buffer | undefined {
  const pieces: Buffer[] = [];
  let from = 0;
  for (let start = body.indexOf(key); start >= 0; start = body.indexOf(key, from)) {
    const end = body.indexOf(closeBracket, start + key.length);
    if (end < 0 || (body[end - 1] !== closeBrace && end !== start + key.length)) return undefined;
    // One of the commas around it goes with it.
    const hasBefore = body[start - 1] === comma;
    const hasAfter = body[end + 1] === comma;
    if (!hasAfter && body[end + 1] !== closeBrace) return undefined;
    pieces.push(body.subarray(from, hasBefore ? start - 1 : start));
    from = end + (hasBefore || !hasAfter ? 1 : 2);
  }
  return pieces.length === 0 ? body : Buffer.concat([...pieces, body.subarray(from)]);
}

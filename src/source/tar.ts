/*
 * A tar archive with one file in it, so that a recording named .tgz is what its name says: a header of 512 bytes (POSIX ustar), the file, zeroes up to
 * a whole block, and two blocks of zeroes.
 */

/** A header is one block. */
export const block = 512;

/** The archive that holds one file. Nothing in it depends on when, where or by whom it is made. */
export function tarOf(name: string, content: Uint8Array): Uint8Array {
  const header = Buffer.alloc(block);
  header.write(name, 0, 100, 'latin1');
  header.write('0000644\0' + '0000000\0'.repeat(2) + octal(content.length) + octal(0), 100, 'latin1');
  header.write('        0', 148, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, content, Buffer.alloc((block - (content.length % block)) % block), Buffer.alloc(2 * block)]);
}

/** Whether these bytes begin as an archive does. */
export function isTar(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(257, 262)).toString('latin1') === 'ustar';
}

/** Where the first file of an archive lies, by the bytes with which the archive begins; nothing when these are damaged. */
export function firstFile(bytes: Uint8Array): { readonly start: number; readonly size: number } | undefined {
  const size = Number.parseInt(Buffer.from(bytes.subarray(124, 136)).toString('latin1'), 8);
  return Number.isSafeInteger(size) ? { start: block, size } : undefined;
}

function octal(value: number): string {
  return `${value.toString(8).padStart(11, '0')}\0`;
}

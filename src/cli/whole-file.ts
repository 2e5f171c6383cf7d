import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a file so that whoever reads it meanwhile sees the old one or the new one, never a part: beside it, and then in its place. What is no
 * regular file (a pipe, /dev/stdout), or lies in a folder that takes no other file, is written as it is.
 * @throws the error of node:fs
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  // A link stays one: what it leads to is replaced.
  const target = await realpath(file).catch(() => file);
  const found = await stat(target).catch(() => undefined);
  if (found !== undefined && !found.isFile()) return await writeFile(target, text);
  const beside = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  try {
    await writeFile(beside, text, { mode: found === undefined ? 0o666 : found.mode & 0o777, flag: 'wx' });
  } catch {
    return await writeFile(target, text);
  }
  try {
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

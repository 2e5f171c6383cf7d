import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const root = resolve('.');

/** Writes generated files (path from the repository → content), or, with `--check`, says which of them are stale and fails. */
export function writeGenerated(files: ReadonlyMap<string, string>): void {
  const isCheck = process.argv.includes('--check');
  for (const [path, content] of files) {
    const file = join(root, path);
    if (existsSync(file) && readFileSync(file, 'utf8') === content) continue;
    console.error(`${isCheck ? 'stale' : 'written'}: ${path}`);
    if (isCheck) {
      process.exitCode = 1;
      continue;
    }
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

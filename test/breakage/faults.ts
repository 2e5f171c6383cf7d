import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Fault } from './fault.ts';

/** Every scripted fault, in the order of their files and in these as written. Files `…-edits.ts` hold edits of the faults beside them. */
export async function scriptedFaults(): Promise<readonly Fault[]> {
  const names = readdirSync(resolve('test/breakage/faults'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('-edits.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
  const files = await Promise.all(
    names.map(async (name) => {
      const file: unknown = await import(`./faults/${name}.ts`);
      if (!isFaultFile(file)) throw new Error(`faults/${name}.ts exports no list of faults`);
      return file.faults;
    }),
  );
  return files.flat();
}

function isFaultFile(value: unknown): value is { readonly faults: readonly Fault[] } {
  return typeof value === 'object' && value !== null && 'faults' in value && Array.isArray(value.faults);
}

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Told } from './news.ts';

const schema = z.object({
  schema: z.literal(1),
  causes: z.record(z.string(), z.object({ hidden: z.boolean() })),
  unreadable: z.array(z.string()),
});

/** The file in a history that says what one receiver was told; its name says nothing of the receiver. */
export function toldFile(dir: string, url: URL): string {
  return join(dir, `told-${createHash('sha256').update(url.href).digest('hex').slice(0, 12)}.json`);
}

/** What was told. What cannot be read was not: then it is told once more. */
export async function readTold(file: string): Promise<Told | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

export function toldText(told: Told): string {
  return `${JSON.stringify({ schema: 1, ...told })}\n`;
}

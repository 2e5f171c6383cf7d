import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ConfigError } from '../base/errors.ts';
import { sortedBy } from '../base/sort.ts';
import { codeOf, reasonOf } from './files.ts';

/** One finding that a baseline knows. Reason, owner and last day are for people to write. */
export interface BaselineEntry {
  readonly fingerprint: string;
  readonly code: string;
  readonly message?: string | undefined;
  readonly reason?: string | undefined;
  readonly owner?: string | undefined;
  readonly until?: string | undefined;
}

const mark = 'meshdoctor baseline';
/** Changes when a file of before can no longer be read as it is. */
const schema = 1;

const header = z.looseObject({ kind: z.literal(mark), schema: z.int().min(1), version: z.string() });
const text = z.string().min(1);
const baseline = z.object({
  findings: z.array(
    z.strictObject({
      fingerprint: text,
      code: text,
      message: z.string().optional(),
      reason: text.optional(),
      owner: text.optional(),
      until: z.iso.date().optional(),
    }),
  ),
});

/** The findings of a baseline; nothing when there is no such file. `shown` is how the user should see it. */
export async function readBaseline(path: string, shown: string): Promise<readonly BaselineEntry[] | undefined> {
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new ConfigError('ERR_CONFIG_UNREADABLE', `Baseline ${shown} cannot be read: ${reasonOf(error)}.`, { cause: error });
  }
  const value = parsed(content, shown);
  const { success, data } = header.safeParse(value);
  if (!success) throw invalid(`${shown} is no baseline of meshdoctor.`);
  if (data.schema > schema) {
    throw invalid(
      `${shown} was written by meshdoctor ${data.version} in form ${data.schema}; this version reads no later form than ${schema}.`,
      `Use meshdoctor ${data.version} or newer.`,
    );
  }
  const read = baseline.safeParse(value);
  if (read.success) return read.data.findings;
  const [issue] = read.error.issues;
  throw invalid(`${shown}: ${issue?.path.join('.') ?? 'something'} is not what a baseline holds there.`);
}

function parsed(content: string, shown: string): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    throw new ConfigError('ERR_CONFIG_INVALID', `${shown} is no baseline of meshdoctor: it is not JSON.`, { cause: error });
  }
}

function invalid(message: string, hint = 'meshdoctor check --baseline FILE --write-baseline writes one.'): ConfigError {
  return new ConfigError('ERR_CONFIG_INVALID', message, { hint });
}

/** A baseline as the text of its file: the same findings give the same text, one line each, so that changes can be read. */
export function baselineText(findings: readonly BaselineEntry[], version: string): string {
  const lines = sortedBy(findings, ({ fingerprint }) => fingerprint).map((entry) => `    ${JSON.stringify(entry)}`);
  const head = `"kind": ${JSON.stringify(mark)},\n  "schema": ${schema},\n  "version": ${JSON.stringify(version)}`;
  return lines.length === 0 ? `{\n  ${head},\n  "findings": []\n}\n` : `{\n  ${head},\n  "findings": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

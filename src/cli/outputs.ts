import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ReporterDefinition, RunFacts } from '../api/reporter.ts';
import { UsageError } from '../base/errors.ts';
import { list, nearest } from '../base/text.ts';
import { atLeast, lookingAhead, type Show } from '../report/show.ts';
import type { Report } from '../report/schema.ts';
import type { Host } from './host.ts';
import { type StyleFlags, styleOf } from './style.ts';
import { writeWhole } from './whole-file.ts';

/** What a reporter of any command says of itself. */
interface Format {
  readonly format: string;
  readonly extension: string;
}

/** One document to write, and where. */
export interface Output<R extends Format = ReporterDefinition> {
  readonly reporter: R;
  /** Absent: stdout. */
  readonly file?: string;
}

/** Understands every `-o FORMAT[=FILE]` before any work begins, and refuses what could not be written at its end. */
export async function outputsOf<R extends Format>(
  specs: readonly string[],
  reporters: readonly R[],
  cwd: string,
): Promise<readonly Output<R>[]> {
  const outputs = (specs.length === 0 ? ['text'] : specs).map((spec) => outputOf(spec, reporters));
  const onStdout = outputs.filter(({ file }) => file === undefined);
  if (onStdout.length > 1) {
    throw new UsageError(
      'ERR_BAD_VALUE',
      `Formats ${list(onStdout.map(({ reporter }) => reporter.format))} would all go to stdout, which takes one document.`,
      {
        hint: `Give all but one a file, such as -o ${onStdout[1]?.reporter.format ?? 'json'}=report.${onStdout[1]?.reporter.extension ?? 'json'}`,
      },
    );
  }
  const files = outputs.flatMap(({ file }) => (file === undefined ? [] : [file]));
  const twice = files.find((file, index) => files.findIndex((other) => resolve(cwd, other) === resolve(cwd, file)) !== index);
  if (twice !== undefined) throw new UsageError('ERR_BAD_VALUE', `Two formats would be written to ${twice}.`);
  for (const file of files) await refuseUnwritable(file, cwd);
  return outputs;
}

function outputOf<R extends Format>(spec: string, reporters: readonly R[]): Output<R> {
  const at = spec.indexOf('=');
  const format = at < 0 ? spec : spec.slice(0, at);
  const reporter = reporters.find((candidate) => candidate.format === format);
  if (reporter === undefined) {
    const formats = reporters.map((candidate) => candidate.format);
    const meant = nearest(format, formats);
    throw new UsageError('ERR_UNKNOWN_FORMAT', `There is no format ${JSON.stringify(format)}.`, {
      hint: meant === undefined ? `Formats are ${list(formats, 'none', formats.length)}.` : `Did you mean ${meant}?`,
    });
  }
  if (at < 0) return { reporter };
  const file = spec.slice(at + 1);
  if (file === '') throw new UsageError('ERR_BAD_VALUE', `-o ${spec} names no file.`);
  return { reporter, file };
}

/** Refuses a file that could not be written in the end. */
export async function refuseUnwritable(file: string, cwd: string): Promise<void> {
  const path = resolve(cwd, file);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true)
    throw new UsageError('ERR_OUTPUT_UNWRITABLE', `${file} is a directory, so nothing can be written to it.`);
  const target = found === undefined ? dirname(path) : path;
  try {
    await access(target, constants.W_OK);
  } catch (error) {
    const why =
      found === undefined && (await stat(target).catch(() => undefined)) === undefined
        ? `there is no directory ${dirname(file)}`
        : 'permission denied';
    throw new UsageError('ERR_OUTPUT_UNWRITABLE', `${file} cannot be written: ${why}.`, { cause: error });
  }
}

/** Days that a report looks ahead whose formats ask how far everything is from its end. */
const century = 36_525;

/** How far ahead a run has to look for these documents, when `days` were asked for. */
export function farthest(outputs: readonly Output[], days: number | undefined): number | undefined {
  return outputs.some(({ reporter }) => reporter.forecasts === true) ? Math.max(century, days ?? 0) : days;
}

/** Writes every document. What is hidden from text and short stays in the others; `forecast` is what was asked for. */
export async function writeOutputs(
  report: Report,
  outputs: readonly Output[],
  flags: StyleFlags & { readonly show?: Show },
  host: Host,
  { forecast, ...run }: RunFacts & { readonly forecast?: number | undefined },
): Promise<void> {
  await writeDocuments(
    outputs.map(({ reporter, file }) => {
      const style = styleOf(flags, host, file === undefined ? 'stdout' : 'file');
      const isForPeople = reporter.format === 'text' || reporter.format === 'short';
      const asked = reporter.forecasts === true ? report : lookingAhead(report, forecast);
      const shown = isForPeople ? atLeast(asked, flags.show ?? 'info') : asked;
      const document = reporter.render(
        shown,
        isForPeople && flags.show === 'all' ? { ...style, verbosity: Math.max(1, style.verbosity) } : style,
        run,
      );
      return { format: reporter.format, document, verbosity: style.verbosity, ...(file === undefined ? {} : { file }) };
    }),
    host,
  );
}

/** One after the other, to standard output or to files. */
export async function writeDocuments(
  documents: readonly { readonly format: string; readonly document: string; readonly verbosity: number; readonly file?: string }[],
  host: Host,
): Promise<void> {
  for (const { format, document, verbosity, file } of documents) {
    if (file === undefined) {
      host.stdout.write(document);
      continue;
    }
    await writeWhole(resolve(host.cwd, file), document).catch((error: unknown) => {
      throw new UsageError('ERR_OUTPUT_UNWRITABLE', `${file} cannot be written.`, { cause: error });
    });
    if (verbosity > 0) host.stderr.write(`wrote ${file} (${format})\n`);
  }
}

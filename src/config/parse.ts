import { isMap, isScalar, LineCounter, type Document, parseDocument } from 'yaml';
import { z } from 'zod';
import { ConfigError } from '../base/errors.ts';
import { list, nearest } from '../base/text.ts';
import { type ConfigFile, configSchema } from './schema.ts';

/** Reads and checks a configuration; an error names file, line, column, key, what was expected and what was found. */
export function parseConfig(file: string, text: string): ConfigFile {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const at = (offset: number): string => {
    const { line, col } = counter.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const [broken] = document.errors;
  if (broken !== undefined) throw new ConfigError('ERR_CONFIG_INVALID', `${at(broken.pos[0])}: not YAML: ${firstLine(broken.message)}.`);
  const raw = valueOf(document, file) ?? {};
  const result = configSchema.safeParse(raw, { reportInput: true });
  if (result.success) return result.data;
  // A misspelt key says more than the key that is missing for it.
  const issue = result.error.issues.find(({ code }) => code === 'unrecognized_keys') ?? result.error.issues[0];
  if (issue === undefined) throw new ConfigError('ERR_CONFIG_INVALID', `${file}: not a configuration.`);
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
  const key = path.map(String).join('.');
  throw new ConfigError('ERR_CONFIG_INVALID', `${at(offsetOf(document, path))}: ${key === '' ? '' : `${key}: `}${problemOf(issue)}.`, {
    hint: hintOf(issue),
  });
}

function valueOf(document: Document.Parsed, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // Aliases without end, or one that leads nowhere.
    throw new ConfigError('ERR_CONFIG_INVALID', `${file}: ${error instanceof Error ? firstLine(error.message) : 'not a configuration'}.`, {
      cause: error,
    });
  }
}

function problemOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return 'unknown key';
    case 'invalid_value':
      return `expected ${list(issue.values.map(String)).replace(' and ', ' or ')}, found ${shown(issue.input)}`;
    case 'invalid_type':
      return `expected ${expectedNames[issue.expected] ?? issue.expected}, found ${shown(issue.input)}`;
    case 'invalid_union':
      return `expected true, false or a list of forbidden and unreachable, found ${shown(issue.input)}`;
    default:
      return `${issue.message}, found ${shown(issue.input)}`;
  }
}

const expectedNames: Readonly<Record<string, string>> = {
  string: 'text',
  array: 'a list',
  object: 'keys and values',
  record: 'keys and values',
  boolean: 'true or false',
};

function shown(input: unknown): string {
  if (input === undefined || input === null) return 'nothing';
  if (Array.isArray(input)) return 'a list';
  return typeof input === 'object' ? 'keys and values' : JSON.stringify(input);
}

function hintOf(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'invalid_value') {
    const meant = nearest(String(issue.input), issue.values.map(String));
    return meant === undefined ? undefined : `Did you mean ${meant}?`;
  }
  if (issue.code !== 'unrecognized_keys') return undefined;
  const meant = nearest(issue.keys[0] ?? '', keysAt(issue.path));
  return meant === undefined ? undefined : `Did you mean ${meant}?`;
}

/** Keys that the schema knows at a place, for suggestions. */
function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: unknown = configSchema;
  for (const key of path) {
    schema = unwrapped(schema);
    if (schema instanceof z.ZodObject) schema = (schema.shape as Readonly<Record<PropertyKey, unknown>>)[key];
    else if (schema instanceof z.ZodRecord) schema = schema.valueType;
    else if (schema instanceof z.ZodArray) schema = schema.element;
  }
  const last = unwrapped(schema);
  return last instanceof z.ZodObject ? Object.keys(last.shape) : [];
}

function unwrapped(schema: unknown): unknown {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodExactOptional ? unwrapped(schema.unwrap()) : schema;
}

/** Where a key path is in the file; where it is missing, its nearest parent. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0] ?? 0;
    }
    const node = document.getIn(path.slice(0, length), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) return Number(node.range[0]);
  }
  return document.contents?.range?.[0] ?? 0;
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '').replace(/[.:]$/, '');
}

import { isMap, isSeq, LineCounter, parseDocument } from 'yaml';
import { mostAliases, yamlOptions, yamlProblem } from '../collect/yaml.ts';
import { brokenLine, itemLines } from './json-lines.ts';

/** One document of a file, and where it and the elements of its list begin: of `items`, or of a bare list. */
export interface ReadDocument {
  readonly value: unknown;
  readonly line: number;
  readonly itemLines: readonly number[];
}

/** A document that could not be read. Never quotes the text: it may hold secrets. */
export interface BrokenDocument {
  readonly line: number;
  readonly reason: string;
}

export interface FileContent {
  readonly documents: readonly ReadDocument[];
  readonly broken: readonly BrokenDocument[];
}

/** The documents of a file by its name: JSON for `.json`, else YAML. */
export function readDocuments(file: string, text: string): FileContent {
  return file.toLowerCase().endsWith('.json') ? readJson(text) : readYamlFile(text);
}

function readJson(text: string): FileContent {
  if (text.trim() === '') return { documents: [], broken: [] };
  try {
    const value: unknown = JSON.parse(text);
    return { documents: [{ value, line: 1, itemLines: itemLines(text) }], broken: [] };
  } catch {
    return { documents: [], broken: [{ line: brokenLine(text), reason: 'not JSON' }] };
  }
}

function readYamlFile(text: string): FileContent {
  const documents: ReadDocument[] = [];
  const broken: BrokenDocument[] = [];
  for (const chunk of chunks(text)) {
    if (isEmpty(chunk.text)) continue;
    const read = readChunk(withoutSchemas(chunk.text), chunk.line);
    if ('reason' in read) broken.push(read);
    else if (read.value !== null && read.value !== undefined) documents.push(read);
  }
  return { documents, broken };
}

/** A text cut at its document markers, so that a broken document spoils no other. */
export function chunks(text: string): { readonly text: string; readonly line: number }[] {
  const found: { text: string; line: number }[] = [];
  let start = 0;
  let startLine = 1;
  let line = 1;
  for (let at = 0; at < text.length; ) {
    if (at > start && text.startsWith('---', at) && isMarkerEnd(text.charCodeAt(at + 3))) {
      found.push({ text: text.slice(start, at), line: startLine });
      start = at;
      startLine = line;
    }
    const end = text.indexOf('\n', at);
    if (end < 0) break;
    at = end + 1;
    line++;
  }
  found.push({ text: text.slice(start), line: startLine });
  return found;
}

function isMarkerEnd(code: number): boolean {
  return Number.isNaN(code) || code === 32 || code === 9 || code === 10 || code === 13;
}

/** Nothing but comments, directives and a marker. */
function isEmpty(text: string): boolean {
  return text.split('\n').every((line) => /^(?:---|\.\.\.)?\s*(?:[#%].*)?$/.test(line.trimEnd()));
}

/**
 * The text with the schemas of CustomResourceDefinitions blanked, line for line: they are nearly all of such a file,
 * nobody reads them, and parsing them would take most of the time.
 */
export function withoutSchemas(text: string): string {
  const key = 'openAPIV3Schema:';
  if (!text.includes(key)) return text;
  let inside = -1;
  return text
    .split('\n')
    .map((line) => {
      const indent = line.search(/[^ ]/);
      if (inside >= 0 && (indent < 0 || indent > inside)) return '';
      inside = line.trim() === key ? Math.max(indent, 0) : -1;
      return line;
    })
    .join('\n');
}

function readChunk(text: string, firstLine: number): ReadDocument | BrokenDocument {
  const counter = new LineCounter();
  const lineOf = (offset: number): number => firstLine + Math.max(counter.linePos(offset).line, 1) - 1;
  try {
    const document = parseDocument(text, { ...yamlOptions, lineCounter: counter });
    // What was blanked in front of a key counts as part of it.
    const error = document.errors.find(({ code }) => code !== 'KEY_OVER_1024_CHARS');
    if (error !== undefined) return { line: lineOf(error.pos[0]), reason: `not YAML: ${yamlProblem(error.code)}` };
    const value: unknown = document.toJS({ maxAliasCount: mostAliases });
    const root = document.contents;
    const items: unknown = isMap(root) ? root.get('items', true) : root;
    return {
      value,
      line: lineOf(root?.range?.[0] ?? 0),
      itemLines: isSeq(items) ? items.items.map((item) => lineOf(rangeStart(item))) : [],
    };
  } catch {
    return { line: firstLine, reason: 'not YAML' };
  }
}

function rangeStart(node: unknown): number {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return 0;
  const start: unknown = node.range[0];
  return typeof start === 'number' ? start : 0;
}

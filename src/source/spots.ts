import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type Scalar } from 'yaml';
import { yamlOptions } from '../collect/yaml.ts';
import { chunks, withoutSchemas } from './documents.ts';

/** A stretch of a text: lines and columns count from 1, `endColumn` is the first column behind it. */
export interface Spot {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** One step of the way to a field: a key, an index, any element, or the element of that name. */
export type Step = string | number | { readonly any: true } | { readonly name: string };

/** An object of a file: the line at which it begins, and what tells it from others that begin there. */
export interface Sought {
  readonly line: number;
  readonly kind: string;
  readonly name: string;
}

const step = /\.([A-Za-z_][\w-]*)|\[(\d+)\]|\[\*\]|\["((?:[^"\\]|\\.)*)"\]|\[\?\(@\.name==["']([^"']*)["']\)\]/y;

/** The steps of a JSON path as findings write it, `.spec.ports[*].name`; as far as they are understood. */
export function stepsOf(path: string): readonly Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < path.length; at = step.lastIndex) {
    step.lastIndex = at;
    const match = step.exec(path);
    if (match === null) break;
    const [whole, key, index, quoted, named] = match;
    if (key !== undefined) steps.push(key);
    else if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(quoted.replaceAll(/\\(.)/g, '$1'));
    else if (named !== undefined) steps.push({ name: named });
    else if (whole === '[*]') steps.push({ any: true });
  }
  return steps;
}

/** The spots of one file. Only the document asked about is parsed, and that once. */
export interface Spots {
  /** The field of an object, or the nearest above it that there is; the object's first line when nothing of it is found. */
  readonly ofField: (sought: Sought, steps: readonly Step[], found?: string) => Spot;
  /** The same in the document around a line, from its top. */
  readonly inDocument: (line: number, steps: readonly Step[], found?: string) => Spot;
}

export function spotsOf(file: string, text: string): Spots {
  const isJson = file.toLowerCase().endsWith('.json');
  const parts = new Map<number, Part>();
  const yamlChunks = isJson ? [] : chunks(text);
  const partAround = (line: number): Part | undefined => {
    const chunk = isJson ? jsonObjectAt(text, line) : yamlChunks.findLast((candidate) => candidate.line <= line);
    if (chunk === undefined) return undefined;
    const part = parts.get(chunk.line) ?? parsed(chunk);
    parts.set(chunk.line, part);
    return part;
  };
  return {
    ofField: (sought, steps, found) => {
      const part = partAround(sought.line);
      const object = part === undefined ? undefined : objectIn(part.document.contents, part, sought);
      return part === undefined || object === undefined ? wholeLine(text, sought.line) : spotIn(part, object, steps, found);
    },
    inDocument: (line, steps, found) => {
      const part = partAround(line);
      const root = part?.document.contents;
      return part === undefined || root === undefined || root === null ? wholeLine(text, line) : spotIn(part, root, steps, found);
    },
  };
}

/** A piece of a file that was parsed by itself. */
interface Part {
  readonly document: Document.Parsed;
  readonly placeOf: (offset: number) => { readonly line: number; readonly column: number };
}

function parsed({ text, line, column = 1 }: { readonly text: string; readonly line: number; readonly column?: number }): Part {
  const counter = new LineCounter();
  const document = parseDocument(withoutSchemas(text), { ...yamlOptions, lineCounter: counter });
  return {
    document,
    placeOf(offset) {
      const { line: inside, col } = counter.linePos(offset);
      return { line: line + Math.max(inside, 1) - 1, column: inside <= 1 ? col + column - 1 : col };
    },
  };
}

/** Text longer than this is not parsed once more for a column. */
const longest = 4_000_000;

/** The object that begins first on a line of a JSON text. */
function jsonObjectAt(text: string, line: number): { readonly text: string; readonly line: number; readonly column: number } | undefined {
  let lineStart = 0;
  for (let n = 1; n < line; n++) {
    lineStart = text.indexOf('\n', lineStart) + 1;
    if (lineStart === 0) return undefined;
  }
  const start = text.indexOf('{', lineStart);
  if (start < 0) return undefined;
  let depth = 0;
  const token = /["{}]/g;
  token.lastIndex = start;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    if (match[0] === '"') token.lastIndex = endOfString(text, match.index);
    else depth += match[0] === '{' ? 1 : -1;
    if (depth > 0) continue;
    const length = match.index + 1 - start;
    return length > longest ? undefined : { text: text.slice(start, match.index + 1), line, column: start - lineStart + 1 };
  }
  return undefined;
}

function endOfString(text: string, start: number): number {
  const string = /"(?:[^"\\]|\\.)*"/y;
  string.lastIndex = start;
  return string.exec(text) === null ? text.length : string.lastIndex;
}

/** The object itself: the document, or an element of its lists, however deep. */
function objectIn(node: unknown, part: Part, sought: Sought): Node | undefined {
  if (isMap(node)) {
    const items = node.get('items', true);
    const inside = isSeq(items) ? objectIn(items, part, sought) : undefined;
    return inside ?? (isSought(node, part, sought) ? node : undefined);
  }
  if (!isSeq(node)) return undefined;
  for (const item of node.items) {
    const inside = objectIn(item, part, sought);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

function isSought(node: Node & { getIn: (path: readonly string[]) => unknown }, part: Part, { line, kind, name }: Sought): boolean {
  const own = node.getIn(['kind']);
  // Elements of a typed list need not repeat their kind.
  return (
    part.placeOf(node.range?.[0] ?? 0).line === line && node.getIn(['metadata', 'name']) === name && (own === undefined || own === kind)
  );
}

interface Walked {
  readonly key: Scalar | undefined;
  readonly node: unknown;
  readonly depth: number;
}

function spotIn(part: Part, object: Node, steps: readonly Step[], found: string | undefined): Spot {
  const { key, node } = walk({ key: undefined, node: object, depth: 0 }, steps, found);
  const whole = stretchOf(key, isNode(node) ? node : object);
  const from = part.placeOf(whole.start);
  const to = part.placeOf(whole.end);
  if (to.line === from.line) return { ...from, endLine: to.line, endColumn: Math.max(to.column, from.column + 1) };
  // A text of several lines: its key is what is pointed at.
  const length = key === undefined ? 1 : (key.range?.[1] ?? whole.start) - whole.start;
  return { ...from, endLine: from.line, endColumn: from.column + Math.max(1, length) };
}

/** A scalar with its key; of everything larger its key, or else its first entry. */
function stretchOf(key: Scalar | undefined, node: Node): { readonly start: number; readonly end: number } {
  const start = key?.range?.[0] ?? node.range?.[0] ?? 0;
  if (isScalar(node)) return { start, end: node.range?.[1] ?? start };
  if (key !== undefined) return { start, end: key.range?.[1] ?? start };
  const first = isMap(node) ? node.items[0] : undefined;
  const end =
    isNode(first?.value) && isScalar(first.value) ? first.value.range?.[1] : isNode(first?.key) ? first.key.range?.[1] : undefined;
  return { start, end: end ?? start };
}

/** As far down the steps as there is something. */
function walk(from: Walked, steps: readonly Step[], found: string | undefined): Walked {
  const [next, ...rest] = steps;
  if (next === undefined) return from;
  const { node, depth } = from;
  if (isMap(node) && typeof next === 'string') {
    const pair = node.items.find((candidate) => isScalar(candidate.key) && String(candidate.key.value) === next);
    return pair === undefined ? from : walk({ key: keyOf(pair), node: pair.value ?? pair.key, depth: depth + 1 }, rest, found);
  }
  if (!isSeq(node)) return from;
  const into = (item: unknown): Walked => walk({ key: undefined, node: item, depth: depth + 1 }, rest, found);
  if (typeof next === 'number') return node.items.length > next ? into(node.items[next]) : from;
  if (typeof next === 'object' && 'any' in next) return best(node.items.map(into), found) ?? from;
  // A list whose elements have names is what a variable is looked up in.
  const name = typeof next === 'object' ? next.name : next;
  const named = node.items.find((item) => isMap(item) && item.get('name') === name);
  return named === undefined ? from : into(named);
}

function keyOf({ key }: Pair): Scalar | undefined {
  return isScalar(key) ? key : undefined;
}

/** Of several ways down the one that leads furthest; among these the one whose value was found. */
function best(ways: readonly Walked[], found: string | undefined): Walked | undefined {
  const depth = Math.max(...ways.map((way) => way.depth));
  const deepest = ways.filter((way) => way.depth === depth);
  const says = (way: Walked): string => (isScalar(way.node) ? String(way.node.value) : '');
  return (
    deepest.find((way) => found !== undefined && says(way) !== '' && says(way) === found) ??
    deepest.find((way) => found !== undefined && says(way) !== '' && found.includes(says(way))) ??
    deepest[0]
  );
}

function wholeLine(text: string, line: number): Spot {
  const content = text.split('\n', line)[line - 1] ?? '';
  const column = Math.max(0, content.search(/\S/)) + 1;
  return { line, column, endLine: line, endColumn: Math.max(column + 1, content.trimEnd().length + 1) };
}

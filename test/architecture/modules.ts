import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';

/** One import as it stands in a file. */
export interface Import {
  /** What is written: `../model/refs.ts`, `node:fs`, `yaml`; `?` for one that is only known when it runs. */
  readonly specifier: string;
  readonly kind: 'value' | 'type' | 'dynamic';
  /** The file of this repository that it leads to. */
  readonly target?: string;
}

export interface Module {
  /** From the repository, with slashes. */
  readonly path: string;
  readonly imports: readonly Import[];
  /** The code without comments and without what its strings say. */
  readonly code: string;
}

/** Packages of this repository that name themselves. */
const ownNames: Readonly<Record<string, string>> = { 'meshdoctor/api': 'src/api/index.ts', 'meshdoctor/testkit': 'src/testkit/index.ts' };

/** Every TypeScript module below `src` and `checks` of a tree. */
export function modulesIn(root: string): readonly Module[] {
  return ['src', 'checks']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => posix.join(folder, file.replaceAll('\\', '/'))),
    )
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => moduleOf(root, path));
}

function moduleOf(root: string, path: string): Module {
  const { code, text } = stripped(readFileSync(join(root, path), 'utf8'));
  const target = (specifier: string): { target?: string } => {
    const own = ownNames[specifier];
    if (own !== undefined) return { target: own };
    if (!specifier.startsWith('.')) return {};
    return { target: relative(root, join(root, dirname(path), specifier)).replaceAll('\\', '/') };
  };
  const imports: Import[] = [];
  for (const [, word, type, clause, specifier = ''] of text.matchAll(
    /^\s*(import|export)\s+(type\s+)?(?:([^'";]*?)\s+from\s+)?['"]([^'"]+)['"]/gm,
  )) {
    if (word === 'export' && clause === undefined) continue;
    imports.push({ specifier, kind: type !== undefined || isTypesOnly(clause) ? 'type' : 'value', ...target(specifier) });
  }
  for (const [, literal] of text.matchAll(/\bimport\(\s*(?:['"]([^'"]+)['"])?/g)) {
    imports.push({ specifier: literal ?? '?', kind: 'dynamic', ...(literal === undefined ? {} : target(literal)) });
  }
  return { path, imports, code };
}

/** `{ type A, type B }`: nothing of it is left when it runs. */
function isTypesOnly(clause: string | undefined): boolean {
  const names = clause?.trim();
  if (names?.startsWith('{') !== true) return false;
  const inside = names
    .slice(1, -1)
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return inside.length > 0 && inside.every((name) => name.startsWith('type '));
}

/**
 * The source without comments and template texts (`text`), and without what strings and regular expressions say either (`code`).
 * A slash begins a regular expression where no value can stand before it.
 */
export function stripped(source: string): { readonly text: string; readonly code: string } {
  let text = '';
  let code = '';
  const templates: number[] = [];
  let depth = 0;
  const add = (part: string, inCode = part): void => {
    text += part;
    code += inCode;
  };
  const template = (from: number): number => {
    for (let i = from; i < source.length; i++) {
      if (source[i] === '\\') i++;
      else if (source[i] === '`') return i + 1;
      else if (source.startsWith('${', i)) {
        templates.push(depth);
        add('${');
        return i + 2;
      }
    }
    return source.length;
  };
  for (let i = 0; i < source.length; ) {
    const character = source[i] as string;
    if (source.startsWith('//', i)) i = endOr(source.indexOf('\n', i), source.length);
    else if (source.startsWith('/*', i)) i = endOr(source.indexOf('*/', i) + 1 || -1, source.length - 1) + 1;
    else if (character === "'" || character === '"') {
      const end = closing(source, i, character);
      add(source.slice(i, end), character + character);
      i = end;
    } else if (character === '`') {
      add('`');
      i = template(i + 1);
    } else if (character === '}' && templates.at(-1) === depth) {
      templates.pop();
      add('}');
      i = template(i + 1);
    } else if (character === '/' && /(?:^|[(,=:[!&|?{};+\-*%<>~^\n]|\breturn|\btypeof|\bcase|=>)\s*$/.test(code.slice(-30))) {
      const end = closing(source, i, '/');
      add('//');
      i = end;
    } else {
      if (character === '{') depth++;
      if (character === '}') depth--;
      add(character);
      i++;
    }
  }
  return { text, code };
}

function closing(source: string, from: number, quote: string): number {
  let inClass = false;
  for (let i = from + 1; i < source.length; i++) {
    const character = source[i];
    if (character === '\\') i++;
    else if (quote === '/' && character === '[') inClass = true;
    else if (quote === '/' && character === ']') inClass = false;
    else if (character === quote && !inClass) return i + 1;
    else if (character === '\n') return i;
  }
  return source.length;
}

function endOr(index: number, otherwise: number): number {
  return index < 0 ? otherwise : index;
}

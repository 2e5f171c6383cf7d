/** One program with its arguments. */
export type Words = readonly [program: string, ...args: string[]];

/** Programs of which each reads what the one before wrote; the last one's output goes `into` a file, where one is named. */
export interface Pipe {
  readonly programs: readonly Words[];
  readonly into?: string;
}

/** What may be run: nothing that takes its words for more than words. */
const programs: ReadonlySet<string> = new Set(['grep', 'helm', 'istioctl', 'kubectl', 'printf']);

/** Istio's own, of a release that lies in the current folder. */
const sample = /^samples\/[\w./-]+\.sh$/;

/**
 * A printed command line, taken apart so that no shell has to read it: words come from clusters. Pipes that are run one after the other, each only if the
 * one before did not fail; a text says why it is none that may be run.
 */
export function pipesOf(line: string): readonly Pipe[] | string {
  const tokens = tokensOf(line);
  if (typeof tokens === 'string') return tokens;
  const pipes: Pipe[] = [];
  for (const step of split(tokens, '&&')) {
    const arrow = step.findIndex((token) => isOperator(token, '>'));
    const into = arrow < 0 ? undefined : step[arrow + 1];
    if (arrow >= 0 && (arrow !== step.length - 2 || into?.kind !== 'word')) return 'it writes more than one file';
    const own: Words[] = [];
    for (const words of split(arrow < 0 ? step : step.slice(0, arrow), '|')) {
      if (words.some(({ kind }) => kind !== 'word')) return 'it needs a shell';
      const [program, ...args] = words.map(({ text }) => text);
      if (program === undefined) return 'it needs a shell';
      if (!programs.has(program) && !(sample.test(program) && !program.includes('..'))) return `nobody vouches for ${program}`;
      own.push([program, ...args]);
    }
    pipes.push({ programs: own, ...(into === undefined ? {} : { into: into.text }) });
  }
  return pipes;
}

/** Contexts of kubeconfig that command lines are about. */
export function contextsOf(pipes: readonly Pipe[]): readonly string[] {
  const flags = new Set(['--context', '--kube-context']);
  return pipes
    .flatMap((pipe) => pipe.programs)
    .flatMap((words) =>
      words.flatMap((word, index) => {
        const [flag = '', value] = word.split(/=(.*)/s);
        if (!flags.has(flag)) return [];
        return value ?? words[index + 1] ?? [];
      }),
    );
}

/** Files that have to be there: scripts, and what is installed from; not what an earlier pipe writes. */
export function filesOf(pipes: readonly Pipe[]): readonly string[] {
  const made = new Set(pipes.flatMap(({ into }) => into ?? []));
  return pipes
    .flatMap((pipe) => pipe.programs)
    .flatMap((words) => [
      ...(sample.test(words[0]) ? [words[0]] : []),
      ...words.flatMap((word, index) => (/^(?:-f|--filename|--values)$/.test(words[index - 1] ?? '') && word !== '-' ? [word] : [])),
      ...words.flatMap((word) => /^--from-file=(?:[^=]+=)?(.+)$/s.exec(word)?.[1] ?? []),
    ])
    .filter((file) => !made.has(file));
}

type Token = { readonly kind: 'word' | 'operator'; readonly text: string };

function isOperator(token: Token, text: string): boolean {
  return token.kind === 'operator' && token.text === text;
}

function split(tokens: readonly Token[], operator: string): Token[][] {
  const parts: Token[][] = [[]];
  for (const token of tokens) {
    if (isOperator(token, operator)) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** Quoted as src/base/text.shellWord quotes: everything else that means something to a shell is refused. */
function tokensOf(line: string): readonly Token[] | string {
  const tokens: Token[] = [];
  const pattern = /\s+|&&|\||>(?!>)|((?:'[^']*'|\\'|"[^"$`\\]*"|[\w@%+=:,./\-[\]{}^*!~?])+)/gy;
  let end = 0;
  for (const match of line.matchAll(pattern)) {
    end = match.index + match[0].length;
    if (match[1] !== undefined) {
      if (/(?:^|[^'"])[*?{[]/.test(bare(match[1]))) return 'it needs a shell';
      tokens.push({ kind: 'word', text: unquoted(match[1]) });
    } else if (match[0].trim() !== '') tokens.push({ kind: 'operator', text: match[0] });
  }
  return end === line.length && tokens.length > 0 ? tokens : 'it needs a shell';
}

/** A word without its quoted parts. */
function bare(word: string): string {
  return word.replaceAll(/'[^']*'|"[^"]*"|\\'/g, '');
}

function unquoted(word: string): string {
  return word.replaceAll(/'([^']*)'|"([^"]*)"|\\'/g, (whole: string, single: string | undefined, double: string | undefined) =>
    whole === "\\'" ? "'" : (single ?? double ?? ''),
  );
}

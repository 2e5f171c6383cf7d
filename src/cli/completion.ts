import type { Host } from './host.ts';
import { commands, type FlagDefinition } from './table.ts';

/*
 * Each script hands the words before the cursor to `meshdoctor __complete`, which answers from the same table as help and parser:
 * one candidate a line; a last line `:files` asks the shell for file names.
 */

const bash = `# bash completion for meshdoctor: source <(meshdoctor completion bash)
_meshdoctor() {
  local word=\${COMP_WORDS[COMP_CWORD]} line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default 2>/dev/null
    elif [[ $line == "$word"* ]]; then
      COMPREPLY+=("$line")
    fi
  done < <(meshdoctor __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _meshdoctor meshdoctor kubectl-meshdoctor
`;

const zsh = `#compdef meshdoctor kubectl-meshdoctor
# zsh completion for meshdoctor: source <(meshdoctor completion zsh)
_meshdoctor() {
  local -a candidates
  local line files=
  while IFS= read -r line; do
    if [[ $line == :files ]]; then files=1; else candidates+=("$line"); fi
  done < <(meshdoctor __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#candidates} )) && compadd -- "\${candidates[@]}"
  [[ -n $files ]] && _files
}
if [[ $funcstack[1] == _meshdoctor ]]; then _meshdoctor; else compdef _meshdoctor meshdoctor kubectl-meshdoctor; fi
`;

const fish = `# fish completion for meshdoctor: meshdoctor completion fish | source
function __meshdoctor_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (meshdoctor __complete $words[2..-1] 2>/dev/null)
    if test "$line" = ':files'
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c meshdoctor -f -a '(__meshdoctor_complete)'
`;

export const scripts = { bash, zsh, fish } as const;

/** Candidates for the last of the words after the program's name. */
export async function complete(host: Host): Promise<number> {
  const words = host.argv.slice(1);
  const current = words.at(-1) ?? '';
  const command = words.length > 1 ? commands.find(({ name }) => name === words[0]) : undefined;
  const lines =
    command === undefined
      ? commands.map(({ name }) => name)
      : await candidates(command.flags, command.argument, words.at(-2) ?? '', current);
  host.stdout.write([...lines.filter((line) => line.startsWith(current) || line === ':files'), ''].join('\n'));
  return 0;
}

type Values = NonNullable<FlagDefinition['values']>;

async function candidates(
  flags: Readonly<Record<string, FlagDefinition>>,
  argument: readonly string[] | 'checks' | undefined,
  before: string,
  current: string,
): Promise<readonly string[]> {
  const flag = Object.entries(flags).find(
    ([name, { alias }]) => before === `--${name}` || (alias !== undefined && before === `-${alias}`),
  )?.[1];
  if (flag !== undefined && (flag.type === 'string' || flag.type === 'list'))
    return flag.values === undefined ? [] : await valuesOf(flag.values);
  if (current.startsWith('-') || argument === undefined) return [...Object.keys(flags), 'help'].map((name) => `--${name}`);
  return await valuesOf(argument);
}

async function valuesOf(values: Values): Promise<readonly string[]> {
  if (values === 'files') return [':files'];
  if (values !== 'checks') return values;
  const { areas, builtin } = await import('../../checks/index.ts');
  return [...areas.map(({ id }) => id), ...builtin.map(({ check }) => check.id)];
}

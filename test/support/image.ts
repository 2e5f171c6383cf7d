import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

/*
 * A Dockerfile carried out without a container runtime: every stage is a folder that chroot makes the root, with this machine's programs in place of the
 * base image's, in a mount namespace that goes away with the command. What it can tell is whether the steps work in their order with nothing but what is
 * copied, and whether the image starts as its user on a root that cannot be written. Of the base image it says nothing.
 */

export interface Instruction {
  readonly word: string;
  readonly text: string;
}

/** Instructions of a Dockerfile, lines that go on joined, with the defaults of ARGs of before the first stage put in. */
export function instructionsOf(text: string): readonly Instruction[] {
  const lines = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const values = new Map<string, string>();
  return lines.map((line) => {
    const [, word = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line.trim()) ?? [];
    const filled = rest.replaceAll(/\$\{(\w+)\}/g, (all, name: string) => values.get(name) ?? all);
    const [, name, value] = word === 'ARG' ? (/^(\w+)=(.*)$/.exec(filled) ?? []) : [];
    if (name !== undefined && value !== undefined) values.set(name, value);
    return { word, text: filled };
  });
}

/** What a last stage left: its root, and how its program starts. */
export interface Image {
  readonly root: string;
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
}

/** Builds an image in `place`. `ignored`: the lines of its .dockerignore. @throws with what a step said that failed. */
export function build(instructions: readonly Instruction[], context: string, ignored: readonly string[], place: string): Image {
  const roots = new Map<string, string>();
  let image: Image = { root: '', user: 'root', env: {}, entrypoint: [], cmd: [] };
  let directory = '/';
  const perform: Readonly<Record<string, (text: string) => void>> = {
    ARG: () => {},
    FROM: (text) => {
      const [, name = String(roots.size)] = / AS (\w+)$/i.exec(text) ?? [];
      image = { root: join(place, `stage-${name}`), user: 'root', env: {}, entrypoint: [], cmd: [] };
      mkdirSync(join(image.root, 'tmp'), { recursive: true });
      roots.set(name, image.root);
      directory = '/';
    },
    WORKDIR: (text) => {
      directory = resolve(directory, text);
      mkdirSync(join(image.root, directory), { recursive: true });
    },
    COPY: (text) => copy(text, { context, ignored, roots, root: image.root, directory }),
    RUN: (text) => {
      const { status, stdout, stderr } = started(image, ['sh', '-c', text], { directory, isBuild: true });
      if (status !== 0) throw new Error(`RUN ${text} ended with ${String(status)}:\n${stdout}${stderr}`);
    },
    ENV: (text) => {
      const pairs = [...text.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value] as const);
      image = { ...image, env: { ...image.env, ...Object.fromEntries(pairs) } };
    },
    USER: (text) => (image = { ...image, user: text }),
    ENTRYPOINT: (text) => (image = { ...image, entrypoint: JSON.parse(text) as string[] }),
    CMD: (text) => (image = { ...image, cmd: JSON.parse(text) as string[] }),
  };
  for (const { word, text } of instructions) {
    const step = perform[word];
    if (step === undefined) throw new Error(`This Dockerfile has ${word}, which is not known here.`);
    step(text);
  }
  return image;
}

interface CopyPlace {
  readonly context: string;
  readonly ignored: readonly string[];
  readonly roots: ReadonlyMap<string, string>;
  readonly root: string;
  readonly directory: string;
}

/** `[--from=STAGE] SOURCE… TARGET`; a folder is copied as what is in it, as Docker does. */
function copy(text: string, { context, ignored, roots, root, directory }: CopyPlace): void {
  const words = text.split(/\s+/);
  const stage = words[0]?.startsWith('--from=') === true ? words.shift()?.slice('--from='.length) : undefined;
  const from = stage === undefined ? context : roots.get(stage);
  if (from === undefined) throw new Error(`There is no stage ${stage ?? ''}.`);
  const target = join(root, resolve(directory, words.pop() ?? '.'));
  const anywhere = new Set(ignored.filter((line) => line.startsWith('**/')).map((line) => line.slice('**/'.length)));
  const atTop = new Set(ignored.map((line) => join(context, line)));
  const filter = (path: string): boolean => stage !== undefined || !(atTop.has(path) || anywhere.has(basename(path)));
  const isInto = words.length > 1 || text.endsWith('/');
  for (const word of words) {
    const source = join(from, word);
    const entries = isFolder(source) ? readdirSync(source).map((name) => [join(source, name), join(target, name)] as const) : undefined;
    for (const [one, there] of entries ?? [[source, isInto ? join(target, basename(source)) : target] as const])
      if (filter(one)) cpSync(one, there, { recursive: true, filter, verbatimSymlinks: true });
  }
}

function isFolder(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return false;
    throw error;
  }
}

/** This machine's programs; Node, wherever it is here, at /opt/node. The rest of the root is what the Dockerfile made of it. */
const mounting = `
set -e
root=$1 node=$2 home=$3 flags=$4
shift 4
for name in bin sbin lib lib64 usr etc dev proc; do
  if [ -L "/$name" ]; then ln -sfn "$(readlink "/$name")" "$root/$name"
  elif [ -d "/$name" ]; then mkdir -p "$root/$name"; mount --rbind "/$name" "$root/$name"; fi
done
mkdir -p "$root/opt/node"
mount --rbind "$node" "$root/opt/node"
if [ -n "$home" ]; then mkdir -p "$root$home"; mount --rbind "$home" "$root$home"; fi
if [ "$flags" = read-only ]; then mount --bind "$root" "$root.view"; mount -o remount,bind,ro "$root.view"
  for name in usr etc dev proc opt/node; do mount --rbind "$root/$name" "$root.view/$name"; done
  for name in bin sbin lib lib64; do if [ -d "$root/$name" ] && [ ! -L "$root/$name" ]; then mount --rbind "$root/$name" "$root.view/$name"; fi; done
  root=$root.view
fi
exec chroot "$root" "$@"
`;

/** Whether this machine lets a process make a root of its own. */
export const canBuild =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--mount', 'sh', '-c', 'command -v chroot && command -v setpriv']).status === 0;

/** A command in the image. While it is built: as root, with this machine's npm settings and its home; afterwards as the image's user, on a root that cannot be written. */
function started(
  image: Image,
  command: readonly string[],
  { directory, isBuild }: { readonly directory: string; readonly isBuild: boolean },
) {
  const env = { PATH: '/opt/node/bin:/usr/local/bin:/usr/bin:/bin', ...image.env };
  const [user = '0', group = user] = image.user.split(':');
  const variables = isBuild ? { ...process.env, ...env, CI: 'true' } : env;
  const inside = [
    'env',
    '-i',
    '-C',
    directory,
    ...Object.entries(variables).map(([name, value]) => `${name}=${value ?? ''}`),
    ...(isBuild ? [] : ['setpriv', `--reuid=${user}`, `--regid=${group}`, '--clear-groups', '--no-new-privs', '--bounding-set=-all']),
    ...command,
  ];
  if (!isBuild) mkdirSync(`${image.root}.view`, { recursive: true });
  const node = dirname(dirname(process.execPath));
  return spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', mounting, 'sh', image.root, node, isBuild ? homedir() : '', isBuild ? '' : 'read-only', ...inside],
    { encoding: 'utf8', timeout: 900_000, maxBuffer: 64 * 1024 * 1024 },
  );
}

/** Starts the image's program, with its own arguments where none are given. */
export function run(
  image: Image,
  args?: readonly string[],
): { readonly stdout: string; readonly stderr: string; readonly exit: number | null } {
  const { stdout, stderr, status } = started(image, [...image.entrypoint, ...(args ?? image.cmd)], { directory: '/', isBuild: false });
  return { stdout, stderr, exit: status };
}

/** Any program in the image, as its user. */
export function runInside(image: Image, command: readonly string[]): { readonly stdout: string; readonly exit: number | null } {
  const { stdout, status } = started(image, command, { directory: '/', isBuild: false });
  return { stdout, exit: status };
}

/** The lines of a .dockerignore that count. */
export function ignoredOf(file: string): readonly string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

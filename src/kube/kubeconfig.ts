import { readFile } from 'node:fs/promises';
import { posix, win32 } from 'node:path';
import { SourceError, UsageError } from '../base/errors.ts';
import { list as listed, nearest } from '../base/text.ts';
import { defined } from '../model/decode.ts';
import { errorCode, fileProblem } from './classify.ts';
import { certificateOf, clusterProblems, credentialOf, foreignProblems, nobody, pemOf, userProblems } from './context-rules.ts';
import { type ContextEntry, type KubeconfigFile, readKubeconfig, type Resolution } from './kubeconfig-file.ts';
import { type Kubeconfig, type LookedAt, mergedKubeconfig, shownPlace } from './kubeconfig-merge.ts';
import type { ClusterTarget } from './target.ts';
import { BrokenFile } from './yaml-spots.ts';

export type { Kubeconfig } from './kubeconfig-merge.ts';

/** Where kubeconfigs are looked for. */
export interface KubeconfigPlace {
  /** `--kubeconfig`: this file alone, and it has to be there. */
  readonly explicit?: string;
  /** For KUBECONFIG. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home?: string | undefined;
  readonly platform: string;
  /** What relative paths of the command line and of KUBECONFIG are relative to. */
  readonly cwd: string;
}

/**
 * Loads and merges kubeconfigs as kubectl does. No file at all, or none with a context, is an empty configuration; its `where` says where
 * was looked.
 * @throws SourceError when a file is broken, naming file and line, or cannot be read, or the explicit one is missing
 */
export async function loadKubeconfig(place: KubeconfigPlace): Promise<Kubeconfig> {
  const paths = place.platform === 'win32' ? win32 : posix;
  const found: KubeconfigFile[] = [];
  const files: LookedAt[] = [];
  for (const name of namesOf(place)) {
    const path = paths.resolve(place.cwd, name);
    const text = await textOf(path, name === place.explicit);
    if (text !== undefined) found.push(parsed(text, path, relativeTo(paths, path)));
    files.push({ path, state: text === undefined ? 'missing' : text.trim() === '' ? 'empty' : 'read' });
  }
  return mergedKubeconfig(found, files, false);
}

/**
 * The cluster that a kubeconfig inside a mesh leads to by its current context, as istiod uses it: a key of a remote secret, say. Such a
 * kubeconfig is data: commands, auth providers and files are refused.
 * @param where names it in errors, and becomes the target's name: `Secret istio-system/istio-remote-secret-west, key west`
 * @throws SourceError with a sentence
 */
export function parseKubeconfigText(text: string, where: string): ClusterTarget {
  const asIs: Resolution = { path: (path) => path, command: (command) => command };
  const kubeconfig = mergedKubeconfig([parsed(text, where, asIs)], [{ path: where, state: text.trim() === '' ? 'empty' : 'read' }], true);
  if (kubeconfig.currentContext === undefined)
    throw new SourceError('ERR_NO_CLUSTER', `The kubeconfig of ${where} has no current context.`);
  try {
    return { ...contextTarget(kubeconfig, kubeconfig.currentContext), name: where };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new SourceError('ERR_NO_CLUSTER', `The current context of the kubeconfig of ${where} is not in it.`);
  }
}

/**
 * What a context leads to. Refuses what kubectl refuses, with a sentence that names context, file and line.
 * @throws UsageError when there is no such context, SourceError when it cannot be used
 */
export function contextTarget(kubeconfig: Kubeconfig, name: string): ClusterTarget {
  const context = kubeconfig.contexts.find((candidate) => candidate.name === name);
  if (context === undefined) throw unknownContext(kubeconfig, name);
  const problems: string[] = [];
  const cluster = kubeconfig.clusters.get(context.cluster);
  const user = context.user === '' ? nobody(context) : kubeconfig.users.get(context.user);
  if (context.cluster === '') problems.push('it names no cluster');
  else if (cluster === undefined) problems.push(`it names cluster ${JSON.stringify(context.cluster)}, which is in no kubeconfig`);
  if (user === undefined) problems.push(`it names user ${JSON.stringify(context.user)}, which is in no kubeconfig`);
  if (cluster !== undefined) problems.push(...clusterProblems(cluster));
  if (user !== undefined) problems.push(...userProblems(user));
  if (kubeconfig.isForeign) problems.push(...foreignProblems(cluster, user));
  if (cluster?.server === undefined || user === undefined || problems.length > 0) throw unusable(context, problems);

  return defined({
    name,
    server: cluster.server,
    namespace: context.namespace,
    certificateAuthority: pemOf(cluster.certificateAuthorityData, cluster.certificateAuthorityFile),
    insecureSkipTlsVerify: cluster.insecureSkipTlsVerify,
    tlsServerName: cluster.tlsServerName,
    clientCertificate: certificateOf(user),
    credential: credentialOf(user, cluster),
    impersonate:
      user.as === undefined ? undefined : defined({ user: user.as, uid: user.asUid, groups: user.asGroups, extra: user.asUserExtra }),
    proxyUrl: cluster.proxyUrl,
    disableCompression: cluster.disableCompression,
  });
}

function unknownContext(kubeconfig: Kubeconfig, name: string): UsageError | SourceError {
  const names = kubeconfig.contexts.map((context) => context.name);
  if (names.length === 0) return new SourceError('ERR_NO_CLUSTER', `There is no context in ${kubeconfig.where}.`);
  const near = nearest(name, names);
  return new UsageError('ERR_BAD_VALUE', `There is no context ${JSON.stringify(name)} in ${kubeconfig.where}.`, {
    hint: near === undefined ? `Contexts are ${listed(names, 'none', 12)}.` : `Did you mean ${near}?`,
  });
}

function unusable(context: ContextEntry, problems: readonly string[]): SourceError {
  const said = problems.length === 0 ? 'it leads nowhere' : problems.join('; ');
  return new SourceError('ERR_NO_CLUSTER', `Context ${context.name} (${shownPlace(context.place)}) cannot be used: ${said}.`);
}

function namesOf({ explicit, env, home, platform }: KubeconfigPlace): string[] {
  if (explicit !== undefined && explicit !== '') return [explicit];
  const list = env['KUBECONFIG'];
  if (list !== undefined && list !== '') return [...new Set(list.split(platform === 'win32' ? ';' : ':'))].filter((name) => name !== '');
  const paths = platform === 'win32' ? win32 : posix;
  return home === undefined || home === '' ? [] : [paths.join(home, '.kube', 'config')];
}

async function textOf(path: string, isWanted: boolean): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' && !isWanted) return undefined;
    throw new SourceError('ERR_SOURCE_UNREADABLE', `Kubeconfig ${path} cannot be read: ${fileProblem(error)}.`, { cause: error });
  }
}

function relativeTo(paths: typeof posix, file: string): Resolution {
  const folder = paths.dirname(file);
  const path = (relative: string): string => paths.resolve(folder, relative);
  return { path, command: (command) => (command.includes(paths.sep) ? path(command) : command) };
}

function parsed(text: string, file: string, resolve: Resolution): KubeconfigFile {
  try {
    return readKubeconfig(text.replace(/^\uFEFF/, ''), file, resolve);
  } catch (error) {
    if (!(error instanceof BrokenFile)) throw error;
    throw new SourceError('ERR_SOURCE_UNREADABLE', `Kubeconfig ${shownPlace(error.place)}, is broken: ${error.what}.`);
  }
}

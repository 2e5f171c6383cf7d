import { SourceError, UsageError } from '../base/errors.ts';
import { count, list, shellWord } from '../base/text.ts';
import type { LiveSource } from '../config/live.ts';
import type { Connection } from '../kube/connection.ts';
import { type Kubeconfig, contextTarget, parseKubeconfigText } from '../kube/kubeconfig.ts';
import type { ClusterTarget } from '../kube/target.ts';
import { fields, objects, tally, text, textMap } from '../model/decode.ts';

/** The contexts that `--context` names; every one of them when a pattern says so. None are left out silently. */
export function chosenContexts(kubeconfig: Kubeconfig, wanted: readonly string[]): readonly string[] {
  const names = kubeconfig.contexts.map(({ name }) => name);
  const chosen = wanted.flatMap((word) => {
    // A context may be called with an asterisk; what is written exactly so is meant.
    if (!word.includes('*') || names.includes(word)) return [word];
    const pattern = new RegExp(
      `^${word
        .split('*')
        .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*')}$`,
    );
    const matching = names.filter((name) => pattern.test(name));
    if (matching.length === 0)
      throw new UsageError('ERR_BAD_VALUE', `No context of the kubeconfig matches ${JSON.stringify(word)}.`, {
        hint: `Contexts are ${list(names, 'none', 8)}.`,
      });
    return matching;
  });
  return [...new Set(chosen)];
}

/** Of the contexts that were chosen the one in this place; all of them where none is given. */
export function contextAt(chosen: readonly string[], index: number | undefined): readonly string[] {
  if (index === undefined) return chosen;
  const name = chosen[index];
  if (name === undefined) {
    const found = `${chosen.length === 0 ? 'no context was' : `${count(chosen.length, 'context')} ${chosen.length === 1 ? 'was' : 'were'}`} chosen`;
    throw new UsageError('ERR_BAD_VALUE', `There is no context ${index}, counted from 0: ${found}.`, {
      hint: 'Name them with --context, in the order in which they are counted, or give --all-contexts.',
    });
  }
  return [name];
}

/** A remote secret of a live cluster as far as it tells which cluster it opens. */
interface OpenedCluster {
  readonly key: string;
  readonly target: ClusterTarget;
}

/** The clusters that the remote secrets of a cluster open: kubeconfigs as data. Those that name files or commands are left out, as istiod leaves them out. */
export async function remoteTargets(
  connection: Connection,
  signal: AbortSignal,
): Promise<{ readonly opened: readonly OpenedCluster[]; readonly refused: readonly string[] }> {
  const secrets: unknown[] = [];
  await connection.list(
    { group: '', version: 'v1', resource: 'secrets', kind: 'Secret', labelSelector: 'istio/multiCluster=true' },
    { item: (object) => secrets.push(object), restart: () => secrets.splice(0) },
    signal,
  );
  const odd = tally();
  const opened = new Map<string, OpenedCluster>();
  const refused: string[] = [];
  for (const secret of objects(odd, secrets)) {
    const name = text(odd, fields(odd, secret['metadata'])['name']) ?? '';
    for (const [key, value] of Object.entries(textMap(odd, secret['data']))) {
      try {
        const target = parseKubeconfigText(Buffer.from(value, 'base64').toString('utf8'), `Secret ${name}, key ${key}`);
        if (!opened.has(key)) opened.set(key, { key, target: { ...target, name: key } });
      } catch (error) {
        refused.push(error instanceof Error ? error.message : `Secret ${name}, key ${key} holds no kubeconfig.`);
      }
    }
  }
  return { opened: [...opened.values()], refused };
}

/**
 * What to say to a bare `check` when the kubeconfig has several contexts: the ready-made command, whose contexts are those that the
 * current one's remote secrets lead to, by server or certificate authority.
 */
export function ambiguous(kubeconfig: Kubeconfig, opened: readonly OpenedCluster[], source: LiveSource): SourceError {
  const names = kubeconfig.contexts.map(({ name }) => name);
  const current = kubeconfig.currentContext;
  const related = names.filter((name) => {
    if (name === current) return true;
    const target = usable(kubeconfig, name);
    return target !== undefined && opened.some((remote) => isSameServer(remote.target, target));
  });
  const found = current !== undefined && related.length > 1;
  const suggested = found ? related : names.slice(0, 2);
  const file = source.kubeconfig === undefined ? '' : ` --kubeconfig ${shellWord(source.kubeconfig)}`;
  const command = `meshdoctor check${file} ${suggested.map((name) => `--context ${shellWord(name)}`).join(' ')}`;
  return new SourceError('ERR_NO_CLUSTER', `The kubeconfig has ${names.length} contexts, and none was chosen: ${list(names, '', 8)}.`, {
    hint: found ? `Those that the remote secrets of ${current} lead to:\n  ${command}` : `For example:\n  ${command}`,
  });
}

function usable(kubeconfig: Kubeconfig, name: string): ClusterTarget | undefined {
  try {
    return contextTarget(kubeconfig, name);
  } catch {
    return undefined;
  }
}

function isSameServer(a: ClusterTarget, b: ClusterTarget): boolean {
  if (a.server.replace(/\/$/, '') === b.server.replace(/\/$/, '')) return true;
  const [left, right] = [pemOf(a), pemOf(b)];
  return left !== undefined && left === right;
}

function pemOf({ certificateAuthority }: ClusterTarget): string | undefined {
  return certificateAuthority !== undefined && 'pem' in certificateAuthority ? certificateAuthority.pem.replace(/\s+/g, '') : undefined;
}

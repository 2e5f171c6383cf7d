import { inOrder, type Edit } from '../../src/builder/edits/edit.ts';
import type { MeshBuilder } from '../../src/builder/mesh.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import { type ObjectStore, openStore } from '../../src/sandbox/store.ts';
import { firstMemory, type Memory, reconcile } from '../../src/sandbox/world/reconcile.ts';
import { type Change, watchStores, type WorldState } from '../../src/sandbox/world/state.ts';

/** Controllers over stores without servers, listeners or timers: a test moves the clock. */
export interface Stage {
  readonly stores: ReadonlyMap<string, ObjectStore>;
  readonly store: (cluster: string) => ObjectStore;
  state(): WorldState;
  memory(): Memory;
  /** Lets everybody work until nobody wants anything; tells what was written: `west put Pod shop/abc`. */
  settle(): string[];
  /** The clock goes on by so many seconds. */
  pass(seconds: number): void;
  /** Pods of a Deployment, by name. */
  pods(cluster: string, namespace: string, deployment: string): readonly KubeObject[];
}

export function stage(mesh: MeshBuilder, ...edits: readonly Edit[]): Stage {
  let now = Date.parse(mesh.takenAt);
  const clock = (): string => new Date(now).toISOString();
  const objects = inOrder(...edits)(mesh.objects());
  const stores = new Map([...objects].map(([name, list]) => [name, openStore(name, list, { clock })]));
  const look = watchStores(stores, clock);
  let memory = firstMemory(look());
  const store = (cluster: string): ObjectStore => {
    const found = stores.get(cluster);
    if (found === undefined) throw new Error(`no cluster ${cluster}`);
    return found;
  };
  return {
    stores,
    store,
    state: look,
    memory: () => memory,
    settle: () => {
      const written: string[] = [];
      for (let round = 0; round < 100; round++) {
        const next = reconcile(look(), memory);
        memory = next.memory;
        if (next.changes.length === 0) return written;
        for (const change of next.changes) {
          written.push(told(change));
          if ('put' in change) store(change.cluster).put(change.put);
          else store(change.cluster).remove(change.remove.kind, change.remove.namespace, change.remove.name);
        }
      }
      throw new Error(`no end:\n${written.slice(-20).join('\n')}`);
    },
    pass: (seconds) => {
      now += seconds * 1000;
    },
    pods: (cluster, namespace, deployment) =>
      store(cluster)
        .list('Pod')
        .filter(({ metadata }) => metadata.namespace === namespace && metadata.name.startsWith(`${deployment}-`)),
  };
}

function told(change: Change): string {
  const { kind, namespace, name } = 'put' in change ? { kind: change.put.kind, ...change.put.metadata } : change.remove;
  return `${change.cluster} ${'put' in change ? 'put' : 'remove'} ${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

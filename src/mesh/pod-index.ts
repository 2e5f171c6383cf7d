import { lazily } from '../base/lazily.ts';
import type { Pod } from '../model/facts.ts';

type ByNamespace = ReadonlyMap<string, ReadonlyMap<string, Pod>>;

interface PodIndex {
  readonly byName: () => ByNamespace;
  readonly byAddress: () => ByNamespace;
}

/** Every istiod of a mesh, and every name that is asked about, looks into the same lists. */
const podIndexes = new WeakMap<readonly Pod[], PodIndex>();

/** The pods of a list by namespace, and there by name, or by address those that have not ended; made once for each list. */
export function podIndex(pods: readonly Pod[]): PodIndex {
  const before = podIndexes.get(pods);
  if (before !== undefined) return before;
  const index = { byName: lazily(() => podsByName(pods)), byAddress: lazily(() => podsByAddress(pods)) };
  podIndexes.set(pods, index);
  return index;
}

function podsByName(pods: readonly Pod[]): ByNamespace {
  const byName = new Map<string, Map<string, Pod>>();
  for (const pod of pods) ofNamespace(byName, pod.namespace).set(pod.name, pod);
  return byName;
}

function podsByAddress(pods: readonly Pod[]): ByNamespace {
  const byAddress = new Map<string, Map<string, Pod>>();
  for (const pod of pods) {
    if (pod.phase === 'Succeeded' || pod.phase === 'Failed') continue;
    const own = ofNamespace(byAddress, pod.namespace);
    for (const ip of pod.ips) if (!own.has(ip)) own.set(ip, pod);
  }
  return byAddress;
}

function ofNamespace(index: Map<string, Map<string, Pod>>, namespace: string): Map<string, Pod> {
  const before = index.get(namespace);
  if (before !== undefined) return before;
  const made = new Map<string, Pod>();
  index.set(namespace, made);
  return made;
}

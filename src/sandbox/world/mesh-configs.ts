import { parse } from 'yaml';
import { at, textAt } from '../../builder/edits/json.ts';
import { listOf } from '../../mesh/topology.ts';
import type { MeshConfig } from '../../model/facts.ts';
import type { IstiodProcess } from './istiods.ts';
import type { WorldState } from './state.ts';

/** A mesh config as a ConfigMap holds it. */
export interface WrittenMeshConfig {
  readonly config: MeshConfig;
  /** Key `mesh`. */
  readonly yaml: string;
}

/** The ConfigMap of its revision: beside the process first, then where its configuration is. */
export function offeredTo(
  { cluster, config: configCluster, controlPlane }: Pick<IstiodProcess, 'cluster' | 'config' | 'controlPlane'>,
  state: WorldState,
): WrittenMeshConfig | undefined {
  for (const place of [cluster, configCluster]) {
    const there = state.clusters.get(place);
    const found = (there === undefined ? [] : listOf(there.facts.meshConfigs)).find(
      (config) => config.namespace === controlPlane.namespace && config.revision === controlPlane.revision,
    );
    if (there === undefined || found === undefined) continue;
    return { config: found, yaml: textAt(there.objects.get('ConfigMap', found.namespace, found.ref.name), 'data', 'mesh') ?? '' };
  }
  return undefined;
}

/** Settings that are one of some words; any other is an error of protobuf's, and the whole is left as it was (pkg/config/mesh, ApplyMeshConfig). */
const words: readonly (readonly [path: readonly string[], right: readonly string[]])[] = [
  [
    ['outboundTrafficPolicy', 'mode'],
    ['REGISTRY_ONLY', 'ALLOW_ANY'],
  ],
  [
    ['inboundTrafficPolicy', 'mode'],
    ['PASSTHROUGH', 'LOCALHOST'],
  ],
  [['accessLogEncoding'], ['TEXT', 'JSON']],
  [['h2UpgradePolicy'], ['DO_NOT_UPGRADE', 'UPGRADE']],
  [['ingressControllerMode'], ['UNSPECIFIED', 'OFF', 'DEFAULT', 'STRICT']],
];

/** Facts stay the same as long as the objects do. */
const known = new WeakMap<MeshConfig, boolean>();

/** Whether istiod reads this as a whole. Where it does not, its log says so, and it goes on with what it had. */
export function isTaken({ config, yaml }: WrittenMeshConfig): boolean {
  const found = known.get(config) ?? isReadable(yaml);
  known.set(config, found);
  return found;
}

function isReadable(yaml: string): boolean {
  try {
    const value: unknown = parse(yaml);
    return words.every(([path, right]) => {
      const word = at(value, ...path);
      return typeof word !== 'string' || right.includes(word);
    });
  } catch {
    return false;
  }
}

import type { Remedy } from '../api/remedy.ts';
import type { KubeObject } from '../model/kube.ts';
import { applyMergePatch, isRecord } from '../model/merge-patch.ts';
import { applyStrategicPatch } from '../model/strategic-patch.ts';

/**
 * The object of a remedy after somebody did what it says: nothing when it is deleted. `object`: as it is; absent when there is none.
 * @throws Error when it cannot be done, or is no change of one object
 */
export function applied(object: KubeObject | undefined, { action, patch, isStrategic, command }: Remedy): KubeObject | undefined {
  if (action === 'delete') return undefined;
  if (action === 'apply') return kubeObject(patch, command);
  if (patch === undefined) throw new Error(`It is no patch: ${command.join('; ')}`);
  if (object === undefined) throw new Error(`There is no object to patch: ${command.join('; ')}`);
  const patched = isStrategic === true ? applyStrategicPatch(object, patch) : applyMergePatch(object, patch);
  return kubeObject(action === 'scale' ? settled(patched) : patched, command);
}

/** A workload that was scaled has its pods a moment later. */
function settled(object: unknown): unknown {
  if (!isRecord(object) || !isRecord(object['spec'])) return object;
  const replicas = object['spec']['replicas'] ?? 0;
  return applyMergePatch(object, { status: { replicas, readyReplicas: replicas, availableReplicas: replicas, conditions: null } });
}

function kubeObject(value: unknown, command: readonly string[]): KubeObject {
  if (!isKubeObject(value)) throw new Error(`It makes no object: ${command.join('; ')}`);
  return value;
}

export function isKubeObject(value: unknown): value is KubeObject {
  return isRecord(value) && typeof value['apiVersion'] === 'string' && typeof value['kind'] === 'string' && isRecord(value['metadata']);
}

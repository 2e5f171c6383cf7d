import type { Json } from '../model/kube.ts';

/** What `kubectl rollout restart` writes. */
export function restartPatch(now: string): Json {
  return { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': now } } } } };
}

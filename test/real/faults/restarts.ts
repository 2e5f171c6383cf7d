import type { Lab } from '../lab/lab.ts';

/** Restarts deployments and waits until their pods are new. */
export async function restarted(lab: Lab, context: string, namespace: string, deployments: readonly string[]): Promise<void> {
  const names = deployments.map((name) => `deployment/${name}`);
  await lab.kubectl(context, ['rollout', 'restart', '-n', namespace, ...names]);
  await Promise.all(names.map(async (name) => await lab.kubectl(context, ['rollout', 'status', '-n', namespace, name, '--timeout=110s'])));
}

/** Everything that is injected in namespace sample of a mesh without revision. */
export async function restartWorkloads(lab: Lab, context: string): Promise<void> {
  await restarted(lab, context, 'sample', [context === 'cluster1' ? 'abc' : 'def', 'client']);
}

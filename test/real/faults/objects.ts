import type { Lab } from '../lab/lab.ts';

/*
 * Objects that faults add to the namespace of the workloads, and take away again.
 */

export const sample = 'sample';

/** An object of Istio's networking. */
export function networking(kind: string, name: string, spec: unknown, namespace = sample): Record<string, unknown> {
  return { apiVersion: 'networking.istio.io/v1', kind, metadata: { name, namespace }, spec };
}

/** A Service; every workload of the lab serves on port 5000. */
export function service(name: string, spec: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: sample },
    spec: { ports: [{ name: 'tcp', port: 5000, targetPort: 5000 }], ...spec },
  };
}

export async function gone(lab: Lab, contexts: readonly string[], kind: string, name: string, namespace = sample): Promise<void> {
  for (const context of contexts) await lab.kubectl(context, ['delete', kind, name, '-n', namespace, '--ignore-not-found']);
}

import { deepFreeze } from '../base/freeze.ts';
import type { KubeObject, MeshObjects } from '../model/kube.ts';
import { namespaceIn, serviceIn } from './applications.ts';
import { withManagedFields } from './managed-fields.ts';
import type { Site } from './plan.ts';
import { type BuiltCluster, multiPrimary, primaryRemote } from './presets.ts';

export interface LargeMeshOptions {
  /** How many; two unless given. */
  readonly clusters?: number;
  /** Services and pods of the whole mesh, beside those of Istio. Every cluster has the same names. */
  readonly services: number;
  readonly pods: number;
  readonly topology?: 'primary-remote' | 'multi-primary';
  /** With `managedFields`, as an API server answers unless it is asked not to. */
  readonly managedFields?: boolean;
}

const servicesPerNamespace = 25;

/** A healthy mesh of any size, for measurements. The same options always give the same mesh. */
export function largeMesh(options: LargeMeshOptions): MeshObjects {
  const names = Array.from({ length: Math.max(2, options.clusters ?? 2) }, (_, index) => `cluster${index + 1}`);
  const [first = 'cluster1', ...others] = names;
  const clusters =
    options.topology === 'primary-remote' ? primaryRemote(1, first, others, { revision: '1-31-0' }) : multiPrimary(1, names, {});
  const perCluster = { services: Math.ceil(options.services / names.length), pods: Math.ceil(options.pods / names.length) };
  const finish = options.managedFields === true ? withManagedFields : (object: KubeObject) => object;
  return deepFreeze(new Map(clusters.map((cluster) => [cluster.site.cluster.name, filled(cluster, perCluster).map(finish)])));
}

function filled({ site, objects }: BuiltCluster, { services, pods }: { readonly services: number; readonly pods: number }): KubeObject[] {
  const namespaces = Array.from({ length: Math.ceil(services / servicesPerNamespace) }, (_, index) => `team-${pad(index + 1, 3)}`);
  const result = [...objects, ...namespaces.flatMap((name) => namespaceIn(site, name, { injected: true }))];
  // All that decides about injection: with it, adding a service does not look at those before it.
  const deciding = result.filter((object) => object.kind === 'Namespace' || object.kind === 'MutatingWebhookConfiguration');
  let current: Site = site;
  for (let index = 0; index < services; index++) {
    const namespace = namespaces[Math.floor(index / servicesPerNamespace)] ?? 'team-001';
    const replicas = Math.floor(((index + 1) * pods) / services) - Math.floor((index * pods) / services);
    const made = serviceIn(current, deciding, namespace, `service-${pad(index + 1, 5)}`, {
      port: 8080,
      replicas,
      labels: { version: 'v1', team: namespace },
    });
    result.push(...made.objects);
    current = { ...current, addressesUsed: made.addressesUsed };
  }
  return result;
}

function pad(number: number, width: number): string {
  return String(number).padStart(width, '0');
}

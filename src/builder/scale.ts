import type { KubeObject } from '../model/kube.ts';
import { type Built, namespaceIn, serviceIn } from './applications.ts';
import type { Site } from './plan.ts';

/** How much to put into one cluster. */
export interface Load {
  readonly services: number;
  readonly pods: number;
}

const servicesPerNamespace = 25;

/** Namespaces `team-001` and so on, full of services whose pods are injected. The same names in every cluster. */
export function loadIn(site: Site, existing: readonly KubeObject[], { services, pods }: Load): Built {
  const namespaces = Array.from({ length: Math.ceil(services / servicesPerNamespace) }, (_, index) => `team-${pad(index + 1, 3)}`);
  const made = namespaces.flatMap((name) => namespaceIn(site, name, { injected: true }));
  // All that decides about injection: with it, adding a service does not look at those before it.
  const deciding = [...existing, ...made].filter((object) => object.kind === 'Namespace' || object.kind === 'MutatingWebhookConfiguration');
  let current: Site = site;
  for (let index = 0; index < services; index++) {
    const namespace = namespaces[Math.floor(index / servicesPerNamespace)] ?? 'team-001';
    const replicas = Math.floor(((index + 1) * pods) / services) - Math.floor((index * pods) / services);
    const labels = { version: 'v1', team: namespace };
    const added = serviceIn(current, deciding, namespace, `service-${pad(index + 1, 5)}`, { port: 8080, replicas, labels });
    made.push(...added.objects);
    current = { ...current, addressesUsed: added.addressesUsed };
  }
  return { objects: made, addressesUsed: current.addressesUsed };
}

function pad(number: number, width: number): string {
  return String(number).padStart(width, '0');
}

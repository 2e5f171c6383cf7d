import { shellWord } from '../base/text.ts';
import type { ControlPlane, Entity, FactName, FactTypes, Namespace, Service } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import { externalAddresses } from '../mesh/pilot-address.ts';
import { labels, ports } from '../istio/labels.ts';
import { kubectl } from './commands.ts';
import type { Look, Plan, Site, World, Written } from './types.ts';

/** A list of a cluster, or why it is not known. An API that is not served has no objects. */
export type Listed<T> = { readonly items: T } | { readonly because: string };

type ListFact = { [K in FactName]: FactTypes[K] extends readonly unknown[] ? K : never }[FactName];

export function listed<K extends ListFact>({ facts }: World, cluster: ClusterName, name: K): Listed<FactTypes[K] | readonly []> {
  const fact = facts.get(cluster)?.[name];
  if (fact === undefined) return { because: `${cluster} was not read` };
  switch (fact.status) {
    case 'collected':
      return { items: fact.value };
    case 'absent':
      return { items: [] };
    case 'forbidden':
      return { because: `${fact.verb} of ${fact.resource} in ${cluster} is forbidden` };
    case 'failed':
      return { because: `${cluster}: ${fact.reason}` };
    case 'not-asked':
      return { because: `${name} of ${cluster} was not asked for: ${fact.because}` };
    default:
      return fact satisfies never;
  }
}

/** A look at one list of a cluster; what cannot be listed is unknown. */
export function lookAt<K extends ListFact>(
  world: World,
  cluster: ClusterName,
  name: K,
  look: (items: FactTypes[K] | readonly []) => Look,
): Look {
  const list = listed(world, cluster, name);
  return 'because' in list ? { state: 'unknown', because: list.because } : look(list.items);
}

export function itemsOf<K extends ListFact>(world: World, cluster: ClusterName, name: K): FactTypes[K] | readonly [] {
  const list = listed(world, cluster, name);
  return 'items' in list ? list.items : [];
}

/** Controllers that write into what others made. */
const afterwards = /^(unknown|kubelet|pilot-discovery|(kube|cloud)-controller-manager|.*-cloud-provider)$/;

/** Who made an object, or wrote one field of it where managedFields say so; the time alone where only controllers are known. */
export function writerOf({ ref, managers, createdAt }: Entity, field?: string): Written {
  const own = field === undefined ? undefined : managers.find(({ fields }) => fields.includes(field));
  if (own !== undefined) return { ref, manager: own.manager, ...(own.time === undefined ? {} : { time: own.time }) };
  const maker = managers.findLast(({ manager }) => !afterwards.test(manager));
  const time = maker?.time ?? createdAt;
  return { ref, ...(maker === undefined ? {} : { manager: maker.manager }), ...(time === undefined ? {} : { time }) };
}

export function systemNamespace(namespaces: readonly Namespace[], plan: Plan): Namespace | undefined {
  return namespaces.find(({ name }) => name === plan.namespace);
}

/** What makes the system namespace where there is none. */
export function namespaceFirst(world: World, cluster: ClusterName, plan: Plan): readonly string[] {
  return systemNamespace(itemsOf(world, cluster, 'namespaces'), plan) === undefined
    ? [`${kubectl(cluster)} create namespace ${shellWord(plan.namespace)}`]
    : [];
}

/** The istiod that the plan is about. */
export function istiodOf(controlPlanes: readonly ControlPlane[], plan: Plan): ControlPlane | undefined {
  return controlPlanes.find(({ namespace, revision }) => namespace === plan.namespace && revision === plan.revision);
}

/** Services of a cluster that lead other clusters in: by the port between networks, or by istiod's where there is one network. */
export function eastWestServices(services: readonly Service[], { network }: Site): readonly Service[] {
  return services.filter(
    (service) =>
      service.labels['app'] !== 'istiod' &&
      (service.labels[labels.network] === network ||
        service.ports.some(({ port }) => port === ports.crossNetwork || port === ports.discovery)) &&
      (service.type === 'LoadBalancer' || service.type === 'NodePort' || service.externalIPs.length > 0),
  );
}

/** Where remotes find the istiod of a primary: the first address of its gateway. */
export function pilotAddressOf(world: World, primary: Site): string | undefined {
  const services = eastWestServices(itemsOf(world, primary.cluster, 'services'), primary);
  const meant = services.filter(({ ports: own }) => own.some(({ port }) => port === ports.discovery));
  return meant.flatMap((service) => externalAddresses(service, itemsOf(world, primary.cluster, 'nodes'))).at(0);
}

/** Clusters are on more than one network, so that traffic between them goes through gateways. */
export function isMultiNetwork({ primaries, remotes }: Plan): boolean {
  return new Set([...primaries, ...remotes].map(({ network }) => network)).size > 1;
}

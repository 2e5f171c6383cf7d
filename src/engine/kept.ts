import type { Remedy } from '../api/remedy.ts';
import type { ClusterFacts, Entity, FactName } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { ObjectRef } from '../model/refs.ts';
import { keeperOf, type Keeper, spelledKeeper } from '../mesh/keepers.ts';

/** Where the objects of a kind are among the facts; kinds that nobody keeps in Git are left out. */
const listsOf: Readonly<Record<string, readonly FactName[]>> = {
  ClusterRole: ['clusterRoles'],
  ClusterRoleBinding: ['clusterRoleBindings'],
  ConfigMap: ['meshConfigs', 'injectorValues', 'rootConfigMaps'],
  CustomResourceDefinition: ['customResources'],
  DaemonSet: ['workloads'],
  Deployment: ['controlPlanes', 'workloads'],
  EndpointSlice: ['endpointSlices'],
  Endpoints: ['endpoints'],
  Gateway: ['gateways', 'kubeGateways'],
  MutatingWebhookConfiguration: ['injectors'],
  Namespace: ['namespaces'],
  Secret: ['remoteSecrets', 'caSecrets', 'serviceAccountTokens'],
  Service: ['services'],
  ServiceAccount: ['serviceAccounts'],
  ValidatingWebhookConfiguration: ['validators'],
  VirtualService: ['virtualServices'],
};

/** What shows how Istio itself was installed into a cluster. */
const installed: readonly FactName[] = ['controlPlanes', 'injectors'];

/**
 * Remedies that say where else the change has to be made: an object that a GitOps controller keeps is changed in Git, or the controller
 * undoes the change. What nobody keeps is left as it is, and so is a restart, which no repository knows.
 */
export function withKeepers(remedies: readonly Remedy[], facts: ReadonlyMap<ClusterName, ClusterFacts>): readonly Remedy[] {
  return remedies.map((remedy) => {
    const note = noteOf(remedy, facts.get(remedy.cluster));
    return note === undefined ? remedy : { ...remedy, note: `${remedy.note}; ${note}` };
  });
}

function noteOf({ action, ref }: Remedy, facts: ClusterFacts | undefined): string | undefined {
  if (facts === undefined || action === 'restart') return undefined;
  if (action === 'installer') {
    const keeper = first(installed.flatMap((fact) => entitiesOf(facts, fact)));
    return keeper === undefined ? undefined : `${spelledKeeper(keeper)} installs Istio there: change its values in Git instead`;
  }
  if (ref === undefined) return undefined;
  const keeper = first((listsOf[ref.kind] ?? ['istioResources']).flatMap((fact) => entitiesOf(facts, fact)).filter(isAt(ref)));
  if (keeper === undefined) return undefined;
  return `${spelledKeeper(keeper)} keeps this object: ${action === 'delete' ? 'delete' : 'change'} it in Git, or it comes back`;
}

function first(entities: readonly Entity[]): Keeper | undefined {
  for (const entity of entities) {
    const keeper = keeperOf(entity);
    if (keeper !== undefined) return keeper;
  }
  return undefined;
}

function isAt({ kind, namespace, name }: ObjectRef): (entity: Entity) => boolean {
  return ({ ref }) => ref.name === name && ref.namespace === namespace && ref.kind === kind;
}

function entitiesOf(facts: ClusterFacts, name: FactName): readonly Entity[] {
  const fact = facts[name];
  if (fact.status !== 'collected' || !Array.isArray(fact.value)) return [];
  const items: readonly unknown[] = fact.value;
  return items.filter(isEntity);
}

function isEntity(value: unknown): value is Entity {
  return typeof value === 'object' && value !== null && 'ref' in value && 'managers' in value;
}

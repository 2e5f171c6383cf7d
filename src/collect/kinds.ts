import type { Fields } from '../model/decode.ts';
import { clusterRoleBindings, clusterRoles, customResourceDefinitions, namespaces, nodes, serviceAccounts } from './cluster-objects.ts';
import { configMaps } from './configmaps.ts';
import { istioGateways, istioKinds, virtualServices } from './istio-resources.ts';
import type { KindCollector } from './kind.ts';
import { kubeGateways } from './kube-gateways.ts';
import { networkPolicies } from './network-policies.ts';
import { pods } from './pods.ts';
import { secrets } from './secrets.ts';
import { endpoints, endpointSlices, services } from './services.ts';
import { mutatingWebhooks, validatingWebhooks } from './webhooks.ts';
import { daemonSets, deployments } from './workloads.ts';

/** Every kind that is read. */
export const kinds: readonly KindCollector[] = [
  namespaces,
  nodes,
  pods,
  services,
  endpoints,
  endpointSlices,
  configMaps,
  secrets,
  serviceAccounts,
  deployments,
  daemonSets,
  mutatingWebhooks,
  validatingWebhooks,
  clusterRoles,
  clusterRoleBindings,
  customResourceDefinitions,
  istioGateways,
  virtualServices,
  ...istioKinds,
  kubeGateways,
  networkPolicies,
];

const byType: ReadonlyMap<string, KindCollector> = new Map(kinds.map((kind) => [`${kind.group}/${kind.kind}`, kind]));

/** The collector for an object by its apiVersion and kind, whatever the version; nothing for kinds nobody reads. */
export function kindOf(object: Fields): KindCollector | undefined {
  const { apiVersion, kind } = object;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined;
  const slash = apiVersion.indexOf('/');
  return byType.get(`${slash < 0 ? '' : apiVersion.slice(0, slash)}/${kind}`);
}

import { labels } from '../../istio/labels.ts';
import { shellWord } from '../../base/text.ts';
import { kubectl } from '../commands.ts';
import { isMultiNetwork, lookAt, namespaceFirst, systemNamespace, writerOf } from '../looking.ts';
import type { Place, Plan, Step } from '../types.ts';

/** Which network a cluster is on: proxies and istiod take it from the system namespace. */
export function networkLabel(of: (plan: Plan) => Plan['primaries']): Step {
  return {
    id: 'network-label',
    title: (_place: Place, plan) => `Network label on namespace ${plan.namespace}`,
    checks: ['missing-network-label', 'shared-network', 'divergent-mesh-networks', 'mismatched-network-view', 'overwritten-pod-networks'],
    tooLate: ['stale-proxy-network'],
    places: (plan) => (isMultiNetwork(plan) ? of(plan).map((site) => ({ site })) : []),
    look: (world, { site }, plan) =>
      lookAt(world, site.cluster, 'namespaces', (namespaces) => {
        const namespace = systemNamespace(namespaces, plan);
        if (namespace === undefined) return { state: 'missing', what: `no namespace ${plan.namespace}` };
        const network = namespace.labels[labels.network];
        if (network === undefined || network === '')
          return { state: 'missing', what: `namespace ${plan.namespace} has no ${labels.network}` };
        const by = writerOf(namespace, `.metadata.labels[${JSON.stringify(labels.network)}]`);
        return network === site.network
          ? { state: 'there', what: `${labels.network}=${network}`, by }
          : { state: 'other', what: `${labels.network} is ${network}, not ${site.network}`, by };
      }),
    doing: (world, { site }, plan) => ({
      commands: [
        ...namespaceFirst(world, site.cluster, plan),
        `${kubectl(site.cluster)} label namespace ${shellWord(plan.namespace)} ${shellWord(`${labels.network}=${site.network}`)} --overwrite`,
      ],
    }),
  };
}

import { shellWord } from '../../base/text.ts';
import { annotations } from '../../istio/labels.ts';
import { kubectl } from '../commands.ts';
import { lookAt, namespaceFirst, systemNamespace, writerOf } from '../looking.ts';
import type { Step } from '../types.ts';

/** Which istiod manages a remote. istiod reads it once, when it first sees the cluster: it has to be there before the remote secret. */
export const controlPlaneClusters: Step = {
  id: 'control-plane-clusters',
  title: (_place, { primaries }) => `Annotation controlPlaneClusters: ${primaries.map(({ clusterId }) => clusterId).join(',')}`,
  checks: ['unmatched-control-plane-clusters'],
  tooLate: ['unled-remote'],
  places: ({ topology, remotes }) => (topology === 'primary-remote' ? remotes.map((site) => ({ site })) : []),
  look: (world, { site }, plan) =>
    lookAt(world, site.cluster, 'namespaces', (namespaces) => {
      const namespace = systemNamespace(namespaces, plan);
      const value = namespace?.annotations[annotations.controlPlaneClusters];
      if (namespace === undefined || value === undefined || value === '')
        return { state: 'missing', what: `namespace ${plan.namespace} has no annotation ${annotations.controlPlaneClusters}` };
      return {
        state: 'there',
        what: `${annotations.controlPlaneClusters}=${value}`,
        by: writerOf(namespace, `.metadata.annotations[${JSON.stringify(annotations.controlPlaneClusters)}]`),
      };
    }),
  doing: (world, { site }, plan) => {
    const value = plan.primaries.map(({ clusterId }) => clusterId).join(',');
    return {
      commands: [
        ...namespaceFirst(world, site.cluster, plan),
        `${kubectl(site.cluster)} annotate namespace ${shellWord(plan.namespace)} ${shellWord(`${annotations.controlPlaneClusters}=${value}`)} --overwrite`,
      ],
      note: 'istiod reads it once, when it first sees the cluster: before the remote secret, or istiod has to be restarted',
    };
  },
};

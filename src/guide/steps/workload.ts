import { lookAt, writerOf } from '../looking.ts';
import { sampleService } from '../sample.ts';
import type { Step } from '../types.ts';

/** Somebody who calls, and something to call: without a pod with a sidecar nothing shows that the mesh works. */
export const workload: Step = {
  id: 'workload',
  title: () => 'A workload with a sidecar',
  checks: [
    'contradicting-injection-labels',
    'mismatched-proxy-version',
    'uninjected-endpoints',
    'unmeshed-namespace',
    'undiscovered-namespace',
  ],
  tooLate: ['stale-dns-capture'],
  places: ({ primaries, remotes }) => [...primaries, ...remotes].map((site) => ({ site })),
  look: (world, { site }) =>
    lookAt(world, site.cluster, 'pods', (pods) => {
      const sidecars = pods.filter(({ proxy, phase }) => proxy?.kind === 'sidecar' && phase !== 'Succeeded' && phase !== 'Failed');
      const [first] = sidecars;
      if (first === undefined) return { state: 'missing', what: 'no pod with a sidecar' };
      const ready = sidecars.find((pod) => pod.ready);
      if (ready === undefined)
        return { state: 'other', what: `pod ${first.namespace}/${first.name} is not ready yet`, by: writerOf(first) };
      return {
        state: 'there',
        what: `pod ${ready.namespace}/${ready.name}${sidecars.length > 1 ? ` and ${sidecars.length - 1} more` : ''}`,
      };
    }),
  doing: (_world, { site }, plan) => ({
    commands: [sampleService(plan, site)],
    note: 'or label the namespace of a service of your own for injection, and restart its pods',
  }),
};

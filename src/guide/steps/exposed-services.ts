import { crossNetworkSpec } from '../../istio/samples.ts';
import { apply } from '../commands.ts';
import { isMultiNetwork, lookAt, writerOf } from '../looking.ts';
import type { Step } from '../types.ts';

/** Services behind the port between networks. istiod reads the Gateway where it reads configuration: in primaries, for the gateways of remotes too. */
export const exposedServices: Step = {
  id: 'exposed-services',
  title: () => 'Services exposed on the gateways',
  checks: [
    'unexposed-services',
    'missing-cross-network-port',
    'altered-cross-network-port',
    'terminated-cross-network-tls',
    'rejected-cross-network-call',
    'missing-endpoint-shard',
  ],
  places: (plan) => (isMultiNetwork(plan) ? plan.primaries.map((site) => ({ site })) : []),
  look: (world, { site }) =>
    lookAt(world, site.cluster, 'gateways', (gateways) => {
      const open = gateways.find(({ servers }) => servers.some(({ tlsMode }) => tlsMode === 'AUTO_PASSTHROUGH'));
      if (open === undefined) return { state: 'missing', what: 'no Gateway with tls mode AUTO_PASSTHROUGH' };
      return { state: 'there', what: `Gateway ${open.namespace}/${open.name}`, by: writerOf(open) };
    }),
  doing: (_world, { site }, { namespace }) => ({
    commands: [
      apply(site.cluster, [
        {
          apiVersion: 'networking.istio.io/v1',
          kind: 'Gateway',
          metadata: { name: 'cross-network-gateway', namespace },
          spec: crossNetworkSpec,
        },
      ]),
    ],
  }),
};
